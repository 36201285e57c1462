//! Passwords that attackers know.

use std::convert::Infallible;

use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::Password;

/// Knows which passwords are known to attackers.
///
/// [`OfflineList`](super::OfflineList) knows those of a file; [`PwnedPasswords`] asks a service that
/// knows a thousand million. Both can be asked, as a pair: the second only where the first knows
/// nothing.
pub trait BreachedPasswords: Sync {
    /// Why it cannot say. It is to hold nothing of the password.
    type Error: Send;

    /// Whether this is one of them.
    fn contains(
        &self,
        password: &Password,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;
}

/// No source at all, for those who ask elsewhere.
impl BreachedPasswords for () {
    type Error = Infallible;

    async fn contains(&self, _: &Password) -> Result<bool, Infallible> {
        Ok(false)
    }
}

impl<A: BreachedPasswords, B: BreachedPasswords<Error: From<A::Error>>> BreachedPasswords
    for (A, B)
{
    type Error = B::Error;

    async fn contains(&self, password: &Password) -> Result<bool, B::Error> {
        Ok(self.0.contains(password).await? || self.1.contains(password).await?)
    }
}

/// Asks [Pwned Passwords], without telling it the password: it gets 20 bits of a SHA-1, answers with
/// all that it knows of these, some hundreds, and the rest is compared here.
///
/// The request itself is yours, with your HTTP client: `GET
/// https://api.pwnedpasswords.com/range/21BD1` with the header `Add-Padding: true`, which hides from
/// whoever sees the answer's size which one it is. Anything but a status of 200 is an error; give it a
/// time-out.
///
/// ```
/// use donjon::password::{BreachedPasswords, Password, PwnedPasswords};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(Clone)]
/// # struct Client;
/// # impl Client {
/// #     async fn get(&self, url: &str) -> Result<String, std::io::Error> {
/// #         assert_eq!(url, "https://api.pwnedpasswords.com/range/5BAA6");
/// #         Ok("1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\n".to_owned())
/// #     }
/// # }
/// # let client = Client;
/// let pwned = PwnedPasswords::new(move |prefix| {
///     let client = client.clone();
///     async move { client.get(&format!("https://api.pwnedpasswords.com/range/{prefix}")).await }
/// });
///
/// assert!(pwned.contains(&Password::from("password")).await?);
/// # Ok(())
/// # }
/// ```
///
/// [Pwned Passwords]: https://haveibeenpwned.com/API/v3#PwnedPasswords
#[derive(Clone, Copy, Debug)]
pub struct PwnedPasswords<F> {
    fetch: F,
}

impl<F, Fut, E> PwnedPasswords<F>
where
    F: Fn(String) -> Fut + Sync,
    Fut: Future<Output = Result<String, E>> + Send,
    E: Send,
{
    /// With what gets the text of a range, by its prefix of five digits.
    pub const fn new(fetch: F) -> Self {
        Self { fetch }
    }
}

impl<F, Fut, E> BreachedPasswords for PwnedPasswords<F>
where
    F: Fn(String) -> Fut + Sync,
    Fut: Future<Output = Result<String, E>> + Send,
    E: Send,
{
    type Error = PwnedError<E>;

    async fn contains(&self, password: &Password) -> Result<bool, PwnedError<E>> {
        let range = PwnedRange::of(password);
        let answer = (self.fetch)(range.prefix().to_owned()).await.map_err(PwnedError::Fetch)?;
        range.count_in(&answer).map(|count| count > 0).ok_or(PwnedError::Answer)
    }
}

/// Why [`PwnedPasswords`] cannot say.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PwnedError<E> {
    /// There is no answer.
    #[error("the range of breached passwords cannot be fetched")]
    Fetch(#[source] E),
    /// The answer is no range, such as an error's page.
    #[error("what was fetched is no range of breached passwords")]
    Answer,
}

/// So that an [`OfflineList`](super::OfflineList) can be asked first.
impl<E> From<Infallible> for PwnedError<E> {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A password's place among the breached ones: the prefix to ask for, and what to find in the answer.
///
/// [`PwnedPasswords`] uses it; by itself it is for those who ask in their own way.
#[derive(Clone)]
pub struct PwnedRange(Zeroizing<[u8; 40]>);

impl PwnedRange {
    /// Where it would be.
    #[must_use]
    pub fn of(password: &Password) -> Self {
        let mut text = Zeroizing::new([0; 40]);
        for (digits, byte) in text.chunks_exact_mut(2).zip(*digest(password.bytes())) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// The five digits that are sent. A thousand passwords and more share them.
    #[must_use]
    pub fn prefix(&self) -> &str {
        std::str::from_utf8(&self.0[..PREFIX]).unwrap_or_default()
    }

    /// How often it was seen in breaches, by an answer of lines such as
    /// `1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365`. Those that are there for padding count 0. `None`
    /// if it is no such answer, or empty: a range never is.
    #[must_use]
    pub fn count_in(&self, answer: &str) -> Option<u64> {
        let (mut count, mut lines) = (0, 0);
        for line in answer.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (suffix, times) = line.split_once(':')?;
            let is_suffix =
                suffix.len() == 40 - PREFIX && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
            let times: u64 = times.trim().parse().ok().filter(|_| is_suffix)?;
            lines += 1;
            if suffix.as_bytes().eq_ignore_ascii_case(&self.0[PREFIX..]) {
                count = times;
            }
        }
        (lines > 0).then_some(count)
    }
}

impl std::fmt::Debug for PwnedRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PwnedRange").finish_non_exhaustive()
    }
}

/// SHA-1, by which these lists are kept. It is no secret's protection here.
pub(super) fn digest(bytes: &[u8]) -> Zeroizing<[u8; 20]> {
    Zeroizing::new(Sha1::digest(bytes).into())
}

const PREFIX: usize = 5;
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio_test::block_on;

    use super::*;

    /// SHA-1 of `password`: 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8.
    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const OTHER: &str = "0018A45C4D1DEF81644B54AB7F969B88D65";

    fn range() -> PwnedRange {
        PwnedRange::of(&"password".into())
    }

    #[test]
    fn twenty_bits_are_sent() {
        assert_eq!(range().prefix(), "5BAA6");
        assert_eq!(PwnedRange::of(&"".into()).prefix(), "DA39A");
        assert_eq!(PwnedRange::of(&Password::from(&[0xff, 0][..])).prefix().len(), 5);
    }

    #[test]
    fn an_answer_is_read_exactly_or_not_at_all() {
        let lower = SUFFIX.to_lowercase();
        for (answer, count) in [
            (format!("{OTHER}:2\r\n{SUFFIX}:9659365\r\n"), Some(9_659_365)),
            (format!("{SUFFIX}:1"), Some(1)),
            (format!("{lower}:3\n"), Some(3)),
            (format!("{OTHER}:2"), Some(0)),
            (format!("{OTHER}:2\r\n{SUFFIX}:0\r\n"), Some(0)), // padding
            (format!("\r\n{OTHER}:2\r\n\r\n"), Some(0)),
            (String::new(), None),
            ("\r\n\r\n".to_owned(), None),
            ("<!doctype html><title>502 Bad Gateway</title>".to_owned(), None),
            ("{\"error\": \"rate limit\"}".to_owned(), None),
            (format!("{OTHER}:2\n<html>"), None),
            (format!("{SUFFIX}\n"), None),
            (format!("{SUFFIX}:\n"), None),
            (format!("{SUFFIX}:-1\n"), None),
            (format!("{SUFFIX}:99999999999999999999\n"), None),
            (format!("5BAA6{SUFFIX}:2\n"), None),
            (format!("{}:2\n", &SUFFIX[1..]), None),
            (format!("G{}:2\n", &SUFFIX[1..]), None),
        ] {
            assert_eq!(range().count_in(&answer), count, "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_not_a_no() {
        let ask = |answer: Result<&'static str, &'static str>| {
            let pwned = PwnedPasswords::new(move |_| ready(answer.map(str::to_owned)));
            block_on(pwned.contains(&"password".into()))
        };
        assert_eq!(ask(Ok("1E4C9B93F3F0682250B6CF8331B7EE68FD8:1")), Ok(true));
        assert_eq!(ask(Ok("0018A45C4D1DEF81644B54AB7F969B88D65:1")), Ok(false));
        assert_eq!(ask(Ok("")), Err(PwnedError::Answer));
        assert_eq!(ask(Err("timeout")), Err(PwnedError::Fetch("timeout")));
    }

    #[test]
    fn of_two_sources_the_second_is_asked_what_the_first_does_not_know() {
        let common = super::super::OfflineList::of_passwords("password\n".as_bytes()).unwrap();
        let pwned = PwnedPasswords::new(async |prefix: String| match prefix.as_str() {
            "5BAA6" => Err("it is not to be asked"),
            _ => Ok(format!("{OTHER}:1")),
        });
        let both = (common, pwned);
        assert_eq!(block_on(both.contains(&"Password".into())), Ok(true));
        assert_eq!(block_on(both.contains(&"brown heron".into())), Ok(false));
        assert_eq!(block_on(().contains(&"password".into())), Ok(false));
    }
}
