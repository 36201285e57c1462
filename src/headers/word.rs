//! Headers whose value is one word of a list, and how browsers read them.

/// Declares a header whose value is one word of a list: the type, its words and their order.
macro_rules! word_header {
    (
        $(#[$doc:meta])*
        $type:ident, $mend:literal {
            $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
        }
        $($how:ident, weakest first: $($stricter:literal)+)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// The value as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::headers::ConfigError;

            /// Takes exactly the words that are sent, in any case.
            fn from_str(value: &str) -> Result<Self, Self::Err> {
                $(if value.eq_ignore_ascii_case($word) {
                    return Ok(Self::$variant);
                })+
                Err($crate::headers::ConfigError::Value {
                    header: $crate::headers::HeaderKind::$type,
                    value: value.to_owned(),
                    mend: $mend,
                })
            }
        }

        impl $crate::headers::kind::HeaderValue for $type {
            $(const STRICTER: Option<$crate::headers::kind::Stricter> = Some(|ours, theirs| {
                word_header!(@later $how [$($stricter),+] ours theirs)
            });)?

            fn value(&self) -> std::borrow::Cow<'static, str> {
                self.as_str().into()
            }

            fn parse(value: &str) -> Result<Self, $crate::headers::ConfigError> {
                value.parse()
            }
        }
    };
    (@later listed $words:tt $ours:ident $theirs:ident) => {
        $crate::headers::word::listed(&$words, $ours, $theirs)
    };
    (@later $how:ident $words:tt $ours:ident $theirs:ident) => {
        $crate::headers::word::later(
            &$words,
            $crate::headers::word::$how,
            $ours,
            $theirs,
        )
    };
}
pub(crate) use word_header;

/// One word, in any case.
pub(crate) fn word(value: &[u8], word: &str) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(word.as_bytes())
}

/// Exactly the word.
pub(crate) fn exact(value: &[u8], word: &str) -> bool {
    value.trim_ascii() == word.as_bytes()
}

/// A token of RFC 8941, which has one case, and perhaps parameters behind it.
pub(crate) fn token(value: &[u8], word: &str) -> bool {
    let token = value.split(|byte| *byte == b';').next().unwrap_or_default();
    token.trim_ascii() == word.as_bytes()
}

/// Whether our value comes later in a list than theirs, which may be no word of it at all: a
/// value that no browser knows protects nobody.
pub(crate) fn later(
    words: &[&str],
    is: fn(&[u8], &str) -> bool,
    ours: &[u8],
    theirs: &[u8],
) -> bool {
    let rank = |value| words.iter().position(|word| is(value, word));
    rank(ours) > rank(theirs)
}

/// As [`later`], for a list of which browsers take the last word they know.
pub(crate) fn listed(words: &[&str], ours: &[u8], theirs: &[u8]) -> bool {
    let known = |value: &&[u8]| words.iter().any(|known| word(value, known));
    let theirs = theirs.rsplit(|byte| *byte == b',').find(known);
    later(words, word, ours, theirs.unwrap_or_default())
}
