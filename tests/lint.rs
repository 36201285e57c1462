//! What a whole stack is told of itself.

#![cfg(all(feature = "csrf", feature = "headers", feature = "https"))]
#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::convert::Infallible;

use donjon::client::TrustedProxies;
use donjon::cookies::prefix::Unprefixed;
use donjon::cookies::session::Sessions;
use donjon::cookies::{CookieOutbox, CookieRule, CookieSpec, GuardCookies, HardenCookies, Mode};
use donjon::csrf::CsrfProtection;
use donjon::event::{EventLog, MemorySink};
use donjon::head::RequestHead;
use donjon::headers::{HeaderKind, ReferrerPolicy, SecurityHeaders};
use donjon::https::RequireHttps;
use donjon::keys::{Key, KeyRing};
use donjon::lint::{Finding, Layers, Severity};
use donjon::middleware::{Middleware, Stack};

fn log() -> EventLog {
    EventLog::builder().memory(&MemorySink::default()).build().unwrap()
}

fn strict() -> SecurityHeaders {
    SecurityHeaders::strict().build().unwrap()
}

fn sessions() -> Sessions {
    Sessions::new(&KeyRing::new(Key::random()).unwrap(), "lint").unwrap()
}

fn csrf() -> CsrfProtection {
    CsrfProtection::new(["https://club.example"]).unwrap()
}

fn widget() -> CookieRule {
    CookieRule::new().cross_site("on partners' pages")
}

fn said<M: Middleware>(stack: M) -> Vec<(Severity, String)> {
    let told = |finding: Finding| (finding.severity, finding.about);
    Stack::new(stack).lint().into_iter().map(told).collect()
}

/// What is said of this stack, of these things alone.
fn said_of<M: Middleware>(stack: M, about: &[&str]) -> Vec<(Severity, String)> {
    said(stack).into_iter().filter(|(_, what)| about.contains(&&**what)).collect()
}

#[test]
fn a_good_stack_is_told_nothing_of_weight() {
    let stack = (
        (log(), TrustedProxies::none(), RequireHttps::reject()),
        strict(),
        HardenCookies::new(),
        GuardCookies::new(["__Host-Http-session"]).unwrap(),
        sessions(),
        csrf(),
    );
    let weighty = Stack::new(stack).lint().into_iter().filter(|it| it.severity > Severity::Note);
    assert_eq!(weighty.collect::<Vec<_>>(), []);
}

#[test]
fn a_cookie_for_other_sites_needs_request_verification() {
    let harden = || HardenCookies::new().rule("widget", widget()).unwrap();
    let serious = vec![(Severity::Serious, "widget".to_owned())];
    assert_eq!(said_of((harden(),), &["widget"]), serious);
    assert_eq!(said_of((harden(), csrf()), &["widget"]), []);
    assert_eq!(said_of((csrf(), harden()), &["widget"]), [], "in whatever order");
    assert_eq!(said_of((harden(), csrf().report_only()), &["widget"]), serious);

    let by_prefix = HardenCookies::new().rule_for_prefix("w_", widget()).unwrap();
    assert_eq!(said_of((by_prefix,), &["w_"]), [(Severity::Serious, "w_".to_owned())]);
    let others = HardenCookies::new().rule_for_others(widget()).unwrap();
    assert_eq!(said(((log(), strict()), others))[0].0, Severity::Serious);

    let spec: CookieSpec<Vec<u8>, Unprefixed> = CookieSpec::new("everywhere").unwrap();
    let session = sessions().cookie(&spec.cross_site("embedded").unwrap());
    let serious = (Severity::Serious, "everywhere".to_owned());
    assert_eq!(said_of((session.clone(),), &["everywhere"]), [serious]);
    assert_eq!(said_of((session, csrf()), &["everywhere"]), []);
}

#[test]
fn a_policy_that_only_reports_does_not_stay_unnoticed() {
    let about = &["CsrfProtection"];
    let warning = (Severity::Warning, "CsrfProtection".to_owned());
    assert_eq!(said_of((csrf().report_only(),), about), [warning]);
    assert_eq!(said_of((csrf(),), about), []);
}

#[test]
fn origins_without_https_are_named() {
    let local = CsrfProtection::new(["http://localhost:3000", "https://club.example"]).unwrap();
    let local = local.trust("http://127.0.0.1:4000").unwrap();
    let about = &["http://localhost:3000", "http://127.0.0.1:4000", "https://club.example"];
    let note = |origin: &str| (Severity::Note, origin.to_owned());
    assert_eq!(
        said_of((local,), about),
        [note("http://localhost:3000"), note("http://127.0.0.1:4000")]
    );
}

#[test]
fn no_referrer_and_origins_do_not_go_together() {
    let headers = |policy| SecurityHeaders::strict().with(policy).build().unwrap();
    let said = |headers, with_csrf| {
        let said = if with_csrf { said((headers, csrf())) } else { said((headers,)) };
        said.into_iter().filter(|(_, about)| about == "referrer-policy").count()
    };
    assert_eq!(said(headers(ReferrerPolicy::NoReferrer), false), 1, "by the headers themselves");
    assert_eq!(said(headers(ReferrerPolicy::NoReferrer), true), 1, "once, and what it refuses");
    assert_eq!(said(headers(ReferrerPolicy::SameOrigin), true), 0);
}

#[test]
fn cookies_and_https_need_hsts() {
    let about = &["strict-transport-security"];
    let warning = || vec![(Severity::Warning, "strict-transport-security".to_owned())];
    assert_eq!(said_of((RequireHttps::reject(),), about), warning());
    assert_eq!(said_of((HardenCookies::new(),), about), warning());
    assert_eq!(said_of((sessions(),), about), warning());
    assert_eq!(said_of((csrf(),), about), [], "it may be behind somebody else's https");
    assert_eq!(said_of((strict(), sessions()), about), []);
    let off = SecurityHeaders::strict().without(HeaderKind::StrictTransportSecurity);
    assert_eq!(said_of((off.build().unwrap(), sessions()), about), warning(), "once");
}

#[test]
fn what_sets_cookies_goes_behind_what_hardens_them() {
    let about = &["Sessions", "CookieOutbox"];
    let told = |severity| vec![(severity, "Sessions".to_owned())];
    assert_eq!(said_of((HardenCookies::new(), sessions()), about), []);
    assert_eq!(said_of((sessions(), HardenCookies::new()), about), told(Severity::Warning));
    assert_eq!(said_of((sessions(),), about), told(Severity::Note));
    let watching = HardenCookies::new().mode(Mode::ReportOnly);
    assert_eq!(said_of((watching, sessions()), about), told(Severity::Note));
    let outbox = (Severity::Warning, "CookieOutbox".to_owned());
    assert_eq!(said_of((CookieOutbox::new(), HardenCookies::new()), about), [outbox]);
}

#[test]
fn the_log_goes_first() {
    let about = &["EventLog"];
    let told = |severity| vec![(severity, "EventLog".to_owned())];
    assert_eq!(said_of((log(), TrustedProxies::none()), about), []);
    assert_eq!(said_of((TrustedProxies::none(), log()), about), told(Severity::Warning));
    assert_eq!(said_of((TrustedProxies::none(),), about), told(Severity::Note));
}

#[test]
fn a_layer_of_ones_own_says_what_it_wants_among_the_others_and_the_worst_comes_first() {
    #[derive(Clone)]
    struct Own;

    impl Middleware for Own {
        type Memo = ();
        type Refusal = Infallible;

        fn admit<R: RequestHead>(&self, _: &mut R, (): &mut ()) -> Result<(), Infallible> {
            Ok(())
        }

        fn describe(&self, layers: &mut Layers) {
            layers.add(Severity::Serious, "own", "it is only a test");
        }
    }

    let findings = Stack::new((log(), Stack::new((csrf().report_only(), Own)))).lint();
    let severities: Vec<_> = findings.iter().map(|finding| finding.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b), "{severities:?}");
    assert_eq!(findings[0].to_string(), "own: it is only a test");
}
