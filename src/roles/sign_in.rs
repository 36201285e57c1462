//! The way to a page on which people sign in, and back.

use std::fmt::Write as _;
use std::sync::Arc;

use http::StatusCode;

use crate::head::{Name, RequestHead, Value};
use crate::refusal::Refusal;
use crate::text;

/// Why a layer of this module cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The page for signing in is none of this site.
    #[error("{page:?} is no page of this site: give its path alone, such as /sign-in")]
    SignInPage {
        /// What was given.
        page: String,
    },
}

/// Where people sign in.
#[derive(Clone, Debug)]
pub(crate) struct SignInPage(Arc<str>);

impl SignInPage {
    pub(super) fn new(page: &str) -> Result<Self, ConfigError> {
        match return_path(page) {
            Some(path) if !path.contains(['?', '#']) => Ok(Self(path.into())),
            _ => Err(ConfigError::SignInPage { page: page.to_owned() }),
        }
    }

    /// The way there, for a browser that goes from page to page. `None` for all others, whom a redirect tells
    /// nothing: a script, an image, a client of an API; and on the page itself, where it would never end.
    pub(super) fn redirect<R: RequestHead>(&self, request: &R) -> Option<Refusal> {
        if request.method() != "GET" || !navigates(request) || request.path() == &*self.0 {
            return None;
        }
        let mut location = self.0.to_string();
        if let Some(path) = return_path(request.path_and_query()) {
            location.push_str("?next=");
            for byte in path.bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                    location.push(byte.into());
                } else {
                    // A string takes all that is written to it.
                    let _ = write!(location, "%{byte:02X}");
                }
            }
        }
        let location = Value::new(location)?;
        Some(Refusal::new(StatusCode::SEE_OTHER, "not signed in").with_header(LOCATION, location))
    }
}

/// Whether a person waits for a page.
fn navigates<R: RequestHead>(request: &R) -> bool {
    match request.header(&SEC_FETCH_MODE).next() {
        Some(mode) => mode == b"navigate",
        // Browsers of before 2023.
        None => request.header(&ACCEPT).any(|value| {
            let mut types = value.split(|byte| *byte == b',');
            types.any(|media| media.trim_ascii().starts_with(b"text/html"))
        }),
    }
}

/// Where somebody may be sent after he has signed in; `None` if it is not a path of this site.
///
/// **The attack.** A link to the site's own sign-in page with `?next=//evil.example`: whoever signs in there
/// is sent to a copy of the page that says "wrong password, try again" (CWE-601).
///
/// **The rule.** OWASP ASVS 5.0, 3.7.2. It begins with one `/` and no second one, and holds visible ASCII
/// without `\`, which browsers take for `/`: at most 2048 bytes of it.
///
/// ```
/// use donjon::roles::return_path;
///
/// assert_eq!(return_path("/courts/17?day=3"), Some("/courts/17?day=3"));
/// for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", ""] {
///     assert_eq!(return_path(elsewhere), None);
/// }
/// ```
#[must_use]
pub fn return_path(path: &str) -> Option<&str> {
    text::is_local_path(path).then_some(path)
}

static SEC_FETCH_MODE: Name = Name::from_static("sec-fetch-mode");
static ACCEPT: Name = Name::from_static("accept");
const LOCATION: Name = Name::from_static("location");
