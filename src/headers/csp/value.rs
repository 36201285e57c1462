//! The values that stand in directives, and how each kind is read.

use std::fmt;

use super::directive::{Class, Directive};
use super::hash::Hash;
use super::source::{Source, Unreadable};
use crate::headers::ConfigError;

/// One value in a directive. Whatever it was made of, it holds no `;`, `,`, white space, control
/// character or non-ASCII character: it cannot become another directive, policy or header.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(unnameable_types, reason = "not in the public interface")]
pub enum Item {
    Source(Source),
    Word(String),
}

/// What a directive takes: [`Source`], [`Hash`](struct@Hash), [`Sandbox`], or text as it stands in a policy.
pub trait CspValue: sealed::Sealed {}

impl<T: sealed::Sealed> CspValue for T {}

pub(super) mod sealed {
    use super::{ConfigError, Directive, Item};

    #[expect(unnameable_types, reason = "this is what seals it")]
    pub trait Sealed {
        fn into_item(self, directive: Directive) -> Result<Item, ConfigError>;
    }
}

impl sealed::Sealed for Source {
    fn into_item(self, directive: Directive) -> Result<Item, ConfigError> {
        if directive.class() != Class::Sources {
            return Err(unfit(directive, &self.to_string(), "it takes no sources"));
        }
        match directive.heeds(&self) {
            Ok(()) => Ok(Item::Source(self)),
            Err(belongs) => Err(ConfigError::KeywordWithoutMeaning {
                directive,
                keyword: self.to_string(),
                belongs,
            }),
        }
    }
}

impl sealed::Sealed for Hash {
    fn into_item(self, directive: Directive) -> Result<Item, ConfigError> {
        Source::Hash(self).into_item(directive)
    }
}

impl sealed::Sealed for Sandbox {
    fn into_item(self, directive: Directive) -> Result<Item, ConfigError> {
        self.as_str().into_item(directive)
    }
}

impl sealed::Sealed for String {
    fn into_item(self, directive: Directive) -> Result<Item, ConfigError> {
        self.as_str().into_item(directive)
    }
}

impl sealed::Sealed for &String {
    fn into_item(self, directive: Directive) -> Result<Item, ConfigError> {
        self.as_str().into_item(directive)
    }
}

impl sealed::Sealed for &str {
    fn into_item(self, directive: Directive) -> Result<Item, ConfigError> {
        let word = |fits: bool, mend| {
            if fits { Ok(Item::Word(self.to_owned())) } else { Err(unfit(directive, self, mend)) }
        };
        match directive.class() {
            Class::Sources => match Source::parse(self) {
                Ok(source) => source.into_item(directive),
                Err(Unreadable::Unquoted) => {
                    Err(ConfigError::UnquotedKeyword { directive, keyword: self.to_owned() })
                }
                Err(Unreadable::Mend(mend)) => Err(unfit(directive, self, mend)),
            },
            Class::Sandbox => word(
                Sandbox::ALL.iter().any(|token| token.as_str() == self),
                "see `Sandbox` for the tokens there are",
            ),
            Class::TrustedTypes => word(
                is_trusted_type(self),
                "it takes names of policies, *, 'allow-duplicates' or 'none'",
            ),
            Class::RequireTrustedTypesFor => word(self == "'script'", "it takes 'script' alone"),
            Class::Flag => word(false, "it takes no value"),
            Class::ReportUri => word(
                is_uri_reference(self),
                "write an https address or a path such as /csp-reports, in printable ASCII \
                 without `;` and `,`",
            ),
            Class::ReportTo => word(
                crate::headers::grammar::is_key(self),
                "an endpoint's name begins with a small letter and goes on with small letters, \
                 digits, _, -, . and *",
            ),
        }
    }
}

/// What values together a directive takes.
pub(super) fn check(directive: Directive, items: &[Item]) -> Result<(), ConfigError> {
    let has = |wanted: &dyn Fn(&Source) -> bool| {
        items.iter().any(|item| matches!(item, Item::Source(source) if wanted(source)))
    };
    check_none(directive, items)?;
    let may_be_empty =
        matches!(directive.class(), Class::Sandbox | Class::TrustedTypes | Class::Flag);
    if items.is_empty() && !may_be_empty {
        return Err(ConfigError::Empty { directive });
    }
    let marked = has(&|source| matches!(source, Source::Nonce | Source::Hash(_)));
    if has(&|source| *source == Source::StrictDynamic) && !marked {
        return Err(ConfigError::StrictDynamicAlone { directive });
    }
    if directive.class() == Class::ReportTo && items.len() > 1 {
        return Err(unfit(directive, "", "it takes one endpoint"));
    }
    Ok(())
}

/// `'none'` stands alone.
pub(super) fn check_none(directive: Directive, items: &[Item]) -> Result<(), ConfigError> {
    if items.len() > 1 && items.iter().any(Item::is_none) {
        return Err(ConfigError::NoneBesideOthers { directive });
    }
    Ok(())
}

pub(super) fn unfit(directive: Directive, value: &str, mend: &'static str) -> ConfigError {
    ConfigError::DirectiveValue { directive, value: value.to_owned(), mend }
}

impl Item {
    pub(super) fn is_none(&self) -> bool {
        match self {
            Self::Source(source) => *source == Source::None,
            Self::Word(word) => word == "'none'",
        }
    }

    pub(super) const fn source(&self) -> Option<&Source> {
        match self {
            Self::Source(source) => Some(source),
            Self::Word(_) => None,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => source.fmt(f),
            Self::Word(word) => f.write_str(word),
        }
    }
}

macro_rules! sandbox {
    ($($(#[$doc:meta])* $token:ident = $name:literal,)+) => {
        /// What a sandboxed page may still do.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Sandbox {
            $($(#[$doc])* $token,)+
        }

        impl Sandbox {
            /// Every token.
            pub const ALL: &[Self] = &[$(Self::$token),+];

            /// The token as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$token => $name,)+
                }
            }
        }
    };
}

sandbox! {
    /// Downloads.
    AllowDownloads = "allow-downloads",
    /// Forms.
    AllowForms = "allow-forms",
    /// `alert` and its like.
    AllowModals = "allow-modals",
    /// Locking the screen's orientation.
    AllowOrientationLock = "allow-orientation-lock",
    /// Locking the pointer.
    AllowPointerLock = "allow-pointer-lock",
    /// New windows.
    AllowPopups = "allow-popups",
    /// New windows without the sandbox.
    AllowPopupsToEscapeSandbox = "allow-popups-to-escape-sandbox",
    /// Presentations on other screens.
    AllowPresentation = "allow-presentation",
    /// The page's own origin. Together with scripts it lets a page that is framed by its own
    /// origin leave the sandbox.
    AllowSameOrigin = "allow-same-origin",
    /// Scripts.
    AllowScripts = "allow-scripts",
    /// Asking for storage of its own origin, after a user's gesture.
    AllowStorageAccessByUserActivation = "allow-storage-access-by-user-activation",
    /// Taking the whole window elsewhere.
    AllowTopNavigation = "allow-top-navigation",
    /// Taking the whole window elsewhere, after a user's gesture.
    AllowTopNavigationByUserActivation = "allow-top-navigation-by-user-activation",
    /// Opening other apps by their schemes.
    AllowTopNavigationToCustomProtocols = "allow-top-navigation-to-custom-protocols",
}

/// Trusted Types, section 4.2.1.
fn is_trusted_type(text: &str) -> bool {
    // Without quotes these two would be names.
    let is_unquoted =
        ["none", "allow-duplicates"].iter().any(|word| text.eq_ignore_ascii_case(word));
    matches!(text, "*" | "'none'" | "'allow-duplicates'")
        || !text.is_empty()
            && !is_unquoted
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-#=_/@.%".contains(&byte))
}

fn is_uri_reference(text: &str) -> bool {
    crate::headers::reporting_endpoints::is_report_url(text) && !text.contains([';', ','])
}
