//! What is decided of a request, and why.

use std::fmt;

/// What [`CsrfProtection`](super::CsrfProtection) decides of a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// It passes.
    Allow(Reason),
    /// It is refused.
    Deny(Reason),
    /// It passes to a handler that checks the token in the body: [`Verified`](super::Verified).
    Pending,
}

impl Decision {
    /// Whether it passes, and nothing more is to be checked.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// Why it is refused, if it is.
    #[must_use]
    pub const fn denied(self) -> Option<Reason> {
        match self {
            Self::Deny(reason) => Some(reason),
            Self::Allow(_) | Self::Pending => None,
        }
    }
}

/// Generates the reasons: one row gives the variant, its text for the log and what it means.
macro_rules! reasons {
    ($($variant:ident = $text:literal $meaning:literal,)+) => {
        /// Why a request passes or does not.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = concat!($meaning, "\n\n`", $text, "`.")] $variant,)+
        }

        impl Reason {
            /// As it stands in a log: `cross_site`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

reasons! {
    SafeMethod = "safe_method" "Its method changes nothing.",
    Exempt = "exempt" "Its path is exempt.",
    TrustedOrigin = "trusted_origin" "It comes from an origin that is trusted.",
    SameOrigin = "same_origin" "The browser says that it comes from the site's own pages.",
    UserInitiated = "user_initiated"
        "The browser says that no page has sent it: an address was typed, a bookmark opened. A strict \
         policy refuses it.",
    OwnOrigin = "own_origin" "It comes from an origin of the site.",
    NoAmbientCredentials = "no_ambient_credentials"
        "Nothing says where it comes from, and nothing in it has the authority of a user.",
    NoSignal = "no_signal"
        "Nothing says where it comes from. It is refused unless the policy says otherwise, or there \
         are tokens.",
    Token = "token" "Nothing says where it comes from, but it has a token of the session.",
    AmbiguousHeaders = "ambiguous_headers"
        "`Sec-Fetch-Site`, `Origin` or `Host` is there twice, or two hosts are named.",
    AmbiguousCookie = "ambiguous_cookie" "A protected cookie is there twice.",
    SameSite = "same_site" "The browser says that a sibling has sent it: another subdomain, say.",
    CrossSite = "cross_site"
        "The browser says that another site has sent it, or says something that is not known.",
    CrossOrigin = "cross_origin" "Its `Origin` is none of the site's and not trusted.",
    NullOrigin = "null_origin"
        "Its `Origin` is `null`: a page in a sandbox has sent it, or one with the policy \
         `Referrer-Policy: no-referrer`. If that is your page, `same-origin` is the policy to have.",
    TokenMissing = "token_missing" "Nothing says where it comes from, and it has no token.",
    InvalidToken = "invalid_token"
        "Its token is not of this session, has expired, was made for another purpose, or there are \
         several.",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
