//! Values that an older key has sealed, lines from elsewhere, and declarations that cannot hold.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use donjon::clock::Clock;
use donjon::cookies::prefix::Unprefixed;
use donjon::cookies::{
    ConfigError, CookieOutbox, CookieSpec, Cookies, HardenCookies, HardenMemo, OutboxMemo,
    OutgoingCookie, SealContext, Sealer,
};
use donjon::keys::{Key, KeyRing, KeySet};
use donjon::middleware::Middleware;
use http::{Request, Response};

/// A declaration, and what an older key has sealed.
fn rotated() -> (CookieSpec<String>, String) {
    let key = Key::random();
    let ring = KeyRing::new(key.clone()).unwrap();
    let sealer = Sealer::encrypted(&ring, "club", "note").unwrap();
    let spec: CookieSpec<String> = CookieSpec::new("__Host-Http-note").unwrap();
    let spec = spec.sealed(sealer, Duration::from_secs(3600)).unwrap();
    let old = super::pair(&spec.set(&"old".to_owned()).unwrap());
    let until = SystemTime::now() + Duration::from_secs(3600);
    ring.replace(KeySet::new(Key::random()).accept(key, until)).unwrap();
    (spec, old)
}

fn sent(old: &str, act: impl FnOnce(&Cookies)) -> OutgoingCookie {
    let outbox = CookieOutbox::new();
    let mut request = super::request(old);
    let mut memo = OutboxMemo::default();
    outbox.admit(&mut request, &mut memo).unwrap();
    act(&Cookies::of(&request).unwrap());
    let mut response = Response::new(());
    outbox.finish(&memo, &mut response);
    let lines: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(lines.len(), 1);
    OutgoingCookie::parse(lines[0].to_str().unwrap()).unwrap()
}

#[test]
fn what_a_handler_sets_or_deletes_is_not_undone_by_reading() {
    let (spec, old) = rotated();
    let value = |sent: &OutgoingCookie| {
        spec.read(&super::request(&super::pair(sent))).unwrap().map(|read| read.value)
    };
    let set = |cookies: &Cookies| cookies.set(&spec, &"new".to_owned()).unwrap();
    let get = |cookies: &Cookies| assert_eq!(cookies.get(&spec).as_deref(), Some("old"));
    let delete = |cookies: &Cookies| cookies.delete(&spec).unwrap();

    assert_eq!(value(&sent(&old, get)).as_deref(), Some("old"), "sealed anew");
    assert_eq!(value(&sent(&old, |it| (set(it), get(it)).0)).as_deref(), Some("new"));
    assert_eq!(value(&sent(&old, |it| (get(it), set(it)).0)).as_deref(), Some("new"));
    assert_eq!(sent(&old, |it| (delete(it), get(it)).0).read().max_age(), Some(0));
    assert_eq!(sent(&old, |it| (get(it), delete(it)).0).read().max_age(), Some(0));
}

#[test]
fn a_line_that_browsers_ignore_is_no_cookie() {
    for (line, taken) in [
        ("a=1", true),
        ("__Host-a=1; Secure; Path=/", true),
        ("__HOST-a=1; Secure; Path=/", true),
        ("__Host-Http-a=1; Secure; HttpOnly; Path=/", true),
        ("__Http-a=1; Secure; HttpOnly; Domain=club.example", true),
        ("a=1; Secure; SameSite=None; Partitioned", true),
        ("__Host-a=1", false),
        ("__Host-a=1; Secure", false),
        ("__Host-a=1; Secure; Path=/x", false),
        ("__Host-a=1; Secure; Path=/; Domain=club.example", false),
        ("__Host-a=1; Secure; Path=/; Domain=", false),
        ("__host-http-a=1; Secure; Path=/", false),
        ("__Secure-a=1", false),
        ("__Http-a=1; Secure", false),
        ("a=1; SameSite=None", false),
        ("a=1; Partitioned", false),
        ("a=1; Path=x", false),
        ("a=1; Max-Age=x", false),
        ("a=1; Expires=never", false),
    ] {
        assert_eq!(OutgoingCookie::parse(line).is_ok(), taken, "{line}");
    }
}

#[test]
fn a_declaration_that_no_value_could_keep_is_an_error() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let sealer = Sealer::encrypted(&ring, "club", "note").unwrap();
    let spec = || CookieSpec::<String, Unprefixed>::new("note").unwrap();
    let minute = Duration::from_secs(60);
    let short = || sealer.clone().max_lifetime(minute);
    assert!(spec().sealed(short(), minute).unwrap().set(&"x".to_owned()).is_ok());
    let wrong = spec().sealed(short(), minute * 2).unwrap_err();
    assert_eq!(wrong, ConfigError::SealedTooLong { name: "note", limit: minute });
    let too_long = Duration::from_millis(400 * 86_400_000 + 500);
    assert!(spec().sealed(sealer.clone(), too_long).is_err());
    assert!(spec().lifetime(too_long).is_err());
}

#[test]
fn at_the_end_of_time_nothing_panics() {
    #[derive(Debug)]
    struct End;
    impl Clock for End {
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
        fn now(&self) -> SystemTime {
            UNIX_EPOCH + Duration::from_secs(i64::MAX.unsigned_abs())
        }
    }
    let ring = KeyRing::new(Key::random()).unwrap();
    let sealer = Sealer::encrypted(&ring, "club", "note").unwrap();
    let spec: CookieSpec<String> = CookieSpec::new("__Host-Http-note").unwrap();
    let spec = spec.sealed(sealer, Duration::from_secs(3600)).unwrap().clock(Arc::new(End));
    assert!(spec.set(&"x".to_owned()).is_err());
}

/// The hardener asks of a line of this name what is declared of it.
#[test]
fn a_declaration_is_a_rule_for_lines_from_elsewhere() {
    let harden = |spec: &CookieSpec<String, Unprefixed>, line: &'static str| {
        let harden = HardenCookies::new().spec(spec).unwrap();
        let mut request = Request::new(());
        let mut memo = HardenMemo::default();
        harden.admit(&mut request, &mut memo).unwrap();
        let mut response = Response::builder().header("set-cookie", line).body(()).unwrap();
        harden.finish(&memo, &mut response);
        response.headers()["set-cookie"].to_str().unwrap().to_owned()
    };
    let plain = CookieSpec::<String, Unprefixed>::new("a").unwrap();
    let strict = CookieSpec::<String, Unprefixed>::new("a").unwrap().strict();
    let line = "a=1; Domain=club.example; Secure; HttpOnly; SameSite=Lax";
    assert_eq!(harden(&strict, line), "a=1; Secure; HttpOnly; SameSite=Strict");
    assert_eq!(harden(&plain, line), "a=1; Secure; HttpOnly; SameSite=Lax");
}

/// What is bound is longer than the buffer on the stack, and is sealed as it was before.
#[test]
fn long_names_and_audiences_are_sealed_as_short_ones_are() {
    let ring = KeyRing::new(Key::from_bytes(&[*b"0123456789abcdef"; 2].concat()).unwrap()).unwrap();
    let sealer = Sealer::encrypted(&ring, "club", "note").unwrap();
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let audience = [b'a'; 300];
    let context = SealContext::new("note").audience(&audience);
    let known = "ErQa36EAAAAAZVVCgKO2MT9AUY9OV6VxGJtjKHPILQII4ahdUBdfa32U";
    let opened = sealer.open(&context, known, now).unwrap();
    assert_eq!(&opened.payload[..], b"x");
    let shorter = SealContext::new("note").audience(&audience[1..]);
    assert!(sealer.open(&shorter, known, now).is_err());
}
