//! What a new password has to be.

use std::fmt;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::{BreachedPasswords, ConfigError, Password};

/// What is asked of a password when it is chosen. Never ask it at login: who has an old password is to
/// get in, and be told to change it.
///
/// - It is long: 15 characters, or 8 where there is a second factor.
/// - It is not common, not known from a breach, and not made of the user's name or the service's.
/// - There are no rules of composition. They make people write `Password1!`, which every attacker
///   tries, and refuse passwords that nobody guesses (NIST SP 800-63B-4, 3.1.1.2; ASVS 5.0, 6.2.5).
/// - It does not get too old. Whoever must choose a new one every two months counts up the last digit
///   (ASVS 6.2.10). For contracts that ask for it all the same there is
///   [`max_age_by_contract`](Self::max_age_by_contract).
///
/// Characters are Unicode code points, as they came: a password is hashed and verified exactly as
/// received (ASVS 6.2.8). Nothing is normalised, so an `é` that one keyboard sends as one code point
/// and another as two makes two passwords. An app that would have them as one normalises (NFC) before
/// both [`hash`](super::Passwords::hash) and [`verify`](super::Passwords::verify), from its first user
/// on.
///
/// ```
/// use donjon::password::{OfflineList, Password, PasswordPolicy, Violation, WhenUnknown};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = PasswordPolicy::with_second_factor().words(["club"]);
/// let common = OfflineList::of_passwords("password1\niloveyou\n".as_bytes())?;
/// let check = async |password: &str| {
///     let password = Password::from(password);
///     policy.check(&password, ["ann@club.example"], &common, WhenUnknown::Refuse).await
/// };
///
/// assert_eq!(check("heron at dusk").await, Ok(()));
/// assert_eq!(check("heron").await, Err(Violation::TooShort { min: 8 }));
/// assert_eq!(check("iLoveYou").await, Err(Violation::Breached));
/// assert_eq!(check("ann.club.2026").await, Err(Violation::Guessable));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it asks nothing until a password is checked"]
pub struct PasswordPolicy {
    floor: usize,
    min: usize,
    max: usize,
    words: Vec<String>,
    max_age: Option<Duration>,
}

/// What is wrong with a new password. It holds nothing of it: show it to the user.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It is too short.
    #[error("the password is too short: choose one of {min} characters or more")]
    TooShort {
        /// How many characters it needs.
        min: usize,
    },
    /// It is too long.
    #[error("the password is too long: choose one of {max} characters or fewer")]
    TooLong {
        /// How many characters it may have.
        max: usize,
    },
    /// It is not in UTF-8, so that it has no characters.
    #[error("the password is not text")]
    NotText,
    /// It is little more than names that an attacker tries first.
    #[error("the password is too much like your name, your address or our name: choose another")]
    Guessable,
    /// It is known from a breach, or common.
    #[error("the password is known to attackers: choose another")]
    Breached,
    /// Whether it is known could not be found out, and the app has chosen to refuse it then.
    #[error("the password cannot be checked at the moment: try again later")]
    Unchecked,
}

/// What to do with a password where nobody can say whether it is known from a breach.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum WhenUnknown {
    /// Nobody chooses a password until the source answers again.
    Refuse,
    /// A password that is known to attackers may be chosen while the source does not answer. Such
    /// accounts are worth [a note](MustChange::Unchecked).
    Accept,
}

/// Why somebody must choose a new password before anything else.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MustChange {
    /// There is reason to think that somebody else knows it.
    Compromised,
    /// Somebody else has set it, as with a new account.
    Initial,
    /// It was accepted unchecked, or before there were these rules.
    Unchecked,
    /// It is older than a contract allows.
    Age,
}

impl MustChange {
    /// As it is stored or logged: `compromised`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Initial => "initial",
            Self::Unchecked => "unchecked",
            Self::Age => "age",
        }
    }
}

impl PasswordPolicy {
    /// For logins with a password alone: 15 to 256 characters.
    pub const fn without_second_factor() -> Self {
        Self::of_at_least(15)
    }

    /// For logins with a password and something else: 8 to 256 characters.
    pub const fn with_second_factor() -> Self {
        Self::of_at_least(8)
    }

    const fn of_at_least(floor: usize) -> Self {
        Self { floor, min: floor, max: 256, words: Vec::new(), max_age: None }
    }

    /// Asks for other lengths, in characters. The least can be raised only, and the most is from 64 to
    /// 1024.
    pub fn length(mut self, min: usize, max: usize) -> Result<Self, ConfigError> {
        let floor = self.floor;
        if min < floor || min > max || !(64..=MAX_CHARACTERS).contains(&max) {
            return Err(ConfigError::Length { min, max, floor });
        }
        (self.min, self.max) = (min, max);
        Ok(self)
    }

    /// Words that everybody knows of this service: its name, its makers, its town (ASVS 6.1.2).
    pub fn words<T: AsRef<str>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Has a password changed when it is so old, a day or more.
    ///
    /// NIST forbids it (SP 800-63B-4, 3.1.1.2), and so does ASVS 6.2.10: it makes passwords worse. It
    /// is here for those whose contract has not heard of that yet.
    pub fn max_age_by_contract(mut self, max_age: Duration) -> Result<Self, ConfigError> {
        if max_age < DAY {
            return Err(ConfigError::MaxAge { max_age });
        }
        self.max_age = Some(max_age);
        Ok(self)
    }

    /// Whether this may be the new password of somebody with these names: what he calls himself, his
    /// address, whatever else is known of him. `breached` is asked last, and only of what is otherwise
    /// good.
    pub async fn check<T: AsRef<str>>(
        &self,
        password: &Password,
        names: impl IntoIterator<Item = T>,
        breached: &impl BreachedPasswords,
        when_unknown: WhenUnknown,
    ) -> Result<(), Violation> {
        self.check_form(password, names)?;
        match (breached.contains(password).await, when_unknown) {
            (Ok(true), _) => Err(Violation::Breached),
            (Err(_), WhenUnknown::Refuse) => Err(Violation::Unchecked),
            // An error fails open here, because the app has said so.
            (Ok(false), _) | (Err(_), WhenUnknown::Accept) => Ok(()),
        }
    }

    /// As [`check`](Self::check), without asking whether it is known from a breach. That is half of
    /// the rule.
    pub fn check_form<T: AsRef<str>>(
        &self,
        password: &Password,
        names: impl IntoIterator<Item = T>,
    ) -> Result<(), Violation> {
        // More bytes cannot be so few characters.
        if password.bytes().len() > 4 * self.max {
            return Err(Violation::TooLong { max: self.max });
        }
        let text = password.text().ok_or(Violation::NotText)?;
        let length = text.chars().count();
        if length < self.min {
            return Err(Violation::TooShort { min: self.min });
        }
        if length > self.max {
            return Err(Violation::TooLong { max: self.max });
        }
        let mut words = Vec::new();
        for name in names {
            add_words(&mut words, name.as_ref());
        }
        for word in &self.words {
            add_words(&mut words, word);
        }
        if characters_without(&words, text) < MIN_WITHOUT_WORDS {
            return Err(Violation::Guessable);
        }
        Ok(())
    }

    /// Whether somebody who has logged in must choose a new password, and why. `noted` is what the app
    /// has noted with the account; `changed_at`, when the password was chosen.
    #[must_use]
    pub fn must_change(
        &self,
        noted: Option<MustChange>,
        changed_at: SystemTime,
        now: SystemTime,
    ) -> Option<MustChange> {
        let age = now.duration_since(changed_at).unwrap_or_default();
        let is_too_old = self.max_age.is_some_and(|max_age| age >= max_age);
        noted.or(is_too_old.then_some(MustChange::Age))
    }
}

impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPolicy")
            .field("min", &self.min)
            .field("max", &self.max)
            .field("words", &self.words)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// A name as a whole, and its parts: of `Ann.Lee@club.example` also `ann` and `club`.
fn add_words(words: &mut Vec<Vec<char>>, name: &str) {
    let name = name.trim();
    let parts = name.split(|char: char| !char.is_alphanumeric());
    for word in std::iter::once(name).chain(parts) {
        let word: Vec<char> =
            word.chars().take(MAX_CHARACTERS).flat_map(char::to_lowercase).collect();
        // What is shorter stands in many words by chance.
        if word.len() >= MIN_WORD && !words.contains(&word) && words.len() < MAX_WORDS {
            words.push(word);
        }
    }
}

/// How many characters there are beside these words.
fn characters_without(words: &[Vec<char>], text: &str) -> usize {
    // With room for all, so that it does not grow and leave a copy behind.
    let mut lower: Zeroizing<Vec<char>> = Zeroizing::new(Vec::with_capacity(3 * text.len()));
    lower.extend(text.chars().flat_map(char::to_lowercase));
    let mut is_known = vec![false; lower.len()];
    for word in words {
        for (at, window) in lower.windows(word.len()).enumerate() {
            if window == word.as_slice() {
                is_known[at..at + word.len()].fill(true);
            }
        }
    }
    is_known.iter().filter(|is_known| !**is_known).count()
}

/// Four bytes each, and it is as long as a password can be.
const MAX_CHARACTERS: usize = Password::MAX_LEN / 4;
/// Of those that are no name.
const MIN_WITHOUT_WORDS: usize = 8;
const MIN_WORD: usize = 3;
const MAX_WORDS: usize = 64;
const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::time::UNIX_EPOCH;

    use tokio_test::block_on;

    use super::*;

    fn form(policy: &PasswordPolicy, password: &str) -> Result<(), Violation> {
        policy.check_form(&password.into(), ["Ann.Lee@club.example", "Zo\u{eb}", "x"])
    }

    #[test]
    fn it_is_as_long_as_the_factors_ask_in_code_points() {
        let (with, without) =
            (PasswordPolicy::with_second_factor(), PasswordPolicy::without_second_factor());
        for (policy, min) in [(&with, 8), (&without, 15)] {
            for char in ["a", "\u{e9}", "\u{1f99a}", " ", "\0"] {
                let of = |count: usize| form(policy, &char.repeat(count));
                assert_eq!(of(min - 1), Err(Violation::TooShort { min }), "{char:?}");
                for count in [min, 64, 256] {
                    assert_eq!(of(count), Ok(()), "{char:?} {count}");
                }
                for count in [257, 2000, 100_000] {
                    assert_eq!(of(count), Err(Violation::TooLong { max: 256 }), "{char:?} {count}");
                }
            }
            assert_eq!(form(policy, ""), Err(Violation::TooShort { min }));
        }
        assert_eq!(
            with.check_form(&Password::from(&[0xff; 20][..]), ["ann"]),
            Err(Violation::NotText)
        );
    }

    #[test]
    fn there_are_no_rules_of_composition() {
        let policy = PasswordPolicy::with_second_factor();
        for password in [
            "brown heron",
            "40817263",
            "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{5408}\u{8a00}\u{8449}\u{3060}",
            "!!??!!??",
            "HERONRY!",
        ] {
            assert_eq!(form(&policy, password), Ok(()), "{password}");
        }
    }

    /// ASVS 6.2.11.
    #[test]
    fn names_count_for_nothing() {
        let policy = PasswordPolicy::with_second_factor().words(["The Heronry", "donjon"]);
        let guessable = Err(Violation::Guessable);
        for (password, verdict) in [
            ("ann.lee@club.example", guessable),
            ("Ann.Lee2026", guessable),
            ("ANNLEE2026!!", guessable),
            ("ANNLEE2026!!??", Ok(())), // there is a password beside the name
            ("leeann2026", guessable),
            ("donjon-2026", guessable),
            ("TheHeronry1", guessable),
            ("DONJONdonjondonjon", guessable),
            ("zo\u{eb}zo\u{eb}zo\u{eb}", guessable),
            ("ZO\u{cb} 123456", guessable),
            ("xxxxxxxx", Ok(())), // one letter is no name
            ("a plan for the planning annex", Ok(())),
            ("correct horse battery", Ok(())),
        ] {
            assert_eq!(form(&policy, password), verdict, "{password}");
        }
        // A name that is much longer than any password, and many of them.
        let long = "a".repeat(1_000_000);
        assert_eq!(policy.check_form(&"brown heron".into(), [&long]), Ok(()));
        let many = (0..100_000).map(|at| format!("name{at}"));
        assert_eq!(policy.check_form(&"brown heron".into(), many), Ok(()));
    }

    /// Knows them all, none of them, or nothing.
    struct Says(Result<bool, &'static str>);

    impl BreachedPasswords for Says {
        type Error = &'static str;

        fn contains(
            &self,
            _: &Password,
        ) -> impl Future<Output = Result<bool, &'static str>> + Send {
            ready(self.0)
        }
    }

    #[test]
    fn a_source_that_fails_is_what_the_app_says() {
        use WhenUnknown::{Accept, Refuse};

        let policy = PasswordPolicy::with_second_factor();
        for (password, says, when_unknown, verdict) in [
            ("brown heron", Ok(false), Refuse, Ok(())),
            ("brown heron", Ok(true), Refuse, Err(Violation::Breached)),
            ("brown heron", Ok(true), Accept, Err(Violation::Breached)),
            ("brown heron", Err("down"), Refuse, Err(Violation::Unchecked)),
            ("brown heron", Err("down"), Accept, Ok(())),
            ("heron", Err("down"), Accept, Err(Violation::TooShort { min: 8 })),
        ] {
            let verdict_is =
                block_on(policy.check(&password.into(), ["ann"], &Says(says), when_unknown));
            assert_eq!(verdict_is, verdict, "{password} {says:?} {when_unknown:?}");
        }
    }

    #[test]
    fn the_least_is_raised_only() {
        for (policy, floor) in [
            (PasswordPolicy::with_second_factor(), 8),
            (PasswordPolicy::without_second_factor(), 15),
        ] {
            for (min, max, is_built) in [
                (floor, 64, true),
                (20, 1024, true),
                (64, 64, true),
                (floor - 1, 64, false),
                (0, 64, false),
                (floor, 63, false),
                (floor, 1025, false),
                (floor, usize::MAX, false),
                (65, 64, false),
            ] {
                let built = policy.clone().length(min, max);
                let error = ConfigError::Length { min, max, floor };
                assert_eq!(built.err(), (!is_built).then_some(error), "{min} {max}");
            }
        }
        let policy = PasswordPolicy::with_second_factor().length(8, 1024).unwrap();
        assert_eq!(form(&policy, &"\u{1f99a}".repeat(1024)), Ok(()), "4096 bytes");
    }

    #[test]
    fn a_password_gets_old_by_contract_alone() {
        let policy = PasswordPolicy::with_second_factor();
        let at = |day: u64| UNIX_EPOCH + DAY * u32::try_from(day).unwrap();
        assert_eq!(policy.must_change(None, at(0), at(10_000)), None);
        let compromised = Some(MustChange::Compromised);
        assert_eq!(policy.must_change(compromised, at(0), at(0)), compromised);

        for max_age in [Duration::ZERO, Duration::from_secs(86_399)] {
            let built = policy.clone().max_age_by_contract(max_age);
            assert_eq!(built.err(), Some(ConfigError::MaxAge { max_age }));
        }
        let policy = policy.max_age_by_contract(60 * DAY).unwrap();
        for (noted, changed, now, must) in [
            (None, 0, 59, None),
            (None, 0, 60, Some(MustChange::Age)),
            (None, 100, 0, None), // the clock has gone back
            (Some(MustChange::Initial), 0, 0, Some(MustChange::Initial)),
            (Some(MustChange::Initial), 0, 60, Some(MustChange::Initial)),
        ] {
            assert_eq!(policy.must_change(noted, at(changed), at(now)), must, "{changed} {now}");
        }
    }
}
