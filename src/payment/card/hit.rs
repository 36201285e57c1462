//! What was found, and what is said of it.

use http::StatusCode;

use super::name::Purpose;
use super::scanner::Finding;
use super::watch::Stopped;
use crate::event::{Detail, EventName};
use crate::refusal::Refusal;

/// What was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hit {
    Number(Finding),
    Field(Purpose),
}

/// Where it stood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
    Body,
    ResponseHeader,
    ResponseBody,
}

impl Place {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
            Self::ResponseHeader => "response header",
            Self::ResponseBody => "response body",
        }
    }
}

impl Hit {
    pub(super) const fn stopped(self) -> Stopped {
        match self {
            Self::Number(_) => Stopped::Number,
            Self::Field(Purpose::SecurityCode) => Stopped::SecurityCode,
            Self::Field(Purpose::CardNumber) => Stopped::CardNumber,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Number(_) => "a card number",
            Self::Field(Purpose::SecurityCode) => "a field for a security code",
            Self::Field(Purpose::CardNumber) => "a field for a card number",
        }
    }

    pub(super) const fn detail(self, place: Place) -> Detail {
        match self {
            Self::Number(finding) => Detail::Card {
                place: place.as_str(),
                network: finding.network.as_str(),
                last_four: finding.last_four,
            },
            Self::Field(_) => Detail::Reason(self.reason()),
        }
    }

    pub(super) const fn refusal(self) -> Refusal {
        Self::refusal_of(self.reason())
    }

    /// The event log knows already, and more than a reason.
    pub(super) const fn refusal_of(reason: &'static str) -> Refusal {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, reason)
            .with_event(EventName::CardData)
            .told()
    }
}
