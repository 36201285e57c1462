//! What Stripe sends: bytes, and a signature over their time and exactly those bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::super::super::word::Unbelieved;
use super::super::api;

/// Whether one of these secrets has signed this body, and lately.
///
/// The header is `t=1700000000,v1=…,v1=…`: one time, and a signature for each secret that is in use over there.
/// What else stands in it, `v0` above all, is of no account. Official libraries take a time of the future, and one
/// of them the last of two; here it is one, and not far from ours on either side.
pub(super) fn check(
    secrets: &[Zeroizing<String>],
    header: &str,
    body: &[u8],
    now: SystemTime,
) -> Result<(), Unbelieved> {
    let mut times = header.split(',').filter_map(|item| item.strip_prefix("t="));
    let (Some(time), None) = (times.next(), times.next()) else {
        return Err(Unbelieved::Signature);
    };
    let is_number = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = time.parse::<u64>().ok().filter(|_| is_number).ok_or(Unbelieved::Signature)?;

    let mut is_signed = Choice::from(0);
    for secret in secrets {
        let Ok(mut mac) = <Hmac<Sha256>>::new_from_slice(secret.as_bytes()) else { continue };
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        let tag = api::hex(&mac.finalize().into_bytes());
        for given in header.split(',').filter_map(|item| item.strip_prefix("v1=")) {
            is_signed |= tag.as_bytes().ct_eq(given.as_bytes());
        }
    }
    if !bool::from(is_signed) {
        return Err(Unbelieved::Signature);
    }
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    if now.abs_diff(seconds) > TOLERANCE { Err(Unbelieved::Stale) } else { Ok(()) }
}

/// Five minutes, as with Stripe's own libraries.
const TOLERANCE: u64 = 300;

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn secrets(secrets: &[&str]) -> Vec<Zeroizing<String>> {
        secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())).collect()
    }

    pub(in super::super) fn tag(secret: &str, time: &str, body: &str) -> String {
        let mut mac = <Hmac<Sha256>>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{time}.{body}").as_bytes());
        api::hex(&mac.finalize().into_bytes())
    }

    /// D.
    #[test]
    fn what_the_vectors_accept_is_accepted_and_nothing_else() {
        let all = include_str!("../../../../tests/data/payment/stripe_webhook.json");
        let all: Value = serde_json::from_str(all).unwrap();
        let secrets = secrets(&[all["secret"].as_str().unwrap()]);
        let now = at(all["now"].as_u64().unwrap());
        for vector in all["vectors"].as_array().unwrap() {
            let text = |name: &str| vector[name].as_str().unwrap();
            let checked = check(&secrets, text("header"), text("payload").as_bytes(), now);
            assert_eq!(checked.is_ok(), text("expect") == "accept", "{} {checked:?}", text("name"));
        }
    }

    #[test]
    fn a_header_has_one_time_and_any_number_of_signatures() {
        let (ours, time, body) = (secrets(&["whsec_new", "whsec_old"]), "1700000000", "{}");
        let (new, old) = (tag("whsec_new", time, body), tag("whsec_old", time, body));
        let other = tag("whsec_other", time, body);
        let signature = Err(Unbelieved::Signature);
        for (header, expected) in [
            (format!("t={time},v1={new}"), Ok(())),
            (format!("t={time},v1={old}"), Ok(())),
            (format!("v1={new},t={time}"), Ok(())),
            (format!("t={time},v1={other},v1={new}"), Ok(())),
            (format!("t={time},v1={new},v1={other}"), Ok(())),
            (format!("t={time},v1={new},v0={other},v2=x,scheme"), Ok(())),
            (format!("t={time},v1={other}"), signature),
            (format!("t={time},v0={new}"), signature),
            (format!("t={time},t={time},v1={new}"), signature),
            (format!("t=1,t={time},v1={new}"), signature),
            (format!("t={time},t=1,v1={new}"), signature),
            (format!("t=+{time},v1={new}"), signature),
            (format!("t=,v1={new}"), signature),
            (format!("T={time},v1={new}"), signature),
            (format!("t={time},V1={new}"), signature),
            (format!("t={time},v1={}", new.to_uppercase()), signature),
            (format!("t={time},v1={new}0"), signature),
            (format!("t={time},v1={}", &new[..63]), signature),
            (format!("t={time},v1="), signature),
            (format!("t={time};v1={new}"), signature),
            (String::new(), signature),
        ] {
            assert_eq!(
                check(&ours, &header, body.as_bytes(), at(1_700_000_000)),
                expected,
                "{header}"
            );
        }
        // Without a secret nothing is signed.
        assert_eq!(check(&[], &format!("t={time},v1={new}"), b"{}", at(1_700_000_000)), signature);
    }

    #[test]
    fn five_minutes_either_way_and_not_a_second_more() {
        let secrets = secrets(&["whsec_1"]);
        for (time, expected) in [
            ("1699999699", Err(Unbelieved::Stale)),
            ("1699999700", Ok(())),
            ("1700000300", Ok(())),
            ("1700000301", Err(Unbelieved::Stale)),
            ("0", Err(Unbelieved::Stale)),
            ("18446744073709551615", Err(Unbelieved::Stale)),
        ] {
            let header = format!("t={time},v1={}", tag("whsec_1", time, "{}"));
            assert_eq!(check(&secrets, &header, b"{}", at(1_700_000_000)), expected, "{time}");
        }
    }
}
