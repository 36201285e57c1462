//! What a review has broken, and is to stay whole.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use donjon::client::TrustedProxies;
use donjon::cookies::OutgoingCookie;
use donjon::keys::{Key, KeyRing};
use donjon::lockout::{
    self, AttemptStore, Decision, DeviceCookies, KeyState, Lease, LegacyStatus, LoginAttempt,
    LoginLockout, MemoryStore, Scope, Settle, Settlement, UnlockError, UnlockTokens,
};
use donjon::middleware::Stack;
use donjon::refusal::Refusal;

use super::both::{Ask, actix_app, axum_app};
use super::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn devices() -> DeviceCookies {
    DeviceCookies::new(&KeyRing::new(Key::random()).unwrap(), "club").unwrap()
}

fn request_with(cookie: &OutgoingCookie) -> http::Request<()> {
    let pair = cookie.as_str().split(';').next().unwrap();
    http::Request::builder().header("cookie", pair).body(()).unwrap()
}

/// Lockouts with other policies share the tables, and forget, lock and expire nothing of each other's.
#[tokio::test]
async fn lockouts_of_other_policies_in_one_store_leave_each_other_alone() {
    let (clock, secret) = (Arc::new(ManualClock::default()), Key::random());
    let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
    let build = |policy: LockoutPolicy, purpose: &str| {
        let builder = Lockout::builder(policy).store(store.clone()).secret(&secret);
        builder.purpose(purpose).build().unwrap()
    };
    let short = ScopePolicy::new(3, seconds(1), seconds(2)).unwrap();
    let password = build(policy(), "password");
    let totp = build(policy().account(short.clone()).account_at_address(short), "totp");
    let guess = async |lockout: &Lockout, name: &str, from: IpAddr| {
        let attempt = lockout.begin(from).await?.account(&account(name)).await?;
        Ok::<_, NotAdmitted>(attempt.fail().await)
    };
    let mut evaluated = 0;
    for round in 0..10 {
        while guess(&password, "ann", stranger(1)).await.is_ok() {
            evaluated += 1;
        }
        for n in 0..1000 {
            let _ = guess(&totp, &format!("user{n}-{round}"), stranger(n)).await;
        }
        clock.advance(seconds(3));
    }
    assert_eq!(evaluated, N);

    // And nobody is locked by a policy that is not his.
    let many = ScopePolicy::new(50, minutes(10), minutes(60)).unwrap();
    let lenient = build(policy().account(many.clone()).account_at_address(many), "lenient");
    for _ in 0..6 {
        guess(&lenient, "ann", stranger(1)).await.unwrap();
    }
    for n in 0..1000 {
        let _ = guess(&password, &format!("other{n}"), stranger(n)).await;
    }
    guess(&lenient, "ann", stranger(1)).await.unwrap();
}

/// Nor does a token of another lifetime have one forgotten that was used.
#[tokio::test]
async fn a_used_token_stays_used_whatever_other_tokens_do() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(1024, clock.clone()).unwrap();
    let house = House::with(policy(), |builder| builder.store(store));
    let tokens = |lifetime| {
        let tokens = UnlockTokens::new(&house.lockout, &ring, "club").unwrap();
        tokens.clock(clock.clone()).lifetime(lifetime).unwrap()
    };
    let (long, short) = (tokens(minutes(7 * 24 * 60)), tokens(minutes(10)));
    let token = long.issue(&account("ann")).unwrap();
    long.redeem("POST", &token).await.unwrap();
    for n in 0..100 {
        let token = short.issue(&account(&format!("user{n}"))).unwrap();
        short.redeem("POST", &token).await.unwrap();
    }
    clock.advance(minutes(12));
    assert!(long.redeem("POST", &token).await.is_err());
}

/// As a layer does that answers a panic with 500.
async fn catches(request: Request, next: axum::middleware::Next) -> Response {
    let caught = std::panic::AssertUnwindSafe(next.run(request));
    let caught = futures_util::FutureExt::catch_unwind(caught).await;
    caught.unwrap_or_else(|_| http::StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Behind the layer, with a handler of the test's own.
async fn send(house: &House, route: axum::routing::MethodRouter, body: &str) -> u16 {
    let layer = LoginLockout::new(&house.lockout);
    let router = Router::new().route("/login", route.layer(layer));
    let router = router.layer(Stack::new((TrustedProxies::none(),)));
    axum_app::send(router, &Ask::get("/login").method("POST").body(body)).await.status
}

/// A deadline around the handler answers 504 while the password is still being verified, or a task of the
/// handler's own is: whoever has the attempt has the last word.
#[tokio::test]
async fn a_deadline_uncounts_no_guess_that_is_still_looked_at() {
    static EVALUATED: AtomicU32 = AtomicU32::new(0);
    async fn slow(attempt: LoginAttempt) -> Response {
        let Ok(attempt) = attempt.account(&account("ann")).await else {
            return http::StatusCode::TOO_MANY_REQUESTS.into_response();
        };
        EVALUATED.fetch_add(1, Ordering::SeqCst);
        let verifying = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            attempt.fail().await;
        });
        match tokio::time::timeout(Duration::from_millis(1), verifying).await {
            Ok(_) => http::StatusCode::UNAUTHORIZED.into_response(),
            Err(_) => http::StatusCode::GATEWAY_TIMEOUT.into_response(),
        }
    }
    let house = House::new(policy());
    let sent = (0..60).map(|_| send(&house, post(slow), ""));
    let statuses = futures_util::future::join_all(sent).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(EVALUATED.load(Ordering::SeqCst), N, "{statuses:?}");
    let state = house.lockout.peek(&account("ann")).await.unwrap();
    assert_eq!((state.account.failures, state.account.in_flight, state.in_a_row), (N, 0, N));
}

/// A panic is a failure even where a layer between makes a 500 of it.
#[tokio::test]
async fn a_panic_that_somebody_catches_has_failed() {
    async fn panics(attempt: LoginAttempt) -> Response {
        let _attempt = attempt.account(&account("ann")).await.unwrap();
        panic!("the handler has panicked");
    }
    let house = House::new(policy());
    let route = post(panics).layer(axum::middleware::from_fn(catches));
    assert_eq!(send(&house, route, "").await, 500);
    assert_eq!(house.lockout.peek(&account("ann")).await.unwrap().account.failures, 1);
}

/// A handler whose every error is a 500 counts nothing, as a server that fails has found out nothing. It is
/// told of once.
#[tokio::test]
async fn a_login_that_only_says_500_is_told_of() {
    async fn fails(attempt: LoginAttempt) -> http::StatusCode {
        let _attempt = attempt.account(&account("ann")).await.unwrap();
        http::StatusCode::INTERNAL_SERVER_ERROR
    }
    let house = House::new(policy());
    let log = EventLog::builder().memory(&house.sink).build().unwrap();
    let layer = LoginLockout::new(&house.lockout);
    for _ in 0..3 {
        let router = Router::new().route("/login", post(fails).layer(layer.clone()));
        let router = router.layer(Stack::new((log.clone(), TrustedProxies::none())));
        axum_app::send(router, &Ask::get("/login").method("POST")).await;
    }
    assert_eq!(house.count(EventName::SysMonitorDisabled), 1);
    assert_eq!(house.lockout.peek(&account("ann")).await.unwrap().account.failures, 0);
}

/// actix-web: an error that makes a response of its own, and says no status otherwise.
#[actix_web::test]
async fn the_status_of_an_error_is_that_of_its_response() {
    #[derive(Debug)]
    struct Wrong;

    impl std::fmt::Display for Wrong {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("wrong")
        }
    }

    impl actix_web::ResponseError for Wrong {
        fn error_response(&self) -> actix_web::HttpResponse {
            actix_web::HttpResponse::Unauthorized().finish()
        }
    }

    async fn wrong(attempt: LoginAttempt) -> Result<&'static str, Wrong> {
        let _attempt = attempt.account(&account("ann")).await.map_err(|_| Wrong)?;
        Ok("")
    }
    async fn refuses(
        request: actix_web::dev::ServiceRequest,
        next: actix_web::middleware::Next<actix_web::body::BoxBody>,
    ) -> actix_web::Result<actix_web::dev::ServiceResponse> {
        next.call(request).await?;
        Err(Wrong.into())
    }
    let house = House::new(policy());
    let app = actix_web::App::new().service(
        actix_web::web::resource("/login")
            .wrap(actix_web::middleware::from_fn(refuses))
            .wrap(LoginLockout::new(&house.lockout))
            .to(wrong),
    );
    let app = actix_web::test::init_service(app).await;
    for _ in 0..=N {
        let request = actix_app::request(&Ask::get("/login").method("POST"));
        let answer = actix_web::test::try_call_service(&app, request.to_request()).await;
        let status = answer.unwrap_err().error_response().status();
        assert_eq!(status, 401);
    }
    assert_eq!(house.lockout.peek(&account("ann")).await.unwrap().account.failures, N);
}

/// Without a limit for an address, its accounts are counted all the same.
#[tokio::test]
async fn accounts_of_an_address_are_counted_without_a_limit_for_it() {
    let accounts = ScopePolicy::new(LIMIT, minutes(10), minutes(10)).unwrap();
    let house = House::new(policy().accounts_of_address(accounts));
    let mut tried = 0;
    for n in 0..100 {
        tried += u32::from(house.fail(&format!("user{n}"), stranger(1)).await.is_ok());
    }
    assert_eq!((tried, house.count(EventName::AuthnSpray)), (N, 1));
}

/// Whoever has known the password once may have kept many cookies.
#[tokio::test]
async fn all_cookies_of_an_account_together_have_a_limit() {
    let devices = devices();
    let house = House::with(policy(), |builder| builder.devices(devices.clone()));
    let mut kept = Vec::new();
    for _ in 0..100 {
        let cookie = house.succeed("ann", stranger(1)).await.unwrap().device_cookie.unwrap();
        kept.push(devices.read(&request_with(&cookie)));
    }
    let mut evaluated = 0;
    for device in &kept {
        loop {
            let begun = house.lockout.begin_from(stranger(1), device.clone()).await.unwrap();
            let Ok(attempt) = begun.account(&account("ann")).await else { break };
            attempt.fail().await;
            evaluated += 1;
        }
    }
    assert_eq!(evaluated, 30);
    // One browser's typos are one account's, and nobody's stuffing.
    assert_eq!(house.count(EventName::AuthnStuffing), 0);
}

/// A browser may know several accounts, and logging in to another one takes none away.
#[tokio::test]
async fn a_browser_is_known_by_several_accounts() {
    let devices = devices();
    let house = House::with(policy(), |builder| builder.devices(devices.clone()));
    let mut device = None;
    for name in ["ann", "bob", "eve"] {
        let begun = house.lockout.begin_from(stranger(1), device).await.unwrap();
        let settled = begun.account(&account(name)).await.unwrap().succeed().await;
        device = devices.read(&request_with(&settled.device_cookie.unwrap()));
    }
    assert_eq!(house.guesses("ann", stranger).await, N);
    let begun = house.lockout.begin_from(stranger(2), device.clone()).await.unwrap();
    begun.account(&account("ann")).await.unwrap().succeed().await;
    let begun = house.lockout.begin_from(stranger(2), device).await.unwrap();
    assert!(begun.account(&account("carl")).await.is_ok(), "as a stranger");
}

/// Strangers may lock an address that others share. A browser that has logged in passes, for its account.
#[tokio::test]
async fn a_known_browser_passes_an_address_that_is_locked() {
    let devices = devices();
    let house = House::with(LockoutPolicy::default(), |builder| builder.devices(devices.clone()));
    let office = address("203.0.113.9");
    let cookie = house.succeed("ann", office).await.unwrap().device_cookie.unwrap();
    let device = devices.read(&request_with(&cookie));
    for n in 0..100 {
        let _ = house.fail(&format!("user{}", n % 15), office).await;
    }
    assert!(matches!(
        house.lockout.begin(office).await,
        Err(NotAdmitted::Locked { scope: Scope::Address, .. })
    ));
    let begun = house.lockout.begin_from(office, device.clone()).await.unwrap();
    begun.account(&account("ann")).await.unwrap().succeed().await;
    let begun = house.lockout.begin_from(office, device).await.unwrap();
    let denied = begun.account(&account("bob")).await.unwrap_err();
    assert!(matches!(denied, NotAdmitted::Locked { scope: Scope::Address, .. }), "{denied}");
}

/// Else the lock of an account would tell whether its owner logs in.
#[tokio::test]
async fn a_login_keeps_no_strangers_failures_alive() {
    let house = House::new(LockoutPolicy::default());
    for name in ["ann", "nobody"] {
        for n in 0..19 {
            house.fail(name, stranger(n)).await.unwrap();
        }
    }
    house.clock.advance(minutes(40));
    house.succeed("ann", address("203.0.113.9")).await.unwrap();
    house.clock.advance(minutes(40));
    for name in ["ann", "nobody"] {
        for n in 0..2 {
            house.fail(name, stranger(100 + n)).await.unwrap();
        }
    }
}

/// What the app does with an exhausted account is its own code, and may panic.
#[tokio::test]
async fn an_app_that_panics_on_an_exhausted_account_loses_nothing() {
    let house = House::with(LockoutPolicy::default().in_a_row(2).unwrap(), |builder| {
        builder.on_exhausted(|_| panic!("no runtime here"))
    });
    house.fail("ann", stranger(1)).await.unwrap();
    // Also while a panic unwinds.
    let attempt = house.lockout.begin(stranger(1)).await.unwrap().account(&account("ann")).await;
    let attempt = attempt.unwrap();
    let panicked = tokio::spawn(async move {
        let _attempt = attempt;
        panic!("the handler has panicked");
    });
    assert!(panicked.await.is_err());
    let state = house.lockout.peek_address(stranger(1)).await.unwrap();
    assert_eq!((state.failures, state.in_flight), (2, 0));
    assert_eq!(house.count(EventName::AuthnLoginFailMax), 1);
}

/// Who has the token has the owner's post: his browser is known from then on, whatever an attacker does.
#[tokio::test]
async fn a_token_lets_its_owner_in_while_the_attack_goes_on() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let devices = devices();
    let house = House::with(policy(), |builder| builder.devices(devices.clone()));
    let tokens = UnlockTokens::new(&house.lockout, &ring, "club").unwrap();
    house.guesses("ann", stranger).await;
    let token = tokens.issue(&account("ann")).unwrap();
    let cookie = tokens.redeem("POST", &token).await.unwrap().device_cookie.unwrap();
    assert_eq!(house.guesses("ann", stranger).await, N, "the attacker is quicker");
    let device = devices.read(&request_with(&cookie));
    let begun = house.lockout.begin_from(stranger(9), device).await.unwrap();
    begun.account(&account("ann")).await.unwrap().succeed().await;
}

/// What was counted before is forgotten, not only what was locked; and once, not as often as one likes.
#[tokio::test]
async fn an_unlocked_account_begins_anew_once() {
    let house = House::new(policy());
    let from = address("203.0.113.9");
    for _ in 1..N {
        house.fail("ann", from).await.unwrap();
    }
    house.lockout.unlock(&account("ann")).await.unwrap();
    assert_eq!(house.lockout.peek_at(&account("ann"), from).await.unwrap().failures, 0);
    assert_eq!(house.guesses("ann", |_| from).await, N, "in the same moment");
    // But NIST's hundred in a row goes on.
    assert_eq!(house.lockout.peek(&account("ann")).await.unwrap().in_a_row, 2 * N - 1);
}

/// A lockout inside another one's layer counts for itself.
#[tokio::test]
async fn a_lockout_behind_another_one_counts_for_itself() {
    async fn wrong(attempt: LoginAttempt) -> http::StatusCode {
        attempt.account(&account("ann")).await.unwrap().fail().await;
        http::StatusCode::UNAUTHORIZED
    }
    let (password, totp) = (House::new(policy()), House::new(policy()));
    for _ in 0..3 {
        let inner = any(wrong).layer(LoginLockout::new(&totp.lockout));
        assert_eq!(send(&password, inner, "").await, 401);
    }
    assert_eq!(totp.lockout.peek(&account("ann")).await.unwrap().account.failures, 3);
    assert_eq!(password.lockout.peek(&account("ann")).await.unwrap().account.failures, 0);
}

/// Of two locks, the longer one is told: whoever waits for it has none before him.
#[tokio::test]
async fn whoever_waits_as_long_as_he_is_told_is_let_in() {
    let here = ScopePolicy::new(LIMIT, minutes(1), minutes(60)).unwrap();
    let house = House::new(policy().account_at_address(here));
    let from = address("203.0.113.9");
    assert_eq!(house.guesses("ann", |_| from).await, N);
    let wait = house.succeed("ann", from).await.unwrap_err().retry_after();
    assert_eq!(wait, minutes(10));
    house.clock.advance(wait);
    house.succeed("ann", from).await.unwrap();
}

/// A store that has to be waited for, as one behind a network.
struct Waited(MemoryStore);

#[derive(Debug, thiserror::Error)]
#[error("it never fails")]
struct Never;

impl AttemptStore for Waited {
    type Error = Never;

    async fn reserve(&self, key: lockout::Key, policy: &ScopePolicy) -> Result<Decision, Never> {
        tokio::task::yield_now().await;
        Ok(AttemptStore::reserve(&self.0, key, policy).await.unwrap())
    }

    async fn settle(
        &self,
        lease: Lease,
        settle: Settle,
        policy: &ScopePolicy,
    ) -> Result<Settlement, Never> {
        tokio::task::yield_now().await;
        Ok(AttemptStore::settle(&self.0, lease, settle, policy).await.unwrap())
    }

    async fn peek(&self, key: lockout::Key, policy: &ScopePolicy) -> Result<KeyState, Never> {
        Ok(AttemptStore::peek(&self.0, key, policy).await.unwrap())
    }

    async fn clear(&self, key: lockout::Key) -> Result<(), Never> {
        AttemptStore::clear(&self.0, key).await.unwrap();
        Ok(())
    }
}

/// A wrong password that panics in the handler, which a layer answers with 500, is a failure also where the
/// store cannot be told while the panic unwinds.
#[tokio::test]
async fn a_panic_has_failed_whatever_the_store() {
    async fn panics(attempt: LoginAttempt) -> Response {
        let _attempt = match attempt.account(&account("ann")).await {
            Ok(attempt) => attempt,
            Err(denied) => return Refusal::from(denied).into_response(),
        };
        panic!("the password is wrong")
    }
    let house = House::with(policy(), |builder| {
        builder.store(Waited(MemoryStore::default())).secret(&Key::random())
    });
    let mut looked_at = 0;
    for _ in 0..4 * N {
        let status = send(&house, post(panics).layer(axum::middleware::from_fn(catches)), "").await;
        looked_at += u32::from(status == 500);
    }
    assert_eq!(looked_at, N);
}

/// Whoever sprays from the office, or keeps its address busy, keeps no colleague out whose browser is known.
#[tokio::test]
async fn a_known_browser_passes_an_address_that_sprays_or_is_busy() {
    let devices = devices();
    let house = House::with(LockoutPolicy::default(), |builder| builder.devices(devices.clone()));
    let office = stranger(1);
    let cookie = house.succeed("ann", office).await.unwrap().device_cookie.unwrap();
    let device = || devices.read(&request_with(&cookie));
    let login = async || {
        let attempt = house.lockout.begin_from(office, device()).await?;
        attempt.account(&account("ann")).await?.succeed().await;
        Ok::<_, NotAdmitted>(())
    };
    let mut sprayed = 0;
    while house.fail(&format!("user{sprayed}"), office).await.is_ok() {
        sprayed += 1;
    }
    login().await.unwrap();

    house.clock.advance(minutes(24 * 60));
    let mut busy = Vec::new();
    while let Ok(attempt) = house.lockout.begin(office).await {
        busy.push(attempt);
    }
    login().await.unwrap();
}

/// Whoever waits out that he has tried too many accounts does not find the account's own lock behind it.
#[tokio::test]
async fn the_wait_for_too_many_accounts_is_the_longest_of_all() {
    let short = ScopePolicy::new(3, seconds(1), minutes(60)).unwrap();
    let house = House::new(policy().accounts_of_address(Some(short)));
    house.guesses("ann", stranger).await;
    for name in ["bob", "cid", "dan"] {
        let _ = house.fail(name, stranger(500)).await;
    }
    let denied = house.fail("ann", stranger(500)).await.unwrap_err();
    house.clock.advance(denied.retry_after());
    house.succeed("ann", stranger(500)).await.unwrap();
}

/// An app that answers a wrong password with 404 has said so.
#[tokio::test]
async fn a_legacy_status_may_be_404() {
    let five = ScopePolicy::new(5, minutes(10), minutes(60)).unwrap();
    let house = House::new(policy().address(Some(five)));
    let legacy = LegacyStatus { success: vec![303], failure: vec![404] };
    let layer = LoginLockout::new(&house.lockout).by_legacy_status(legacy);
    let mut looked_at = 0;
    for _ in 0..20 {
        let route = post(async || http::StatusCode::NOT_FOUND).layer(layer.clone());
        let router = Router::new().route("/login", route);
        let router = router.layer(Stack::new((TrustedProxies::none(),)));
        let answer = axum_app::send(router, &Ask::get("/login").method("POST")).await;
        looked_at += u32::from(answer.status == 404);
    }
    assert_eq!(looked_at, 5);
}

/// The one that turns a request away gives the attempt of the layer around it back, to be settled as any
/// other that only looked.
#[tokio::test]
async fn a_layer_that_is_locked_costs_the_one_around_it_nothing() {
    let one = ScopePolicy::new(1, minutes(10), minutes(60)).unwrap();
    let outer = House::new(policy().address(Some(one.clone())));
    let inner = House::new(policy().address(Some(one)));
    let from = address("127.0.0.1");
    inner.lockout.begin(from).await.unwrap().fail().await;
    for _ in 0..3 {
        let router = Router::new().route("/login", get(async || "the form"));
        let router = router.layer(LoginLockout::new(&inner.lockout));
        let router = router.layer(LoginLockout::new(&outer.lockout));
        let router = router.layer(Stack::new((TrustedProxies::none(),)));
        let answer = axum_app::send(router, &Ask::get("/login").from("127.0.0.1")).await;
        assert_eq!(answer.status, 429);
    }
    assert_eq!(outer.lockout.peek_address(from).await.unwrap(), KeyState::default());
    assert_eq!(inner.lockout.peek_address(from).await.unwrap().failures, 1);
}

/// A process that makes tokens of another lifetime, or this one before its configuration has changed.
#[tokio::test]
async fn a_used_token_stays_used_whatever_the_lifetime_of_others() {
    let house = House::new(policy());
    let ring = KeyRing::new(Key::random()).unwrap();
    let tokens = |lifetime| {
        let tokens = UnlockTokens::new(&house.lockout, &ring, "club").unwrap();
        tokens.clock(house.clock.clone()).lifetime(lifetime).unwrap()
    };
    let token = tokens(minutes(24 * 60)).issue(&account("ann")).unwrap();
    tokens(minutes(1)).redeem("POST", &token).await.unwrap();
    house.clock.advance(minutes(60));
    for lifetime in [minutes(1), minutes(24 * 60)] {
        let again = tokens(lifetime).redeem("POST", &token).await;
        assert!(matches!(again, Err(UnlockError::Used)), "{again:?}");
    }
}

/// Guesses that are under way when the process ends have failed in the next one, and are forgotten when
/// failures are.
#[tokio::test]
async fn a_restart_gives_no_guess_under_way_back() {
    let (clock, secret) = (Arc::new(ManualClock::default()), Key::random());
    let before = MemoryStore::with_clock(1024, clock.clone()).unwrap();
    let build = |store: &MemoryStore| {
        Lockout::builder(policy()).store(store.clone()).secret(&secret).build().unwrap()
    };
    let lockout = build(&before);
    let mut under_way = Vec::new();
    for n in 0..N {
        let attempt = lockout.begin(stranger(n)).await.unwrap().account(&account("ann")).await;
        under_way.push(attempt.unwrap());
    }
    let ring = KeyRing::new(Key::random()).unwrap();
    let saved = before.save(&ring).unwrap();
    let after = MemoryStore::with_clock(1024, clock.clone()).unwrap();
    after.restore(&ring, &saved).unwrap();
    clock.advance(minutes(9));
    let attempt = build(&after).begin(stranger(N)).await.unwrap().account(&account("ann")).await;
    assert!(matches!(attempt, Err(NotAdmitted::Locked { .. })), "{attempt:?}");
}

/// Where no handler names the account, a browser that is known for one is a stranger: nothing else counts.
/// Be it that the status tells, that nobody has thought of it, or both.
#[tokio::test]
async fn a_known_browser_passes_no_lock_where_nobody_names_the_account() {
    for layers in ["by status", "plain", "by status within a plain one"] {
        let five = ScopePolicy::new(5, minutes(10), minutes(60)).unwrap();
        let devices = devices();
        let policy = policy().address(Some(five));
        let house = House::with(policy, |builder| builder.devices(devices.clone()));
        let cookie = house.succeed("mallory", stranger(1)).await.unwrap().device_cookie.unwrap();
        let pair = cookie.as_str().split(';').next().unwrap();
        let legacy = LegacyStatus { success: vec![303], failure: vec![401] };
        let plain = LoginLockout::new(&house.lockout);
        let by_status = LoginLockout::new(&house.lockout).by_legacy_status(legacy);
        let mut looked_at = 0;
        for _ in 0..20 {
            let route = post(async || http::StatusCode::UNAUTHORIZED);
            let route = match layers {
                "plain" => route.layer(plain.clone()),
                "by status" => route.layer(by_status.clone()),
                _ => {
                    let route: axum::routing::MethodRouter = route.layer(by_status.clone());
                    route.layer(plain.clone())
                }
            };
            let router = Router::new().route("/login", route);
            let router = router.layer(Stack::new((TrustedProxies::none(),)));
            let ask = Ask::get("/login").method("POST").header("cookie", pair);
            looked_at += u32::from(axum_app::send(router, &ask).await.status == 401);
        }
        // And one by which a plain layer learns that nobody does.
        let learned = u32::from(layers == "plain");
        assert_eq!(looked_at, 5 + learned, "{layers}");
    }
}

/// A token is used up for as long as any server may take it for good.
#[tokio::test]
async fn a_token_is_used_once_by_servers_whose_clocks_differ() {
    let house = House::new(policy());
    let ring = KeyRing::new(Key::random()).unwrap();
    let tokens = || UnlockTokens::new(&house.lockout, &ring, "club").unwrap();
    let ahead = Arc::new(ManualClock::default());
    ahead.advance(minutes(5));
    let (here, there) = (tokens().clock(house.clock.clone()), tokens().clock(ahead.clone()));
    let token = here.issue(&account("ann")).unwrap();
    house.clock.advance(minutes(1));
    ahead.advance(minutes(1));
    there.redeem("POST", &token).await.unwrap();
    house.clock.advance(minutes(57));
    ahead.advance(minutes(57));
    let again = here.redeem("POST", &token).await;
    assert!(matches!(again, Err(UnlockError::Used)), "{again:?}");

    // What is said to be a lifetime is one.
    for (seconds, is_one) in [(0, false), (1, true), (30 * 86_400, true), (30 * 86_400 + 1, false)]
    {
        let built = tokens().lifetime(Duration::from_secs(seconds));
        assert_eq!(built.is_ok(), is_one, "{seconds} s: {built:?}");
    }
}

fn five_at_once() -> ScopePolicy {
    ScopePolicy::new(5, minutes(10), minutes(60)).unwrap()
}

/// A handler that takes its attempt and names no account, as [`LoginAttempt::fail`] allows, counts for none.
#[tokio::test]
async fn a_known_browser_passes_no_lock_where_the_handler_names_no_account() {
    async fn pin(attempt: LoginAttempt) -> http::StatusCode {
        attempt.fail().await;
        http::StatusCode::UNAUTHORIZED
    }
    let devices = devices();
    let house = House::with(policy().address(Some(five_at_once())), |builder| {
        builder.devices(devices.clone())
    });
    let cookie = house.succeed("mallory", stranger(1)).await.unwrap().device_cookie.unwrap();
    let pair = cookie.as_str().split(';').next().unwrap();
    let layer = LoginLockout::new(&house.lockout);
    let mut looked_at = 0;
    for _ in 0..40 {
        let router = Router::new().route("/pin", post(pin).layer(layer.clone()));
        let router = router.layer(Stack::new((TrustedProxies::none(),)));
        let ask = Ask::get("/pin").method("POST").header("cookie", pair);
        looked_at += u32::from(axum_app::send(router, &ask).await.status == 401);
    }
    assert_eq!(looked_at, 5 + 1, "and one by which the layer learns of it");
}

/// With the address locked by another route, another process or a snapshot, the owner's known browser stands
/// before a route that nobody has used yet.
#[tokio::test]
async fn a_known_browser_is_let_in_by_a_layer_that_is_new() {
    async fn login(attempt: LoginAttempt) -> http::StatusCode {
        let Ok(attempt) = attempt.account(&account("ann")).await else {
            return http::StatusCode::TOO_MANY_REQUESTS;
        };
        attempt.succeed().await;
        http::StatusCode::OK
    }
    async fn api(attempt: LoginAttempt) -> http::StatusCode {
        let Ok(attempt) = attempt.account(&account("bob")).await else {
            return http::StatusCode::TOO_MANY_REQUESTS;
        };
        attempt.fail().await;
        http::StatusCode::UNAUTHORIZED
    }
    let devices = devices();
    let house = House::with(policy().address(Some(five_at_once())), |builder| {
        builder.devices(devices.clone())
    });
    let cookie = house.succeed("ann", stranger(1)).await.unwrap().device_cookie.unwrap();
    let pair = cookie.as_str().split(';').next().unwrap();
    let (web, other) = (LoginLockout::new(&house.lockout), LoginLockout::new(&house.lockout));
    let router = Router::new()
        .route("/login", post(login).layer(web))
        .route("/api/login", post(api).layer(other))
        .layer(Stack::new((TrustedProxies::none(),)));
    let mut let_in = 0;
    for _ in 0..24 {
        // Somebody at this address keeps it locked, an hour and more.
        for _ in 0..6 {
            axum_app::send(router.clone(), &Ask::get("/api/login").method("POST")).await;
        }
        let ask = Ask::get("/login").method("POST").header("cookie", pair);
        let_in += u32::from(axum_app::send(router.clone(), &ask).await.status == 200);
        house.clock.advance(minutes(10));
    }
    assert!(let_in > 0, "the owner got in {let_in} times in four hours");
}

/// A layer by status within a plain one of the same lockout counts what only it knows: that 200 is a failure.
#[tokio::test]
async fn a_legacy_status_counts_within_a_plain_layer() {
    let house = House::new(policy().address(Some(five_at_once())));
    let legacy = LegacyStatus { success: vec![303], failure: vec![200] };
    let plain = LoginLockout::new(&house.lockout);
    let by_status = LoginLockout::new(&house.lockout).by_legacy_status(legacy);
    let mut looked_at = 0;
    for _ in 0..20 {
        let route = post(async || "wrong password").layer(by_status.clone());
        let router = Router::new().route("/login", route).layer(plain.clone());
        let router = router.layer(Stack::new((TrustedProxies::none(),)));
        let answer = axum_app::send(router, &Ask::get("/login").method("POST")).await;
        looked_at += u32::from(answer.status == 200);
    }
    assert_eq!(looked_at, 5);
}

/// Also an account whose counter in a row began beside others is exhausted.
#[tokio::test]
async fn a_hundred_failures_in_a_row_are_told_of_whatever_was_shared() {
    let many = ScopePolicy::new(1000, minutes(10), minutes(60)).unwrap();
    let told = Arc::new(AtomicU32::new(0));
    let policy = policy().account(many.clone()).account_at_address(many);
    let house = House::with(policy, |builder| {
        builder.store(Waited(MemoryStore::with_capacity(1024).unwrap())).secret(&Key::random())
    });
    // A burst.
    let names: Vec<String> = (0..4000).map(|n| format!("burst{n}")).collect();
    let burst = names.iter().zip(0..).map(|(name, n)| house.fail(name, stranger(n)));
    futures_util::future::join_all(burst).await;
    for n in 0..20 {
        let mut exhausted = false;
        for _ in 0..150 {
            let settled = house.fail(&format!("victim{n}"), stranger(9)).await.unwrap();
            exhausted |= settled.exhausted;
        }
        told.fetch_add(u32::from(exhausted), Ordering::Relaxed);
        let in_a_row = house.lockout.peek(&account(&format!("victim{n}"))).await.unwrap().in_a_row;
        assert!(in_a_row >= 150);
    }
    assert_eq!(told.load(Ordering::Relaxed), 20, "of 20 accounts with 150 failures in a row");
}
