//! Why a payment cannot be set up, and why one cannot begin.

use http::StatusCode;

use super::money::AmountError;
use super::state::{Mode, State};
use crate::cookies;
use crate::event::EventName;
use crate::refusal::Refusal;

/// Why something of a payment cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An order's name would be something else in a form, a URL or a log.
    #[error("an order is 1 to 64 of A-Z, a-z, 0-9, `.`, `_` and `-`, and not dots alone")]
    Order,
    /// A path may lead to another site.
    #[error(
        "{path:?} is no path of this site: give one that begins with one /, in visible ASCII without \\"
    )]
    Path {
        /// What was given.
        path: String,
    },
    /// A path has more than a path, and what a gateway signs has no room for it.
    #[error(
        "{path:?} has a query, a fragment or an escape: give a path alone, such as /pay/return"
    )]
    BarePath {
        /// What was given.
        path: String,
    },
    /// It is no origin.
    #[error(
        "{origin:?} is no origin: give https:// and a host in lower case, such as https://club.example"
    )]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The page of an order has no place for the order.
    #[error("{page:?} has no place for the order: give a path with {{order}} in it, once")]
    OrderPage {
        /// What was given.
        page: String,
    },
    /// There is no gateway, or there are two of one name.
    #[error("{0}: give each gateway once, and one at least")]
    Gateways(&'static str),
    /// An id, a key or an address of the gateway is none.
    #[error("{what} of {gateway} is not valid: {mend}")]
    Account {
        /// Which gateway.
        gateway: &'static str,
        /// What of it.
        what: &'static str,
        /// What it has to be.
        mend: &'static str,
    },
    /// What belongs to the test platform is not for production, and the other way round.
    #[error("{what} of {gateway} is not one of {mode:?}: ids, key and host go together")]
    Mode {
        /// Which gateway.
        gateway: &'static str,
        /// What of it.
        what: &'static str,
        /// Which mode was asked for.
        mode: Mode,
    },
    /// The gateway is asked over the network, and nobody has said by what.
    #[error("{gateway} is asked over the network: give the builder an HttpSend, by `http`")]
    NoHttp {
        /// Which gateway.
        gateway: &'static str,
    },
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(&'static str),
    /// A time is out of the question.
    #[error("{what} is to be {mend}")]
    Time {
        /// Which time.
        what: &'static str,
        /// What it has to be.
        mend: &'static str,
    },
    /// The application's name is none.
    #[error(transparent)]
    Seal(#[from] cookies::ConfigError),
}

/// Why a payment does not begin.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no such gateway.
    #[error("there is no such gateway")]
    NoGateway,
    /// There is no such order, or it is of another amount.
    #[error("the ledger has no such order of this amount")]
    NoOrder,
    /// It is paid, or about to be.
    #[error("the order is {0:?}, so that nothing is to be paid")]
    NotPayable(State),
    /// Somebody has set out to pay for it too often.
    #[error("too many have set out to pay for this order")]
    TooOften,
    /// The gateway does not take this amount.
    #[error("the gateway does not take this amount: {0}")]
    Amount(#[from] AmountError),
    /// What is to be sent would be something else there: which, and never what stands in it.
    #[error("{0} cannot be sent to the gateway")]
    Malformed(&'static str),
    /// The gateway does not answer, or not as it should.
    #[error("the gateway does not begin the payment: {0}")]
    Gateway(&'static str),
    /// The ledger does not answer.
    #[error("the ledger does not answer")]
    Ledger,
}

/// 404, 409, 422, 502 and 503, by what it is.
impl From<StartError> for Refusal {
    fn from(error: StartError) -> Self {
        let (status, reason) = match error {
            StartError::NoGateway => (StatusCode::NOT_FOUND, "no such gateway"),
            StartError::NoOrder => (StatusCode::NOT_FOUND, "no such order of this amount"),
            StartError::NotPayable(_) => (StatusCode::CONFLICT, "the order is not to be paid"),
            StartError::TooOften => (StatusCode::CONFLICT, "begun too often"),
            StartError::Amount(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "not an amount for this gateway")
            }
            StartError::Malformed(what) => (StatusCode::UNPROCESSABLE_ENTITY, what),
            StartError::Gateway(what) => (StatusCode::BAD_GATEWAY, what),
            StartError::Ledger => (StatusCode::SERVICE_UNAVAILABLE, "the ledger does not answer"),
        };
        Self::new(status, reason)
    }
}

/// Why a browser that comes back is shown nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReturnError {
    /// It is no token of ours, or of another order, amount or gateway.
    #[error("the return token is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the return token has expired")]
    Expired,
    /// Somebody has come back by it before.
    #[error("the return token has been used")]
    Used,
    /// The ledger does not answer.
    #[error("the ledger does not answer")]
    Ledger,
}

/// 404, 410 and 503.
impl From<ReturnError> for Refusal {
    fn from(error: ReturnError) -> Self {
        let (status, reason) = match error {
            ReturnError::Invalid => (StatusCode::NOT_FOUND, "a return token that is not valid"),
            ReturnError::Expired => (StatusCode::GONE, "a return token that has expired"),
            ReturnError::Used => (StatusCode::GONE, "a return token that was used before"),
            ReturnError::Ledger => (StatusCode::SERVICE_UNAVAILABLE, "the ledger does not answer"),
        };
        let refusal = Self::new(status, reason).with_event(EventName::InputValidationFail);
        // The address has a token in it, which may be good later on.
        refusal.with_header(super::answer::REFERRER_POLICY, super::answer::NO_REFERRER)
    }
}
