//! What Paybox says of how a payment ended: `E` of `PBX_RETOUR`.

use super::super::super::state::State;

/// How far a payment is by this code.
///
/// | code | what it is |
/// | --- | --- |
/// | `00000` | paid |
/// | `00001` | the payer has given up, or the connection broke off |
/// | `001xx` | the bank has refused, for the reason xx |
/// | `00003` | the platform is out of order |
/// | `00004`, `00008`, `00021`, `00029` | the card's number, its date, or the card itself |
/// | `00006`, `00010`, `00011` | access, currency or amount: the set-up |
/// | `00009`, `00016`, `00031`, `00032` | subscriptions; reserved |
/// | `00015` | paid already |
/// | `00030` | more than a quarter of an hour on the page |
/// | `00033`, `00040` | the country; no 3-D Secure |
/// | `99999` | the bank does not know yet |
pub(super) fn state(code: &str) -> Option<State> {
    if code.len() != 5 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match code {
        "00000" => State::Paid,
        "00001" => State::Cancelled,
        "00030" => State::Expired,
        // The second says nothing of how the other payment ended.
        "99999" | "00015" => State::Pending,
        _ => State::Refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_alone_pays() {
        let paid = |code: u32| state(&format!("{code:05}")) == Some(State::Paid);
        assert_eq!((0..100_000).filter(|code| paid(*code)).collect::<Vec<_>>(), [0]);
        for (code, expected) in [
            ("00001", Some(State::Cancelled)),
            ("00105", Some(State::Refused)),
            ("00003", Some(State::Refused)),
            ("00030", Some(State::Expired)),
            ("99999", Some(State::Pending)),
            ("00015", Some(State::Pending)),
            ("0", None),
            ("000000", None),
            ("0000O", None),
            (" 00000", None),
            ("+0000", None),
            ("", None),
        ] {
            assert_eq!(state(code), expected, "{code}");
        }
    }
}
