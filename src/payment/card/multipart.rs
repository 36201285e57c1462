//! The parts of `multipart/form-data` by their names.

use memchr::{memchr, memchr2};

use super::fields::{Carry, Piece};
use super::name::{Names, Purpose, Verdict, Written};

/// Reads lines, and of those no more than the heads of parts have.
///
/// It does not know the boundary: a line that begins with `--` may be one. So a file in which the head of
/// a part stands letter for letter is taken for a form, and an exempt value ends before a line that begins
/// with a hyphen.
#[derive(Clone)]
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
        let (line, is_whole) = self.line.begin();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"--") {
            (self.in_head, self.exempt) = (true, false);
        } else if self.in_head && line.is_empty() {
            self.in_head = false;
        } else if self.in_head {
            let mut exempt = None;
            for (name, written) in names_of_part(line) {
                match names.verdict(name, written) {
                    Verdict::Refused(purpose) => return Some(purpose),
                    // Whichever of them somebody reads has to be exempt.
                    verdict => {
                        let is_exempt = verdict == Verdict::Exempt && written == Written::Plainly;
                        exempt = Some(is_exempt && exempt.unwrap_or(is_whole));
                    }
                }
            }
            self.exempt = exempt.unwrap_or(self.exempt);
        }
        None
    }
}

/// The names in `Content-Disposition: form-data; name="…"`, and in `name*=UTF-8''%63vv` of RFC 5987, which some
/// read: wherever they stand, as not all who read them know what is between quotes.
fn names_of_part(line: &[u8]) -> impl Iterator<Item = (&[u8], Written)> {
    let rest = line.split_at_checked(DISPOSITION.len());
    let rest = rest.filter(|(header, _)| header.eq_ignore_ascii_case(DISPOSITION));
    let rest = rest.map_or(&[][..], |(_, rest)| rest);
    let names = (0..rest.len()).filter_map(move |at| {
        let (before, rest) = rest.split_at(at);
        let (key, rest) = rest.split_at_checked(KEY.len())?;
        if !key.eq_ignore_ascii_case(KEY) || before.last().is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let (rest, written) = match rest.strip_prefix(b"*") {
            Some(rest) => (rest, Written::InAddress),
            None => (rest, Written::Plainly),
        };
        let value = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        Some(readings(value).into_iter().flatten().map(move |name| match written {
            // `UTF-8'en'` is before the name.
            Written::InAddress => {
                (name.rsplit(|byte| *byte == b'\'').next().unwrap_or(name), written)
            }
            _ => (name, written),
        }))
    });
    names.flatten()
}

/// A value, with quotes or without. A backslash before a quote is for some a part of the name, as browsers
/// write it, and for others it says that the quote is.
fn readings(value: &[u8]) -> [Option<&[u8]>; 2] {
    let Some(quoted) = value.strip_prefix(b"\"") else {
        return [Some(&value[..memchr(b';', value).unwrap_or(value.len())]), None];
    };
    let plain = &quoted[..memchr(b'"', quoted).unwrap_or(quoted.len())];
    let escaped = &quoted[..end_of_quoted(quoted)];
    [Some(plain), Some(escaped).filter(|escaped| escaped.len() != plain.len())]
}

/// Where the next quote is that has no backslash before it.
fn end_of_quoted(quoted: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = quoted.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if quoted[at] == b'"' {
            return at;
        }
        at += 2;
    }
    quoted.len()
}

const KEY: &[u8] = b"name";
const DISPOSITION: &[u8] = b"content-disposition:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_names_that_its_head_gives_it() {
        for (line, names) in [
            ("Content-Disposition: form-data; name=\"cvv\"", &["cvv"][..]),
            ("content-disposition:form-data;NAME=cvv;x=1", &["cvv"]),
            ("Content-Disposition: form-data; name = \"cvv\"", &["cvv"]),
            ("Content-Disposition: form-data; filename=\"a\"; name=\"b\"", &["b"]),
            ("Content-Disposition: form-data; filename=\"a\"", &[]),
            ("Content-Disposition: form-data; filename=\"; name=a\"; name=\"b\"", &["a\"", "b"]),
            ("Content-Disposition: form-data; a=b\"; name=\"c\"", &["c"]),
            ("Content-Disposition: form-data; name=\"a\\\"b\"; x=\"c\"", &["a\\", "a\\\"b"]),
            ("Content-Disposition: form-data; name=\"a\\", &["a\\"]),
            ("Content-Disposition: form-data; name*=UTF-8'en'cvv; name=a", &["cvv", "a"]),
            ("Content-Disposition: form-data; name; name*; name=", &[""]),
            ("Content-Type: text/plain; name=\"cvv\"", &[]),
            ("Content-Disp", &[]),
        ] {
            let read: Vec<_> = names_of_part(line.as_bytes()).map(|(name, _)| name).collect();
            let expected: Vec<_> = names.iter().map(|name| name.as_bytes()).collect();
            assert_eq!(read, expected, "{line}");
        }
    }
}
