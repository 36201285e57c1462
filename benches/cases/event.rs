//! What it costs a request that its refusal is an event.

use std::error::Error;
use std::time::Duration;

use donjon::event::{ConfigError, EventLog, EventName, SecurityEvent, SinkError};
use donjon::head::RequestHead;
use donjon::middleware::{Middleware, Stack};
use donjon::refusal::Refusal;
use http::StatusCode;

use super::client::{around, proxies};
use crate::measure::{Expected, Group, Limit};

/// Refuses everybody.
#[derive(Clone)]
struct Refuse;

impl Middleware for Refuse {
    type Memo = ();
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Refusal> {
        Err(Refusal::new(StatusCode::FORBIDDEN, "everybody is refused"))
    }
}

/// A log whose one sink never comes back from its first batch, and whose queue is full.
fn stuck() -> Result<EventLog, ConfigError> {
    // Nobody wakes it.
    let sink = |_: &[SecurityEvent]| -> Result<(), SinkError> {
        loop {
            std::thread::park();
        }
    };
    let log = EventLog::builder().sink("stuck", sink).queue(8).collapse_within(Duration::ZERO);
    let log = log.build()?;
    while log.dropped().critical == 0 {
        log.emit(SecurityEvent::draft(EventName::AuthzFail));
    }
    Ok(log)
}

/// A log whose sink takes everything.
fn draining(window: Duration) -> Result<EventLog, ConfigError> {
    let sink = |_: &[SecurityEvent]| Ok(());
    EventLog::builder().sink("draining", sink).collapse_within(window).build()
}

pub(super) fn group() -> Result<Group, Box<dyn Error>> {
    let headers = [("content-type", "application/problem+json"), ("cache-control", "no-store")];
    let refused = || Expected::status(403).headers(&headers);
    let alone = || -> Result<_, Box<dyn Error>> { Ok(around(Stack::new((proxies()?, Refuse)))) };
    let with =
        |log| -> Result<_, Box<dyn Error>> { Ok(around(Stack::new((log, proxies()?, Refuse)))) };
    let no_more = Limit { instructions: None, allocations: Some(0.0) };

    let title = "a refusal that is an event (goal, stuck sink: 100 ns)";
    let mut group = Group::new(title, alone()?, refused());
    group.floor("without a log", alone()?, refused());
    group.ours("a sink that is stuck", with(stuck()?)?, refused(), no_more);
    let collapsing = with(draining(Duration::from_secs(10))?)?;
    group.ours("identical, held back", collapsing, refused(), no_more);
    let draining = with(draining(Duration::ZERO)?)?;
    group.ours("a sink that drains", draining, refused(), Limit::NONE);
    Ok(group)
}
