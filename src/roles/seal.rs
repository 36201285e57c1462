//! A guard for all routes of an app that is there already.

use std::sync::Arc;

use super::guard::{Require, decided};
use super::manifest::Manifest;
use super::rule::Rule;
use crate::adapters::adapt;
use crate::clock::{Clock, SystemClock};
use crate::head::RequestHead;
use crate::middleware::Middleware;
use crate::refusal::Refusal;

/// Guards every route of an app by one table, and denies whatever is not in it.
///
/// **The attack.** A route that somebody has added, and that nobody guards; a method of a route whose others
/// are guarded; a path that is spelled so that a guard which compares paths takes it for another one, while
/// the router does not.
///
/// - A request is looked up by its method and the **pattern of the route it was matched with**, as the
///   framework writes it: `/courts/{id}`. However a path is spelled, what is looked up is what is going to
///   run.
/// - `HEAD` is what `GET` is, unless there is a rule of its own.
/// - A route that is not in the table is denied: 403, whoever asks.
/// - What matches no route is answered 404, as if nothing were there, unless [`fallback`](Self::fallback) says
///   otherwise.
/// - In actix-web a route's own guards (`guard::Host` and the like) are not known this far out: of patterns that
///   match the same path, the first is looked up, whichever guard then lets another one run. Have no patterns
///   that overlap, or take [`GuardedRoutes`](crate::adapters::guarded::actix::GuardedRoutes). What rewrites
///   paths, such as `NormalizePath`, goes further out than this.
///
/// Put it around the whole app: in axum by `Router::layer`, after all routes.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use axum::{Router, routing::get};
/// use donjon::roles::{Rule, Seal, permission};
///
/// donjon::permissions! { pub enum Permission { Read = "courts:read" } }
///
/// let app: Router = Router::new()
///     .route("/", get(|| async { "welcome" }))
///     .route("/courts/{id}", get(|| async { "a court" }))
///     .route("/forgotten", get(|| async { "never seen" }))
///     .layer(
///         Seal::new()
///             .on("GET", "/", Rule::PUBLIC)
///             .on("GET", "/courts/{id}", permission(Permission::Read)),
///     );
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct Seal(Arc<Table>);

#[derive(Clone, Debug)]
struct Table {
    manifest: Manifest,
    fallback: Option<Rule>,
    clock: Arc<dyn Clock>,
}

impl Default for Seal {
    fn default() -> Self {
        let clock = Arc::new(SystemClock::default());
        Self(Arc::new(Table { manifest: Manifest::default(), fallback: None, clock }))
    }
}

impl Seal {
    /// A table without a route: it lets nobody in anywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whom a route lets in: by its method, such as `GET`, and its pattern. Of two rules for one route, the
    /// first counts.
    pub fn on(mut self, method: &str, route: &str, rule: Rule) -> Self {
        self.table().manifest.add(method, route, rule);
        self
    }

    /// Who reaches what matches no route: the app's own fallback, and **everything else without a pattern of its
    /// own**. In axum that is all that is mounted by `nest_service`, and a nested router's fallback; in
    /// actix-web a scope's `default_service`. Where there is such a thing, have it no weaker than that.
    pub fn fallback(mut self, rule: Rule) -> Self {
        self.table().fallback = Some(rule.clone());
        self.table().manifest.add("*", "*", rule);
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.table().clock = clock;
        self
    }

    /// All routes and their rules.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn table(&mut self) -> &mut Table {
        Arc::make_mut(&mut self.0)
    }

    fn rule(&self, method: &str, route: &str) -> Option<&Rule> {
        let of = |method: &str| {
            let mut entries = self.0.manifest.entries().iter();
            let found = entries.find(|entry| entry.route == route && entry.method == method);
            found.map(|entry| &entry.rule)
        };
        of(method).or_else(|| if method == "HEAD" { of("GET") } else { None })
    }
}

impl Middleware for Seal {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, (): &mut ()) -> Result<(), Refusal> {
        let table = &*self.0;
        let Some(route) = request.route() else {
            return match &table.fallback {
                Some(rule) => decided(rule, request, &*table.clock, false),
                None => Err(Require::nothing_there()),
            };
        };
        let rule = self.rule(request.method(), route.as_str()).unwrap_or(&Rule::NOBODY);
        decided(rule, request, &*table.clock, false)
    }
}

adapt!(Seal);
