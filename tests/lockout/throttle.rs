//! So many requests in a time.

use donjon::lockout::Throttle;
use donjon::refusal::Refusal;

use super::both::{Ask, both};
use super::*;

#[test]
fn so_many_at_once_and_then_one_each_time_its_share_is_over() {
    let clock = Arc::new(ManualClock::default());
    let throttle = Throttle::new(5, minutes(5)).unwrap().clock(clock.clone());
    for round in 0..3 {
        let passed = (0..100).filter(|_| throttle.check(b"ann").is_ok()).count();
        assert_eq!(passed, 5, "{round}");
        clock.advance(minutes(5));
    }
    assert_eq!((0..100).filter(|_| throttle.check(b"bob").is_ok()).count(), 5, "a key of its own");
    assert!((0..5).all(|_| throttle.check(b"eve").is_ok()));
    let wait = throttle.check(b"eve").unwrap_err().retry_after;
    assert_eq!(wait, minutes(1));
    clock.advance(wait.saturating_sub(Duration::from_nanos(1)));
    assert!(throttle.check(b"eve").is_err());
    clock.advance(Duration::from_nanos(1));
    assert!(throttle.check(b"eve").is_ok());
}

#[test]
fn a_rate_that_makes_no_sense_is_refused() {
    for (requests, period) in [
        (0, minutes(1)),
        (1, Duration::ZERO),
        (1, Duration::MAX),
        (600, Duration::from_secs(365 * 86_400)),
        (u32::MAX, Duration::from_millis(1)),
    ] {
        assert!(Throttle::new(requests, period).is_err(), "{requests} in {period:?}");
    }
    assert!(Throttle::new(1, minutes(1)).unwrap().slots(0).is_err());
    // A period as long as there is, and as many requests: no arithmetic wraps.
    let longest = Throttle::new(600, Duration::from_secs(30 * 86_400)).unwrap();
    assert_eq!((0..10_000).filter(|_| longest.check(b"ann").is_ok()).count(), 600);
}

#[test]
fn a_flood_of_keys_takes_no_memory_and_lets_no_key_have_more() {
    let clock = Arc::new(ManualClock::default());
    let throttle = Throttle::new(5, minutes(5)).unwrap().clock(clock);
    let passed = (0..5).filter(|_| throttle.check(b"victim").is_ok()).count();
    assert_eq!(passed, 5);
    for key in 0..1_000_000_u32 {
        let _ = throttle.check(&key.to_be_bytes());
    }
    assert!(throttle.check(b"victim").is_err(), "nothing is evicted");
}

#[actix_web::test]
async fn as_a_layer_it_counts_addresses() {
    for prefix in ["203.0.113", "2001:db8:0:1:0:0:0"] {
        let clock = Arc::new(ManualClock::default());
        let throttle = Throttle::new(4, minutes(1)).unwrap().clock(clock.clone());
        let separator = if prefix.contains(':') { ":" } else { "." };
        let from = |n: u32| Ask::get("/").from(&format!("{prefix}{separator}{n}"));
        let mut passed = 0;
        for n in 1..20 {
            let ask = if separator == ":" { from(n) } else { from(7) };
            for (framework, seen) in both!(throttle.clone(), &ask) {
                passed += u32::from(seen.status == 200);
                if seen.status != 200 {
                    assert_eq!(seen.status, 429, "{framework}");
                    assert_eq!(seen.header("retry-after"), Some("15"), "{framework}");
                }
            }
        }
        assert_eq!(passed, 4, "{prefix}: of both together, since clones share");
        for (framework, seen) in both!(throttle.clone(), &from(7).method("OPTIONS")) {
            assert_eq!(seen.status, 200, "{framework}: not counted");
        }
    }
    let refusal = Refusal::from(
        Throttle::new(1, minutes(1))
            .map(|throttle| {
                throttle.check(b"a").unwrap();
                throttle.check(b"a").unwrap_err()
            })
            .unwrap(),
    );
    assert_eq!(refusal.status(), 429);
}
