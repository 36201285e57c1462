//! Cookies that are right, known at a glance.

use super::asked::Asked;
use super::attribute::{SameSite, number};
use super::fix::MAX_PAIR;
use super::policy::Rules;
use super::scan::plain;
use super::set_cookie::MAX_ATTRIBUTE;

/// The name of a cookie in which [`Fix::of`](super::fix::Fix::of) would find nothing. `None` says that
/// it has to be asked.
///
/// It is known of a line as nearly everybody writes it: with no space around the name and one behind
/// each semicolon, and with the attributes that most cookies have, once each and as the draft writes
/// them. Each is held against what is asked where it stands, and nothing is kept of it.
pub(super) fn right_name<'a>(line: &'a [u8], rules: &Rules) -> Option<&'a [u8]> {
    let (name, rest) = line.split_at(plain::<b'='>(line));
    let rest = rest.strip_prefix(b"=")?;
    let (value, mut rest) = rest.split_at(plain::<b';'>(rest));
    let is_spaced = name.starts_with(b" ") || name.ends_with(b" ");
    if name.is_empty() || is_spaced || name.len() + value.len() > MAX_PAIR {
        return None;
    }
    let asked = Asked::of(name, rules.of(name).1);
    let mut found = 0;
    while let Some(attribute) = rest.strip_prefix(b"; ") {
        let (kind, behind) = good(attribute, &asked)?;
        if found & kind != 0 {
            return None;
        }
        found |= kind;
        rest = behind;
    }
    let all = found & (SECURE | SAME_SITE) == SECURE | SAME_SITE
        && (found & HTTP_ONLY != 0 || !asked.http_only)
        && (found & PATH != 0 || asked.path.is_none());
    (all && rest.is_empty()).then_some(name)
}

/// What kind of attribute stands here, if its value is as asked, and what stands behind it.
#[inline]
fn good<'a>(here: &'a [u8], asked: &Asked) -> Option<(u8, &'a [u8])> {
    if let Some(behind) = here.strip_prefix(b"Secure") {
        Some((SECURE, behind))
    } else if let Some(behind) = here.strip_prefix(b"HttpOnly") {
        Some((HTTP_ONLY, behind))
    } else if let Some(value) = here.strip_prefix(b"SameSite=") {
        let (same_site, behind) = match value.strip_prefix(b"Lax") {
            Some(behind) => (SameSite::Lax, behind),
            None => (SameSite::Strict, value.strip_prefix(b"Strict")?),
        };
        (same_site >= asked.same_site).then_some((SAME_SITE, behind))
    } else if let Some(value) = here.strip_prefix(b"Path=") {
        let behind = if let Some(path) = asked.path {
            value.strip_prefix(path.as_bytes())?
        } else {
            let (path, behind) = value.split_at(plain::<b';'>(value));
            let is_path = path.starts_with(b"/") && path.len() <= MAX_ATTRIBUTE;
            is_path.then_some(behind)?
        };
        Some((PATH, behind))
    } else {
        let (age, behind) = number(here.strip_prefix(b"Max-Age=")?)?;
        (age <= asked.longest).then_some((MAX_AGE, behind))
    }
}

const SECURE: u8 = 1;
const HTTP_ONLY: u8 = 2;
const SAME_SITE: u8 = 4;
const PATH: u8 = 8;
const MAX_AGE: u8 = 16;

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::cookies::fix::Fix;
    use crate::cookies::{CookieRule, SetCookie};

    const NAMES: &str = "sid|n|script|__Host-sid|__host-sid|__Http-sid|__Host-Http-sid|__Secure-sid|a b| sid|\
        sid ||s\tid|s\u{1}d";
    const VALUES: &str = "7f3a9c1e5b2d4860||a=b|\"dark\"| x|x |x\t|x\u{7f}|\u{fc}|a,b";
    const USUAL: [&str; 5] = ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1800"];
    const OTHERS: &str = "Secure|SameSite=Strict|Path=/club|Max-Age=3600|Secure=|Secure |secure|SecureX|\
        HttpOnly=no|httponly|SameSite=None|SameSite=lax|SameSite=Laxer|SameSite=|Path=|Path=club|Path=/ |\
        Path=/\t|Path= /|Path=/a b|path=/|Max-Age=0|Max-Age=-1|Max-Age=|Max-Age=18x|Max-Age=35000000|\
        Max-Age=99999999999999999999|Expires=Thu, 1-Jan-1970 00:00:00 GMT|Domain=club.example|\
        Partitioned|Priority=High||=";

    fn any_of(texts: &'static str) -> impl Strategy<Value = &'static str> {
        select(texts.split('|').collect::<Vec<_>>())
    }

    fn mostly(usual: &'static str, others: &'static str) -> impl Strategy<Value = &'static str> {
        prop_oneof![9 => Just(usual), 1 => any_of(others)]
    }

    fn attributes() -> impl Strategy<Value = Vec<&'static str>> {
        let usual = prop::sample::subsequence(&USUAL[..], 3..=USUAL.len());
        let others = prop::collection::vec(any_of(OTHERS), 0..2);
        (usual, others).prop_map(|(usual, others)| [usual, others].concat()).prop_shuffle()
    }

    fn rules() -> Rules {
        let mut rules = Rules::default();
        rules.add("n", CookieRule::new().strict().host_only()).unwrap();
        rules.add("script", CookieRule::new().readable_by_scripts().path("/club")).unwrap();
        let brief = CookieRule::new().max_lifetime(Duration::from_secs(3599));
        rules.add_prefix("__Http-", brief.cross_site("a test")).unwrap();
        rules.add_prefix("__Secure-", CookieRule::new().keep_lifetime()).unwrap();
        rules
    }

    fn finds_nothing(line: &[u8], rules: &Rules) -> bool {
        let cookie = SetCookie::parse(line);
        let fix = Fix::of(&cookie, rules.of(cookie.name()).1, SystemTime::now);
        fix.violations.is_empty()
    }

    #[test]
    fn what_nearly_everybody_writes_is_known_and_what_is_wrong_is_not() {
        let rules = rules();
        for (line, known) in [
            ("sid=7f; Path=/; Max-Age=1800; Secure; HttpOnly; SameSite=Lax", Some("sid")),
            ("sid=7f; HttpOnly; SameSite=Strict; Secure; Path=/club; Max-Age=0", Some("sid")),
            ("sid=; Secure; HttpOnly; SameSite=Lax", Some("sid")),
            ("__Host-sid=7f; Path=/; Secure; HttpOnly; SameSite=Lax", Some("__Host-sid")),
            ("n=1; Secure; HttpOnly; SameSite=Strict", Some("n")),
            ("script=1; Path=/club; Secure; SameSite=Lax", Some("script")),
            ("sid=7f; Path=/; HttpOnly; SameSite=Lax", None),
            ("sid=7f; Path=/; Secure; SameSite=Lax", None),
            ("sid=7f; Path=/; Secure; HttpOnly", None),
            ("sid=7f; Path=/; Secure; HttpOnly; SameSite=None", None),
            ("sid=7f; Secure; HttpOnly; SameSite=Lax; Max-Age=34560001", None),
            ("sid=7f; Secure; HttpOnly; SameSite=Lax; Secure", None),
            ("sid=7f; Secure; HttpOnly; SameSite=Lax;", None),
            ("__Host-sid=7f; Path=/club; Secure; HttpOnly; SameSite=Lax", None),
            ("__Host-sid=7f; Secure; HttpOnly; SameSite=Lax", None),
            ("n=1; Secure; HttpOnly; SameSite=Lax", None),
            ("script=1; Path=/clubs; Secure; SameSite=Lax", None),
            ("sid; Secure; HttpOnly; SameSite=Lax", None),
            ("", None),
        ] {
            assert_eq!(right_name(line.as_bytes(), &rules), known.map(str::as_bytes), "{line}");
        }
        let long = |name: usize, path: usize| {
            let (name, path) = ("n".repeat(name), "/".repeat(path));
            let line = format!("{name}=; Path={path}; Secure; HttpOnly; SameSite=Lax").into_bytes();
            (right_name(&line, &rules).is_some(), finds_nothing(&line, &rules))
        };
        assert_eq!(long(4096, 1024), (true, true));
        assert_eq!(long(4097, 1), (false, false));
        assert_eq!(long(1, 1025), (false, false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_is_known_at_a_glance_is_what_reading_finds(
            name in any_of(NAMES),
            sign in mostly("=", "|;"),
            value in any_of(VALUES),
            attributes in attributes(),
            between in mostly("; ", ";| ; |;\t"),
        ) {
            let mut line = [name, sign, value].concat();
            for attribute in attributes {
                line.extend([between, attribute]);
            }
            let rules = rules();
            if let Some(known) = right_name(line.as_bytes(), &rules) {
                prop_assert_eq!(known, SetCookie::parse(line.as_bytes()).name(), "{}", line);
                prop_assert!(finds_nothing(line.as_bytes(), &rules), "{}", line);
            }
        }
    }
}
