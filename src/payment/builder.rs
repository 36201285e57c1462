//! The builder of payments.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::ConfigError;
use super::gateway::Gateway;
use super::http::HttpSend;
use super::ledger::Ledger;
use super::order::LocalPath;
use super::page::HandoffPage;
use super::payments::{Inner, Payments};
use super::token::ReturnTokens;
use super::url::Origin;
use crate::clock::{Clock, SystemClock};
use crate::event::EventLog;
use crate::keys::KeyRing;

/// Builds [`Payments`].
#[must_use = "a builder does nothing until it is built"]
pub struct PaymentsBuilder {
    site: Origin,
    tokens: ReturnTokens,
    gateways: Vec<Box<dyn Gateway>>,
    http: Option<Arc<dyn HttpSend>>,
    lifetime: Duration,
    return_route: String,
    notify_route: String,
    order_page: String,
    page: HandoffPage,
    log: Option<EventLog>,
    clock: Arc<dyn Clock>,
}

impl PaymentsBuilder {
    pub(super) fn new(ring: &KeyRing, app: &str, site: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            site: site.parse()?,
            tokens: ReturnTokens::new(ring, app)?,
            gateways: Vec::new(),
            http: None,
            lifetime: Duration::from_secs(4 * 3600),
            return_route: "/pay/return".to_owned(),
            notify_route: "/pay/notify".to_owned(),
            order_page: "/orders/{order}".to_owned(),
            page: HandoffPage::default(),
            log: None,
            clock: Arc::new(SystemClock::default()),
        })
    }

    /// Adds a gateway.
    pub fn gateway(mut self, gateway: impl Gateway) -> Self {
        self.gateways.push(Box::new(gateway));
        self
    }

    /// Asks gateways over the network by this.
    pub fn http(mut self, http: impl HttpSend) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Where browsers come back to: `/pay/return` unless told otherwise, and behind it the token.
    pub fn return_route(mut self, path: &str) -> Self {
        path.clone_into(&mut self.return_route);
        self
    }

    /// Where gateways send notifications: `/pay/notify` unless told otherwise, and behind it the gateway's name.
    pub fn notify_route(mut self, path: &str) -> Self {
        path.clone_into(&mut self.notify_route);
        self
    }

    /// Where a browser that has come back is shown how far its order is: `/orders/{order}` unless told
    /// otherwise. That page has to ask by itself whether the order is the user's.
    pub fn order_page(mut self, path: &str) -> Self {
        path.clone_into(&mut self.order_page);
        self
    }

    /// What stands on the page that posts a form.
    pub fn page(mut self, page: HandoffPage) -> Self {
        self.page = page;
        self
    }

    /// For how long a browser may be away: four hours unless told otherwise. A minute to seven days.
    pub const fn return_within(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Tells this log.
    pub fn log(mut self, log: &EventLog) -> Self {
        self.log = Some(log.clone());
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks it. The ledger is the app's own database.
    pub fn build(self, ledger: impl Ledger) -> Result<Payments, ConfigError> {
        if self.gateways.is_empty() {
            return Err(ConfigError::Gateways("there is no gateway"));
        }
        for (at, gateway) in self.gateways.iter().enumerate() {
            let id = gateway.id();
            let is_one =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if !(1..=32).contains(&id.len()) || !id.bytes().all(is_one) {
                return Err(ConfigError::Gateways(
                    "a gateway's name is 1 to 32 of a-z, 0-9 and `-`",
                ));
            }
            if self.gateways.iter().take(at).any(|other| other.id() == id) {
                return Err(ConfigError::Gateways("there are two gateways of one name"));
            }
            if gateway.needs_http() && self.http.is_none() {
                return Err(ConfigError::NoHttp { gateway: id });
            }
        }
        if !(Duration::from_secs(60)..=LONGEST_RETURN).contains(&self.lifetime) {
            let what = "the time for a browser to come back";
            return Err(ConfigError::Time { what, mend: "a minute to seven days" });
        }
        let return_route = bare(&self.return_route)?;
        let notify = bare(&self.notify_route)?;
        let routes = self.gateways.iter().map(|gateway| {
            let hidden = gateway.hidden_notify_segment();
            let hidden = hidden.map(|segment| format!("/{segment}")).unwrap_or_default();
            bare(&format!("{notify}/{}{hidden}", gateway.id()))
        });
        let notify_routes = routes.collect::<Result<Vec<_>, _>>()?;
        let order_page = self.order_page.split_once("{order}");
        let order_page = order_page.filter(|(_, behind)| !behind.contains("{order}"));
        let (before, behind) =
            order_page.ok_or_else(|| ConfigError::OrderPage { page: self.order_page.clone() })?;
        let _: LocalPath = format!("{before}1{behind}").parse()?;
        let order_page = (before.to_owned(), behind.to_owned());
        Ok(Payments(Arc::new(Inner {
            site: self.site,
            gateways: self.gateways,
            ledger: Box::new(ledger),
            http: self.http,
            tokens: self.tokens,
            lifetime: self.lifetime,
            return_route,
            notify_routes,
            order_page,
            page: self.page,
            log: self.log,
            clock: self.clock,
        })))
    }
}

/// A return token is good for no longer than this.
pub(super) const LONGEST_RETURN: Duration = Duration::from_secs(7 * 86_400);

/// A path that has room for a segment more, and nothing behind it.
fn bare(path: &str) -> Result<LocalPath, ConfigError> {
    let path: LocalPath = path.parse()?;
    // What routers take for a parameter, and browsers for a step, is no plain segment.
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_plain =
        |segment: &str| !segment.bytes().all(|byte| byte == b'.') && segment.bytes().all(is_one);
    if path.is_bare() && path.as_str().split('/').skip(1).all(is_plain) {
        Ok(path)
    } else {
        Err(ConfigError::BarePath { path: path.to_string() })
    }
}

impl fmt::Debug for PaymentsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gateways: Vec<_> = self.gateways.iter().map(|gateway| gateway.id()).collect();
        f.debug_struct("PaymentsBuilder")
            .field("site", &self.site)
            .field("gateways", &gateways)
            .finish_non_exhaustive()
    }
}
