//! The façade: everything in its order, the same for everybody.

use std::sync::atomic::{AtomicUsize, Ordering};

use donjon::lockout::{DeviceCookies, MemoryStore};
use donjon::login::{Credential, Login, Outcome};
use donjon::password::{Params, Passwords};

use super::*;

const RIGHT: &str = "heron at dusk";

/// A table of users, and how often it was asked.
struct Users {
    passwords: Passwords,
    hash: String,
    asked: AtomicUsize,
}

impl Users {
    async fn new() -> Self {
        let params = Params::dangerously_weak_for_tests(64, 2, 1).unwrap();
        let passwords = Passwords::custom(params).max_concurrent(2).build().unwrap();
        let hash = passwords.hash(RIGHT).await.unwrap().as_str().to_owned();
        Self { passwords, hash, asked: AtomicUsize::new(0) }
    }

    fn find(&self, account: &Account) -> Option<Credential<u32>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match account.as_str() {
            "ann" | "4711" => Some(Credential::new(4711, Some(self.hash.clone()))),
            "guest" => Some(Credential::new(1, None)),
            "broken" => Some(Credential::new(2, Some("damaged".to_owned()))),
            _ => None,
        }
    }

    async fn login(&self, login: &Login, name: &str, from: IpAddr, password: &str) -> Outcome<u32> {
        let lookup = |account| async move { Ok::<_, std::io::Error>(self.find(&account)) };
        login.verify(name, from, password, lookup).await
    }
}

fn kind<U>(outcome: &Outcome<U>) -> &'static str {
    match outcome {
        Outcome::Granted(_) => "granted",
        Outcome::Denied => "denied",
        Outcome::Locked { .. } => "locked",
        Outcome::Busy { .. } => "busy",
        Outcome::Unavailable { .. } => "unavailable",
    }
}

/// D2, D3: the same answers, the same locks and the same work, whether there is such a user or not.
#[tokio::test]
async fn nobody_learns_which_accounts_exist() {
    let users = Users::new().await;
    let mut answers = Vec::new();
    for (name, password) in [
        ("ann", "wrong"),
        ("ann", ""),
        ("ann", &*"x".repeat(10_240)),
        ("nobody", "wrong"),
        ("nobody", RIGHT),
        ("guest", ""),
        ("guest", RIGHT),
        ("broken", RIGHT),
    ] {
        let house = House::new(policy());
        let login = Login::new(&house.lockout, &users.passwords);
        let mut seen = Vec::new();
        for _ in 0..N + 3 {
            let before = users.passwords.status();
            let outcome = users.login(&login, name, stranger(1), password).await;
            let after = users.passwords.status();
            let retry_after = match outcome {
                Outcome::Locked { retry_after } => Some(retry_after),
                _ => None,
            };
            let work = (after.evaluated - before.evaluated, after.work - before.work);
            let refusal = outcome.granted().unwrap_err();
            seen.push((refusal.status(), format!("{refusal:?}"), retry_after, work));
        }
        assert_eq!(seen.iter().map(|seen| seen.3.0).sum::<u64>(), u64::from(N), "{name}");
        assert_eq!(seen[N_USIZE].2, Some(minutes(10)), "{name}");
        answers.push((name, seen));
    }
    for (name, seen) in &answers {
        assert_eq!(*seen, answers[0].1, "{name}");
    }
}

#[tokio::test]
async fn the_user_is_never_looked_up_for_an_account_that_is_locked() {
    let (users, house) = (Users::new().await, House::new(policy()));
    let login = Login::new(&house.lockout, &users.passwords);
    for _ in 0..50 {
        let _ = users.login(&login, "ann", stranger(1), "wrong").await;
    }
    assert_eq!(users.asked.load(Ordering::SeqCst), N_USIZE);
    let outcome = users.login(&login, "ann", stranger(1), RIGHT).await;
    assert_eq!(kind(&outcome), "locked", "the right one neither");
}

/// B3.
#[tokio::test]
async fn what_can_be_no_name_touches_no_table_and_no_hash() {
    let users = Users::new().await;
    let store = MemoryStore::default();
    let house = House::with(LockoutPolicy::default(), |builder| builder.store(store.clone()));
    let login = Login::new(&house.lockout, &users.passwords);
    for name in ["", "  ", "\u{200b}", "a\0b", "a\nb", &"a".repeat(1 << 20)] {
        for _ in 0..100 {
            let outcome = users.login(&login, name, stranger(1), "wrong").await;
            assert_eq!(kind(&outcome), "denied");
        }
    }
    assert_eq!(users.passwords.status().evaluated, 0);
    assert_eq!(users.asked.load(Ordering::SeqCst), 0);
    assert_eq!(house.lockout.peek_address(stranger(1)).await.unwrap().failures, 0);
    assert_eq!(kind(&users.login(&login, "ann", stranger(1), RIGHT).await), "granted");
}

/// A burst through the real Argon2, counted by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_five_hundred_logins_at_once_n_are_hashed() {
    let (users, house) = (Arc::new(Users::new().await), House::new(policy()));
    let login = Login::new(&house.lockout, &users.passwords);
    let logins = (0..500).map(|n| {
        let (users, login) = (users.clone(), login.clone());
        tokio::spawn(async move { kind(&users.login(&login, "ann", stranger(n), "wrong").await) })
    });
    let mut denied = 0;
    for outcome in logins.collect::<Vec<_>>() {
        denied += u32::from(outcome.await.unwrap() == "denied");
    }
    assert_eq!((denied, users.passwords.status().evaluated), (N, N.into()));
}

/// A client that hangs up has used up its guess, whether the password was hashed yet or not, and a
/// login that was right is one.
#[tokio::test]
async fn whoever_hangs_up_has_used_up_a_guess() {
    let (users, house) = (Users::new().await, House::new(policy()));
    let login = Login::new(&house.lockout, &users.passwords);
    for _ in 0..100 {
        let attempt = users.login(&login, "ann", stranger(1), "wrong");
        let _ = tokio::time::timeout(Duration::ZERO, attempt).await;
    }
    while users.passwords.status().running + users.passwords.status().waiting > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let state = house.lockout.peek(&account("ann")).await.unwrap().account;
    assert_eq!((state.in_flight, state.failures), (0, N));
    assert_eq!(users.passwords.status().evaluated, u64::from(N));
    assert_eq!(kind(&users.login(&login, "ann", stranger(1), "wrong").await), "locked");
}

/// Several names of one account share its guesses, and the name of a user is no other user's number.
#[tokio::test]
async fn a_resolver_leads_several_names_to_one_counter() {
    let (users, house) = (Users::new().await, House::new(policy()));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let login = Login::new(&house.lockout, &users.passwords).resolve(move |account: Account| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            match account.as_str() {
                "ann" | "ann@example.com" => Ok(Some("4711".to_owned())),
                "down" => Err("the database is down"),
                _ => Ok(None),
            }
        }
    });
    let mut evaluated = 0;
    for _ in 0..5 {
        for name in ["ann", "ANN@example.com", "nobody"] {
            let outcome = users.login(&login, name, stranger(1), "wrong").await;
            evaluated += u32::from(name != "nobody" && kind(&outcome) == "denied");
        }
    }
    assert_eq!(evaluated, N);
    assert_eq!(asked.load(Ordering::SeqCst), 15, "for every attempt, locked or not");
    assert_eq!(kind(&users.login(&login, "4711", stranger(2), "wrong").await), "denied");

    // What cannot be told is counted nowhere.
    for _ in 0..20 {
        assert_eq!(kind(&users.login(&login, "down", stranger(3), "x").await), "unavailable");
    }
    assert_eq!(house.lockout.peek(&account("down")).await.unwrap().in_a_row, 0);
}

#[tokio::test]
async fn a_database_that_is_down_and_a_queue_that_is_full_are_nobodys_failure() {
    let (users, house) = (Users::new().await, House::new(policy()));
    let login = Login::new(&house.lockout, &users.passwords);
    for _ in 0..20 {
        let down = |_| async { Err::<Option<Credential<u32>>, _>(std::io::Error::other("down")) };
        let outcome = login.verify("ann", stranger(1), RIGHT, down).await;
        assert_eq!(outcome.granted().unwrap_err().status(), 503);
    }
    let params = Params::dangerously_weak_for_tests(64, 2, 1).unwrap();
    let stopped = Passwords::custom(params).blocking(drop).build().unwrap();
    let login = Login::new(&house.lockout, &stopped);
    assert_eq!(kind(&users.login(&login, "ann", stranger(1), RIGHT).await), "unavailable");
    let status = house.lockout.peek(&account("ann")).await.unwrap();
    assert_eq!((status.account.failures, status.account.in_flight, status.in_a_row), (0, 0, 0));
}

#[tokio::test]
async fn a_login_tells_of_what_was_before_it_and_of_what_is_to_be_done() {
    let users = Users::new().await;
    let ring = donjon::keys::KeyRing::new(donjon::keys::Key::random()).unwrap();
    let devices = DeviceCookies::new(&ring, "club").unwrap();
    let house = House::with(policy(), |builder| builder.devices(devices));
    let stronger = Params::dangerously_weak_for_tests(128, 2, 1).unwrap();
    let stronger = Passwords::custom(stronger).build().unwrap();
    let login = Login::new(&house.lockout, &stronger);
    for _ in 0..3 {
        let _ = users.login(&login, "ann", stranger(1), "wrong").await;
    }
    let granted = users.login(&login, " ANN ", stranger(2), RIGHT).await.granted().unwrap();
    assert_eq!((granted.user, granted.needs_rehash, granted.prior_failures), (4711, true, 3));
    assert!(granted.device_cookie.is_some());
}

#[tokio::test]
async fn the_first_of_two_factors_completes_nothing() {
    let (users, house) = (Users::new().await, House::new(policy()));
    let login = Login::new(&house.lockout, &users.passwords).first_of_two_factors();
    let _ = users.login(&login, "ann", stranger(1), "wrong").await;
    let granted = users.login(&login, "ann", stranger(1), RIGHT).await.granted().unwrap();
    assert_eq!((granted.user, granted.prior_failures), (4711, 0));
    assert_eq!(house.lockout.peek(&account("ann")).await.unwrap().in_a_row, 1);
    assert_eq!(house.count(EventName::AuthnLoginSuccess), 0);
}

/// H1.
#[tokio::test]
async fn nothing_of_a_password_is_printed() {
    let (users, house) = (Users::new().await, House::new(policy()));
    let login = Login::new(&house.lockout, &users.passwords);
    let outcome = users.login(&login, "ann", stranger(1), "swordfish").await;
    let told = format!("{login:?} {outcome:?} {:?}", house.sink.events());
    assert!(!told.contains("swordfish") && !told.contains(&users.hash), "{told}");
}
