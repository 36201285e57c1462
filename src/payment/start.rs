//! The way out: what a gateway is given, and what it gives.

use std::fmt;
use std::time::SystemTime;

use super::checkout::Checkout;
use super::error::StartError;
use super::http::HttpSend;
use super::url::{GatewayUrl, Origin};

/// What a gateway needs to begin a payment.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    pub(super) checkout: &'a Checkout,
    pub(super) back: &'a str,
    pub(super) notify: &'a str,
    pub(super) now: SystemTime,
    pub(super) http: Option<&'a dyn HttpSend>,
}

impl<'a> Start<'a> {
    /// What is to be paid.
    pub const fn checkout(&self) -> &'a Checkout {
        self.checkout
    }

    /// Where the payer's browser is to come back, whatever came of it: a whole URL, with nothing behind its
    /// path. What is added to it is not read.
    #[must_use]
    pub const fn back(&self) -> &'a str {
        self.back
    }

    /// Where the gateway is to tell what came of it: a whole URL.
    #[must_use]
    pub const fn notify(&self) -> &'a str {
        self.notify
    }

    /// What time it is.
    #[must_use]
    pub const fn now(&self) -> SystemTime {
        self.now
    }

    /// The way into the network.
    pub fn http(&self) -> Result<&'a dyn HttpSend, StartError> {
        self.http.ok_or(StartError::Gateway("there is no HttpSend"))
    }
}

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("order", &self.checkout.order).finish_non_exhaustive()
    }
}

/// What the payer's browser is to do.
#[derive(Clone, Debug)]
#[must_use = "the payer is to be sent on"]
pub struct Handoff {
    pub(super) way: Way,
    pub(super) reference: Option<String>,
}

#[derive(Clone)]
pub(super) enum Way {
    SeeOther(GatewayUrl),
    Post { action: GatewayUrl, fields: Vec<(&'static str, String)> },
}

/// What is signed is nothing for a log.
impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeeOther(url) => f.debug_tuple("SeeOther").field(url.origin()).finish(),
            Self::Post { action, .. } => {
                f.debug_struct("Post").field("action", action.origin()).finish_non_exhaustive()
            }
        }
    }
}

impl Handoff {
    /// To go there.
    pub const fn see_other(url: GatewayUrl) -> Self {
        Self { way: Way::SeeOther(url), reference: None }
    }

    /// To post a form there, with these fields in this order.
    pub const fn post(action: GatewayUrl, fields: Vec<(&'static str, String)>) -> Self {
        Self { way: Way::Post { action, fields }, reference: None }
    }

    pub(super) const fn origin(&self) -> &Origin {
        match &self.way {
            Way::SeeOther(url) | Way::Post { action: url, .. } => url.origin(),
        }
    }

    /// Under which name the gateway has the payment, by which it is asked later.
    pub fn reference(self, reference: impl Into<String>) -> Self {
        Self { reference: Some(reference.into()), ..self }
    }
}
