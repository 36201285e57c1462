//! Tokens that stand in the body.

use std::collections::HashMap;
use std::hash::BuildHasher;

use super::FIELD;

/// A body whose token has been checked, if the layer has left that to the handler.
///
/// In axum and actix-web it is an extractor around the framework's own: `Verified<Form<Transfer>>`,
/// `Verified<Json<Transfer>>`, or whatever else derefs to a [`CsrfField`] (features `axum` and `actix`).
///
/// - The layer has [left it](super::CsrfProtection::token_in_form) to the handler: the token in the
///   body has to be one of the session, or else the answer is 403 and the event `x_csrf_denied`.
/// - The layer has let the request pass for another reason, such as the browser's word: the body needs
///   no token.
/// - There is no layer with tokens around the route: the answer is 500.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use donjon::csrf::{CsrfField, Verified};
/// # type Form<T> = Box<T>;
///
/// struct Transfer {
///     amount: u32,
///     csrf_token: Option<String>,
/// }
///
/// impl CsrfField for Transfer {
///     fn csrf_token(&self) -> Option<&str> {
///         self.csrf_token.as_deref()
///     }
/// }
///
/// async fn transfer(Verified(form): Verified<Form<Transfer>>) -> String {
///     format!("{} sent", form.amount)
/// }
/// # let _ = transfer;
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is the body, taken out by a pattern")]
pub struct Verified<E>(pub E);

/// A body that may have a token in it.
pub trait CsrfField {
    /// The field of the token, usually `csrf_token`, if it is there.
    fn csrf_token(&self) -> Option<&str>;
}

impl<S: BuildHasher> CsrfField for HashMap<String, String, S> {
    fn csrf_token(&self) -> Option<&str> {
        self.get(FIELD).map(String::as_str)
    }
}
