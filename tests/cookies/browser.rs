//! A browser's side of `Set-Cookie`, written down from draft-ietf-httpbis-layered-cookies step by
//! step, and apart from the library: what it keeps of a line.

#![allow(dead_code, reason = "the fuzz target uses a part of it")]

/// A cookie as it is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Kept {
    pub(crate) name: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) partitioned: bool,
    /// `none`, `lax`, `strict`; empty where the browser decides.
    pub(crate) same_site: String,
    /// `None` is that of the request.
    pub(crate) path: Option<Vec<u8>>,
    /// `None` is the host alone.
    pub(crate) domain: Option<Vec<u8>>,
    /// Seconds from now, no more than 400 days. `None` is until the browser is closed.
    pub(crate) lives: Option<i64>,
}

/// What is kept of a line that comes by https; `None` if it is ignored.
pub(crate) fn keeps(line: &[u8], now: i64) -> Option<Kept> {
    if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return None;
    }
    let mut parts = line.split(|byte| *byte == b';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (blank(&pair[..at]), blank(&pair[at + 1..])),
        None => (Vec::new(), blank(pair)),
    };
    if name.len() + value.len() > 4096 || name.is_empty() && value.is_empty() {
        return None;
    }
    let mut kept = Kept {
        name,
        value,
        secure: false,
        http_only: false,
        partitioned: false,
        same_site: String::new(),
        path: None,
        domain: None,
        lives: None,
    };
    let (mut max_age, mut expires) = (None, None);
    for part in parts {
        let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
        let name = blank(&part[..at]).to_ascii_lowercase();
        let value = blank(part.get(at + 1..).unwrap_or_default());
        if value.len() > 1024 {
            continue;
        }
        match &name[..] {
            b"secure" => kept.secure = true,
            b"httponly" => kept.http_only = true,
            b"partitioned" => kept.partitioned = true,
            b"samesite" => {
                let known = String::from_utf8_lossy(&value).to_ascii_lowercase();
                let known = ["none", "lax", "strict"].into_iter().find(|name| *name == known);
                kept.same_site = known.unwrap_or_default().into();
            }
            b"path" => kept.path = Some(value).filter(|path| path.first() == Some(&b'/')),
            b"domain" => {
                let bare = value.strip_prefix(b".").unwrap_or(&value).to_ascii_lowercase();
                kept.domain = Some(bare).filter(|domain| !domain.is_empty());
            }
            b"max-age" => max_age = age(&value).or(max_age),
            b"expires" => expires = date(&value).or(expires),
            _ => {}
        }
    }
    let lives = max_age.or_else(|| expires.map(|at| at.saturating_sub(now)));
    kept.lives = lives.map(|seconds| seconds.min(400 * 86_400));
    is_allowed(&kept).then_some(kept)
}

/// The prefixes, and `Partitioned`.
fn is_allowed(kept: &Kept) -> bool {
    let has = |prefix: &str| {
        let start = |bytes: &[u8]| bytes.to_ascii_lowercase().starts_with(prefix.as_bytes());
        start(if kept.name.is_empty() { &kept.value } else { &kept.name })
    };
    let any = ["__secure-", "__host-", "__http-", "__host-http-"].iter().any(|prefix| has(prefix));
    if kept.name.is_empty() && any || (any || kept.partitioned) && !kept.secure {
        return false;
    }
    let host = kept.domain.is_none() && kept.path.as_deref() == Some(b"/");
    let http = kept.http_only;
    (!has("__host-") || host) && (!has("__http-") || http) && (!has("__host-http-") || http)
}

fn blank(bytes: &[u8]) -> Vec<u8> {
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = bytes.iter().take_while(|byte| is_blank(byte)).count();
    let end = bytes[start..].iter().rev().take_while(|byte| is_blank(byte)).count();
    bytes[start..bytes.len() - end].to_vec()
}

fn age(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let most = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(most))
}

/// RFC 6265, section 5.1.1.
pub(crate) fn date(value: &[u8]) -> Option<i64> {
    let delimits =
        |byte: &u8| byte.is_ascii_punctuation() && *byte != b':' || b" \t".contains(byte);
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in value.split(delimits).filter(|token| !token.is_empty()) {
        let months = "janfebmaraprmayjunjulaugsepoctnovdec".as_bytes();
        let named = token.get(..3).map(<[u8]>::to_ascii_lowercase);
        let named = months.chunks(3).zip(1..).find(|(name, _)| Some(*name) == named.as_deref());
        match (clock(token), leading(token, 2), named, leading(token, 4)) {
            (Some(found), ..) if time.is_none() => time = Some(found),
            (_, Some((found, _)), ..) if day.is_none() => day = Some(found),
            (.., Some((_, found)), _) if month.is_none() => month = Some(found),
            (.., Some((found, digits))) if digits >= 2 && year.is_none() => year = Some(found),
            _ => {}
        }
    }
    let ([hour, minute, second], day, month) = (time?, day?, month?);
    let year = match year? {
        found @ 0..70 => found + 2000,
        found @ 70..100 => found + 1900,
        found => found,
    };
    if year < 1601 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    at(year, month, day).map(|midnight| midnight + hour * 3600 + minute * 60 + second)
}

/// The seconds at which a day begins, counted year by year; `None` if there is no such day.
pub(crate) fn at(year: i64, month: usize, day: i64) -> Option<i64> {
    let leap = |year: i64| i64::from(year % 4 == 0 && year % 100 != 0 || year % 400 == 0);
    let february = 28 + leap(year);
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if day < 1 || day > lengths[month - 1] {
        return None;
    }
    let years: i64 = if year >= 1970 {
        (1970..year).map(|year| 365 + leap(year)).sum()
    } else {
        -(year..1970).map(|year| 365 + leap(year)).sum::<i64>()
    };
    Some((years + lengths[..month - 1].iter().sum::<i64>() + day - 1) * 86_400)
}

/// Up to so many digits, and no further one behind them: what they say, and how many there are.
fn leading(token: &[u8], most: usize) -> Option<(i64, usize)> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(&token[..digits]).ok()?;
    (1..=most).contains(&digits).then(|| text.parse().ok().map(|found| (found, digits)))?
}

fn clock(token: &[u8]) -> Option<[i64; 3]> {
    let first = token.iter().position(|byte| *byte == b':')?;
    let second = first + 1 + token[first + 1..].iter().position(|byte| *byte == b':')?;
    let whole = |bytes: &[u8]| leading(bytes, 2).filter(|(_, digits)| *digits == bytes.len());
    let (hour, minute) = (whole(&token[..first])?, whole(&token[first + 1..second])?);
    Some([hour.0, minute.0, leading(&token[second + 1..], 2)?.0])
}
