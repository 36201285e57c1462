//! Dates of the kinds that the public collections have, by RFC 6265, section 5.1.1.

use super::browser::{at, keeps};
use super::*;

const NOW: i64 = 1_577_836_800;

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn dates_are_read_as_browsers_read_them() {
    let expires =
        |date: &str| SetCookie::parse(format!("a=1; Expires={date}").as_bytes()).expires();
    let on = |year, month, day| at(year, month, day).unwrap() + 21 * 3600 + 62;
    let day = on(2017, 4, 15);
    for (date, expected) in [
        // the three kinds of HTTP, with days that are wrong or none
        ("Sat, 15 Apr 2017 21:01:02 GMT", day),
        ("Saturday, 15-Apr-17 21:01:02 GMT", day),
        ("Sat Apr 15 21:01:02 2017", day),
        ("Mon, 15 Apr 2017 21:01:02 GMT", day),
        ("Sunnyday, 15-Apr-17 21:01:02", day),
        (", 15-Apr-2017 21:01:02 GMT", day),
        ("15-Apr-2017 21:01:02", day),
        // delimiters
        ("Sat,15-Apr-17 21:01:02 GMT", day),
        ("Sat, 15/Apr\\2017 21:01:02 GMT", day),
        ("15 - Apr - 17   21:01:02", day),
        ("\"Sat, 15-Apr-17\\\"21:01:02\\\"GMT\"", day),
        ("15{Apr}17~21:01:02", day),
        ("15!Apr#17$21:01:02%&'()*+", day),
        ("15\tApr\t2017\t21:01:02", day),
        ("@15[Apr]2017^21:01:02_`|", day),
        // any order
        ("21:01:02 15 Apr 2017", day),
        ("Apr 15 2017 21:01:02", day),
        ("Apr 21:01:02 15 2017", day),
        ("15 2017 Apr 21:01:02", day),
        ("2017 April 15 21:01:02", day),
        ("15-Sat, Apr 21:01:02 GMT 17", day),
        ("15 17 Apr 21:01:02", day),
        // months
        ("15 apr 2017 21:01:02", day),
        ("15 APRIL 2017 21:01:02", day),
        ("15 aprx9 2017 21:01:02", day),
        ("15 May 2017 21:01:02", on(2017, 5, 15)),
        ("15 Apr Jun 2017 21:01:02", day),
        // years
        ("15 Apr 69 21:01:02", on(2069, 4, 15)),
        ("15 Apr 70 21:01:02", on(1970, 4, 15)),
        ("15 Apr 99 21:01:02", on(1999, 4, 15)),
        ("15 Apr 00 21:01:02", on(2000, 4, 15)),
        ("15 Apr 0017 21:01:02", day),
        ("15 Apr 1601 21:01:02", on(1601, 4, 15)),
        ("15 Apr 9999 21:01:02", on(9999, 4, 15)),
        ("15 Apr 5 2017 21:01:02", day),
        // days of one digit, and what stands behind digits
        ("Wed, 5 Apr 2017 21:01:02 GMT", on(2017, 4, 5)),
        ("Wed,  05th Apr 2017 21:01:02 GMT", on(2017, 4, 5)),
        ("15 Apr 2017AD 21:01:02", day),
        ("29 Feb 2016 21:01:02", on(2016, 2, 29)),
        ("31 Dec 2017 21:01:02", on(2017, 12, 31)),
        // times
        ("15 Apr 2017 21:1:2", day),
        ("15 Apr 2017 21:01:02.999", day),
        ("15 Apr 2017 21:01:02Z", day),
        ("15 Apr 2017 21:01:02:03", day),
        ("15 Apr 2017 ::00 21:01:02", day),
        ("15 Apr 2017 x:y:z 21:01:02", day),
        ("15 Apr 2017 21:01:02 11:22:33", day),
        // zones and all else behind it do not count
        ("Sat, 15-Apr-17 21:01:02 GMT-0400 (EDT)", day),
        ("Sat, 15-Apr-17 21:01:02 +0200", day),
        ("Sat, 15-Apr-17 21:01:02 PST nonsense \u{9053}", day),
    ] {
        assert_eq!(expires(date), Some(expected), "{date}");
        assert_eq!(browser::date(date.as_bytes()), Some(expected), "{date}");
    }
    for date in [
        "",
        "never",
        "0",
        "-1",
        "1492290062",
        "2017-04-15T21:01:02Z",
        // a part is missing
        "Sat, 15 Apr 2017",
        "15 Apr 21:01:02",
        "15 2017 21:01:02",
        "Apr 2017 21:01:02",
        "15 Apr 7 21:01:02",
        "15 A 2017 21:01:02",
        "15 Avr 2017 21:01:02",
        // out of range; the first that has the form counts
        "0 Apr 2017 21:01:02",
        "31 Apr 2017 21:01:02",
        "29 Feb 2017 21:01:02",
        "29 Feb 1900 21:01:02",
        "32 Jan 2017 21:01:02",
        "98 April 17 21:01:02",
        "15 Apr 1600 21:01:02",
        "15 Apr 100 21:01:02",
        "15 Apr 2017 24:00:00",
        "15 Apr 2017 21:60:02",
        "15 Apr 2017 21:01:60",
        "15 Apr 2017 91:22:33 21:01:02",
        // too many digits
        "015 Apr 2017 21:01:02",
        "15 Apr 20170 21:01:02",
        "15 Apr 9999999999 21:01:02",
        "999999999999 Apr 2017 21:01:02",
        "15 Apr 2017 021:01:02",
        "15 Apr 2017 21:001:02",
        "15 Apr 2017 21:01:002",
        "15 Apr 2017 21:01:",
        "15 Apr 2017 21:01",
        "15 Apr 2017 21: 01:02 GMT",
        "15 Apr 2017 21h:01:02",
    ] {
        assert_eq!(expires(date), None, "{date}");
        assert_eq!(browser::date(date.as_bytes()), None, "{date}");
    }
    let past = "a=1; Expires=Sat, 15 Apr 2017 21:01:02 GMT";
    let out = one(&fix(), past).unwrap();
    assert!(out.starts_with(past) && keeps(out.as_bytes(), NOW).unwrap().lives < Some(0));
}
