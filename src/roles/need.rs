//! A rule in a handler's signature.

use std::fmt;
use std::marker::PhantomData;

use super::rule::Rule;

/// Names a rule, for [`Need`].
pub trait Needs {
    /// Whom it lets in. It is asked for at each request: a single role or permission costs nothing to make.
    fn rule() -> Rule;
}

/// A guard as an extractor (features `axum` and `actix`), for the handler that is to be seen to have one: it
/// runs only for whom the rule lets in, and others are answered as by [`Require`](super::Require).
///
/// **Have it be the first argument.** Extractors run in their order, so one before it may have read the body
/// of somebody who has no business there. Prefer a [`Require`](super::Require) or a router of
/// [`adapters::guarded`](crate::adapters::guarded), which have a manifest.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::post};
/// use donjon::roles::{Need, Needs, Principal, Rule, permission};
///
/// donjon::permissions! { pub enum Permission { Refund = "orders:refund" } }
///
/// struct Refund;
///
/// impl Needs for Refund {
///     fn rule() -> Rule {
///         permission(Permission::Refund)
///     }
/// }
///
/// async fn refund(_: Need<Refund>, who: Principal, body: String) -> String {
///     format!("{} refunds {body}", who.subject())
/// }
///
/// let app: Router = Router::new().route("/refunds", post(refund)); // `.layer(…)` with `Authenticate` in it
/// # }
/// ```
pub struct Need<N>(PhantomData<fn() -> N>);

impl<N: Needs> Need<N> {
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn of<R: crate::head::RequestHead>(
        request: &R,
    ) -> Result<Self, crate::refusal::Refusal> {
        let clock = crate::clock::SystemClock::default();
        super::guard::decided(&N::rule(), request, &clock, false)?;
        Ok(Self(PhantomData))
    }
}

impl<N> fmt::Debug for Need<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Need").field(&std::any::type_name::<N>()).finish()
    }
}
