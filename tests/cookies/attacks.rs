//! Cookies that go out, attacked: nothing is lost, weakened, or told to the log.

use super::browser::keeps;
use super::vectors::as_promised;
use super::*;

const NOW: i64 = 1_577_836_800;

/// Sets these cookies, whatever the app does.
#[derive(Clone)]
struct Sets(Vec<Vec<u8>>);

impl Middleware for Sets {
    type Memo = ();
    type Refusal = std::convert::Infallible;

    fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Self::Refusal> {
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, (): &(), response: &mut H) {
        response.remove(&SET_COOKIE);
        for line in &self.0 {
            assert!(response.append_bytes(&SET_COOKIE, line.clone().into()));
        }
    }
}

static SET_COOKIE: Name = Name::from_static("set-cookie");

/// C1 to C16, as far as they are one line each.
const WRONG: [&str; 41] = [
    "sid=1",
    "pref=a,secure",
    "a=1; Path=/secure; x-HttpOnly",
    "x=1; SameSite=bogus",
    "x=1; SameSite=",
    "x=1; SameSite=None",
    "x=1; SameSite=None; Secure",
    "x=1; Secure; SameSite=Strict; samesite=none",
    "x=1; Path=/a; Path=/b; Domain=a.b; Domain=c.d; Secure; secure",
    "__Host-a=1; Domain=example.com; Secure; Path=/",
    "__Host-a=1; Secure; Path=/x",
    "__Host-a=1; Secure",
    "__Host-a=1; Secure; Path",
    "__Host-a=1; Secure; Path=",
    "__Host-a=1; Path=/",
    "__hOsT-a=1; Path=/; Domain=",
    "__Secure-a=1",
    "__Http-a=1; Secure",
    "__Host-Http-a=1; Secure; Path=/",
    "=__Host-a=1",
    "__Secure-x",
    "=sid=1",
    "",
    "flag",
    "a=1; Partitioned",
    "a=1; Max-Age=99999999",
    "a=1; Max-Age=1e9",
    "a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
    "a=1; Expires=soon",
    "a=; Max-Age=0",
    "__Host-a=; Max-Age=-1; Partitioned",
    "a=1; v1; v2; v3; v4; v5; v6; v7; v8",
    "a=1; Secure; HttpOnly; SameSite=Lax; ;;;;;;;;;;;",
    "a=1;Secure;HttpOnly;SameSite=Lax",
    "csrftoken=1",
    "csrftoken=1; Secure; SameSite=Lax",
    "widget=1; SameSite=None; Secure; HttpOnly",
    "gate=1; Path=/; Domain=a.b",
    "gate=; Max-Age=0",
    "a=1; Priority=High; Secure",
    " a = 1 ;Secure",
];

/// C18: in both frameworks, to the byte, and with the same events.
#[actix_web::test]
async fn to_report_alone_changes_no_byte_and_hides_no_event() {
    let ruled = |mode| {
        let harden = fix().mode(mode).budget(3000);
        let harden = harden.rule("csrftoken", CookieRule::new().readable_by_scripts()).unwrap();
        let harden = harden.rule("widget", CookieRule::new().cross_site("partners")).unwrap();
        harden.rule("gate", CookieRule::new().strict().path("/gate").host_only()).unwrap()
    };
    let long = format!("a={}", "v".repeat(5000));
    let path = format!("a=1; Path=/{}", "p".repeat(1024));
    let big = format!("b={}", "v".repeat(3000));
    let one_each = WRONG.into_iter().chain([&long[..], &path, &big]).map(|line| vec![line]);
    let several = [vec!["a=1", "b=1", "a=2"], vec!["a=1", &long], WRONG.to_vec()];
    for lines in one_each.chain(several) {
        let sets = Sets(lines.iter().map(|line| line.as_bytes().to_vec()).collect());
        let untouched = both!(Stack::new((sets.clone(),)), &Ask::get("/"));
        let mut told = Vec::new();
        for mode in [Mode::Fix, Mode::ReportOnly] {
            let memory = MemorySink::default();
            let log = EventLog::builder().memory(&memory).collapse_within(Duration::ZERO);
            let stack = Stack::new((log.build().unwrap(), ruled(mode), sets.clone()));
            let seen = both!(stack, &Ask::get("/"));
            let events: Vec<_> = memory.events();
            if mode == Mode::ReportOnly {
                assert_eq!(seen, untouched, "{lines:?}");
                assert!(events.iter().all(|event| event.severity() == Severity::Warn));
            }
            let (axum, actix) = events.split_at(events.len() / 2);
            let details = |events: &[donjon::event::SecurityEvent]| -> Vec<_> {
                let what = events.iter().map(|event| (event.name(), event.detail().clone()));
                what.map(|(name, detail)| format!("{name:?} {detail:?}")).collect()
            };
            assert_eq!(details(axum), details(actix), "{lines:?}");
            told.push(details(axum));
        }
        assert_eq!(told[0], told[1], "{lines:?}");
        let compliant =
            lines.iter().all(|line| one(&ruled(Mode::Fix), line).as_deref() == Some(line));
        assert_eq!(
            told[0].is_empty(),
            compliant && lines != ["flag"] && lines != [&big],
            "{lines:?}"
        );
    }
}

/// C14: whatever a cookie was set with, its deletion is one for browsers, of the same cookie.
#[test]
fn deletions_stay_deletions() {
    let mut count = 0;
    for prefix in ["", "__Secure-", "__Host-", "__Http-", "__Host-Http-", "__HOST-"] {
        for domain in ["", "; Domain=a.example"] {
            for path in ["", "; Path=/", "; Path=/x"] {
                for partitioned in ["", "; Partitioned"] {
                    for end in [
                        "; Max-Age=0",
                        "; Max-Age=-1",
                        "; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                        "; expires=Wed, 1-Jan-20 00:00:00 GMT",
                        "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                        "; Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
                        "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires=never; Max-Age=x",
                    ] {
                        let line = format!("{prefix}a={domain}{path}{partitioned}{end}");
                        let host = prefix.to_ascii_lowercase().starts_with("__host-");
                        for mode in [Mode::Fix, Mode::Strict] {
                            let out = one(&fix().mode(mode), &line).unwrap();
                            assert_eq!(as_promised(&line, &out), Ok(()));
                            let kept = keeps(out.as_bytes(), NOW).unwrap();
                            assert!(kept.lives.unwrap() <= 0, "{line}: {out}");
                            let text = |bytes: Option<Vec<u8>>| {
                                String::from_utf8(bytes.unwrap_or_default()).unwrap()
                            };
                            let bare = |text: &str| text.split('=').next_back().unwrap().to_owned();
                            let expected_path = if host { "/".into() } else { bare(path) };
                            assert_eq!(text(kept.path), expected_path, "{line}");
                            let expected = if host { String::new() } else { bare(domain) };
                            assert_eq!(text(kept.domain), expected, "{line}");
                            assert_eq!(kept.partitioned, !partitioned.is_empty(), "{line}");
                            count += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(count, 6 * 2 * 3 * 2 * 7 * 2);
}

/// What `Strict` leaves out takes no deletion with it: the cookie would live on.
#[test]
fn strict_sends_a_deletion_whatever_becomes_of_the_cookie_after_it() {
    let strict = |lines: &[&str]| -> Vec<String> {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        let out = hardened(&fix().mode(Mode::Strict), &lines);
        out.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    };
    let gone = "a=; Max-Age=0; Secure; HttpOnly; SameSite=Lax";
    let right = "a=2; Secure; HttpOnly; SameSite=Lax";
    assert_eq!(strict(&["a=; Max-Age=0", "a=2"]), [gone]);
    assert_eq!(strict(&[gone, "a=2; Secure"]), [gone]);
    assert_eq!(strict(&["a=; Max-Age=0", right]), [gone, right], "the last one counts");
    assert_eq!(strict(&[right, "a=; Max-Age=0"]), [gone]);
    assert_eq!(strict(&[right, "a=3"]), [""; 0]);
}

/// What stands behind a flood of attributes some browsers have not read.
#[test]
fn attributes_of_no_meaning_push_nothing_out() {
    let with =
        |count: usize, attribute: &str| format!("a=1{}", format!("; {attribute}").repeat(count));
    let end = "; Secure; HttpOnly; SameSite=Lax";
    for attribute in ["x", "", "=", "x=Secure", "Sec ure"] {
        for count in [0, 7, 8, 15, 16, 100, 5000] {
            for line in [with(count, attribute), with(count, attribute) + end] {
                let out = one(&fix(), &line).unwrap();
                assert_eq!(as_promised(&line, &out), Ok(()));
                assert_eq!(one(&fix(), &out).as_ref(), Some(&out));
                let expected = if count > 7 { format!("a=1{end}") } else { out.clone() };
                assert_eq!(out, expected);
            }
        }
    }
    let all = "; Path=/; Domain=a.b; Max-Age=1; Expires=Thu, 02 Jan 2020 00:00:00 GMT; Partitioned";
    let full = with(7, "x") + end + all;
    assert_eq!(one(&fix(), &full).as_ref(), Some(&full), "all that is known, and seven more");
}

/// A11 for what goes out: twice as many cookies, or one twice as long, cost twice as much.
#[test]
fn to_harden_is_linear() {
    let bytes = |lines: &[String]| {
        let mut response = Response::new(());
        for line in lines {
            response.headers_mut().append("set-cookie", HeaderValue::from_str(line).unwrap());
        }
        let (harden, memo) = (fix().budget(usize::MAX), HardenMemo::default());
        allocation_counter::measure(|| harden.finish(&memo, &mut response)).bytes_total
    };
    let many = |count: usize| (0..count).map(|index| format!("c{index}=1")).collect::<Vec<_>>();
    let same = |count: usize| vec!["c=1".to_owned(); count];
    let long = |count: usize| vec![format!("c=1{}", "; Path=/; x; Expires=1 1 1".repeat(count))];
    for lines in [&many as &dyn Fn(usize) -> _, &same, &long] {
        // Tables grow by doubling, so powers of two are compared.
        let (once, twice) = (bytes(&lines(1024)), bytes(&lines(2048)));
        assert!(0 < once && twice <= 2 * once + 4096, "{once}, then {twice}");
    }
}

#[test]
fn what_is_invisible_in_two_ways_is_seen() {
    use Lookalike as L;
    for (name, like) in [
        // Each is the end of another's UTF-8, or begins like it.
        ("__Host-sid\u{2005}\u{2006}", L::Spaced),
        ("__Host-sid\u{85}\u{a0}", L::Spaced),
        ("\u{a0}\u{85}\u{2000}__Host-sid\u{3000}\u{2005}\u{2004}\u{85}", L::Spaced),
        ("__Host-sid%E2%80%85%C2%A0", L::Encoded),
        ("%C2%85__Host-sid%C2%A0", L::Encoded),
        ("%A0__Host-sid%85", L::Encoded),
        ("\"\u{2005}__Host-sid\u{85}\"", L::Quoted),
        ("==__Host-sid", L::Nameless),
        ("= \t==__Host-sid", L::Nameless),
        ("===%5F_Host-sid", L::Nameless),
    ] {
        let line = format!("{name}=EVIL");
        let request = request(&[line.as_bytes()]);
        assert_eq!(CookieView::of(&request).get(NAME), Found::Absent, "{line}");
        assert_eq!(CookieView::of(&request).lookalike(NAME), Some(like), "{line}");
    }
    for name in
        ["__Host-sid\u{e0}", "__Host-sidx", "x__Host-sid", "%5F%5FHost-si", "\u{a0}", "\"\""]
    {
        let line = format!("{name}=1; ={name}; {name}");
        let request = request(&[line.as_bytes()]);
        assert_eq!(CookieView::of(&request).lookalike(NAME), None, "{line}");
    }
    let latin1: [&[u8]; 2] = [b"\xa0__Host-sid\x85=1", b"\xe2\x80\x80__Host-sid\xa0=1"];
    for line in latin1 {
        assert_eq!(CookieView::of(&request(&[line])).lookalike(NAME), Some(L::Spaced), "{line:?}");
    }
    let nobody = request(&[b"=1; =; ; a=1"]);
    assert_eq!(CookieView::of(&nobody).get(""), Found::Absent);
}

#[test]
fn no_value_is_printed() {
    let cookie = SetCookie::parse(b"__Host-sid=7f3a; Path=/7f3a; 7f3a");
    let request = request(&[b"__Host-sid=7f3a"]);
    let view = CookieView::of(&request);
    let printed = format!("{cookie:?} {view:?} {:?}", view.get(NAME));
    assert!(printed.contains("__Host-sid") && printed.contains("One(4 bytes)"), "{printed}");
    for secret in ["7f3a", "55, 102"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
