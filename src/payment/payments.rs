//! The way out, the way back, and the gateway's word.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::answer::Answer;
use super::asking::Unheard;
use super::builder::PaymentsBuilder;
use super::checkout::Checkout;
use super::error::{ConfigError, ReturnError, StartError};
use super::gateway::Gateway;
use super::hearing::{FAILED, LONGEST};
use super::http::HttpSend;
use super::ledger::{Begun, Ledger, LedgerError};
use super::order::{LocalPath, OrderId};
use super::page::HandoffPage;
use super::posted::Posted;
use super::start::Start;
use super::state::State;
use super::token::{self, ReturnTokens, Returned};
use super::url::Origin;
use super::visited::Visited;
use super::word::{Notice, Witness};
use crate::clock::Clock;
use crate::event::{EventLog, EventName};
use crate::keys::KeyRing;

/// Takes payments through gateways, without ever touching a card. See the [module](super).
///
/// Clones share everything.
#[derive(Clone)]
pub struct Payments(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) site: Origin,
    pub(super) gateways: Vec<Box<dyn Gateway>>,
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) http: Option<Arc<dyn HttpSend>>,
    pub(super) tokens: ReturnTokens,
    pub(super) lifetime: Duration,
    pub(super) return_route: LocalPath,
    pub(super) notify_routes: Vec<LocalPath>,
    /// What stands before and behind the order.
    pub(super) order_page: (String, String),
    pub(super) page: HandoffPage,
    pub(super) log: Option<EventLog>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Payments {
    /// For the site at this origin, such as `https://club.example`, whose tokens are sealed by this ring for this
    /// application.
    pub fn builder(ring: &KeyRing, app: &str, site: &str) -> Result<PaymentsBuilder, ConfigError> {
        PaymentsBuilder::new(ring, app, site)
    }

    /// Sends a payer away to a gateway: what the handler of the button's form returns.
    ///
    /// That it was a [post](Posted) is shown by the type; have [`CsrfProtection`](crate::csrf::CsrfProtection)
    /// around the route. The amount is to be the order's, as the ledger has it: what a form says of it is not
    /// believed. The session is any bytes that are the payer's alone, such as its id: he is known again by them
    /// when he comes back.
    pub async fn redirect(
        &self,
        _: Posted,
        checkout: &Checkout,
        gateway: &str,
        session: Option<&[u8]>,
    ) -> Result<Answer, StartError> {
        let inner = &*self.0;
        let (index, gateway) = inner.gateway(gateway).ok_or(StartError::NoGateway)?;
        let order = inner.ledger.order(&checkout.order).await.map_err(|_| StartError::Ledger)?;
        let order = order.filter(|order| order.amount == checkout.amount);
        let order = order.ok_or(StartError::NoOrder)?;
        if !order.state.is_payable() {
            return Err(StartError::NotPayable(order.state));
        }
        if order.begun.len() >= MOST_ATTEMPTS {
            return Err(StartError::TooOften);
        }
        let now = inner.clock.now();
        let time = (now, inner.lifetime);
        let token = inner
            .tokens
            .seal(&checkout.order, checkout.amount, gateway.id(), session, time)
            .map_err(|_| StartError::Malformed("the return token"))?;
        let back = inner.site.at(&format!("{}/{token}", inner.return_route));
        let route = inner.notify_routes.get(index).ok_or(StartError::NoGateway)?;
        let notify = inner.site.at(route.as_str());
        let http = inner.http.as_deref();
        let start = Start { checkout, back: &back, notify: &notify, now, http };
        let handoff = gateway.start(start).await?;
        // A URL may have been made of other origins than the gateway's.
        if !gateway.origins().contains(handoff.origin()) {
            return Err(StartError::Gateway("not one of its own origins"));
        }

        if handoff.reference.as_ref().is_some_and(|reference| reference.len() > LONGEST) {
            return Err(StartError::Gateway("its reference is too long"));
        }
        let (gateway, mode) = (gateway.id().to_owned(), gateway.mode());
        let attempt = Begun { gateway, mode, reference: handoff.reference.clone() };
        // Before the payer is on his way: what the gateway tells of it is then known.
        let noted = inner.ledger.begun(&checkout.order, &attempt).await;
        noted.map_err(|_| StartError::Ledger)?;
        Ok(Answer::handoff(&handoff, &inner.page))
    }

    /// Reads what a browser brings back: the last segment of the return route. It changes nothing; what it shows
    /// is what the ledger says.
    ///
    /// A token is good once. A `session` that is not there, since browsers send no cookie of `SameSite=Strict`
    /// back from another site, is no obstacle: there is nothing to be done here but to look.
    pub async fn returned(
        &self,
        _: Visited,
        token: &str,
        session: Option<&[u8]>,
    ) -> Result<Returned, ReturnError> {
        let inner = &*self.0;
        let sent = inner.tokens.open(token, inner.clock.now())?;
        let order = inner.ledger.order(&sent.order).await.map_err(|_| ReturnError::Ledger)?;
        let order = order.ok_or(ReturnError::Invalid)?;
        let is_same = |begun: &Begun| token::bound(&begun.gateway, order.amount) == sent.bound;
        let is_same = order.begun.iter().any(is_same);
        if !is_same {
            return Err(ReturnError::Invalid);
        }
        let first = inner.ledger.spend(token::once(token), sent.until).await;
        if !first.map_err(|_| ReturnError::Ledger)? {
            return Err(ReturnError::Used);
        }
        let is_same_session = session.is_some() && token::session_hash(session) == sent.session;
        Ok(Returned { order: sent.order, state: order.state, is_same_session })
    }

    /// The whole answer to a browser that comes back: to the order's page, without the token.
    pub async fn come_back(
        &self,
        visited: Visited,
        token: &str,
        session: Option<&[u8]>,
    ) -> Result<Answer, ReturnError> {
        let returned = self.returned(visited, token, session).await?;
        let (before, behind) = &self.0.order_page;
        Ok(Answer::see_other(format!("{before}{}{behind}", returned.order)))
    }

    /// Hears a notification: the only way by which an order is ever paid, beside [`reconcile`](Self::reconcile).
    ///
    /// | answer | to what |
    /// | --- | --- |
    /// | 200 | what has changed an order; what was heard before, comes too late or is of an unknown order |
    /// | 400 | what is not the gateway's, or of another amount, currency or mode than the order |
    /// | 404 | a gateway that is none of these |
    /// | 500 | the ledger, or the gateway that was asked, does not answer: it is to be sent again |
    pub async fn notify(&self, gateway: &str, notice: Notice<'_>) -> Answer {
        let inner = &*self.0;
        let Some((_, gateway)) = inner.gateway(gateway) else {
            return Answer::new(StatusCode::NOT_FOUND);
        };
        let witness = inner.witness(gateway);
        let status = match gateway.verify(notice, witness).await {
            Ok(words) => inner.hear(gateway, words).await,
            Err(error) => Err(inner.unbelieved(gateway.id(), None, error)),
        };
        if status == Err(FAILED) {
            let what = "it could not be written down, or asked";
            inner.tell(EventName::PaymentUnheard, gateway.id(), None, what);
        }
        Answer::new(status.map_or_else(|status| status, |()| StatusCode::OK))
    }

    /// Asks the gateways what has become of an order, for whose notification somebody has waited too long: from a
    /// task that looks for orders that are pending, or from the order's page.
    ///
    /// It takes twenty seconds at most. Of an order for which somebody has set out many times the last attempt is asked
    /// about first; what is left is asked about the next time.
    pub async fn reconcile(&self, order: &OrderId) -> Result<State, ReconcileError> {
        let inner = &*self.0;
        let known = inner.ledger.order(order).await?.ok_or(ReconcileError::NoOrder)?;
        let heard = inner.ask_each(order, &known).await;
        let state = inner.ledger.order(order).await?.map_or(known.state, |order| order.state);
        match heard {
            Err(Unheard::Ledger) => Err(LedgerError::new().into()),
            // What one gateway has made of it counts, whatever another one does not say.
            Err(Unheard::Gateway(id, _)) if state == known.state => {
                Err(ReconcileError::Unknown(id))
            }
            _ => Ok(state),
        }
    }

    /// The origins of all gateways: what the page with the button for paying has to have in `form-action`. A
    /// browser looks there too for where the answer to a form leads.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.0.gateways.iter().flat_map(|gateway| gateway.origins())
    }

    /// Where gateways send their notifications, each to its own path: what is exempt from request verification,
    /// since no browser is asked.
    pub fn notify_routes(&self) -> impl Iterator<Item = (&'static str, &LocalPath)> {
        self.0.gateways.iter().map(|gateway| gateway.id()).zip(&self.0.notify_routes)
    }

    /// Where browsers come back to: this, `/` and the token.
    #[must_use]
    pub fn return_route(&self) -> &LocalPath {
        &self.0.return_route
    }
}

impl Inner {
    pub(super) fn gateway(&self, id: &str) -> Option<(usize, &dyn Gateway)> {
        let at = self.gateways.iter().position(|gateway| gateway.id() == id)?;
        Some((at, &**self.gateways.get(at)?))
    }

    pub(super) fn witness(&self, gateway: &dyn Gateway) -> Witness<'_> {
        let (mode, now) = (gateway.mode(), self.clock.now());
        Witness { mode, now, http: self.http.as_deref(), ledger: Some(&*self.ledger), taking: None }
    }
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gateways: Vec<_> = self.0.gateways.iter().map(|gateway| gateway.id()).collect();
        f.debug_struct("Payments")
            .field("site", &self.0.site)
            .field("gateways", &gateways)
            .finish_non_exhaustive()
    }
}

/// Why it is not known what has become of an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// There is no such order.
    #[error("there is no such order")]
    NoOrder,
    /// The gateway does not say, or not so that it is believed.
    #[error("{0} does not say what has become of it")]
    Unknown(&'static str),
    /// The ledger does not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// So often may a payer set out for one order: each time is one more to ask a gateway about.
const MOST_ATTEMPTS: usize = 64;
