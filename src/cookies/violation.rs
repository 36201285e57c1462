//! What may be wrong with a cookie that goes out.

use std::fmt;

/// Generates the list: one row gives the variant and what it says in logs.
macro_rules! violations {
    ($($variant:ident $text:literal,)+) => {
        /// What is wrong with a cookie that goes out. Its text is the reason of the event
        /// `x_cookie_hardened`, and has nothing of the cookie in it.
        ///
        /// ```
        /// use donjon::cookies::Violation;
        ///
        /// assert_eq!(Violation::MissingSecure.as_str(), "no Secure");
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Violation {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
        }

        impl Violation {
            /// Every violation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// What it says in logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

violations! {
    MissingSecure "no Secure",
    MissingHttpOnly "no HttpOnly",
    MissingSameSite "no SameSite that browsers know",
    CrossSite "SameSite is looser than the policy",
    PrefixPath "the name's prefix asks for Path=/",
    PrefixDomain "the name's prefix forbids Domain",
    PartitionedWithoutSecure "Partitioned without Secure",
    Path "Path is another than the policy's",
    Domain "Domain where the policy has the host alone",
    Lifetime "kept for longer than the policy",
    RepeatedAttribute "an attribute more than once",
    IgnoredAttribute "an attribute that browsers ignore",
    AttributeTooLong "an attribute of more than 1024 bytes",
    UnknownAttributes "more than seven attributes that browsers do not know",
    TooLarge "name and value of more than 4096 bytes",
    ControlCharacter "a control character",
    Empty "neither name nor value",
    Nameless "no name",
    Imitation "no name, and a value that looks like a cookie with one",
    Repeated "the same cookie set again later in the response",
    OverBudget "the cookies of the response are larger than the budget",
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Several of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Violations(u32);

impl Violations {
    pub(super) const fn add_if(&mut self, condition: bool, violation: Violation) {
        if condition {
            self.0 |= 1 << violation as u8;
        }
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn has(self, violation: Violation) -> bool {
        self.0 & (1 << violation as u8) != 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Violation> {
        Violation::ALL.iter().copied().filter(move |violation| self.has(*violation))
    }
}
