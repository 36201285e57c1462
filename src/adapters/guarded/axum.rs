//! A router of axum in which every route has a rule.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, StatusCode};

use crate::clock::{Clock, SystemClock};
use crate::roles::{Manifest, Require, Rule};

/// A router in which every route has a rule.
///
/// - A route without a rule cannot be written down:
///
/// ```compile_fail,E0061
/// use donjon::adapters::guarded::axum::GuardedRouter;
/// use http::Method;
///
/// let router: GuardedRouter = GuardedRouter::new().on(Method::GET, "/", || async { "welcome" });
/// ```
///
/// - `HEAD` is what `GET` is. A method that a route has not is answered 405 only to whom one of its rules
///   lets in, and to others as the route itself.
/// - A router that is [nested](Self::nest) has its own rules and that of where it stands.
/// - What matches no route is answered 404, unless there is a [fallback](Self::fallback), which has a rule.
/// - [`manifest`](Self::manifest) is made of what the guards decide by.
///
/// ```
/// use axum::Router;
/// use donjon::adapters::guarded::axum::GuardedRouter;
/// use donjon::roles::{Rule, permission, role};
/// use http::Method;
///
/// donjon::permissions! { pub enum Permission { Read = "courts:read", Unlock = "users:unlock" } }
/// donjon::roles! {
///     pub enum Role grants Permission {
///         Member = "member" => [Read],
///         Admin = "admin": Member => [Unlock],
///     }
/// }
///
/// let admin = GuardedRouter::new()
///     .on(Method::GET, "/users", permission(Permission::Unlock), || async { "users" });
/// let guarded = GuardedRouter::new()
///     .on(Method::GET, "/", Rule::PUBLIC, || async { "welcome" })
///     .on(Method::GET, "/courts/{id}", permission(Permission::Read), || async { "a court" })
///     .nest("/admin", role(Role::Admin), admin);
///
/// assert_eq!(
///     guarded.manifest().matrix::<Role>().to_string(),
///     "\
/// route             anonymous  member  admin
/// GET /             yes        yes     yes
/// GET /courts/{id}  401        yes     yes
/// GET /admin/users  401        -       yes
/// "
/// );
/// let app: Router = guarded.into_router(); // `.layer(…)` with `Authenticate` in it
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until it is made a router"]
pub struct GuardedRouter<S = ()> {
    router: Router<S>,
    /// Those of one pattern, with all their rules.
    routes: Vec<(String, MethodRouter<S>, Vec<Rule>)>,
    manifest: Manifest,
    clock: Arc<dyn Clock>,
}

impl<S: Clone + Send + Sync + 'static> Default for GuardedRouter<S> {
    fn default() -> Self {
        Self {
            router: Router::new(),
            routes: Vec::new(),
            manifest: Manifest::default(),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> GuardedRouter<S> {
    /// Without a route.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the time from this clock, for the routes that are added from now on.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Adds a route.
    ///
    /// # Panics
    ///
    /// Where axum's own `Router::route` does: if the pattern is none, or a route is there twice. A method
    /// that axum has no name for is one too.
    #[expect(clippy::needless_pass_by_value, reason = "constants read best, as in actix-web")]
    pub fn on<H, T>(mut self, method: Method, route: &str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        #[expect(clippy::panic, reason = "as axum does with routes that are none")]
        let Ok(filter) = MethodFilter::try_from(method.clone()) else {
            panic!("axum routes no method {method}")
        };
        self.manifest.add(method.as_str(), route, rule.clone());
        let guarded = on(filter, handler).route_layer(self.guard(rule.clone()));
        match self.routes.iter_mut().find(|(known, ..)| known == route) {
            Some((_, methods, rules)) => {
                *methods = std::mem::take(methods).merge(guarded);
                rules.push(rule);
            }
            None => self.routes.push((route.to_owned(), guarded, vec![rule])),
        }
        self
    }

    /// Puts all routes of another one behind a prefix and one more rule. A rule of theirs that is public is so
    /// only for whom this one lets in.
    pub fn nest(mut self, prefix: &str, rule: Rule, other: Self) -> Self {
        self.manifest.nest(prefix, &rule, other.manifest.clone());
        let guarded = other.into_router().layer(self.guard(rule));
        self.router = self.router.nest(prefix, guarded);
        self
    }

    /// Answers what matches no route.
    pub fn fallback<H, T>(mut self, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.manifest.add("*", "*", rule.clone());
        let guard = self.guard(rule);
        self.router = self.router.fallback(handler.layer(guard));
        self
    }

    /// All routes and their rules.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The router. What is added to it by axum's own means has no rule: put a
    /// [`Seal`](crate::roles::Seal) around what is put together of several.
    pub fn into_router(self) -> Router<S> {
        let mut router = self.router;
        for (route, methods, rules) in self.routes {
            let guard = Require::new(Rule::any(rules)).clock(Arc::clone(&self.clock));
            let other = tower_layer::Layer::layer(&guard, NoSuchMethod);
            router = router.route(&route, methods.fallback_service(other));
        }
        router
    }

    fn guard(&self, rule: Rule) -> Require {
        Require::new(rule).clock(Arc::clone(&self.clock))
    }
}

/// For whom one of the route's rules lets in.
#[derive(Clone, Copy, Debug)]
struct NoSuchMethod;

impl<B> tower_service::Service<http::Request<B>> for NoSuchMethod {
    type Response = http::Response<axum::body::Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        let mut response = http::Response::new(axum::body::Body::empty());
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        std::future::ready(Ok(response))
    }
}
