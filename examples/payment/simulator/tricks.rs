//! What the gateway does otherwise than it should, if it is asked to: for tests of the shop.

#![allow(dead_code, reason = "the examples' gateway behaves")]

use std::io;
use std::sync::PoisonError;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use futures_util::stream;

use super::Simulator;

/// What it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trick {
    /// Answers whatever it is asked by this status, though it has done it.
    Answers(u16),
    /// Does what it is asked, and hangs up in the middle of its answer.
    HangsUp,
    /// Does so when it has taken money, and only then.
    HangsUpOnCapture,
    /// Does what it is asked, and never answers.
    IsSilent,
    /// Answers with a page.
    Rubbish,
    /// Knows none of its tokens any more, once.
    ForgetsTokens,
    /// Does not know a request again by the name that it has.
    ForgetsNames,
    /// Tells the shop nothing, until it is to send it again.
    Holds,
    /// Tells the shop everything so many times at once.
    Copies(usize),
    /// Signs with another key.
    OtherKey,
    /// Signs as if it were so many seconds ago.
    Late(u64),
    /// Says another amount, in cents.
    Amount(u64),
    /// Says another currency.
    Currency(&'static str),
    /// Says another order.
    Order(&'static str),
    /// Takes another amount than it says, in cents.
    Takes(u64),
    /// Takes no money, and says why.
    Declines,
    /// Takes no money, and says that the order is completed.
    DeclinesWithin,
    /// Has its page somewhere else.
    Elsewhere,
}

impl Simulator {
    /// Does so from now on, and nothing else that it was asked to before.
    pub(crate) fn misbehave(&self, tricks: &[Trick]) {
        *self.0.tricks.lock().unwrap_or_else(PoisonError::into_inner) = tricks.to_vec();
    }

    /// Behaves, and has neither sent nor done anything so far.
    pub(crate) fn start_over(&self) {
        self.misbehave(&[]);
        self.forget_sent();
        self.forget_captures();
    }

    /// The first of its tricks that is one of these.
    pub(super) fn trick<T>(&self, is_one: impl FnMut(Trick) -> Option<T>) -> Option<T> {
        let tricks = self.0.tricks.lock().unwrap_or_else(PoisonError::into_inner);
        tricks.iter().copied().find_map(is_one)
    }

    pub(super) fn does(&self, wanted: Trick) -> bool {
        self.trick(|trick| (trick == wanted).then_some(())).is_some()
    }

    pub(super) fn other_amount(&self) -> Option<u64> {
        self.trick(|trick| if let Trick::Amount(cents) = trick { Some(cents) } else { None })
    }

    pub(super) fn other_currency(&self) -> Option<&'static str> {
        self.trick(|trick| if let Trick::Currency(code) = trick { Some(code) } else { None })
    }

    pub(super) fn other_order(&self) -> Option<&'static str> {
        self.trick(|trick| if let Trick::Order(order) = trick { Some(order) } else { None })
    }

    /// By how many seconds it is late.
    pub(super) fn lateness(&self) -> u64 {
        let late = |trick| if let Trick::Late(seconds) = trick { Some(seconds) } else { None };
        self.trick(late).unwrap_or_default()
    }
}

/// Around whatever the shop asks for.
pub(super) async fn answer(
    State(simulator): State<Simulator>,
    request: Request,
    next: Next,
) -> Response {
    let is_capture = request.uri().path().ends_with("/capture");
    let answer = next.run(request).await;
    if simulator.does(Trick::IsSilent) {
        std::future::pending::<()>().await;
    }
    let instead = simulator.trick(|trick| match trick {
        Trick::Answers(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            Some(status.into_response())
        }
        Trick::HangsUp => Some(cut_off()),
        Trick::HangsUpOnCapture if is_capture => Some(cut_off()),
        Trick::Rubbish => Some(Html("<!doctype html><title>Be back soon</title>").into_response()),
        _ => None,
    });
    instead.unwrap_or(answer)
}

/// Something has begun, and the connection is gone.
fn cut_off() -> Response {
    let parts = [Ok("{"), Err(io::Error::other("hung up"))];
    Body::from_stream(stream::iter(parts)).into_response()
}
