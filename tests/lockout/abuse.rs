//! The lock as a weapon, and time.

use donjon::cookies::OutgoingCookie;
use donjon::keys::{Key, KeyRing};
use donjon::lockout::{Device, DeviceCookies, Scope};
use http::Request;

use super::*;

fn request_with(cookie: &str) -> Request<()> {
    Request::builder().header("cookie", cookie).body(()).unwrap()
}

fn pair(cookie: &OutgoingCookie) -> String {
    cookie.as_str().split(';').next().unwrap().to_owned()
}

fn with_devices() -> (House, DeviceCookies) {
    let ring = KeyRing::new(Key::random()).unwrap();
    let devices = DeviceCookies::new(&ring, "club").unwrap();
    (House::with(policy(), |builder| builder.devices(devices.clone())), devices)
}

impl House {
    async fn login(
        &self,
        name: &str,
        from: IpAddr,
        device: Option<Device>,
        right: bool,
    ) -> Result<Settled, NotAdmitted> {
        let attempt = self.lockout.begin_from(from, device).await?.account(&account(name)).await?;
        Ok(if right { attempt.succeed().await } else { attempt.fail().await })
    }
}

/// G1.
#[tokio::test]
async fn strangers_cannot_lock_out_a_browser_that_has_logged_in() {
    let (house, devices) = with_devices();
    let owner = address("203.0.113.9");
    let settled = house.login("ann", owner, None, true).await.unwrap();
    let cookie = pair(&settled.device_cookie.unwrap());
    for n in 0..1000 {
        let _ = house.fail("ann", stranger(n)).await;
    }
    assert!(matches!(house.succeed("ann", owner).await, Err(NotAdmitted::Locked { .. })));

    let device = devices.read(&request_with(&cookie));
    let settled = house.login("ann", owner, device.clone(), true).await.unwrap();
    assert_eq!(settled.prior_failures, N);
    // G2: another value with each login.
    let next = pair(&settled.device_cookie.unwrap());
    assert_ne!(next, cookie);
    // The strangers' lock is as it was.
    assert!(house.lockout.peek(&account("ann")).await.unwrap().account.locked.is_some());

    // A stolen one has guesses of its own, and no more: the owner's newer one has its own.
    let mut guesses = 0;
    while house.login("ann", stranger(7), device.clone(), false).await.is_ok() {
        guesses += 1;
    }
    assert_eq!(guesses, 10, "what the policy gives a device");
    let denied = house.login("ann", stranger(7), device, true).await.unwrap_err();
    assert!(matches!(denied, NotAdmitted::Locked { scope: Scope::Device, .. }));
    let newer = devices.read(&request_with(&next));
    house.login("ann", owner, newer, true).await.unwrap();
}

#[tokio::test]
async fn a_cookie_of_another_account_forged_or_old_gives_nothing() {
    let (house, devices) = with_devices();
    let settled = house.login("bob", stranger(1), None, true).await.unwrap();
    let cookie = settled.device_cookie.unwrap();
    let of_bob = pair(&cookie);
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=15552000"] {
        assert!(cookie.as_str().contains(attribute), "{attribute}: {}", cookie.as_str());
    }
    assert_eq!(house.guesses("ann", stranger).await, N);
    let device = devices.read(&request_with(&of_bob));
    assert!(device.is_some());
    assert!(house.login("ann", stranger(9), device, true).await.is_err(), "of another account");

    let forged = format!("{}x", &of_bob[..of_bob.len() - 1]);
    assert!(devices.read(&request_with(&forged)).is_none());
    assert!(devices.read(&request_with(&format!("{of_bob}; {of_bob}x"))).is_none(), "twice");
    let other = DeviceCookies::new(&KeyRing::new(Key::random()).unwrap(), "club").unwrap();
    assert!(other.read(&request_with(&of_bob)).is_none(), "of another ring");
}

#[tokio::test]
async fn an_expired_cookie_gives_nothing() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let clock = Arc::new(ManualClock::default());
    let devices = DeviceCookies::new(&ring, "club").unwrap().clock(clock.clone());
    let house = House::with(policy(), |builder| builder.devices(devices.clone()));
    let settled = house.login("ann", stranger(1), None, true).await.unwrap();
    let cookie = pair(&settled.device_cookie.unwrap());
    assert!(devices.read(&request_with(&cookie)).is_some());
    clock.advance(Duration::from_secs(180 * 86_400));
    assert!(devices.read(&request_with(&cookie)).is_none());
}

/// E7, E9.
#[tokio::test]
async fn a_lock_does_not_move_and_ends_when_it_says() {
    let house = House::new(policy());
    let from = address("203.0.113.9");
    assert_eq!(house.guesses("ann", |_| from).await, N);
    let mut before = minutes(11);
    for _ in 0..10 {
        // The right password, too, is refused and not counted.
        let denied = house.succeed("ann", from).await.unwrap_err();
        assert!(denied.retry_after() < before, "{denied}");
        before = denied.retry_after();
        house.clock.advance(Duration::from_secs(59));
    }
    let all_but_a_moment = Duration::from_secs(59) + Duration::from_nanos(1);
    house.clock.advance(before.saturating_sub(all_but_a_moment));
    assert!(house.succeed("ann", from).await.is_err());
    house.clock.advance(Duration::from_nanos(1));
    house.succeed("ann", from).await.unwrap();
    assert_eq!(house.count(EventName::AuthnLoginLock), 2, "H2: once for each counter");
}

/// E4, and that progressive delays end.
#[tokio::test]
async fn delays_grow_to_the_longest_and_start_anew_after_a_rest() {
    let house = House::new(
        LockoutPolicy::default()
            .account(ScopePolicy::new(10_000, minutes(60), minutes(60)).unwrap()),
    );
    let from = address("203.0.113.9");
    for _ in 0..4 {
        house.fail("ann", from).await.unwrap();
    }
    for expected in [1, 2, 4, 8, 16, 30, 30, 30] {
        let settled = house.fail("ann", from).await.unwrap();
        assert_eq!(settled.lock, Some((minutes(expected), Scope::AccountAtAddress)));
        assert!(house.fail("ann", from).await.is_err());
        house.clock.advance(minutes(expected));
    }
    house.clock.advance(minutes(61));
    for _ in 0..4 {
        assert_eq!(house.fail("ann", from).await.unwrap().lock, None);
    }
}

/// G5: a password that is right does not forget failures before the second factor is.
#[tokio::test]
async fn a_second_factor_is_counted_apart() {
    let secret = Key::random();
    let store = donjon::lockout::MemoryStore::default();
    let of = |purpose: &str| {
        let (store, purpose, secret) = (store.clone(), purpose.to_owned(), secret.clone());
        House::with(policy(), move |builder| builder.store(store).secret(&secret).purpose(&purpose))
    };
    let (password, totp) = (of("password"), of("totp"));
    let from = address("203.0.113.9");
    for _ in 0..3 {
        password.fail("ann", from).await.unwrap();
    }
    let attempt =
        password.lockout.begin(from).await.unwrap().account(&account("ann")).await.unwrap();
    attempt.undecided().await;
    assert_eq!(password.lockout.peek(&account("ann")).await.unwrap().in_a_row, 3);
    assert_eq!(totp.guesses("ann", |_| from).await, N, "a counter of its own");
    assert_eq!(password.lockout.peek(&account("ann")).await.unwrap().account.failures, 3);
    password.succeed("ann", from).await.unwrap();
    assert_eq!(password.lockout.peek(&account("ann")).await.unwrap().in_a_row, 0);
    assert!(totp.fail("ann", from).await.is_err());
}

/// NIST: a hundred in a row, whatever was forgotten in between.
#[tokio::test]
async fn failures_in_a_row_end_in_an_event_for_the_app() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let app = told.clone();
    let house = House::with(LockoutPolicy::pci_dss(), |builder| {
        builder.on_exhausted(move |account| app.lock().unwrap().push(account.as_str().to_owned()))
    });
    let mut exhausted = Vec::new();
    for failure in 1..=120 {
        loop {
            match house.fail("ann", address("203.0.113.9")).await {
                Ok(settled) => {
                    if settled.exhausted {
                        exhausted.push(failure);
                    }
                    break;
                }
                Err(denied) => house.clock.advance(denied.retry_after()),
            }
        }
    }
    // Each from there on: the app may have missed the first, and the account still has its password.
    assert_eq!(exhausted, (100..=120).collect::<Vec<_>>());
    assert_eq!(*told.lock().unwrap(), ["ann"; 21]);
    assert_eq!(house.count(EventName::AuthnLoginFailMax), 21);
}

/// H1.
#[tokio::test]
async fn events_tell_who_by_a_tag_and_what_happened() {
    let (house, _) = with_devices();
    for _ in 0..2 {
        house.fail("ann@example.com", stranger(1)).await.unwrap();
    }
    house.succeed("ann@example.com", stranger(1)).await.unwrap();
    house.succeed("ann@example.com", stranger(1)).await.unwrap();
    let told: Vec<_> = house.sink.events().iter().map(donjon::event::SecurityEvent::name).collect();
    assert_eq!(
        told,
        [
            EventName::AuthnLoginFail,
            EventName::AuthnLoginFail,
            EventName::AuthnLoginSuccessAfterFail,
            EventName::AuthnLoginSuccess,
        ]
    );
    let text = format!("{:?}", house.sink.events());
    assert!(!text.contains("ann"), "{text}");
    assert!(text.contains("10.0.0.1"), "{text}");
}
