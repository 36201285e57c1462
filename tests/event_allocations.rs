//! What it costs to emit: nothing is allocated, and nothing grows.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::net::Ipv4Addr;
use std::sync::mpsc::channel;
use std::time::Duration;

use donjon::event::{
    ClientPolicy, Draft, EventLog, EventLogBuilder, EventName, SecurityEvent, Severity,
};

const LONG: Duration = Duration::from_secs(60);

fn draft(index: u32) -> Draft<'static> {
    SecurityEvent::draft(EventName::AuthnLoginFail)
        .client(Ipv4Addr::from_bits(index).into())
        .subject("ann@example.com")
        .target("bob@example.com")
        .reason("password")
}

/// How often emitting allocates, on the thread that emits. Each thread has made what it needs for
/// reading the key once before.
fn allocations(log: &EventLog, emit: impl Fn(&EventLog)) -> u64 {
    log.emit(draft(0).severity(Severity::Critical));
    allocation_counter::measure(|| emit(log)).count_total
}

fn policies() -> impl Iterator<Item = EventLogBuilder> {
    let policies = [ClientPolicy::Full, ClientPolicy::Truncated, ClientPolicy::Hashed];
    let windows = [Duration::ZERO, Duration::from_millis(1), LONG];
    policies.into_iter().flat_map(move |policy| {
        windows.map(|window| EventLog::builder().clients(policy).collapse_within(window))
    })
}

#[test]
fn an_event_that_nobody_takes_allocates_nothing() {
    for builder in policies() {
        let (entered, is_in) = channel();
        let (release, released) = channel::<()>();
        let stuck = move |_: &[SecurityEvent]| {
            entered.send(())?;
            let _ = released.recv();
            Ok(())
        };
        let log = builder.queue(64).sink("stuck", stuck).build().unwrap();
        log.emit(draft(0));
        is_in.recv_timeout(LONG).unwrap();

        let flood = |log: &EventLog| (0..1000).for_each(|index| log.emit(draft(index << 16)));
        let count = allocations(&log, flood);

        assert_eq!(count, 0);
        assert!(log.dropped().total() > 0);
        drop(release);
    }
    let nobody = EventLog::builder().discard().build().unwrap();
    assert_eq!(allocations(&nobody, |log| log.emit(draft(1))), 0);
}

#[test]
fn an_event_that_is_taken_allocates_nothing_either() {
    for builder in policies() {
        let log = builder.sink("fast", |_: &[SecurityEvent]| Ok(())).build().unwrap();

        let count = allocations(&log, |log| (0..2000).for_each(|index| log.emit(draft(index / 2))));

        assert_eq!(count, 0);
    }
}

/// As many addresses as there are: what is remembered of them has a fixed size.
#[test]
fn a_flood_from_a_million_addresses_leaves_memory_flat() {
    let log = EventLog::builder().sink("fast", |_: &[SecurityEvent]| Ok(())).build().unwrap();
    let flood = |log: &EventLog| {
        let name = EventName::AuthnLoginFail;
        (0..1_000_000).for_each(|index| {
            log.emit(SecurityEvent::draft(name).client(Ipv4Addr::from_bits(index).into()));
        });
    };

    assert_eq!(allocations(&log, flood), 0);
}
