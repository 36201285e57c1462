//! Finding out who is asking.

use std::convert::Infallible;
use std::fmt;

use super::declare::Role;
use super::grants::GrantsInUse;
use super::principal::{Identity, Principal};
use crate::adapters::{adapt, adapt_async};
use crate::context::Context;
use crate::head::RequestHead;
use crate::middleware::{Admission, AsyncMiddleware, Later, Middleware};
use crate::trace;

/// Tells of a request who is asking: of the app's session, of a token, of a certificate.
///
/// ```
/// use std::convert::Infallible;
///
/// use donjon::head::{Name, RequestHead};
/// use donjon::roles::{Identify, Identity};
///
/// donjon::permissions! { pub enum Permission { Book = "courts:book" } }
/// donjon::roles! { pub enum Role grants Permission { Member = "member" => [Book] } }
///
/// /// Here of a header; in earnest `Session::of(request)` tells the user's number.
/// #[derive(Clone)]
/// struct ByHeader;
///
/// impl Identify for ByHeader {
///     type Role = Role;
///     type Error = Infallible;
///
///     fn identify<R: RequestHead>(&self, request: &R) -> Result<Option<Identity<Role>>, Infallible> {
///         static USER: Name = Name::from_static("x-user");
///         let user = request.header(&USER).next().and_then(|user| std::str::from_utf8(user).ok());
///         Ok(user.map(|user| Identity::new(user).role(Role::Member)))
///     }
/// }
/// ```
pub trait Identify: Clone + Send + Sync + 'static {
    /// The app's roles.
    type Role: Role;
    /// Why it cannot be told. It goes to `tracing`, and guards answer 503.
    type Error: fmt::Display;

    /// Who is asking; `None` for whoever has not signed in.
    fn identify<R: RequestHead>(
        &self,
        request: &R,
    ) -> Result<Option<Identity<Self::Role>>, Self::Error>;
}

/// The same, where a database has to be asked.
pub trait IdentifyLater: Clone + Send + Sync + 'static {
    /// The app's roles.
    type Role: Role;
    /// Why it cannot be told. It goes to `tracing`, and guards answer 503.
    type Error: fmt::Display + Send;

    /// Who is asking. What it needs of the request it takes before the future begins.
    fn identify<R: RequestHead>(
        &self,
        request: &R,
    ) -> impl Future<Output = Result<Option<Identity<Self::Role>>, Self::Error>>
    + Send
    + use<Self, R>
    + 'static;
}

/// Finds out who is asking, for the guards further in and the handlers. It refuses nobody.
///
/// In a stack it goes after [`Sessions`](crate::cookies::session::Sessions), and before the guards.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct Authenticate<I: Identify> {
    identify: I,
    grants: GrantsInUse<I::Role>,
}

/// As [`Authenticate`], where a database has to be asked: a layer of its own, around the routes that have
/// guards.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct AuthenticateLater<I: IdentifyLater> {
    identify: I,
    grants: GrantsInUse<I::Role>,
}

impl<I: Identify> Authenticate<I> {
    /// By this, with the roles' grants as declared.
    pub fn new(identify: I) -> Self {
        Self { identify, grants: GrantsInUse::default() }
    }

    /// With these grants, which can be replaced while requests run.
    pub fn grants(self, grants: &GrantsInUse<I::Role>) -> Self {
        Self { grants: grants.clone(), ..self }
    }
}

impl<I: IdentifyLater> AuthenticateLater<I> {
    /// By this, with the roles' grants as declared.
    pub fn new(identify: I) -> Self {
        Self { identify, grants: GrantsInUse::default() }
    }

    /// With these grants, which can be replaced while requests run.
    pub fn grants(self, grants: &GrantsInUse<I::Role>) -> Self {
        Self { grants: grants.clone(), ..self }
    }
}

/// What stands in the request's context once somebody has looked.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// It could not be found out.
    Nothing,
    /// Nobody has signed in.
    Nobody,
    Somebody(Principal),
}

impl Known {
    fn of<R: Role>(
        identified: Result<Option<Identity<R>>, impl fmt::Display>,
        grants: &GrantsInUse<R>,
    ) -> Self {
        match identified {
            Ok(Some(identity)) => Self::Somebody(identity.into_principal(&grants.load())),
            Ok(None) => Self::Nobody,
            Err(error) => {
                trace::warn!(error = %error, "it cannot be found out who is asking");
                Self::Nothing
            }
        }
    }
}

impl<I: Identify> Middleware for Authenticate<I> {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Infallible> {
        let known = Known::of(self.identify.identify(request), &self.grants);
        Context::of(request).set_known(known);
        Ok(())
    }
}

adapt!(Authenticate<I: Identify>);

impl<I: IdentifyLater> AsyncMiddleware for AuthenticateLater<I> {
    type Memo = ();

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Admission {
        let context = Context::of(request);
        let identifying = self.identify.identify(request);
        let grants = self.grants.clone();
        let later: Later<_> = Box::pin(async move {
            context.set_known(Known::of(identifying.await, &grants));
            Ok(())
        });
        Admission::Later(later)
    }
}

adapt_async!(AuthenticateLater<I: IdentifyLater>);
