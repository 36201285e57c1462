//! One step of the store, beside governor's with a `String` for a key.

use std::error::Error;
use std::future::Future;
use std::hash::Hasher as _;
use std::hint::black_box;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use donjon::lockout::{
    Account, AtOnce, AttemptStore as _, Decision, Key, Lockout, LockoutPolicy, MemoryStore, Scope,
    ScopePolicy, Settle,
};
use governor::{Quota, RateLimiter};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::stats::median;

const SECRET: [u8; 16] = [7; 16];

pub(crate) fn report(quick: bool) -> Result<(), Box<dyn Error>> {
    let bytes = MemoryStore::with_capacity(1 << 20)?.bytes();
    let per_slot = bytes / (1 << 20) / Scope::ALL.len();
    println!("\n{per_slot} bytes for each slot of the memory store (limit: 34)");
    println!(
        "\n| keys | governor, String key | reserve and settle, hash included | ratio (goal at 1M: 1.0) | a whole attempt |"
    );
    println!("|--:|--:|--:|--:|--:|");
    for keys in [1000, 1_000_000] {
        line(keys, if quick { 5 } else { 31 })?;
    }
    if per_slot > 34 {
        return Err(format!("a slot takes {per_slot} bytes").into());
    }
    Ok(())
}

fn line(keys: usize, rounds: usize) -> Result<(), Box<dyn Error>> {
    let names: Vec<String> = (0..keys).map(|n| format!("user{n:09}@example.com")).collect();
    let hour = Duration::from_hours(1);
    // In an order that no cache foresees.
    let steps: Vec<usize> = (0..keys.min(200_000)).map(|n| n * 7_919_483 % keys).collect();

    let quota = Quota::per_second(NonZeroU32::MAX);
    let governor = RateLimiter::<String, _, _>::keyed(quota);
    let policy = ScopePolicy::new(1000, hour, hour)?;
    let slots = (keys * 2).next_power_of_two().max(1024);
    let store = MemoryStore::with_capacity(slots)?;
    let store = store.at_once().ok_or("the memory store answers at once")?;
    let lockout = Lockout::builder(LockoutPolicy::default().address(None))
        .store(MemoryStore::with_capacity(slots)?)
        .build()?;
    for name in &names {
        black_box(governor.check_key(name).is_ok());
        reserve_and_settle(store, name, &policy);
    }

    let mut samples = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        samples[0].push(timed(&steps, |at| drop(black_box(governor.check_key(&names[at])))));
        samples[1].push(timed(&steps, |at| reserve_and_settle(store, &names[at], &policy)));
        let few = &steps[..steps.len().min(20_000)];
        samples[2].push(timed(few, |at| attempt(&lockout, &names[at])));
    }
    let [governor, ours, whole] = samples.map(median);
    let ratio = ours / governor;
    println!("| {keys} | {governor:.0} ns | {ours:.0} ns | {ratio:.2} | {whole:.0} ns |");
    Ok(())
}

fn timed(steps: &[usize], mut step: impl FnMut(usize)) -> f64 {
    let start = Instant::now();
    for at in steps {
        step(*at);
    }
    #[expect(clippy::cast_precision_loss, reason = "there are thousands")]
    let count = steps.len() as f64;
    start.elapsed().as_secs_f64() * 1e9 / count
}

/// As a lockout does it for one counter: the name's hash, a reservation, a failure.
fn reserve_and_settle(store: &dyn AtOnce, name: &str, policy: &ScopePolicy) {
    let mut hasher = SipHasher24::new_with_key(&SECRET);
    hasher.write(name.as_bytes());
    let key = Key::new(Scope::Account, hasher.finish128().as_u128());
    if let Decision::Admitted(lease) = store.reserve(key, policy) {
        black_box(store.settle(lease, Settle::Release, policy));
    }
}

/// Every counter, and the name made canonical.
fn attempt(lockout: &Lockout, name: &str) {
    let address = IpAddr::from([203, 0, 113, 9]);
    let attempt = async {
        let account = Account::name(name).ok()?;
        let attempt = lockout.begin(address).await.ok()?.account(&account).await.ok()?;
        attempt.undecided().await;
        Some(())
    };
    let done = pin!(attempt).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(done, Poll::Ready(Some(()))), "it waits for nothing, and is let in");
}
