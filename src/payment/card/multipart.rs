//! The parts of `multipart/form-data` by their names.

use memchr::memchr;

use super::fields::{Carry, Piece};
use super::name::{Names, Purpose, Verdict, Written};

/// Reads lines, and of those no more than the heads of parts have.
///
/// It does not know the boundary: a line that begins with `--` may be one. So a file in which the head of
/// a part stands letter for letter is taken for a form, and an exempt value ends before a line that begins
/// with a hyphen.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a trait of its own")]
pub(super) struct Multipart {
    line: Carry<256>,
    /// Whether the line that is under way is kept: where it may matter.
    keeps: bool,
    begins: bool,
    in_head: bool,
    /// Of the part whose head or value it is.
    exempt: bool,
}

impl Default for Multipart {
    fn default() -> Self {
        let line = Carry::default();
        Self { line, keeps: false, begins: true, in_head: true, exempt: false }
    }
}

impl Multipart {
    pub(super) fn next(&mut self, bytes: &[u8], names: &Names) -> Piece {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let in_value = self.exempt && !self.in_head;
            if self.begins {
                self.begins = false;
                self.line.clear();
                let first = rest[0];
                self.keeps = matches!(first, b'-') || self.in_head;
                if in_value && first == b'-' {
                    self.exempt = false;
                    if at > 0 {
                        return Piece::exempt(at);
                    }
                    continue;
                }
            }
            let end = memchr(b'\n', rest);
            let line = &rest[..end.unwrap_or(rest.len())];
            if self.keeps {
                self.line.extend(line);
            }
            at += line.len() + usize::from(end.is_some());
            if end.is_none() {
                break;
            }
            self.begins = true;
            if self.keeps {
                let was_in_value = in_value;
                let refused = self.end_line(names);
                if refused.is_some() {
                    return Piece { refused, ..Piece::plain(at) };
                }
                // What comes next is looked at in another way than what came before.
                if was_in_value != (self.exempt && !self.in_head) {
                    return Piece { len: at, exempt: was_in_value, refused: None };
                }
            }
        }
        Piece { len: bytes.len(), exempt: self.exempt && !self.in_head, refused: None }
    }

    fn end_line(&mut self, names: &Names) -> Option<Purpose> {
        let line = self.line.get()?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"--") {
            (self.in_head, self.exempt) = (true, false);
        } else if self.in_head && line.is_empty() {
            self.in_head = false;
        } else if self.in_head
            && let Some(name) = name_of_part(line, b"name=")
        {
            match names.verdict(name, Written::Plainly) {
                Verdict::Refused(purpose) => return Some(purpose),
                verdict => self.exempt = verdict == Verdict::Exempt,
            }
        }
        // `name*=UTF-8''%63vv`, of RFC 5987: some read it.
        if self.in_head
            && let Some(name) = name_of_part(line, b"name*=")
            && let Verdict::Refused(purpose) =
                names.verdict(name.rsplit(|byte| *byte == b'\'').next()?, Written::InAddress)
        {
            return Some(purpose);
        }
        None
    }
}

/// The name in `Content-Disposition: form-data; name="…"`.
fn name_of_part<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let (header, rest) = line.split_at_checked(DISPOSITION.len())?;
    if !header.eq_ignore_ascii_case(DISPOSITION) {
        return None;
    }
    // What stands between quotes is no name: `filename="a name=b"`.
    let (mut is_quoted, mut is_escaped) = (false, false);
    let begins = |at: &usize| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match rest[*at] {
            b'"' if !was_escaped => is_quoted = !is_quoted,
            b'\\' if is_quoted && !was_escaped => is_escaped = true,
            _ => {}
        }
        let before = rest[..*at].last();
        !is_quoted
            && rest[*at..].get(..key.len()).is_some_and(|name| name.eq_ignore_ascii_case(key))
            && !before.is_some_and(u8::is_ascii_alphanumeric)
    };
    let value = &rest[(0..rest.len()).find(begins)? + key.len()..];
    let (value, end) = match value.strip_prefix(b"\"") {
        Some(quoted) => (quoted, b'"'),
        None => (value, b';'),
    };
    Some(&value[..memchr(end, value).unwrap_or(value.len())])
}

const DISPOSITION: &[u8] = b"content-disposition:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_name_that_its_head_gives_it() {
        for (line, name) in [
            ("Content-Disposition: form-data; name=\"cvv\"", Some("cvv")),
            ("content-disposition:form-data;NAME=cvv;x=1", Some("cvv")),
            ("Content-Disposition: form-data; filename=\"a\"; name=\"b\"", Some("b")),
            ("Content-Disposition: form-data; filename=\"a\"", None),
            ("Content-Disposition: form-data; filename=\"; name=a\"; name=\"b\"", Some("b")),
            ("Content-Disposition: form-data; filename=\"\\\" name=a\"; name=\"b\"", Some("b")),
            ("Content-Type: text/plain; name=\"cvv\"", None),
        ] {
            assert_eq!(name_of_part(line.as_bytes(), b"name="), name.map(str::as_bytes), "{line}");
        }
    }
}
