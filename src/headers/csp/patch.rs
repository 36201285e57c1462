//! Changes to the policy for one response, from inside a handler.

use std::sync::Arc;

use super::directive::Directive;
use super::policy::ContentSecurityPolicy;
use super::value::{CspValue, Item, check, check_none};
use crate::head::ResponseHead;
use crate::headers::ConfigError;
use crate::trace;

/// A change to the Content-Security-Policy of one response.
///
/// Make it once, when the app starts, and return it as a part of the response. In axum (feature
/// `axum`) it is an `IntoResponseParts`; elsewhere [`apply`](Self::apply) puts it into the
/// response's extensions. A clone copies nothing. It changes the enforced policy and the report-only one alike.
///
/// Of several patches on one response that of the inner-most handler or layer has the last word.
/// A patch that the policy makes no sense of leaves it as it is, and is logged.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Extension, Router, body::Body, response::IntoResponse, routing::get};
/// use donjon::headers::SecurityHeaders;
/// use donjon::headers::csp::{CspPatch, Directive};
/// use http::Request;
/// use tower::ServiceExt;
///
/// async fn map(Extension(with_tiles): Extension<CspPatch>) -> impl IntoResponse {
///     (with_tiles, "a page with a map")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let with_tiles = CspPatch::new().extend(Directive::ImgSrc, ["https://tiles.example"]).build()?;
/// let app: Router = Router::new()
///     .route("/map", get(map).layer(Extension(with_tiles)))
///     .layer(SecurityHeaders::strict().build()?);
///
/// let response = app.oneshot(Request::get("/map").body(Body::empty())?).await?;
///
/// let policy = response.headers()["content-security-policy"].to_str()?;
/// assert!(policy.contains("img-src 'self' https://tiles.example;"));
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a patch changes nothing until it is part of a response"]
pub struct CspPatch {
    /// Each built patch by itself, the outermost first; `None` sends no policy at all.
    built: Option<Arc<[Arc<[Change]>]>>,
}

impl CspPatch {
    /// A patch that changes nothing yet.
    #[expect(clippy::new_ret_no_self, reason = "a patch is checked when it is built")]
    pub fn new() -> CspPatchBuilder {
        CspPatchBuilder { changes: Ok(Vec::new()) }
    }

    /// Sends this one response without any Content-Security-Policy.
    pub const fn dangerously_drop_policy() -> Self {
        Self { built: None }
    }

    /// Puts the patch into the response's extensions, under what an inner layer has put there.
    pub fn apply<H: ResponseHead>(&self, response: &mut H) {
        let patch = match response.extension::<Self>() {
            None => self.clone(),
            Some(inner) => inner.over(self),
        };
        response.insert_extension(patch);
    }

    /// Both patches, this one last.
    fn over(self, outer: &Self) -> Self {
        let (Some(outer), Some(inner)) = (&outer.built, &self.built) else {
            return Self { built: None };
        };
        Self { built: Some(outer.iter().chain(&**inner).cloned().collect()) }
    }

    /// The changed policy; `None` if it is to be dropped. A patch that makes no sense of this policy
    /// changes nothing, and does not take the others with it.
    pub(crate) fn changed(&self, policy: &ContentSecurityPolicy) -> Option<ContentSecurityPolicy> {
        let policy = self.built.as_deref()?.iter().fold(policy.clone(), |policy, changes| {
            let builder = policy.clone().into_builder();
            let changed = changes
                .iter()
                .fold(builder, |builder, change| builder.change(Ok(change.clone())))
                .build();
            changed.unwrap_or_else(|error| {
                trace::warn!(%error, "a patch of the Content-Security-Policy was ignored");
                let _ = error;
                policy
            })
        });
        Some(policy)
    }
}

/// Builds a [`CspPatch`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct CspPatchBuilder {
    changes: Result<Vec<Change>, ConfigError>,
}

impl CspPatchBuilder {
    /// Adds to a directive. If it is absent, it starts from what browsers fall back to; `'none'`
    /// gives way.
    pub fn extend<V: CspValue>(
        self,
        directive: Directive,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.push(Change::new(Change::Extend, directive, values))
    }

    /// Sets a directive, whether it is there or not.
    pub fn replace<V: CspValue>(
        self,
        directive: Directive,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.push(Change::new(Change::Replace, directive, values))
    }

    /// Removes a directive.
    pub fn remove(self, directive: Directive) -> Self {
        self.push(Ok(Change::Remove(directive)))
    }

    /// The patch, or the first mistake.
    pub fn build(self) -> Result<CspPatch, ConfigError> {
        let changes: Arc<[Change]> = self.changes?.into();
        changes.iter().try_for_each(Change::can_hold)?;
        Ok(CspPatch { built: Some([changes].into()) })
    }

    fn push(self, change: Result<Change, ConfigError>) -> Self {
        let changes = self.changes.and_then(|mut changes| {
            changes.push(change?);
            Ok(changes)
        });
        Self { changes }
    }
}

/// One change to one directive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// As [`Replace`](Self::Replace), for a directive that is not there yet.
    Set(Directive, Vec<Item>),
    Extend(Directive, Vec<Item>),
    Replace(Directive, Vec<Item>),
    Remove(Directive),
}

impl Change {
    pub(super) fn new<V: CspValue>(
        change: fn(Directive, Vec<Item>) -> Self,
        directive: Directive,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, ConfigError> {
        let items = values.into_iter().map(|value| value.into_item(directive));
        Ok(change(directive, items.collect::<Result<_, _>>()?))
    }

    /// Refuses what no policy could make sense of.
    fn can_hold(&self) -> Result<(), ConfigError> {
        match self {
            Self::Remove(_) => Ok(()),
            // What is missing may be in the policy; what contradicts itself stays so.
            Self::Extend(directive, items) => check_none(*directive, items),
            Self::Set(directive, items) | Self::Replace(directive, items) => {
                check(*directive, items)
            }
        }
    }

    pub(super) fn directive(&self) -> Directive {
        match self {
            Self::Set(directive, _)
            | Self::Extend(directive, _)
            | Self::Replace(directive, _)
            | Self::Remove(directive) => *directive,
        }
    }
}
