//! Text from outside, made fit for logs and terminals.

/// At most so many bytes, cut between characters, and without what could forge a line in a log or
/// confuse a terminal. However long the text is, no more of it is read than is kept.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let harmless = text.chars().map(|char| if is_harmless(char) { char } else { '\u{fffd}' });
    let mut clean = String::with_capacity(text.len().min(max));
    for char in harmless {
        if clean.len() + char.len_utf8() > max {
            break;
        }
        clean.push(char);
    }
    clean
}

/// Neither a control character nor one that reorders or breaks what people read: bidirectional
/// controls and line separators.
pub(crate) fn is_harmless(char: char) -> bool {
    let reorders = matches!(
        char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !char.is_control() && !reorders
}

/// Whether a browser takes this for a place on the site it is on. At most 2048 bytes.
#[cfg(any(feature = "payment", feature = "roles"))]
pub(crate) fn is_local_path(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        !rest.starts_with('/')
            && path.len() <= 2048
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_short_harmless_and_whole_characters() {
        for (text, max, clean_text) in [
            ("plain", 128, "plain"),
            ("plain", 3, "pla"),
            ("\u{e9}\u{e9}", 3, "\u{e9}"),
            ("a\nb\u{1b}[31m", 128, "a\u{fffd}b\u{fffd}[31m"),
            ("a\n", 2, "a"),
            ("\u{202e}\u{2028}\u{7f}\u{85}", 128, "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            ("", 0, ""),
        ] {
            assert_eq!(clean(text, max), clean_text, "{text:?} {max}");
        }
    }
}
