//! The memory store: bounded, not to be flushed, and kept over a restart.

use donjon::keys::{Key, KeyRing};
use donjon::lockout::{MemoryStore, SnapshotError};

use super::*;

#[path = "../lockout_flood/flood.rs"]
mod flood;
use self::flood::{Flood, digest};

/// A bucket whose eight slots may not go counts newcomers together: coarsely, and not at all never.
#[test]
fn a_full_table_counts_coarsely_and_never_not_at_all() {
    let flood = Flood::new(1024);
    for name in 0..20_000 {
        flood.left(digest(name));
    }
    assert!(flood.store.status().shared > 0);
    let newcomers = 100_000..100_100_u64;
    let evaluated: u32 = newcomers.map(|name| flood.left(digest(name))).sum();
    assert_eq!(evaluated, 0, "every shared record is locked as well");
}

/// C5: two servers put one name into different buckets, and nobody can tell which.
#[tokio::test]
async fn what_is_flooded_in_one_process_is_not_in_another() {
    let (one, other) = (House::new(policy()), House::new(policy()));
    assert_eq!(one.guesses("ann", stranger).await, N);
    assert_eq!(other.guesses("ann", stranger).await, N);
}

/// A restart is no amnesty.
#[tokio::test]
async fn a_snapshot_brings_back_locks_counts_and_what_was_under_way() {
    let (ring, secret) = (KeyRing::new(Key::random()).unwrap(), Key::random());
    let build = |clock: &Arc<ManualClock>| {
        let store = MemoryStore::with_clock(4096, clock.clone()).unwrap();
        let house = House::with(policy(), |builder| builder.store(store.clone()).secret(&secret));
        (store, house)
    };
    let clock = Arc::new(ManualClock::default());
    clock.advance(minutes(1000));
    let (store, house) = build(&clock);
    assert_eq!(house.guesses("locked", stranger).await, N);
    clock.advance(minutes(4));
    for _ in 0..3 {
        house.fail("ann", stranger(1)).await.unwrap();
    }
    let under_way = house.lockout.begin(stranger(2)).await.unwrap().account(&account("ann")).await;
    let saved = store.save(&ring).unwrap();
    assert!(!saved.windows(3).any(|bytes| bytes == b"ann"));

    // Two minutes later, in another process.
    clock.advance(minutes(2));
    let (store, house) = build(&clock);
    assert!(store.restore(&ring, &saved).unwrap() > 0);
    let state = house.lockout.peek(&account("locked")).await.unwrap().account;
    assert_eq!(state.locked, Some(minutes(10 - 4 - 2)));
    let state = house.lockout.peek(&account("ann")).await.unwrap();
    assert_eq!((state.account.failures, state.in_a_row), (4, 3), "and one that was under way");
    assert_eq!(house.guesses("ann", |_| stranger(3)).await, 1);
    drop(under_way);

    // Another ring, a changed byte, another size.
    let other = KeyRing::new(Key::random()).unwrap();
    assert_eq!(store.restore(&other, &saved), Err(SnapshotError::NotOurs));
    let mut changed = saved.clone();
    changed[40] ^= 1;
    assert_eq!(store.restore(&ring, &changed), Err(SnapshotError::NotOurs));
    assert_eq!(store.restore(&ring, b""), Err(SnapshotError::NotOurs));
    let small = MemoryStore::with_clock(1024, clock).unwrap();
    assert_eq!(
        small.restore(&ring, &saved),
        Err(SnapshotError::Capacity { saved: 4096, own: 1024 })
    );
}
