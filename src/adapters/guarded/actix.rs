//! Routes of actix-web that all have a rule.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::Allow;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder};

use crate::clock::{Clock, SystemClock};
use crate::roles::{Manifest, Require, Rule};

/// Routes that all have a rule, for `App::configure` and `Scope::configure`.
///
/// - A route without a rule cannot be written down.
/// - `HEAD` is what `GET` is, unless it has a rule of its own. A method that a route has not is answered 405
///   only to whom one of its rules lets in.
/// - [`manifest`](Self::manifest) is made of what the guards decide by.
///
/// ```
/// use actix_web::App;
/// use actix_web::http::Method;
/// use donjon::adapters::guarded::actix::GuardedRoutes;
/// use donjon::roles::{Rule, permission};
///
/// donjon::permissions! { pub enum Permission { Read = "courts:read" } }
/// donjon::roles! { pub enum Role grants Permission { Member = "member" => [Read] } }
///
/// let guarded = GuardedRoutes::new()
///     .on(Method::GET, "/", Rule::PUBLIC, async || "welcome")
///     .on(Method::GET, "/courts/{id}", permission(Permission::Read), async || "a court");
/// assert_eq!(
///     guarded.manifest().matrix::<Role>().to_string(),
///     "\
/// route             anonymous  member
/// GET /             yes        yes
/// GET /courts/{id}  401        yes
/// "
/// );
/// let app = App::new().configure(|config| guarded.configure(config)); // `.wrap(…)` with `Authenticate` in it
/// # let _ = app;
/// ```
///
/// One without a rule:
///
/// ```compile_fail,E0061
/// use actix_web::http::Method;
/// use donjon::adapters::guarded::actix::GuardedRoutes;
///
/// let guarded = GuardedRoutes::new().on(Method::GET, "/", async || "welcome");
/// ```
#[must_use = "they do nothing until an app is configured with them"]
pub struct GuardedRoutes {
    routes: Vec<Guarded>,
    manifest: Manifest,
    clock: Arc<dyn Clock>,
}

struct Guarded {
    method: Method,
    pattern: String,
    rule: Rule,
    route: Box<dyn Fn() -> actix_web::Route>,
}

impl Default for GuardedRoutes {
    fn default() -> Self {
        let clock = Arc::new(SystemClock::default());
        Self { routes: Vec::new(), manifest: Manifest::default(), clock }
    }
}

impl GuardedRoutes {
    /// Without a route.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the time from this clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Adds a route. In a scope its pattern is that within the scope, in the manifest too.
    ///
    /// # Panics
    ///
    /// If it is there already: its second rule would never be asked.
    pub fn on<F, Args>(mut self, method: Method, pattern: &str, rule: Rule, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let is_same = |other: &Guarded| other.method == method && other.pattern == pattern;
        assert!(!self.routes.iter().any(is_same), "{method} {pattern} is there already");
        self.manifest.add(method.as_str(), pattern, rule.clone());
        let route = Box::new(move || web::route().to(handler.clone()));
        self.routes.push(Guarded { method, pattern: pattern.to_owned(), rule, route });
        self
    }

    /// All routes and their rules.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Adds the routes to an app or a scope. In the closure of `HttpServer::new` it is called once for each
    /// worker.
    pub fn configure(&self, config: &mut ServiceConfig) {
        let mut done: Vec<&str> = Vec::new();
        for Guarded { pattern, .. } in &self.routes {
            if !done.contains(&pattern.as_str()) {
                done.push(pattern);
                config.service(self.resource(pattern));
            }
        }
    }

    /// All methods of one pattern.
    fn resource(&self, pattern: &str) -> actix_web::Resource {
        let here = || self.routes.iter().filter(move |guarded| guarded.pattern == pattern);
        let mut resource = web::resource(pattern);
        for Guarded { method, rule, route, .. } in here() {
            let guard = || Require::new(rule.clone()).clock(Arc::clone(&self.clock));
            resource = resource.route(route().method(method.clone()).wrap(guard()));
            if *method == Method::GET && !here().any(|other| other.method == Method::HEAD) {
                resource = resource.route(route().method(Method::HEAD).wrap(guard()));
            }
        }
        let any = Rule::any(here().map(|guarded| guarded.rule.clone()));
        let guard = Require::new(any).clock(Arc::clone(&self.clock));
        let mut methods: Vec<_> = here().map(|guarded| guarded.method.clone()).collect();
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        let refuse = move || {
            let mut response = actix_web::HttpResponse::MethodNotAllowed();
            std::future::ready(response.insert_header(Allow(methods.clone())).finish())
        };
        let other = web::route().to(refuse).wrap(guard);
        resource.default_service(other)
    }
}

impl std::fmt::Debug for GuardedRoutes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedRoutes").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}
