//! Dates as browsers read them.

/// Seconds since 1970 of a cookie's date, by the algorithm of RFC 6265, section 5.1.1: whatever
/// tokens look like a time, a day, a month and a year, in any order and with any delimiters. `None`
/// where browsers ignore the date.
pub(super) fn parse(date: &[u8]) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in date.split(|byte| is_delimiter(*byte)).filter(|token| !token.is_empty()) {
        // The first that is missing and can be read here.
        let _ = fill(&mut time, || hms(token))
            || fill(&mut day, || number(token, 1, 2))
            || fill(&mut month, || month_of(token))
            || fill(&mut year, || number(token, 2, 4));
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let exists = year >= 1601 && (1..=days_in(month, year)).contains(&day);
    if !exists || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Whether what was missing was read here.
fn fill<T>(missing: &mut Option<T>, read: impl FnOnce() -> Option<T>) -> bool {
    if missing.is_some() {
        return false;
    }
    *missing = read();
    missing.is_some()
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'/' | b';'..=b'@' | b'['..=b'`' | b'{'..=b'~')
}

/// The number that a token begins with, if it has so many digits and no more.
fn number(token: &[u8], min: usize, max: usize) -> Option<i64> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = |sum: i64, digit: &u8| sum * 10 + i64::from(digit - b'0');
    (min..=max).contains(&digits).then(|| token[..digits].iter().fold(0, number))
}

fn hms(token: &[u8]) -> Option<(i64, i64, i64)> {
    let mut parts = token.splitn(3, |byte| *byte == b':');
    let mut whole = || {
        let part = parts.next()?;
        number(part, 1, 2).filter(|_| part.iter().all(u8::is_ascii_digit))
    };
    let (hour, minute) = (whole()?, whole()?);
    // What follows the seconds does not count, unless it is a digit.
    Some((hour, minute, number(parts.next()?, 1, 2)?))
}

fn month_of(token: &[u8]) -> Option<i64> {
    let token = token.first_chunk()?.map(|byte| byte.to_ascii_lowercase());
    let found = MONTHS.iter().position(|month| **month == token)?;
    i64::try_from(found + 1).ok()
}

const fn days_in(month: i64, year: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a day of the Gregorian calendar, years being counted from March.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_browsers_read_them() {
        for (date, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:01 GMT", Some(1)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994 GMT", Some(784_111_777)),
            ("Nov 6 1994 8:49:37", Some(784_111_777)),
            ("08:49:37 6 november 94", Some(784_111_777)),
            ("6-NOV-1994T;08:49:37Z", Some(784_111_777)),
            ("1-Jan-1995 00:00:00 GMT", Some(788_918_400)),
            ("Sun, 1 Jan 1995 0:0:0", Some(788_918_400)),
            ("Wed, 1 Jan 2020 00:00:00 GMT", Some(1_577_836_800)),
            ("Sat, 29 Feb 2020 12:00:00 GMT", Some(1_582_977_600)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Mon, 01 Jan 1601 00:00:00 GMT", Some(-11_644_473_600)),
            ("01 Jan 69 00:00:00", Some(3_124_224_000)),
            ("01 Jan 70 00:00:00", Some(0)),
            ("01 Jan 99 00:00:00", Some(915_148_800)),
            ("01 Jan 00 00:00:00", Some(946_684_800)),
            // The first that fits counts, and what follows its digits does not.
            ("1st Jan 1970 00:00:00xyz 2nd Feb 1971 01:01:01", Some(0)),
            // No date: no time, no such day, too many digits, other things.
            ("1-Jan-1995", None),
            ("Sat, 30 Feb 2020 00:00:00 GMT", None),
            ("Sun, 29 Feb 1900 00:00:00 GMT", None),
            ("Mon, 31 Apr 2020 00:00:00 GMT", None),
            ("Mon, 00 Jan 2020 00:00:00 GMT", None),
            ("Mon, 32 Jan 2020 00:00:00 GMT", None),
            ("Sun, 31 Dec 1600 23:59:59 GMT", None),
            ("01 Jan 2020 24:00:00", None),
            ("01 Jan 2020 00:60:00", None),
            ("01 Jan 2020 00:00:60", None),
            ("01 Jan 2020 00:00", None),
            ("01 Jan 2020 000:00:00", None),
            ("01 Jan 2020 00:00:000", None),
            ("01 Jan 20200 00:00:00", None),
            ("001 Jan 2020 00:00:00", None),
            ("01 Ja 2020 00:00:00", None),
            ("2020-01-01T00:00:00Z", None),
            ("0", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(parse(date.as_bytes()), seconds, "{date}");
        }
    }
}
