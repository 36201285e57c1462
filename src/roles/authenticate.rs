//! Finding out who is asking.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use super::declare::Role;
use super::grants::GrantsInUse;
use super::principal::{Identity, Principal};
use super::sign_in::{ConfigError, SignInPage};
use crate::adapters::{adapt, adapt_async};
use crate::context::Context;
use crate::deadline::within;
use crate::event::{Draft, EventName, Reporter, SecurityEvent, report};
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
    pages: Pages,
}

/// As [`Authenticate`], where a database has to be asked: a layer of its own, around the routes that have
/// guards.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct AuthenticateLater<I: IdentifyLater> {
    identify: I,
    grants: GrantsInUse<I::Role>,
    pages: Pages,
    deadline: Duration,
}

impl<I: Identify> Authenticate<I> {
    /// By this, with the roles' grants as declared.
    pub fn new(identify: I) -> Self {
        Self { identify, grants: GrantsInUse::default(), pages: Pages::default() }
    }

    /// With these grants, which can be replaced while requests run.
    pub fn grants(self, grants: &GrantsInUse<I::Role>) -> Self {
        Self { grants: grants.clone(), ..self }
    }

    /// Sends people who have not signed in to this page of the site, such as `/sign-in`, rather than to answer
    /// 401: browsers that go from page to page, by `GET`. Where they came from stands in `next`; have it
    /// checked by [`return_path`](super::return_path) before you send them back. Scripts and other clients
    /// get their 401. Whoever has signed in is never sent there, so nobody goes round in circles.
    ///
    /// ```
    /// # use donjon::head::RequestHead;
    /// # use donjon::roles::{Authenticate, Identify, Identity};
    /// # donjon::permissions! { pub enum Permission { Book = "courts:book" } }
    /// # donjon::roles! { pub enum Role grants Permission { Member = "member" => [Book] } }
    /// # #[derive(Clone)]
    /// # struct BySession;
    /// # impl Identify for BySession {
    /// #     type Role = Role;
    /// #     type Error = std::convert::Infallible;
    /// #     fn identify<R: RequestHead>(&self, _: &R) -> Result<Option<Identity<Role>>, Self::Error> { Ok(None) }
    /// # }
    /// let layer = Authenticate::new(BySession).sign_in_page("/sign-in")?;
    /// assert!(Authenticate::new(BySession).sign_in_page("https://evil.example").is_err());
    /// # Ok::<_, donjon::roles::ConfigError>(())
    /// ```
    pub fn sign_in_page(mut self, page: &str) -> Result<Self, ConfigError> {
        self.pages.sign_in = Some(SignInPage::new(page)?);
        Ok(self)
    }

    /// Sends people who have signed in too long ago for a rule ([`Rule::fresh`](super::Rule::fresh)) to this page
    /// of the site, such as `/confirm`, as [`sign_in_page`](Self::sign_in_page) does with those who have not
    /// signed in: there they give their password once more, and are to have a new
    /// [`signed_in_at`](Identity::signed_in_at).
    pub fn confirm_page(mut self, page: &str) -> Result<Self, ConfigError> {
        self.pages.confirm = Some(SignInPage::new(page)?);
        Ok(self)
    }
}

impl<I: IdentifyLater> AuthenticateLater<I> {
    /// By this, with the roles' grants as declared.
    pub fn new(identify: I) -> Self {
        let (grants, pages) = (GrantsInUse::default(), Pages::default());
        Self { identify, grants, pages, deadline: DEADLINE }
    }

    /// With these grants, which can be replaced while requests run.
    pub fn grants(self, grants: &GrantsInUse<I::Role>) -> Self {
        Self { grants: grants.clone(), ..self }
    }

    /// As [`Authenticate::sign_in_page`].
    pub fn sign_in_page(mut self, page: &str) -> Result<Self, ConfigError> {
        self.pages.sign_in = Some(SignInPage::new(page)?);
        Ok(self)
    }

    /// As [`Authenticate::confirm_page`].
    pub fn confirm_page(mut self, page: &str) -> Result<Self, ConfigError> {
        self.pages.confirm = Some(SignInPage::new(page)?);
        Ok(self)
    }

    /// Waits no longer than this: five seconds unless told otherwise. After that it could not be found out who
    /// is asking, and guards answer 503.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// What stands in the request's context once somebody has looked.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(super) who: Asking,
    pub(super) pages: Pages,
}

#[derive(Clone, Debug)]
pub(super) enum Asking {
    /// It could not be found out.
    Unknown,
    /// Nobody who has signed in.
    Nobody,
    Somebody(Principal),
}

/// Where people show who they are, if there are pages for that.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pub(super) sign_in: Option<SignInPage>,
    pub(super) confirm: Option<SignInPage>,
}

impl Known {
    fn of<R: Role>(
        identified: Result<Option<Identity<R>>, impl fmt::Display>,
        grants: &GrantsInUse<R>,
        pages: &Pages,
        report: impl FnOnce(Draft<'_>),
    ) -> Self {
        let who = match identified {
            Ok(Some(identity)) => {
                let unknown = identity.unknown_names();
                let principal = identity.into_principal(&grants.load());
                if unknown > 0 {
                    let draft = SecurityEvent::draft(EventName::InputValidationFail);
                    report(draft.subject(principal.subject()).reason("a name that is no role's"));
                }
                Asking::Somebody(principal)
            }
            Ok(None) => Asking::Nobody,
            Err(error) => {
                trace::warn!(error = %error, "it cannot be found out who is asking");
                Asking::Unknown
            }
        };
        Self { who, pages: pages.clone() }
    }
}

impl<I: Identify> Middleware for Authenticate<I> {
    type Memo = ();
    type Refusal = Infallible;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Infallible> {
        let identified = self.identify.identify(request);
        let known = Known::of(identified, &self.grants, &self.pages, |draft| {
            report(request, draft);
        });
        Context::of(request).set_known(known);
        Ok(())
    }
}

adapt!(Authenticate<I: Identify>);

impl<I: IdentifyLater> AsyncMiddleware for AuthenticateLater<I> {
    type Memo = ();

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Admission {
        let context = Context::of(request);
        let reporter = Reporter::without_route(request);
        let identifying = self.identify.identify(request);
        let (grants, pages, deadline) = (self.grants.clone(), self.pages.clone(), self.deadline);
        let later: Later<_> = Box::pin(async move {
            let identified = match within(deadline, identifying).await {
                Some(identified) => identified.map_err(|error| error.to_string()),
                None => Err("it takes too long".to_owned()),
            };
            context.set_known(Known::of(identified, &grants, &pages, |draft| {
                if let Some(reporter) = reporter {
                    reporter.emit(draft);
                }
            }));
            Ok(())
        });
        Admission::Later(later)
    }
}

adapt_async!(AuthenticateLater<I: IdentifyLater>);

const DEADLINE: Duration = Duration::from_secs(5);
