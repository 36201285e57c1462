//! Ten million names that come once: they take no memory, no time, and flush nobody out. In a process of
//! its own, so that nothing else takes memory.

#![cfg(feature = "lockout")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::time::{Duration, Instant};

use donjon::lockout::{Decision, Key, Scope, Settle};

use self::flood::{Flood, N, digest};

#[path = "lockout_flood/flood.rs"]
mod flood;

/// What this process has in memory, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Ten thousand victims with one guess left, a hundred that are locked and one that is under way stay
/// what they are.
#[test]
#[cfg(target_os = "linux")]
fn ten_million_names_flush_nobody_out_and_take_no_memory() {
    let before = resident();
    let flood = Flood::new(1 << 17);
    let stated = flood.store.bytes();
    let victims = 0..10_000;
    for victim in victims.clone() {
        assert!((1..N).all(|_| flood.fail(digest(victim))));
    }
    let locked = 10_000..10_100;
    for victim in locked.clone() {
        assert_eq!(flood.left(digest(victim)), u32::from(N));
    }
    let key = Key::new(Scope::Account, digest(10_100));
    let Decision::Admitted(under_way) = flood.store().reserve(key, &flood.policy) else { panic!() };

    let mut slowest = Duration::ZERO;
    let (names, block) = (10_000_000, 1000);
    for first in (0..names).step_by(block) {
        let start = Instant::now();
        for name in first..first + block as u64 {
            flood.fail(digest(1_000_000 + name));
        }
        slowest = slowest.max(start.elapsed());
    }

    for victim in locked {
        assert_eq!(flood.left(digest(victim)), 0, "locked {victim}");
    }
    for victim in victims {
        assert_eq!(flood.left(digest(victim)), 1, "victim {victim}");
    }
    let settled = flood.store().settle(under_way, Settle::Failure, &flood.policy);
    assert!(!settled.stale, "it was under way all the time");

    let grown = resident().saturating_sub(before);
    println!("{stated} bytes stated, {grown} grown; the slowest {block} took {slowest:?}");
    assert!(grown <= stated as u64 * 11 / 10, "{grown} of {stated}");
    assert!(flood.store.status().evicted > 9_000_000);
}
