//! The log from end to end: first what an attacker, or a bad day, would do to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;

use super::sink::Inline;
use super::*;
use crate::clock::{Clock, ManualClock};
use crate::head::RouteTemplate;

/// Longer than anything here takes, so that what never comes fails instead of hanging.
const LONG: Duration = Duration::from_secs(60);
const INFO: EventName = EventName::AuthnLoginSuccess;
const WARN: EventName = EventName::AuthnLoginFail;
const CRITICAL: EventName = EventName::AuthzFail;

fn draft(name: EventName) -> Draft<'static> {
    SecurityEvent::draft(name)
}

/// A log in which each event stands for itself.
fn each() -> EventLogBuilder {
    EventLog::builder().collapse_within(Duration::ZERO)
}

/// A sink that is stuck until it is let go: it says when it has a batch, and waits.
struct Stuck {
    entered: Sender<usize>,
    release: Receiver<()>,
    got: Got,
}

#[derive(Clone, Default)]
struct Got(Arc<Mutex<Vec<SecurityEvent>>>);

impl Got {
    fn events(&self) -> Vec<SecurityEvent> {
        self.0.lock().unwrap().clone()
    }

    fn take(&self, batch: &[SecurityEvent]) {
        self.0.lock().unwrap().extend_from_slice(batch);
    }

    /// How many events were emitted for what was delivered.
    fn emitted(&self) -> u64 {
        sum(&self.events())
    }

    fn named(&self, name: EventName) -> Vec<SecurityEvent> {
        self.events().into_iter().filter(|event| event.name() == name).collect()
    }
}

fn forward(to: Sender<SecurityEvent>) -> impl EventSink {
    move |batch: &[SecurityEvent]| {
        for event in batch {
            to.send(event.clone())?;
        }
        Ok(())
    }
}

fn sum(events: &[SecurityEvent]) -> u64 {
    let ours = [EventName::EventsLost, EventName::SysMonitorDisabled, EventName::SysMonitorEnabled];
    events.iter().filter(|event| !ours.contains(&event.name())).map(SecurityEvent::count).sum()
}

impl EventSink for Stuck {
    fn deliver(&mut self, batch: &[SecurityEvent]) -> Result<(), SinkError> {
        let _ = self.entered.send(batch.len());
        let _ = self.release.recv(); // an error is the release for good
        self.got.take(batch);
        Ok(())
    }
}

/// A log whose only sink has a batch of one event in its hands and is stuck with it.
fn stuck(slots: usize) -> (EventLog, Sender<()>, Got) {
    let (entered, batches) = channel();
    let (release, released) = channel();
    let got = Got::default();
    let sink = Stuck { entered, release: released, got: got.clone() };
    let log = each().queue(slots).sink("stuck", sink).build().unwrap();
    log.emit(draft(INFO));
    assert_eq!(batches.recv_timeout(LONG), Ok(1));
    (log, release, got)
}

#[test]
fn a_stuck_sink_holds_nobody_up_and_learns_what_it_has_missed() {
    let (log, release, got) = stuck(64);

    for _ in 0..10_000 {
        log.emit(draft(INFO));
    }
    let lost = log.dropped();
    assert_eq!(lost, Lost { info: 10_000 - 56, ..Lost::default() });

    drop(release);
    log.shutdown(LONG).unwrap();
    assert_eq!(got.emitted() + lost.total(), 10_001);
    let reports = got.named(EventName::EventsLost);
    assert_eq!(reports.len(), 1);
    assert_eq!(*reports[0].detail(), Detail::Lost(lost));
}

#[test]
fn what_is_critical_gets_through_a_flood() {
    let (log, release, got) = stuck(64);

    for _ in 0..1000 {
        log.emit(draft(INFO));
        log.emit(draft(WARN));
    }
    for _ in 0..9 {
        log.emit(draft(CRITICAL));
    }
    let lost = log.dropped();
    assert_eq!((lost.info + lost.warn, lost.critical), (2000 - 56, 1));

    drop(release);
    log.shutdown(LONG).unwrap();
    assert_eq!(got.named(CRITICAL).len(), 8);
}

type Bad = Box<dyn FnMut(&[SecurityEvent]) -> Result<(), SinkError> + Send>;

/// A sink that panics, and one that fails, take nothing away from the others.
#[test]
fn a_sink_that_fails_is_alone_with_it_and_is_reported() {
    let panics = |_: &[SecurityEvent]| -> Result<(), SinkError> { panic!("a bug") };
    let fails = |_: &[SecurityEvent]| Err(SinkError::new("disk full"));
    for bad in [Box::new(panics) as Bad, Box::new(fails)] {
        let (seen, events) = channel();
        let good = forward(seen);
        let log = each()
            .first_rest(Duration::from_millis(1))
            .sink("bad", bad)
            .sink("good", good)
            .build()
            .unwrap();

        log.emit(draft(CRITICAL));

        let mut names: Vec<_> = (0..2).map(|_| events.recv_timeout(LONG).unwrap()).collect();
        names.sort_by_key(SecurityEvent::name);
        assert_eq!(names[0].name(), CRITICAL);
        assert_eq!(names[1].name(), EventName::SysMonitorDisabled);
        assert_eq!(names[1].to_string(), "WARN sys_monitor_disabled:,bad");

        // It was tried once more at least, is lost at the bad one, and that is said.
        let undelivered = log.shutdown(LONG);
        assert_eq!(log.dropped().critical, 1);
        assert!(matches!(undelivered, Ok(()) | Err(Undelivered { events: 1 })), "{undelivered:?}");
        assert!(events.try_recv().is_err(), "no more reports than that");
    }
}

#[test]
fn a_sink_gets_the_same_again_and_its_recovery_is_reported() {
    let (sender, tries) = channel();
    let mut left = 3;
    let flaky = move |batch: &[SecurityEvent]| {
        sender.send(batch.to_vec())?;
        left -= 1;
        if left > 0 { Err(SinkError::new("not now")) } else { Ok(()) }
    };
    let (seen, events) = channel();
    let good = forward(seen);
    let log = each()
        .first_rest(Duration::from_millis(1))
        .sink("flaky", flaky)
        .sink("good", good)
        .build()
        .unwrap();

    log.emit(draft(WARN));

    let batches: Vec<_> = (0..3).map(|_| tries.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(batches[0][0].name(), WARN);
    assert_eq!(batches[0], batches[1]);
    assert_eq!(batches[1], batches[2]);
    let mut names: Vec<_> = (0..3).map(|_| events.recv_timeout(LONG).unwrap().name()).collect();
    names.sort_unstable();
    assert_eq!(names, [WARN, EventName::SysMonitorDisabled, EventName::SysMonitorEnabled]);
    assert_eq!(log.shutdown(LONG), Ok(()));
    assert_eq!(log.dropped().total(), 0);
    assert!(tries.try_recv().is_err(), "delivered once");
}

#[test]
fn after_five_more_tries_a_batch_is_lost_and_the_sink_is_told() {
    let (sender, tries) = channel();
    let mut count = 0;
    let sink = move |batch: &[SecurityEvent]| {
        count += 1;
        sender.send((count, batch.to_vec()))?;
        if count <= 6 { Err(SinkError::new("not now")) } else { Ok(()) }
    };
    let log = each().first_rest(Duration::from_millis(1)).sink("slow", sink).build().unwrap();

    log.emit(draft(CRITICAL));

    let batches: Vec<_> = (0..7).map(|_| tries.recv_timeout(LONG).unwrap().1).collect();
    assert!(batches[..6].iter().all(|batch| batch.len() == 1 && batch[0].name() == CRITICAL));
    assert_eq!(batches[6][0].name(), EventName::EventsLost);
    let lost = Lost { critical: 1, ..Lost::default() };
    assert_eq!(*batches[6][0].detail(), Detail::Lost(lost));
    assert_eq!(log.shutdown(LONG), Ok(()), "that was before");
    assert_eq!(log.dropped(), lost);
}

/// Two sinks that stumble over the reports of one another.
#[test]
fn reports_of_failures_do_not_feed_themselves() {
    let flapping = |got: Got| {
        let mut calls = 0;
        move |batch: &[SecurityEvent]| {
            calls += 1;
            if calls % 2 == 1 {
                return Err(SinkError::new("every other time"));
            }
            got.take(batch);
            Ok(())
        }
    };
    let (a, b) = (Got::default(), Got::default());
    let log = each()
        .first_rest(Duration::from_micros(1))
        .clock(Arc::new(ManualClock::default()))
        .sink("a", flapping(a.clone()))
        .sink("b", flapping(b.clone()))
        .build()
        .unwrap();

    for _ in 0..100 {
        log.emit(draft(INFO));
    }
    log.shutdown(LONG).unwrap();

    for got in [a, b] {
        assert_eq!(got.emitted(), 100);
        assert!(got.events().len() <= 102, "{}", got.events().len());
    }
}

struct Panics(AtomicUsize);

impl Inline for Panics {
    fn record(&self, _: &SecurityEvent) {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) >= 2, "twice");
    }
}

#[test]
fn who_emits_does_not_suffer_for_a_subscriber_that_panics() {
    let memory = MemorySink::default();
    let log = each().inline("bad", Panics(AtomicUsize::new(0))).memory(&memory).build().unwrap();

    for _ in 0..3 {
        log.emit(draft(INFO));
    }

    assert_eq!(
        memory.names(),
        [EventName::SysMonitorDisabled, INFO, INFO, EventName::SysMonitorEnabled, INFO]
    );
    assert_eq!(log.dropped().total(), 2);
}

/// Its name is what its user has chosen, and its user is the attacker.
const FORGED: &str = "a\n{\"event\":\"authn_login_success\"}\r\u{1b}[2J\u{2028}\u{202e},x:y\\";

#[test]
fn a_raw_name_cannot_forge_a_line() {
    let memory = MemorySink::default();
    let log = each().subjects(SubjectPolicy::Raw).memory(&memory).build().unwrap();

    let name = FORGED.repeat(1 << 15);
    log.emit(draft(WARN).subject(&name).target(FORGED));

    let event = &memory.events()[0];
    for text in [event.owasp_line(), event.to_string()] {
        assert!(text.chars().all(crate::text::is_harmless), "{text:?}");
        assert!(text.len() < 512, "{text:?}");
    }
    let Some(SubjectTag::Raw(subject)) = event.subject() else { panic!("{event:?}") };
    assert!(subject.len() <= 128);
}

#[test]
fn a_hashed_name_is_nowhere() {
    let memory = MemorySink::default();
    let log = each().memory(&memory).build().unwrap();
    let draft = draft(WARN).subject("ann@example.com").target("bob@example.com");

    assert!(!format!("{draft:?}").contains("example"), "{draft:?}");
    log.emit(draft);

    let event = &memory.events()[0];
    assert!(!format!("{event} {event:?} {}", event.owasp_line()).contains("example"), "{event:?}");
}

#[test]
fn a_tag_lasts_as_long_as_its_key() {
    let memory = MemorySink::default();
    let key = |byte| TagKey::from_bytes([byte; 32]).unwrap();
    let log = each().key(key(1)).memory(&memory).build().unwrap();
    let other = each().key(key(2)).memory(&memory).build().unwrap();
    let emit = |log: &EventLog| log.emit(draft(INFO).subject("ann"));

    emit(&log);
    emit(&log);
    log.rotate_key(key(2));
    emit(&log);
    emit(&other);

    let tags: Vec<_> = memory.events().iter().map(|e| e.subject().unwrap().to_string()).collect();
    assert_eq!(tags[0], tags[1]);
    assert_ne!(tags[0][2..], tags[2][2..]);
    assert_eq!(tags[2][2..], tags[3][2..], "the same key");
    assert!(tags[1].starts_with("0.") && tags[2].starts_with("1."), "{tags:?}");
}

/// After a rotation the same person is another to whoever reads the log.
#[test]
fn events_under_two_keys_are_not_identical() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).build().unwrap();

    log.emit(draft(INFO).subject("ann"));
    log.rotate_key(TagKey::random());
    log.emit(draft(INFO).subject("ann"));

    assert_eq!(memory.events().len(), 2);
}

#[test]
fn identical_events_are_two() {
    let memory = MemorySink::default();
    let clock = Arc::new(ManualClock::default());
    let log = EventLog::builder().memory(&memory).clock(clock.clone()).build().unwrap();
    let counts = || memory.events().iter().map(SecurityEvent::count).collect::<Vec<_>>();
    let fail = || draft(WARN).client([192, 0, 2, 1].into()).subject("ann").reason("password");

    for _ in 0..100 {
        log.emit(fail());
    }
    assert_eq!(counts(), [1]);
    clock.advance(Duration::from_millis(9999));
    log.emit(fail());
    assert_eq!(counts(), [1]);
    clock.advance(Duration::from_millis(1));
    log.emit(draft(INFO));
    assert_eq!(counts(), [1, 100, 1], "the next event of any kind brings it");
    let events = memory.events();
    assert_eq!(events[1].at(), clock.now());
    let same = SecurityEvent { at: events[0].at(), count: 1, ..events[1].clone() };
    assert_eq!(same, events[0]);

    log.emit(fail());
    log.emit(fail());
    drop(log);
    assert_eq!(counts(), [1, 100, 1, 1, 1]);
}

#[test]
fn events_that_differ_in_anything_do_not_collapse() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).build().unwrap();
    let address = |last| IpAddr::from([192, 0, 2, last]);
    let drafts = [
        draft(WARN),
        draft(INFO),
        draft(WARN).severity(Severity::Critical),
        draft(WARN).client(address(1)),
        draft(WARN).client(address(2)),
        draft(WARN).subject("ann"),
        draft(WARN).target("ann"),
        draft(WARN).subject("annbob"),
        draft(WARN).subject("ann").target("bob"),
        draft(WARN).subject(""),
        draft(WARN).reason("ann"),
        draft(WARN).reason(""),
        draft(WARN).detail(Detail::Limit(1)),
        draft(WARN).detail(Detail::Count(1)),
        draft(WARN).detail(Detail::Change { from: "ab", to: "c" }),
        draft(WARN).detail(Detail::Change { from: "a", to: "bc" }),
        draft(WARN).route(RouteTemplate::new("/a")),
        draft(WARN).route(RouteTemplate::new("/b")),
    ];

    for draft in &drafts {
        log.emit(draft.clone());
    }
    assert_eq!(memory.events().len(), drafts.len());
    for draft in &drafts {
        log.emit(draft.clone());
    }
    assert_eq!(memory.events().len(), drafts.len(), "and each does with itself");
}

#[test]
fn neighbours_are_one_where_they_are_recorded_as_one() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).clients(ClientPolicy::Truncated).build().unwrap();

    for address in ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "192.0.3.1"] {
        log.emit(draft(WARN).client(address.parse().unwrap()));
    }

    let clients: Vec<_> =
        memory.events().iter().map(|event| event.client().unwrap().to_string()).collect();
    assert_eq!(clients, ["192.0.2.0/24", "192.0.3.0/24"]);
}

/// No event follows, and yet it goes out: the sink's thread looks by itself.
#[test]
fn what_is_held_back_goes_out_though_nothing_else_happens() {
    let (seen, events) = channel();
    let sink = forward(seen);
    let clock = Arc::new(ManualClock::default());
    let log = EventLog::builder()
        .collapse_within(Duration::from_millis(50))
        .clock(clock.clone())
        .sink("sink", sink)
        .build()
        .unwrap();

    log.emit(draft(INFO));
    log.emit(draft(INFO));
    log.emit(draft(INFO));
    assert_eq!(events.recv_timeout(LONG).unwrap().count(), 1);
    assert!(events.try_recv().is_err());

    clock.advance(Duration::from_millis(50));
    assert_eq!(events.recv_timeout(LONG).unwrap().count(), 2);
}

/// A clock that can be put to any time, as an operator or a bad battery does.
#[derive(Debug, Default)]
struct WildClock(AtomicU64);

impl WildClock {
    fn set(&self, millis: u64) {
        self.0.store(millis, Ordering::SeqCst);
    }
}

impl Clock for WildClock {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.elapsed()
    }
}

#[test]
fn a_clock_that_jumps_back_keeps_nothing_back() {
    let memory = MemorySink::default();
    let clock = Arc::new(WildClock::default());
    let log = EventLog::builder().memory(&memory).clock(clock.clone()).build().unwrap();
    clock.set(1_000_000_000);
    log.emit(draft(WARN));
    log.emit(draft(WARN));

    clock.set(5);
    log.emit(draft(INFO));

    assert_eq!(memory.names(), [WARN, WARN, INFO]);
}

#[test]
fn a_log_that_is_shut_down_has_delivered_everything_and_takes_no_more() {
    let got = Got::default();
    let sink = {
        let got = got.clone();
        move |batch: &[SecurityEvent]| {
            got.take(batch);
            Ok(())
        }
    };
    let memory = MemorySink::default();
    let log = EventLog::builder().sink("sink", sink).memory(&memory).build().unwrap();
    for index in 0..1000_u32 {
        log.emit(draft(INFO).client(Ipv4Addr::from_bits(index).into()));
        log.emit(draft(WARN));
    }

    assert_eq!(log.shutdown(LONG), Ok(()));
    assert_eq!((got.emitted(), sum(&memory.events())), (2000, 2000));

    log.emit(draft(CRITICAL));
    assert_eq!(log.dropped(), Lost { critical: 2, ..Lost::default() }, "at two sinks");
    assert_eq!(log.shutdown(LONG), Ok(()), "once more does no harm");
    assert!(got.named(CRITICAL).is_empty() && !memory.names().contains(&CRITICAL));
}

#[test]
fn shutdown_waits_for_a_stuck_sink_no_longer_than_told_and_says_what_is_left() {
    let (log, release, got) = stuck(64);
    for _ in 0..100 {
        log.emit(draft(INFO));
    }

    let start = Instant::now();
    let left = log.shutdown(Duration::from_millis(20)).unwrap_err();
    assert!(start.elapsed() < LONG / 2);
    assert_eq!(left.events, 57);
    assert_eq!(left.to_string(), "57 security events have not been delivered to their sinks");

    drop(release);
    assert_eq!(log.shutdown(Duration::MAX), Ok(()), "it has come to itself");
    assert_eq!(got.emitted() + log.dropped().total(), 101);
}

#[test]
fn a_sink_that_fails_at_the_end_has_one_more_try() {
    let tries = Arc::new(AtomicUsize::new(0));
    let fails = {
        let tries = Arc::clone(&tries);
        move |_: &[SecurityEvent]| {
            tries.fetch_add(1, Ordering::SeqCst);
            Err(SinkError::new("gone"))
        }
    };
    // It would rest for minutes, were it not woken.
    let log = each().first_rest(LONG * 10).sink("fails", fails).build().unwrap();
    log.emit(draft(INFO));

    assert_eq!(log.shutdown(LONG), Err(Undelivered { events: 1 }));
    assert_eq!(log.dropped().info, 1);
    // The batch twice, and what was lost, twice: no more.
    assert_eq!(tries.load(Ordering::SeqCst), 4);
}

/// It was at its third try of many when the end came.
#[test]
fn a_sink_that_has_failed_for_long_does_not_go_on_for_ever_at_the_end() {
    let (sender, tries) = channel();
    let (go, gone) = channel::<()>();
    let fails = move |_: &[SecurityEvent]| {
        let _ = sender.send(());
        let _ = gone.recv();
        Err(SinkError::new("gone"))
    };
    let log = each().first_rest(Duration::from_nanos(1)).sink("fails", fails).build().unwrap();
    log.emit(draft(INFO));
    for _ in 0..3 {
        tries.recv_timeout(LONG).unwrap();
        go.send(()).unwrap();
    }
    tries.recv_timeout(LONG).unwrap();

    assert_eq!(log.shutdown(Duration::ZERO), Err(Undelivered { events: 1 }));
    drop(go);
    assert_eq!(log.shutdown(LONG), Err(Undelivered { events: 1 }));
}

#[test]
fn a_dropped_log_still_delivers() {
    let (log, release, got) = stuck(64);
    let clone = log.clone();
    log.emit(draft(INFO));
    drop(log);
    clone.emit(draft(INFO));

    let core = Arc::downgrade(clone.shared());
    drop(clone);
    drop(release);
    while core.strong_count() > 0 {
        thread::yield_now(); // until the sink's thread has ended
    }
    assert_eq!(got.emitted(), 3);
}

struct PanicsOnDrop;

impl EventSink for PanicsOnDrop {
    fn deliver(&mut self, _: &[SecurityEvent]) -> Result<(), SinkError> {
        std::panic::panic_any(Bomb);
    }
}

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("on drop");
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("what was thrown panics too");
    }
}

#[test]
fn however_a_sink_panics_the_log_comes_to_an_end() {
    let log = each().sink("bomb", PanicsOnDrop).build().unwrap();
    log.emit(draft(INFO));
    let _ = log.shutdown(LONG);
    assert_eq!(log.dropped().info, 1);
}

#[test]
fn a_thread_has_the_name_of_its_sink() {
    let (sender, names) = channel();
    let sink =
        move |_: &[SecurityEvent]| Ok(sender.send(thread::current().name().map(str::to_owned))?);
    let log = each().sink("audit file", sink).build().unwrap();
    log.emit(draft(INFO));
    assert_eq!(names.recv_timeout(LONG).unwrap().as_deref(), Some("audit file"));
}

#[test]
fn batches_are_bounded() {
    let (entered, batches) = channel();
    let (release, released) = channel();
    let got = Got::default();
    let sink = Stuck { entered, release: released, got: got.clone() };
    let log = each().queue(4096).sink("stuck", sink).build().unwrap();
    log.emit(draft(INFO));
    batches.recv_timeout(LONG).unwrap();
    for _ in 0..5000 {
        log.emit(draft(INFO));
    }
    drop(release);
    log.shutdown(LONG).unwrap();

    assert!(batches.try_iter().all(|length| length <= 256));
    assert_eq!(got.emitted() + log.dropped().total(), 5001);
}

#[test]
fn memory_is_bounded_too() {
    let memory = MemorySink::default();
    let log = each().memory(&memory).build().unwrap();
    for _ in 0..10_001 {
        log.emit(draft(INFO));
    }
    log.emit(draft(WARN));
    assert_eq!(memory.events().len(), 10_000);
    assert_eq!(memory.names().last(), Some(&WARN));
    memory.clear();
    assert!(memory.names().is_empty());
}

#[test]
fn an_event_is_small() {
    // What the module docs say a slot takes: an event, and where it stands.
    assert!(size_of::<SecurityEvent>() + size_of::<usize>() <= 176);
    assert_eq!(size_of::<queue::Message>(), size_of::<SecurityEvent>());
}

#[test]
fn a_log_that_makes_no_sense_cannot_be_built() {
    let fine = |_: &[SecurityEvent]| Ok(());
    let memory = MemorySink::default();
    let long = "x".repeat(65);
    for (builder, mend) in [
        (EventLog::builder(), "`discard`"),
        (EventLog::builder().sink("a", fine).sink("a", fine), "a name of its own"),
        (EventLog::builder().memory(&memory).sink("memory", fine), "a name of its own"),
        (EventLog::builder().sink("", fine), "1 to 64 bytes"),
        (EventLog::builder().sink("a\0b", fine), "1 to 64 bytes"),
        (EventLog::builder().sink("a\u{2028}b", fine), "1 to 64 bytes"),
        (EventLog::builder().sink(&long, fine), "1 to 64 bytes"),
        (EventLog::builder().sink("a", fine).queue(0), "8 to 1048576"),
        (EventLog::builder().sink("a", fine).queue(7), "8 to 1048576"),
        (EventLog::builder().sink("a", fine).queue((1 << 20) + 1), "8 to 1048576"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains(mend), "{error}");
    }
    EventLog::builder().discard().build().unwrap().emit(draft(INFO));
    EventLog::builder().sink("a", fine).queue(8).build().unwrap();
}

/// Each thread emits what others emit too, and what nobody else does, while the log is shut down.
#[test]
fn nothing_is_lost_unseen_whoever_emits_at_once() {
    for slots in [8, 4096] {
        let got = Got::default();
        let sink = {
            let got = got.clone();
            move |batch: &[SecurityEvent]| {
                got.take(batch);
                Ok(())
            }
        };
        let log = EventLog::builder()
            .collapse_within(Duration::from_micros(200))
            .queue(slots)
            .sink("sink", sink)
            .build()
            .unwrap();
        let (halfway, reached) = channel();
        let threads: Vec<_> = (0..4_u32)
            .map(|thread| {
                let (log, halfway) = (log.clone(), halfway.clone());
                thread::spawn(move || {
                    for index in 0..20_000_u32 {
                        let client = match index % 3 {
                            0 => index % 7,
                            _ => thread << 20 | index,
                        };
                        let name = if index % 5 == 0 { CRITICAL } else { INFO };
                        log.emit(draft(name).client(Ipv4Addr::from_bits(client).into()));
                        if index == 10_000 {
                            halfway.send(()).unwrap();
                        }
                    }
                })
            })
            .collect();
        reached.recv_timeout(LONG).unwrap();
        let _ = log.shutdown(LONG); // who was between the door and the queue has lost his event
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(got.emitted() + log.dropped().total(), 80_000);
        assert!(got.emitted() > 0);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Emit(u16),
    Again(u16, u8),
    Clock(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u16).prop_map(Step::Emit),
        any::<u16>().prop_map(Step::Emit),
        (0..8_u16, any::<u8>()).prop_map(|(client, times)| Step::Again(client, times)),
        (0..50_000_u32).prop_map(Step::Clock),
    ]
}

proptest! {
    /// For each client, the counts of what is recorded are what was emitted, whatever the clock
    /// does and however crowded the table is.
    #[test]
    fn the_counts_are_what_was_emitted(
        steps in prop::collection::vec(step(), 0..200),
        crowd in 0..3000_u32,
        window in prop_oneof![Just(0), 1..20_000_u64, Just(u64::MAX)],
    ) {
        let memory = MemorySink::default();
        let clock = Arc::new(WildClock::default());
        let log = EventLog::builder()
            .memory(&memory)
            .collapse_within(Duration::from_millis(window))
            .clock(clock.clone())
            .build()
            .unwrap();
        let mut emitted = BTreeMap::<IpAddr, u64>::new();
        let mut emit = |client: u32| {
            let client = Ipv4Addr::from_bits(client).into();
            *emitted.entry(client).or_default() += 1;
            log.emit(draft(WARN).client(client));
        };

        for client in 0..crowd {
            emit(client);
        }
        for step in steps {
            match step {
                Step::Emit(client) => emit(client.into()),
                Step::Again(client, times) => (0..times).for_each(|_| emit(client.into())),
                Step::Clock(millis) => clock.set(millis.into()),
            }
        }
        log.shutdown(LONG).unwrap();

        let mut recorded = BTreeMap::<IpAddr, u64>::new();
        for event in memory.events() {
            let Some(ClientTag::Full(client)) = event.client() else { panic!("{event:?}") };
            *recorded.entry(*client).or_default() += event.count();
        }
        let all: u64 = emitted.values().sum();
        if memory.events().len() < 10_000 {
            prop_assert_eq!(recorded, emitted);
        } else {
            prop_assert!(sum(&memory.events()) <= all, "the memory keeps no more");
        }
        prop_assert_eq!(log.dropped().total(), 0);
    }
}

#[test]
fn an_error_that_panics_when_it_is_dropped_ends_no_sink() {
    #[derive(Debug)]
    struct Bomb;
    impl std::fmt::Display for Bomb {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("printed")
        }
    }
    impl std::error::Error for Bomb {}
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(thread::panicking(), "dropped");
        }
    }

    let (sender, receiver) = channel();
    let mut first = true;
    let flaky = move |batch: &[SecurityEvent]| {
        if std::mem::take(&mut first) {
            return Err(SinkError::from(Bomb));
        }
        let _ = sender.send(batch.len());
        Ok(())
    };
    let log = EventLog::builder().sink("flaky", flaky).build().unwrap();
    log.emit(SecurityEvent::draft(EventName::SysStartup));

    log.shutdown(Duration::from_secs(20)).unwrap();

    assert_eq!(receiver.try_iter().sum::<usize>(), 1);
    assert_eq!(log.dropped().total(), 0);
}

#[test]
fn a_source_behind_nat64_is_the_source_it_is() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).clients(ClientPolicy::Truncated).build().unwrap();
    for address in ["64:ff9b::203.0.113.9", "64:ff9b::198.51.100.7"] {
        let draft = SecurityEvent::draft(EventName::AuthzFail);
        log.emit(draft.client(address.parse().unwrap()));
    }
    let clients: Vec<_> =
        memory.events().iter().map(|event| event.client().unwrap().to_string()).collect();
    assert_eq!(clients, ["203.0.113.0/24", "198.51.100.0/24"]);
}

#[test]
fn nobody_forges_a_field_by_his_name() {
    let memory = MemorySink::default();
    let log = EventLog::builder().memory(&memory).subjects(SubjectPolicy::Raw).build().unwrap();
    let draft = SecurityEvent::draft(EventName::AuthnLoginFail).client([203, 0, 113, 9].into());
    log.emit(draft.subject("x client=198.51.100.1 route=/admin count=9"));
    let line = memory.events()[0].to_string();
    let clients: Vec<_> = line.match_indices(" client=").collect();
    assert_eq!(clients.len(), 1, "{line}");
    assert!(line.contains(" client=203.0.113.9") && !line.contains(" count="), "{line}");
}

/// A sink that is called by who emits.
struct Each<F>(F);

impl<F: Fn(&SecurityEvent) + Send + Sync> Inline for Each<F> {
    fn record(&self, event: &SecurityEvent) {
        (self.0)(event);
    }
}

#[test]
fn a_shutdown_waits_for_who_is_handing_out() {
    let (entered, has_entered) = channel();
    let (go, may_go) = channel::<()>();
    let may_go = Mutex::new(may_go);
    let slow = move |event: &SecurityEvent| {
        if event.count() > 1 {
            let _ = entered.send(());
            let _ = may_go.lock().map(|may_go| may_go.recv());
        }
    };
    let (seen, delivered) = channel();
    let collect = move |batch: &[SecurityEvent]| {
        let held = batch.iter().filter(|event| event.name() == EventName::AuthnLoginFail);
        let _ = seen.send(held.map(SecurityEvent::count).sum::<u64>());
        Ok(())
    };
    let clock = Arc::new(ManualClock::default());
    let builder = EventLog::builder().clock(clock.clone());
    let log = builder.inline("slow", Each(slow)).sink("collect", collect).build().unwrap();
    for _ in 0..1000 {
        log.emit(SecurityEvent::draft(EventName::AuthnLoginFail));
    }
    clock.advance(Duration::from_secs(11));
    let emitter = log.clone();
    let emitting = thread::spawn(move || emitter.emit(SecurityEvent::draft(EventName::SysStartup)));
    has_entered.recv().unwrap();
    let closer = log.clone();
    let closing = thread::spawn(move || closer.shutdown(Duration::from_secs(20)));
    while !log.shared().closed.load(Ordering::Acquire) {
        thread::yield_now();
    }
    drop(go);
    emitting.join().unwrap();
    closing.join().unwrap().unwrap();
    // The other event may have come too late.
    assert_eq!(delivered.try_iter().sum::<u64>(), 1000);
}
