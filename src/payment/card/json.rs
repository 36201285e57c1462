//! Keys of JSON, and the values of those that are exempt.

use memchr::{memchr2, memrchr};

use super::eight::quote;
use super::fields::{Piece, Tail};
use super::name::{Names, Verdict, Written};

/// Keys of JSON. Whatever stands between two quotes and before a colon is one, whether the quotes are
/// escaped or not: JSON is often inside of JSON, and a reader that keeps count of quotes can be put out
/// of step.
#[derive(Clone, Default)]
pub(super) struct Json {
    key: Tail,
    state: JsonState,
}

#[derive(Clone, Copy, Debug, Default)]
enum JsonState {
    /// Since the last quote.
    #[default]
    Since,
    /// After a quote that ends something.
    After,
    /// After the colon of an exempt field.
    Value,
    ExemptText {
        escaped: bool,
    },
    ExemptNumber,
}

impl Json {
    pub(super) fn next(&mut self, bytes: &[u8], names: &Names) -> Piece {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match self.state {
                JsonState::Since => {
                    let end = quote(rest);
                    if let Some(end) = end
                        && !names.may_end(&bytes[..at + end])
                    {
                        self.key.clear();
                        at += end + 1;
                        continue;
                    }
                    let mut name = &rest[..end.unwrap_or(rest.len())];
                    if let Some(begin) = memrchr(b'"', name) {
                        self.key.clear();
                        name = &name[begin + 1..];
                    }
                    let Some(end) = end else {
                        self.key.extend(name);
                        break;
                    };
                    at += end + 1;
                    match bytes.get(at) {
                        // The whole of it is here, and it does not matter.
                        Some(b':') if self.key.is_empty() && !names.may_matter(name) => {}
                        Some(b':' | b' ' | b'\t' | b'\n' | b'\r') | None => {
                            self.key.extend(name);
                            self.state = JsonState::After;
                        }
                        Some(_) => self.key.clear(),
                    }
                }
                JsonState::After => {
                    let first = rest.iter().position(|byte| !byte.is_ascii_whitespace());
                    let Some(first) = first else { break };
                    at += first;
                    self.state = JsonState::Since;
                    if rest[first] == b':' {
                        at += 1;
                        let key = self.key.get();
                        let verdict = names.verdict(key, Written::InJson);
                        // In JSON inside of JSON the value's end is another.
                        let is_escaped = key.ends_with(b"\\");
                        self.key.clear();
                        match verdict {
                            Verdict::Refused(purpose) => {
                                return Piece { refused: Some(purpose), ..Piece::plain(at) };
                            }
                            Verdict::Exempt if !is_escaped => self.state = JsonState::Value,
                            _ => {}
                        }
                    } else {
                        self.key.clear();
                    }
                }
                JsonState::Value => {
                    let first = rest.iter().position(|byte| !byte.is_ascii_whitespace());
                    let Some(first) = first else { break };
                    let (state, until) = match rest[first] {
                        b'"' => (JsonState::ExemptText { escaped: false }, first + 1),
                        b'-' | b'0'..=b'9' => (JsonState::ExemptNumber, first),
                        _ => (JsonState::Since, first),
                    };
                    self.state = state;
                    at += until;
                    if !matches!(state, JsonState::Since) {
                        return Piece::plain(at);
                    }
                }
                JsonState::ExemptText { escaped } => return self.exempt_text(rest, escaped),
                JsonState::ExemptNumber => {
                    let is_number =
                        |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                    let end = rest.iter().position(|byte| !is_number(byte));
                    if end.is_some() {
                        self.state = JsonState::Since;
                    }
                    return Piece::exempt(end.unwrap_or(rest.len()));
                }
            }
        }
        Piece::plain(bytes.len())
    }

    fn exempt_text(&mut self, rest: &[u8], escaped: bool) -> Piece {
        let mut at = usize::from(escaped);
        while let Some(found) = rest.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            at += found;
            if rest[at] == b'"' {
                self.state = JsonState::Since;
                return Piece::exempt(at);
            }
            at += 2;
        }
        self.state = JsonState::ExemptText { escaped: at > rest.len() };
        Piece::exempt(rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::Purpose;
    use super::*;

    #[test]
    fn a_name_is_read_wherever_it_stands_and_is_cut() {
        let names = Names::default();
        for filler in ["{", "x ", "\"a\":", "\" \"", "\"b\" , ", "\u{e9}\\", "\"c\"\0"] {
            for count in 0..40 {
                let long = format!("\"{}_cvv\":", "a".repeat(170));
                for key in [
                    &*long,
                    "\"cvv\":",
                    "\"cvv\" \n:",
                    "\\\"cvv\\\":",
                    "\"\\u0063vv\":",
                    "\"cv\\u0076\":",
                    "\"card\\u006eumber\":",
                    "\"cardn\\u006f\":",
                    "\"cvv\\u002f\\u002f\":",
                ] {
                    let text = [&filler.repeat(count), key, "\"\""].concat();
                    let key_ends = text.len() - 2;
                    for cut in 0..=text.len() {
                        let (mut json, mut at, mut refused) = (Json::default(), 0, None);
                        let (one, other) = text.as_bytes().split_at(cut);
                        for mut rest in [one, other] {
                            while !rest.is_empty() && refused.is_none() {
                                let piece = json.next(rest, &names);
                                at += piece.len;
                                rest = &rest[piece.len..];
                                refused = piece.refused;
                            }
                        }
                        let purpose = if key.contains("card") {
                            Purpose::CardNumber
                        } else {
                            Purpose::SecurityCode
                        };
                        assert_eq!(refused, Some(purpose), "{text} cut at {cut}");
                        assert_eq!(at, key_ends, "{text} cut at {cut}");
                    }
                }
            }
        }
    }
}
