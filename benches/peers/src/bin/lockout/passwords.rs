//! A password verified, beside Argon2 itself; and whether time tells who has an account.

use std::error::Error;
use std::future::Future;
use std::hint::black_box;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Block};
use donjon::lockout::{Lockout, LockoutPolicy, ScopePolicy};
use donjon::login::{Credential, Login, Outcome};
use donjon::password::Passwords;

use crate::stats::{mann_whitney, median};

pub(crate) fn report(quick: bool) -> Result<(), Box<dyn Error>> {
    let passwords = Passwords::owasp().build()?;
    let hash = wait(passwords.hash("heron at dusk"))?.as_str().to_owned();
    cost(&passwords, &hash, if quick { 8 } else { 60 })?;
    timing(&passwords, &hash, if quick { 20 } else { 200 })
}

fn cost(passwords: &Passwords, hash: &str, rounds: usize) -> Result<(), Box<dyn Error>> {
    let parsed = PasswordHash::new(hash).map_err(|error| error.to_string())?;
    let argon2 = Argon2::default();
    let mut blocks = vec![Block::new(); argon2.params().block_count()];
    let mut samples = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        samples[0].push(millis(|| {
            assert!(argon2.verify_password(b"heron at dusk", &parsed).is_ok());
        }));
        samples[1].push(millis(|| {
            let mut output = [0; 32];
            let salt = [7; 16];
            let computed =
                argon2.hash_password_into_with_memory(b"heron", &salt, &mut output, &mut blocks);
            assert!(computed.is_ok());
            black_box(output);
        }));
        samples[2].push(millis(|| {
            let verified = wait(passwords.verify("heron at dusk", Some(hash)));
            assert!(verified.is_ok_and(donjon::password::Verified::is_match));
        }));
    }
    let [fresh, reused, ours] = samples.map(median);
    println!("\n| argon2 0.6, m=19456 t=2 p=1 | ms | ratio to the crate alone (goal: 1.02) |");
    println!("|:--|--:|--:|");
    println!("| `verify_password`, memory of its own each time | {fresh:.2} | 1 |");
    println!(
        "| the same in memory that is used again, and not wiped | {reused:.2} | {:.3} |",
        reused / fresh
    );
    println!("| `Passwords::verify`, wiped, on its own thread | {ours:.2} | {:.3} |", ours / fresh);
    Ok(())
}

/// The facts' test: as many of each, one after the other, and whether they can be told apart.
fn timing(passwords: &Passwords, hash: &str, samples: usize) -> Result<(), Box<dyn Error>> {
    let day = Duration::from_hours(24);
    let many = ScopePolicy::new(60_000, day, day)?;
    let policy = LockoutPolicy::default()
        .address(None)
        .accounts_of_address(None)
        .account_at_address(many.clone())
        .account(many);
    let lockout = Lockout::builder(policy).build()?;
    let login = Login::new(&lockout, passwords);
    let kinds = [("ann", "wrong"), ("nobody", "wrong"), ("ann", ""), ("ann", &*"x".repeat(10_240))];
    let mut taken = [const { Vec::new() }; 4];
    let mut works = [0; 4];
    for _ in 0..samples {
        for (at, (name, password)) in kinds.iter().enumerate() {
            let before = passwords.status().work;
            taken[at].push(millis(|| {
                let lookup = |account: donjon::lockout::Account| async move {
                    let found = account.as_str() == "ann";
                    Ok::<_, io::Error>(found.then(|| Credential::new((), Some(hash.to_owned()))))
                };
                let address = IpAddr::from([203, 0, 113, 9]);
                let outcome = wait(login.verify(name, address, *password, lookup));
                assert!(matches!(outcome, Outcome::Denied));
            }));
            works[at] = passwords.status().work - before;
        }
    }
    println!("\n| login, {samples} of each | median ms | to a wrong password | Mann-Whitney p |");
    println!("|:--|--:|--:|--:|");
    let wrong = median(taken[0].clone());
    let names = ["a wrong password", "an unknown user", "an empty password", "one of 10 KiB"];
    for (at, name) in names.iter().enumerate() {
        let (own, p) = (median(taken[at].clone()), mann_whitney(&taken[0], &taken[at]));
        println!("| {name} | {own:.2} | {:+.2} % | {p:.2} |", (own / wrong - 1.0) * 100.0);
    }
    if works.iter().any(|work| *work != works[0]) {
        return Err(format!("they are not the same work: {works:?}").into());
    }
    Ok(())
}

fn millis(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Sleeps until it is there.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}
