//! Sessions in a sealed cookie: how they begin, go on and end.

#![cfg(all(feature = "actix", feature = "axum", feature = "cookies"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use axum::Router;
use axum::routing::get;
use donjon::clock::{Clock, ManualClock};
use donjon::cookies::prefix::Unprefixed;
use donjon::cookies::session::{
    MemoryRevocation, Revocation, Session, SessionClaims, SessionId, SessionMemo, Sessions,
};
use donjon::cookies::{CookieSpec, HardenCookies, OutgoingCookie, SetError};
use donjon::event::{EventLog, EventName, MemorySink, Severity};
use donjon::keys::{Key, KeyRing, KeySet};
use donjon::middleware::{Middleware, Stack};
use http::{Request, Response, StatusCode};

use self::both::{Ask, Seen};

#[path = "sessions/answers.rs"]
mod answers;
mod both;

/// A server without a framework: what a request does between `admit` and `finish` is in the test's
/// hands.
struct House {
    sessions: Sessions,
    clock: Arc<ManualClock>,
    ring: KeyRing,
    sink: MemorySink,
    log: EventLog,
}

type Stacked = Stack<(EventLog, Sessions)>;

/// A request that is not answered yet.
struct Open {
    stack: Stacked,
    memo: <Stacked as Middleware>::Memo,
    session: Session,
}

impl House {
    fn new() -> Self {
        Self::with(|sessions| sessions)
    }

    fn with(change: impl FnOnce(Sessions) -> Sessions) -> Self {
        let clock = Arc::new(ManualClock::default());
        clock.advance(Duration::from_secs(1_577_836_800));
        let ring = KeyRing::new(Key::random()).unwrap();
        let sink = MemorySink::default();
        let log = EventLog::builder().memory(&sink).build().unwrap();
        let sessions = change(Sessions::new(&ring, "club").unwrap().clock(clock.clone()));
        Self { sessions, clock, ring, sink, log }
    }

    fn open(&self, cookie: Option<&str>) -> Open {
        let mut request = Request::builder();
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let mut request = request.body(()).unwrap();
        let stack = Stack::new((self.log.clone(), self.sessions.clone()));
        let mut memo = Default::default();
        stack.admit(&mut request, &mut memo).unwrap();
        let session = Session::of(&request).unwrap();
        Open { stack, memo, session }
    }

    /// A request that does this, with what it sets.
    fn visit(&self, cookie: Option<&str>, act: impl FnOnce(&Session)) -> Option<String> {
        let open = self.open(cookie);
        act(&open.session);
        open.close()
    }

    fn who(&self, cookie: &str) -> Option<String> {
        self.open(Some(cookie)).session.subject()
    }

    fn sign_in(&self, name: &str) -> String {
        self.visit(None, |session| session.sign_in(name).unwrap()).unwrap()
    }

    fn events(&self) -> Vec<(EventName, Severity)> {
        self.sink.events().iter().map(|event| (event.name(), event.severity())).collect()
    }

    fn advance(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(60 * minutes));
    }
}

impl Open {
    /// The answer's cookie, as the browser sends it back: empty if it is deleted.
    fn close(&self) -> Option<String> {
        let mut response = Response::new(());
        self.stack.finish(&self.memo, &mut response);
        let mut lines = response.headers().get_all("set-cookie").iter();
        let line = lines.next()?.to_str().unwrap();
        assert!(lines.next().is_none(), "one session, one cookie");
        assert_eq!(response.headers()["cache-control"], "private, no-cache");
        let cookie = OutgoingCookie::parse(line).unwrap();
        let read = cookie.read();
        assert!(read.secure() && read.http_only() && read.path() == Some(b"/"), "{line}");
        let pair = line.split(';').next().unwrap().to_owned();
        Some(if read.max_age() == Some(0) { String::new() } else { pair })
    }
}

#[test]
fn a_login_begins_a_session_with_an_id_that_nobody_has_seen() {
    let house = House::new();
    assert_eq!(house.visit(None, |_| {}), None, "who does nothing gets no cookie");

    // Session fixation: the visitor has been given a session by somebody else.
    let planted = house.visit(None, |session| session.set(&"basket".to_owned()).unwrap()).unwrap();
    let before = house.open(Some(&planted)).session.digest().unwrap();
    let own = house.visit(Some(&planted), |session| session.sign_in("ann").unwrap()).unwrap();

    let after = house.open(Some(&own)).session;
    assert_eq!(after.subject().as_deref(), Some("ann"));
    assert_eq!(after.get::<String>().as_deref(), Some("basket"), "what was kept stays");
    assert_ne!(after.digest().unwrap(), before);
    let kept = house.open(Some(&planted)).session;
    assert_eq!((kept.subject(), kept.digest()), (None, None), "and the planted one is over");
}

#[test]
fn of_two_logins_the_second_ends_the_first() {
    let house = House::new();
    let first = house.sign_in("ann");
    let second = house.visit(Some(&first), |session| {
        session.set(&"ann's".to_owned()).unwrap();
        session.sign_in("bob").unwrap();
    });
    let second = second.unwrap();
    assert_eq!(house.who(&first), None);
    let bob = house.open(Some(&second)).session;
    assert_eq!(bob.subject().as_deref(), Some("bob"));
    assert_eq!(bob.get::<String>().as_deref(), Some(""), "nothing of ann's is bob's");

    let again = house.visit(Some(&second), |session| {
        session.set(&"bob's".to_owned()).unwrap();
        session.sign_in("bob").unwrap();
    });
    let again = house.open(again.as_deref()).session;
    assert_eq!(again.get::<String>().as_deref(), Some("bob's"));
    assert_eq!(house.who(&second), None);
}

#[test]
fn a_request_that_dies_leaves_the_session_as_it_was() {
    let house = House::new();
    let cookie = house.sign_in("ann");
    let dies = house.open(Some(&cookie));
    dies.session.sign_in("ann").unwrap();
    drop(dies); // nothing was sent
    assert_eq!(house.who(&cookie).as_deref(), Some("ann"), "E2");
}

#[test]
fn who_signs_out_is_out_wherever_the_cookie_is() {
    let house = House::new();
    let cookie = house.sign_in("ann");
    let slow = house.open(Some(&cookie));
    let slower = house.open(Some(&cookie));
    house.advance(20); // a new cookie is due

    let deleted = house.visit(Some(&cookie), |session| session.sign_out().unwrap());
    assert_eq!(deleted.as_deref(), Some(""));

    // E1: a request that came before brings nothing back, whether it changes something or not.
    slow.session.set(&"late".to_owned()).unwrap();
    assert_eq!(slow.close(), None);
    assert_eq!(slower.close(), None);
    // E5: nor does whoever has copied the cookie.
    assert_eq!(house.who(&cookie), None);
    assert_eq!(house.visit(Some(&cookie), |_| {}), None);
    house.log.shutdown(Duration::from_secs(5)).unwrap();
    assert!(house.events().contains(&(EventName::SessionUseAfterExpire, Severity::Critical)));
    assert!(house.events().contains(&(EventName::SessionExpired, Severity::Info)));
}

/// What the browser has after this answer.
fn keep(jar: &mut String, answer: Option<String>) {
    if let Some(cookie) = answer {
        *jar = cookie;
    }
}

#[test]
fn a_slow_answer_undoes_no_sign_in() {
    let house = House::new();
    let basket =
        || house.visit(None, |session| session.set(&"basket".to_owned()).unwrap()).unwrap();
    for (before, minutes) in [
        (house.sign_in("ann"), 5),
        (house.sign_in("bob"), 5),
        (house.sign_in("ann"), 31),
        (basket(), 5),
    ] {
        house.advance(minutes);
        let mut jar = before;
        let slow = house.open(Some(&jar));
        let changes = house.open(Some(&jar));
        let login = house.visit(Some(&jar), |session| session.sign_in("ann").unwrap());
        keep(&mut jar, login);
        keep(&mut jar, slow.close());
        assert_eq!(house.who(&jar).as_deref(), Some("ann"), "a new cookie was due");
        if changes.session.digest().is_some() {
            changes.session.set(&"late".to_owned()).unwrap();
            keep(&mut jar, changes.close());
            assert_eq!(house.who(&jar).as_deref(), Some("ann"));
        }
    }
}

#[test]
fn who_ends_all_sessions_and_signs_in_is_in() {
    let memory = Arc::new(MemoryRevocation::default());
    let house = House::with(|sessions| sessions.revocation(memory.clone()));
    let phone = house.sign_in("ann");
    house.clock.advance(Duration::from_micros(300));
    let desk = house.visit(None, |session| {
        memory.revoke_subject("ann", house.clock.now());
        session.sign_in("ann").unwrap();
    });
    assert_eq!(house.who(&phone), None);
    assert_eq!(house.who(&desk.unwrap()).as_deref(), Some("ann"), "in the same millisecond");
}

#[test]
fn all_that_was_shown_in_a_request_ends_when_it_signs_out() {
    let house = House::new();
    let ann = house.sign_in("ann");
    house.visit(Some(&ann), |session| {
        session.sign_in("bob").unwrap();
        session.sign_out().unwrap();
    });
    assert_eq!(house.who(&ann), None);

    // As between a password and a second factor.
    let half = house.visit(None, |session| session.set(&"ann".to_owned()).unwrap()).unwrap();
    house.visit(Some(&half), |session| session.sign_out().unwrap());
    assert_eq!(house.open(Some(&half)).session.get::<String>(), None);
}

#[test]
fn a_clock_that_is_set_back_makes_no_session_longer() {
    let (early, late) = (House::new(), House::new());
    let ring = early.ring.clone();
    let sessions = Sessions::new(&ring, "club").unwrap().clock(late.clock.clone());
    let late = House { sessions, ..late };
    late.clock.advance(Duration::from_secs(59));
    assert_eq!(early.who(&late.sign_in("ann")).as_deref(), Some("ann"), "clocks differ a little");
    late.clock.advance(Duration::from_secs(120));
    assert_eq!(early.who(&late.sign_in("ann")), None);
}

#[test]
fn a_login_that_goes_on_while_another_request_signs_out_is_a_new_session() {
    let house = House::new();
    let cookie = house.sign_in("ann");
    let login = house.open(Some(&cookie));
    house.visit(Some(&cookie), |session| session.sign_out().unwrap());
    login.session.sign_in("ann").unwrap();
    let new = login.close().unwrap();
    assert_eq!(house.who(&new).as_deref(), Some("ann"));
    assert_eq!(house.who(&cookie), None);
}

#[test]
fn an_idle_session_ends_and_one_in_use_goes_on_for_a_day_at_most() {
    let house = House::with(|sessions| sessions.absolute(Duration::from_secs(24 * 3600)).unwrap());
    let cookie = house.sign_in("ann");
    house.advance(29);
    assert_eq!(house.who(&cookie).as_deref(), Some("ann"));
    house.advance(1);
    assert_eq!(house.who(&cookie), None);
    assert_eq!(house.visit(Some(&cookie), |_| {}), None);

    let mut cookie = house.sign_in("ann");
    let mut minutes = 0;
    while house.who(&cookie).is_some() {
        minutes += 1;
        house.advance(1);
        if let Some(new) = house.visit(Some(&cookie), |_| {}) {
            cookie = new;
        }
        assert!(minutes <= 24 * 60, "E6");
    }
    assert_eq!(minutes, 24 * 60);
}

#[test]
fn a_cookie_is_sent_anew_only_when_some_of_its_time_has_passed() {
    let house = House::new();
    let cookie = house.sign_in("ann");
    house.advance(3);
    assert_eq!(house.visit(Some(&cookie), |_| {}), None);
    house.advance(1);
    let new = house.visit(Some(&cookie), |_| {}).unwrap();
    house.advance(27);
    assert_eq!(house.who(&cookie), None);
    assert_eq!(house.who(&new).as_deref(), Some("ann"));
}

#[test]
fn near_its_end_a_session_is_not_sent_with_every_answer() {
    for millis in [0, 500, 999] {
        let house = House::new();
        house.clock.advance(Duration::from_millis(millis));
        let mut cookie = house.sign_in("ann");
        let mut sent = Vec::new();
        for minute in 1..12 * 60 {
            house.advance(1);
            if let Some(new) = house.visit(Some(&cookie), |_| {}) {
                cookie = new;
                sent.push(minute);
            }
        }
        assert!(sent.len() > 100, "{sent:?}");
        assert!(sent.iter().filter(|minute| **minute > 11 * 60 + 34).count() <= 1, "{sent:?}");
        assert_eq!(house.who(&cookie).as_deref(), Some("ann"));
        house.advance(1);
        assert_eq!(house.who(&cookie), None);
    }
}

#[test]
fn a_cookie_is_kept_no_longer_than_its_session_is_good() {
    let spec: CookieSpec<Vec<u8>> = CookieSpec::new("__Host-Http-s").unwrap();
    let spec = spec.lifetime(Duration::from_secs(999)).unwrap();
    let max_age = |sessions: Sessions, clock: &ManualClock| {
        let mut request = Request::new(());
        let mut memo = SessionMemo::default();
        sessions.admit(&mut request, &mut memo).unwrap();
        Session::of(&request).unwrap().sign_in("ann").unwrap();
        clock.advance(Duration::ZERO);
        let mut response = Response::new(());
        sessions.finish(&memo, &mut response);
        let line = response.headers()["set-cookie"].to_str().unwrap().to_owned();
        OutgoingCookie::parse(&line).unwrap().read().max_age()
    };
    let house = House::new();
    let sessions = house.sessions.clone().cookie(&spec);
    assert_eq!(max_age(sessions.clone(), &house.clock), None, "of a lifetime nothing is taken");
    assert_eq!(max_age(sessions.clone().persistent(), &house.clock), Some(1800));
    let short = sessions.persistent().absolute(Duration::from_secs(600)).unwrap();
    assert_eq!(max_age(short, &house.clock), Some(600));
}

#[test]
fn a_stricter_policy_is_for_sessions_that_there_are_too() {
    let house = House::new();
    let cookie = house.sign_in("ann");
    house.advance(5); // to the second
    let strict = house.sessions.clone().absolute(Duration::from_secs(300)).unwrap();
    let strict = House { sessions: strict, ..house };
    assert_eq!(strict.who(&cookie), None);
}

#[test]
fn what_is_not_ours_is_nobody() {
    let house = House::new();
    let cookie = house.sign_in("ann");
    let other = House::new().sign_in("ann");
    let mut flipped = cookie.clone().into_bytes();
    *flipped.last_mut().unwrap() ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();
    let nickname = Sessions::new(&house.ring, "another app").unwrap().clock(house.clock.clone());
    let nickname = House { sessions: nickname, ..House::new() }.sign_in("ann");
    let twice = format!("{cookie}; {other}");
    let none = "__Host-Http-session=";
    for cookie in [&*other, &flipped, &nickname, &twice, none, "__Host-Http-session=AAAA"] {
        assert_eq!(house.who(cookie), None, "{cookie}");
        assert_eq!(house.visit(Some(cookie), |_| {}), None, "what cannot be read is let be");
    }
    house.log.shutdown(Duration::from_secs(5)).unwrap();
    assert!(house.events().contains(&(EventName::CookieRefused, Severity::Warn)));
    let text = format!("{:?}", house.sink.events());
    assert!(!text.contains("ann"), "{text}");
}

#[test]
fn keys_are_replaced_under_a_session() {
    let house = House::new();
    let old = Key::random();
    house.ring.replace(KeySet::new(old.clone())).unwrap();
    let cookie = house.sign_in("ann");
    let tomorrow = house.clock.now() + Duration::from_secs(86_400);
    house.ring.replace(KeySet::new(Key::random()).accept(old, tomorrow)).unwrap();

    let new = house.visit(Some(&cookie), |_| {}).unwrap();
    assert_ne!(new, cookie);
    assert_eq!(house.visit(Some(&new), |_| {}), None, "once is enough");
    assert_eq!(house.who(&new).as_deref(), Some("ann"));
}

#[test]
fn what_does_not_fit_is_an_error_and_changes_nothing() {
    let house = House::new();
    let open = house.open(None);
    open.session.sign_in("ann").unwrap();
    let wrong = open.session.set(&"x".repeat(4000)).unwrap_err();
    assert!(matches!(wrong, SetError::Seal(_)), "{wrong}");
    assert!(open.session.sign_in(&"x".repeat(70_000)).is_err());
    assert_eq!(open.session.subject().as_deref(), Some("ann"));
    let cookie = open.close().unwrap();
    assert_eq!(house.who(&cookie).as_deref(), Some("ann"));

    let late = open.session.set(&"late".to_owned()).unwrap_err();
    assert_eq!(late, SetError::TooLate { name: "__Host-Http-session".into() });
    assert!(open.session.sign_in("bob").is_err());
    assert!(open.session.sign_out().is_err());
    assert_eq!(open.close(), Some(cookie), "actix-web may ask for an answer twice");
}

#[test]
fn users_are_ended_everywhere_by_a_revocation_of_ones_own() {
    /// As a table of users with a time would be.
    #[derive(Debug, Default)]
    struct Table(Mutex<Vec<String>>);
    impl Revocation for Table {
        fn is_revoked(&self, session: &SessionClaims<'_>) -> bool {
            session.subject.is_some_and(|one| self.0.lock().unwrap().iter().any(|name| name == one))
        }
        fn revoke(&self, _: &SessionClaims<'_>) {}
    }
    let table = Arc::new(Table::default());
    let house = House::with(|sessions| sessions.revocation(table.clone()));
    let (ann, bob) = (house.sign_in("ann"), house.sign_in("bob"));
    table.0.lock().unwrap().push("ann".into());
    assert_eq!(house.who(&ann), None);
    assert_eq!(house.who(&bob).as_deref(), Some("bob"));

    let memory = Arc::new(MemoryRevocation::default());
    let house = House::with(|sessions| sessions.revocation(memory.clone()));
    let (phone, desk) = (house.sign_in("ann"), house.sign_in("ann"));
    house.advance(1);
    memory.revoke_subject("ann", house.clock.now());
    assert_eq!((house.who(&phone), house.who(&desk)), (None, None));
    house.advance(1);
    assert!(house.who(&house.sign_in("ann")).is_some());
}

#[test]
fn the_cookie_is_as_it_is_declared() {
    let spec: CookieSpec<Vec<u8>, Unprefixed> = CookieSpec::new("sid").unwrap().strict();
    let house = House::with(|sessions| sessions.cookie(&spec).persistent());
    assert_eq!(house.sessions.cookie_name(), "sid");
    let open = house.open(None);
    open.session.sign_in("ann").unwrap();
    let mut response = Response::new(());
    open.stack.finish(&open.memo, &mut response);
    let line = response.headers()["set-cookie"].to_str().unwrap();
    assert!(line.starts_with("sid="), "{line}");
    assert!(line.ends_with("; Path=/; Max-Age=1800; Secure; HttpOnly; SameSite=Strict"), "{line}");
    assert!(House::new().sessions.idle(Duration::ZERO).is_err());
    assert!(House::new().sessions.absolute(Duration::from_secs(401 * 86_400)).is_err());
}

#[test]
fn an_id_is_read_in_one_way_and_kept_as_a_digest() {
    let id = SessionId::random();
    let text = id.to_text();
    assert_eq!(text.len(), 22);
    assert_eq!(SessionId::parse(text.as_bytes()).unwrap().digest(), id.digest());
    let longer = format!("{text}A");
    // E8
    for wrong in [
        "",
        "A",
        "=",
        &text[1..],
        &longer,
        "AAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAA+",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "../../../../etc/passwd",
    ] {
        assert!(SessionId::parse(wrong.as_bytes()).is_none(), "{wrong}");
    }
    // E7
    assert!(!format!("{id:?} {:?}", id.digest()).contains(&text));
    assert_ne!(
        &id.digest().as_bytes()[..16],
        &SessionId::parse(text.as_bytes()).unwrap().digest().as_bytes()[16..]
    );
}

/// The same app in both frameworks.
fn stack() -> Stack<(HardenCookies, Sessions)> {
    let ring = KeyRing::new(Key::from_bytes(&[*b"0123456789abcdef"; 2].concat()).unwrap()).unwrap();
    Stack::new((HardenCookies::new(), Sessions::new(&ring, "club").unwrap()))
}

async fn axum_says(ask: &Ask) -> Seen {
    let fails = |session: Session| async move {
        session.sign_in("ann").unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let who = |session: Session| async move { session.subject().unwrap_or_default() };
    let router = Router::new().route("/fails", get(fails)).route("/who", get(who));
    let router = if ask.target.contains("bare") { router } else { router.layer(stack()) };
    let bare = router.route("/bare", get(who));
    both::axum_app::send(bare, ask).await
}

async fn actix_says(ask: &Ask) -> Seen {
    async fn fails(session: Session) -> Result<HttpResponse, actix_web::Error> {
        session.sign_in("ann").unwrap();
        Err(actix_web::error::ErrorInternalServerError("no"))
    }
    async fn who(session: Session) -> String {
        session.subject().unwrap_or_default()
    }
    let request = both::actix_app::request(ask).to_request();
    let answer = if ask.target == "/bare" {
        let app = actix_web::App::new().route("/bare", web::get().to(who));
        let app = actix_web::test::init_service(app).await;
        actix_web::test::try_call_service(&app, request)
            .await
            .map(actix_web::dev::ServiceResponse::map_into_boxed_body)
    } else {
        let app = actix_web::App::new().route("/fails", web::get().to(fails));
        let app = app.route("/who", web::get().to(who)).wrap(stack());
        let app = actix_web::test::init_service(app).await;
        actix_web::test::try_call_service(&app, request)
            .await
            .map(actix_web::dev::ServiceResponse::map_into_boxed_body)
    };
    both::actix_app::seen(answer).await
}

#[actix_web::test]
async fn both_frameworks_send_the_session_with_an_error_and_read_it() {
    let mut cookies = Vec::new();
    for seen in [axum_says(&Ask::get("/fails")).await, actix_says(&Ask::get("/fails")).await] {
        assert_eq!(seen.status, 500);
        cookies.push(seen.header("set-cookie").unwrap().split(';').next().unwrap().to_owned());
    }
    // Each understands the other's.
    for cookie in &cookies {
        let ask = Ask::get("/who").header("cookie", cookie);
        for seen in [axum_says(&ask).await, actix_says(&ask).await] {
            assert_eq!((seen.status, &*seen.body), (200, "ann"));
        }
    }
    for seen in [axum_says(&Ask::get("/bare")).await, actix_says(&Ask::get("/bare")).await] {
        assert_eq!(seen.status, 500, "no sessions, no answer");
    }
}
