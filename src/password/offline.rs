//! Common passwords, from a file.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, BufRead};

use zeroize::Zeroizing;

use super::breached::digest;
use super::{BreachedPasswords, Password};

/// The passwords that are tried first: a list that comes with the app, and needs no network.
///
/// It takes 8 bytes of memory for each, however long they are, and holds none of them. ASVS 6.2.4 asks
/// for the 3000 most common ones that the policy's length lets through; longer lists are
/// better.
///
/// A password is looked up in whatever case it is; by a list of hashes, as it is and in lower case.
///
/// ```
/// use donjon::password::{BreachedPasswords, OfflineList, Password};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // or `include_bytes!`, or a `BufReader` of a file
/// let list = OfflineList::of_passwords("qwertyuiop\niloveyou\n".as_bytes())?;
///
/// assert!(list.contains(&Password::from("QwertyUiop")).await?);
/// assert!(!list.contains(&Password::from("heron at dusk")).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OfflineList {
    /// The first 64 bits of each SHA-1, in order. That a good password has those of a bad one happens
    /// once in 10^12, with a list of ten million.
    digests: Box<[u64]>,
}

impl OfflineList {
    /// A list of passwords, one in each line. At most ten million; further ones are an error.
    pub fn of_passwords(reader: impl BufRead) -> io::Result<Self> {
        Self::read(reader, |line| {
            let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
            let lower = std::str::from_utf8(line).map(lower);
            Ok(short(&digest(lower.as_ref().map_or(line, String::as_bytes))))
        })
    }

    /// A list of SHA-1 hashes in hexadecimal digits, one in each line, as Pwned Passwords gives them
    /// out: what follows on a `:` is ignored. At most ten million.
    pub fn of_sha1(reader: impl BufRead) -> io::Result<Self> {
        Self::read(reader, |line| {
            let hash = line.get(..40).filter(|_| matches!(line.get(40), None | Some(b':')));
            let digits = hash.and_then(|hash| std::str::from_utf8(hash).ok());
            let is_hex = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            digits
                .filter(is_hex)
                .and_then(|digits| u64::from_str_radix(&digits[..16], 16).ok())
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a line is no SHA-1"))
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn holds(&self, password: &Password) -> bool {
        let holds = |bytes: &[u8]| self.digests.binary_search(&short(&digest(bytes))).is_ok();
        // With room for all, so that it does not grow and leave a copy behind.
        let mut lower = Zeroizing::new(String::with_capacity(3 * password.bytes().len()));
        lower.extend(password.text().unwrap_or_default().chars().flat_map(char::to_lowercase));
        holds(password.bytes()) || holds(lower.as_bytes())
    }

    fn read(
        mut reader: impl BufRead,
        parse: impl Fn(&[u8]) -> io::Result<u64>,
    ) -> io::Result<Self> {
        let (mut digests, mut line) = (Vec::new(), Vec::new());
        loop {
            line.clear();
            let longest = MAX_LINE + 1;
            let read = io::Read::take(&mut reader, longest).read_until(b'\n', &mut line)? as u64;
            if read == 0 {
                break;
            }
            if read == longest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            if digests.len() == MAX_ENTRIES {
                return Err(io::Error::other("there are more than ten million passwords"));
            }
            digests.push(parse(line)?);
        }
        digests.sort_unstable();
        digests.dedup();
        Ok(Self { digests: digests.into() })
    }
}

impl BreachedPasswords for OfflineList {
    type Error = Infallible;

    async fn contains(&self, password: &Password) -> Result<bool, Infallible> {
        Ok(self.holds(password))
    }
}

impl fmt::Debug for OfflineList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfflineList").field("len", &self.len()).finish_non_exhaustive()
    }
}

fn short(digest: &[u8; 20]) -> u64 {
    let (first, _) = digest.split_at(8);
    first.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

const MAX_ENTRIES: usize = 10_000_000;
const MAX_LINE: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_found_in_any_case_and_nothing_else_is() {
        let list = "password\r\nQwErTy\n\nh\u{c9}ron\nwith space \n\u{1f99a}";
        let list = OfflineList::of_passwords(list.as_bytes()).unwrap();
        assert_eq!(list.len(), 5);
        for (password, is_held) in [
            ("password", true),
            ("PASSWORD", true),
            ("qwerty", true),
            ("QwErTy", true),
            ("H\u{e9}RON", true),
            ("with space ", true),
            ("with space", false),
            ("\u{1f99a}", true),
            ("password\r", false),
            ("", false),
            ("passwor", false),
        ] {
            assert_eq!(list.holds(&password.into()), is_held, "{password:?}");
        }
        assert!(!list.holds(&Password::from(&[0xff][..])));
        assert_eq!(format!("{list:?}"), "OfflineList { len: 5, .. }");
        assert!(OfflineList::of_passwords(&b""[..]).unwrap().is_empty());
    }

    #[test]
    fn a_list_of_hashes_is_read_as_it_is_given_out() {
        // password, iloveyou
        let list = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\n\
                    ee8d8728f435fd550f83852aabab5234ce1da528\n";
        let list = OfflineList::of_sha1(list.as_bytes()).unwrap();
        assert_eq!(list.len(), 2);
        assert!(list.holds(&"password".into()) && list.holds(&"ILOVEYOU".into()));
        assert!(!list.holds(&"brown heron".into()));

        for wrong in [
            "password",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8A",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FDG",
            "+BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
        ] {
            let error = OfflineList::of_sha1(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{wrong}");
        }
    }

    #[test]
    fn a_file_that_is_no_list_does_not_fill_the_memory() {
        let endless = io::BufReader::new(io::repeat(b'a'));
        let error = OfflineList::of_passwords(endless).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
