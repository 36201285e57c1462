//! Cases of the kinds that the public collections have: how a line is read, and what the hardener
//! makes of it. Browsers' own suites test the same facts.

use super::browser::{Kept, keeps};
use super::*;

const NOW: i64 = 1_577_836_800;

/// The attributes that count, as one text.
fn effective(line: &str) -> String {
    let cookie = SetCookie::parse(line.as_bytes());
    let text = |bytes: &[u8]| String::from_utf8(bytes.into()).unwrap();
    let parts = [
        cookie.secure().then(|| "Secure".to_owned()),
        cookie.http_only().then(|| "HttpOnly".to_owned()),
        cookie.partitioned().then(|| "Partitioned".to_owned()),
        cookie.same_site().map(|same_site| same_site.as_str().to_owned()),
        cookie.path().map(text),
        cookie.domain().map(text),
        cookie.max_age().map(|seconds| seconds.to_string()),
        cookie.expires().map(|at| format!("@{at}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn names_and_values_are_read_as_browsers_read_them() {
    for (line, name, value) in [
        ("foo=bar", "foo", "bar"),
        ("foo=", "foo", ""),
        ("foo", "", "foo"),
        ("=foo", "", "foo"),
        ("=", "", ""),
        ("", "", ""),
        ("   ", "", ""),
        ("\t", "", ""),
        ("; foo", "", ""),
        (";=;=;", "", ""),
        ("  foo  =  bar  ", "foo", "bar"),
        ("\tfoo\t=\tbar\t;\tbaz", "foo", "bar"),
        ("foo=bar;", "foo", "bar"),
        ("foo=bar;;;", "foo", "bar"),
        ("foo=== bar", "foo", "== bar"),
        ("foo=a=b=c", "foo", "a=b=c"),
        ("==foo", "", "=foo"),
        ("foo=bar, baz=qux", "foo", "bar, baz=qux"),
        ("foo=\"bar, baz=qux\"", "foo", "\"bar, baz=qux\""),
        ("foo=bar; b,az=qux", "foo", "bar"),
        ("foo=\"a;b\"", "foo", "\"a"),
        ("foo=\"a ;", "foo", "\"a"),
        ("foo=\"a \"   ;", "foo", "\"a \""),
        ("foo=\"a \"   \"b\"  ;", "foo", "\"a \"   \"b\""),
        ("foo=\"  a \"", "foo", "\"  a \""),
        ("foo=a\"b ;", "foo", "a\"b"),
        ("\"foo\\\"bar\"; path=/", "", "\"foo\\\"bar\""),
        ("foo=%62%61r", "foo", "%62%61r"),
        ("%66oo=bar", "%66oo", "bar"),
        ("foo bar=baz", "foo bar", "baz"),
        ("foo,bar=baz", "foo,bar", "baz"),
        ("\"foo\"=bar", "\"foo\"", "bar"),
        ("{foo}[0]=(b)", "{foo}[0]", "(b)"),
        ("$Version=1", "$Version", "1"),
        ("foo:bar@baz=1", "foo:bar@baz", "1"),
        ("春節=回家; 路", "春節", "回家"),
        ("foo=\u{a0}bar\u{a0}", "foo", "\u{a0}bar\u{a0}"),
        ("\u{feff}foo=bar", "\u{feff}foo", "bar"),
        ("Secure=1; Path=/", "Secure", "1"),
        ("Path", "", "Path"),
    ] {
        let cookie = SetCookie::parse(line.as_bytes());
        let pair = (cookie.name(), cookie.value());
        assert_eq!(pair, (name.as_bytes(), value.as_bytes()), "{line:?}");
        let kept = keeps(line.as_bytes(), NOW);
        let same = kept.map(|kept| (kept.name, kept.value));
        let expected = (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        assert_eq!(same, (!line.is_empty() && expected != Default::default()).then_some(expected));
    }
}

#[test]
fn attributes_are_read_as_browsers_read_them() {
    for (attributes, expected) in [
        ("Secure", "Secure"),
        ("seCURe", "Secure"),
        ("Secure=", "Secure"),
        ("Secure=false", "Secure"),
        ("Secure =x", "Secure"),
        ("  \t Secure   ;", "Secure"),
        ("qux; Secure", "Secure"),
        ("qux=\"a;b\"; Secure", "Secure"),
        ("qux=\"a; Secure; b\"", "Secure"),
        ("\"Secure\"", ""),
        ("'Secure'", ""),
        ("Secure qux", ""),
        ("Secure,HttpOnly", ""),
        ("Secure\u{a0}", ""),
        ("S\u{17f}ecure", ""),
        ("%53ecure", ""),
        ("httponly; HTTPONLY", "HttpOnly"),
        ("Http-Only", ""),
        ("Partitioned=0", "Partitioned"),
        ("Path", ""),
        ("Path=", ""),
        ("Path=/", "/"),
        ("Path    =    /qux   ; taz", "/qux"),
        ("Path=/a; Path=/b", "/b"),
        ("Path=/a; Path=b", ""),
        ("Path=/a; Path", ""),
        ("Path=\"/a\"", ""),
        ("Path=/a=b,c", "/a=b,c"),
        ("Path=//a/../b%2F", "//a/../b%2F"),
        ("Path=/\u{9053}", "/\u{9053}"),
        ("Domain=home.example", "home.example"),
        ("Domain=.home.example", "home.example"),
        ("Domain=..home.example", ".home.example"),
        ("Domain=home.example.", "home.example."),
        ("Domain=", ""),
        ("Domain=.", ""),
        ("Domain", ""),
        ("domain=a.example; domain=b.example", "b.example"),
        ("domain=a.example; domain=", ""),
        ("domain=; domain=a.example", "a.example"),
        ("SameSite=lax", "Lax"),
        ("SAMESITE = STRICT", "Strict"),
        ("SameSite=None", "None"),
        ("SameSite=\"Lax\"", ""),
        ("SameSite", ""),
        ("SameSite=Strict; SameSite=oops", ""),
        ("SameSite=oops; SameSite=Strict", "Strict"),
        ("max-age=10000", "10000"),
        ("Max-Age=-20", "-20"),
        ("Max-Age=007", "7"),
        ("Max-Age=+5", ""),
        ("Max-Age=-", ""),
        ("Max-Age=", ""),
        ("Max-Age=50,399", ""),
        ("Max-Age=2.63", ""),
        ("Max-Age=\"5\"", ""),
        ("Max-Age=5 5", ""),
        ("Max-Age=--5", ""),
        ("Max-Age=\u{665}", ""),
        ("Max-Age=5; Max-Age=x", "5"),
        ("Max-Age=5; Max-Age=6", "6"),
        ("Max-Age=99999999999999999999", "9223372036854775807"),
        ("Max-Age=-99999999999999999999", "-9223372036854775807"),
        ("Expires=Thu, 01 Jan 1970 00:00:01 GMT; Expires=never", "@1"),
        ("version=1; customvalue='1000 or more'; foo=bar, a=b; lol", ""),
        ("max-age=3600, c=d;path=/", "/"),
        ("domain=.x.test; ;; ;=; ,,, ===,abc,=; abracadabra! max-age=20;=;;", "x.test"),
    ] {
        assert_eq!(effective(&format!("a=1;{attributes}")), expected, "{attributes}");
        assert_eq!(effective(&format!("a=1; x;{attributes}; y")), expected, "{attributes}");
    }
}

#[test]
fn sizes_are_those_of_browsers_to_the_byte() {
    let end = "; Secure; HttpOnly; SameSite=Lax";
    for size in [4095, 4096, 4097] {
        for pair in [
            format!("{}=", "n".repeat(size)),
            format!("n={}", "v".repeat(size - 1)),
            format!("{}={}", "n".repeat(2000), "v".repeat(size - 2000)),
            format!("  n  =  {}  ", "v".repeat(size - 1)),
            format!("={}", "v".repeat(size)),
            "v".repeat(size),
            format!("{}={}", "n".repeat(size % 2), "\u{e9}".repeat(size / 2)),
        ] {
            let line = pair + end;
            let out = one(&fix(), &line);
            assert_eq!(out.is_some(), size <= 4096, "{size} {}", &line[..20]);
            assert_eq!(out.is_some(), keeps(line.as_bytes(), NOW).is_some());
            assert!(one(&fix().mode(Mode::ReportOnly), &line).is_some());
        }
    }
    for (size, counts) in [(1023, true), (1024, true), (1025, false)] {
        let long = "x".repeat(size);
        for (attribute, effect) in [
            (format!("Path=/{}", &long[1..]), format!("/{}", &long[1..])),
            (format!("Domain={long}"), long.clone()),
            (format!("Domain=  {long}  "), long.clone()),
            (format!("Secure={long}"), "Secure".into()),
            (format!("HttpOnly={long}"), "HttpOnly".into()),
            (format!("Partitioned={long}"), "Partitioned".into()),
            (format!("Max-Age={}", "0".repeat(size)), "0".into()),
            (format!("Expires=1 Jan 70 00:00:01 {}", &long[18..]), "@1".into()),
        ] {
            let expected = if counts { effect } else { String::new() };
            let line = format!("a=1; {attribute}");
            assert_eq!(effective(&line), expected, "{size} {}", &line[..20]);
            let out = one(&fix(), &line).unwrap();
            assert!(counts || out.len() < 1025, "what does not count is not sent: {}", &line[..20]);
            assert_eq!(as_promised(&line, &out), Ok(()));
        }
    }
}

/// Every prefix, in cases of all kinds, with every path and domain.
#[test]
fn prefixes_are_kept_whatever_their_case() {
    let prefixes = ["__Secure-", "__Host-", "__Http-", "__Host-Http-"];
    let upper = prefixes.iter().map(|prefix| prefix.to_ascii_uppercase());
    let lower = prefixes.iter().map(|prefix| prefix.to_ascii_lowercase());
    let mixed = ["__sEcUrE-", "__hOsT-", "__hTtP-", "__HoSt-HtTp-", "__host-HTTP-"];
    let all = upper.chain(lower).chain(prefixes.into_iter().chain(mixed).map(str::to_owned));
    for prefix in all.flat_map(|prefix| [prefix.clone() + "a=1", prefix + "=1"]) {
        for path in
            ["", "; Path=/", "; path=/", "; Path=/x", "; Path", "; Path=", "; Path=/; Path=/x"]
        {
            for domain in ["", "; Domain=a.example", "; domain=.a.example", "; Domain="] {
                for more in ["", "; Secure", "; HttpOnly", "; Secure; HttpOnly; SameSite=None"] {
                    let line = format!("{prefix}{path}{domain}{more}");
                    let out = one(&fix(), &line).unwrap();
                    assert_eq!(as_promised(&line, &out), Ok(()), "{line}");
                    let right = one(&fix().mode(Mode::Strict), &line) == Some(line.clone());
                    assert_eq!(right, out == line, "Strict sends what is right alone: {line}");
                }
            }
        }
        let nameless = one(&fix(), &format!("={prefix}; Path=/; Secure; HttpOnly"));
        assert_eq!(nameless, None);
    }
    for other in ["__Hostx-a", "_Host-a", "__Host_a", "__Host", "x__Host-a", "\u{a0}__Host-a"] {
        let out = one(&fix(), &format!("{other}=1; Path=/x; Domain=a.example")).unwrap();
        assert!(out.contains("Path=/x; Domain=a.example"), "{out}");
    }
}

/// What the default policy promises of a line that goes out, in a browser's eyes.
pub(crate) fn as_promised(before: &str, after: &str) -> Result<(), String> {
    let Some(kept) = keeps(after.as_bytes(), NOW) else {
        return Err("it is ignored".into());
    };
    let was = SetCookie::parse(before.as_bytes());
    let Kept { name, value, secure, http_only, same_site, lives, .. } = &kept;
    let attributes = after.split(';').skip(1);
    let mut names: Vec<_> = attributes
        .map(|attribute| attribute.split('=').next().unwrap().trim().to_ascii_lowercase())
        .filter(|name| ["secure", "httponly", "samesite", "path", "domain"].contains(&&name[..]))
        .collect();
    let count = names.len();
    names.sort();
    names.dedup();
    let checks = [
        ("name", &name[..] == was.name()),
        ("value", &value[..] == was.value()),
        ("Secure", *secure),
        ("HttpOnly", *http_only),
        ("SameSite", same_site == "lax" || same_site == "strict"),
        ("not looser", was.same_site() != Some(SameSite::Strict) || same_site == "strict"),
        ("400 days", lives.is_none_or(|seconds| seconds <= 400 * 86_400)),
        ("each once", count == names.len()),
        ("16 parts", after.split(';').count() <= 16),
    ];
    let broken: Vec<_> = checks.iter().filter(|(_, holds)| !holds).map(|(what, _)| *what).collect();
    if broken.is_empty() { Ok(()) } else { Err(format!("{broken:?}: {after}")) }
}
