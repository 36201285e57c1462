//! Which account somebody wants into.

use std::fmt;

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

use super::InvalidAccount;

/// The account that somebody wants into: what he has typed as a name, or what the app knows the
/// account by.
///
/// **The attack.** Whoever may guess five times at `bob` guesses five times at `BOB`, at ` bob`, at
/// `ｂｏｂ`. If the table of users finds Bob by all of them, five is twenty.
///
/// - Names are compared as [`Account::name`] makes them: trimmed, without invisible characters,
///   compatible forms taken for one (NFKC) and case folded. That is Unicode's `NFKC_Casefold`.
/// - Accents stay: `josé` and `jose` are two.
/// - Where one account has several names, a name and an e-mail address, say, look up its number and
///   take [`Account::id`]: see `Login::resolve` in `login`.
/// - **A database that finds users by looser rules**, such as ones that take `josé` for `jose`, has
///   more names for an account than this has. Look users up exactly, or take [`Account::id`].
/// - What cannot be a name is refused before anything is counted: empty, longer than 320 bytes,
///   with NUL or another control character.
///
/// ```
/// use donjon::lockout::Account;
///
/// let bob = Account::name("bob")?;
/// for spelling in ["BOB", " bob ", "bob\u{200b}", "ｂｏｂ", "ⓑⓞⓑ"] {
///     assert_eq!(Account::name(spelling)?, bob);
/// }
/// assert_ne!(Account::name("josé")?, Account::name("jose")?);
/// assert_eq!(Account::name("josé")?, Account::name("jose\u{301}")?);
/// assert_ne!(Account::name("4711")?, Account::id("4711")?);
/// assert!(Account::name(" \u{200b} ").is_err());
/// # Ok::<_, donjon::lockout::InvalidAccount>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Account {
    pub(super) kind: Kind,
    pub(super) text: Box<str>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Name,
    Id,
}

impl Account {
    /// The account that is called so, however it is spelled.
    pub fn name(name: &str) -> Result<Self, InvalidAccount> {
        if name.len() > MAX_LEN {
            return Err(InvalidAccount::TooLong);
        }
        let text = folded(name);
        check(&text)?;
        Ok(Self { kind: Kind::Name, text: text.into() })
    }

    /// The account that the app knows by this, exactly as it stands: a number in its database, or a
    /// name that it has made canonical by rules of its own. It is no other account's name.
    pub fn id(id: &str) -> Result<Self, InvalidAccount> {
        if id.len() > MAX_LEN {
            return Err(InvalidAccount::TooLong);
        }
        check(id)?;
        Ok(Self { kind: Kind::Id, text: id.into() })
    }

    /// The canonical name, or the number. Look the user up by it, and whoever guesses at one account
    /// guesses at one counter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A name may be a password that was typed into the wrong field.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn check(text: &str) -> Result<(), InvalidAccount> {
    if text.is_empty() {
        return Err(InvalidAccount::Empty);
    }
    // Some letters become many when they are made compatible.
    if text.len() > 4 * MAX_LEN {
        return Err(InvalidAccount::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidAccount::Control);
    }
    Ok(())
}

/// `NFKC_Casefold`, of the Unicode Standard, section 3.13, and without white space around it.
fn folded(name: &str) -> String {
    let visible = name.chars().filter(|letter| !is_ignorable(*letter));
    // What is folded may be composed anew, and what is composed may be folded anew.
    let once: String = visible.nfkc().default_case_fold().nfkc().collect();
    let twice: String = once.chars().default_case_fold().nfkc().collect();
    twice.trim().to_owned()
}

/// `Default_Ignorable_Code_Point` of the Unicode Character Database, version 17.
const fn is_ignorable(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// In bytes. An e-mail address has no more: RFC 5321, 4.5.3.1.
const MAX_LEN: usize = 320;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_account() {
        for (name, spellings) in [
            ("bob", &["BOB", " bob ", "\u{3000}bob", "bob\u{200b}", "b\u{ad}ob", "ｂｏｂ"][..]),
            ("test@example.com", &["ⓣⓔⓢⓣ@example.com", "Test@EXAMPLE.com"]),
            ("josé", &["jose\u{301}", "JOSÉ", "JOSE\u{301}"]),
            ("straße", &["STRASSE", "strasse", "STRAẞE"]),
            ("σίσυφος", &["ΣΊΣΥΦΟΣ", "σίσυφοσ"]),
            ("fifi", &["ﬁﬁ"]),
        ] {
            let account = Account::name(name).unwrap();
            for spelling in spellings {
                assert_eq!(
                    Account::name(spelling).unwrap().as_str(),
                    account.as_str(),
                    "{spelling:?}"
                );
            }
        }
        for (one, other) in [("josé", "jose"), ("bob", "b ob"), ("ı", "i"), ("bob", "bob.")] {
            assert_ne!(Account::name(one).unwrap(), Account::name(other).unwrap(), "{one} {other}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for (name, expected) in [
            ("", InvalidAccount::Empty),
            ("  \t ", InvalidAccount::Empty),
            ("\u{200b}\u{feff}", InvalidAccount::Empty),
            ("bob\0", InvalidAccount::Control),
            ("bo\nb", InvalidAccount::Control),
            (&"a".repeat(321), InvalidAccount::TooLong),
            (&"a".repeat(1 << 20), InvalidAccount::TooLong),
            (&"\u{fdfa}".repeat(100), InvalidAccount::TooLong),
        ] {
            assert_eq!(Account::name(name).unwrap_err(), expected, "{} bytes", name.len());
        }
        assert!(Account::name(&"a".repeat(320)).is_ok());
        assert!(Account::id("").is_err() && Account::id("a\0").is_err());
    }

    #[test]
    fn debug_does_not_tell_who() {
        let account = Account::name("ann@example.com").unwrap();
        assert!(!format!("{account:?}").contains("ann"));
    }

    proptest! {
        #[test]
        fn a_canonical_name_is_its_own_canonical_name(name in "\\PC{0,40}") {
            if let Ok(account) = Account::name(&name) {
                // What is longer by now may be too long.
                if let Ok(again) = Account::name(account.as_str()) {
                    prop_assert_eq!(again, account);
                }
            }
        }
    }
}
