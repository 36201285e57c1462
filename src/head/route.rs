//! Routes, by what they are declared as.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::text;

/// A route as the app declares it, such as `/members/{id}`: never the path that a client asked for,
/// in which anything may stand. What could forge a line in a log is replaced by U+FFFD.
#[derive(Clone)]
pub struct RouteTemplate(Repr);

#[derive(Clone)]
enum Repr {
    Shared(Arc<str>),
    // As it is, since cloning it costs no allocation.
    #[cfg(feature = "axum")]
    Axum(axum::extract::MatchedPath),
}

impl RouteTemplate {
    /// A template that stands in the program.
    #[must_use]
    pub fn from_static(template: &'static str) -> Self {
        Self::new(template)
    }

    /// A template that a router has declared.
    pub(crate) fn new(template: &str) -> Self {
        Self(Repr::Shared(text::clean(template, usize::MAX).into()))
    }

    #[cfg(feature = "axum")]
    pub(super) fn of_axum(path: axum::extract::MatchedPath) -> Self {
        if path.as_str().chars().all(text::is_harmless) {
            Self(Repr::Axum(path))
        } else {
            Self::new(path.as_str())
        }
    }

    /// The template as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Shared(template) => template,
            #[cfg(feature = "axum")]
            Repr::Axum(path) => path.as_str(),
        }
    }
}

impl PartialEq for RouteTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RouteTemplate {}

impl Hash for RouteTemplate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for RouteTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RouteTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
