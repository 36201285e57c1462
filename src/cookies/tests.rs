use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;

use super::*;
use crate::keys::{Key, KeyId, KeyRing, KeySet};

const SID: SealContext<'_> = SealContext::new("__Host-sid").audience(b"web");
const NOW: u64 = 1_999_990_000;
const EXPIRY: u64 = 2_000_000_000;

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

fn key(from: u8) -> Key {
    let bytes: [u8; 32] = std::array::from_fn(|at| from.wrapping_add(u8::try_from(at).unwrap()));
    Key::from_bytes(&bytes).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(key(0)).unwrap()
}

/// One of each kind, for the shop's sessions.
fn both(ring: &KeyRing) -> [Sealer; 2] {
    sealers(ring, "shop", "session")
}

fn sealers(ring: &KeyRing, app: &str, purpose: &str) -> [Sealer; 2] {
    [Sealer::signed(ring, app, purpose).unwrap(), Sealer::encrypted(ring, app, purpose).unwrap()]
}

fn seal(sealer: &Sealer, payload: &[u8]) -> String {
    sealer.seal(&SID, payload, at(EXPIRY), at(NOW)).unwrap()
}

fn reason(sealer: &Sealer, context: &SealContext<'_>, value: impl AsRef<[u8]>) -> OpenReason {
    sealer.open(context, value, at(NOW)).unwrap_err().reason()
}

/// Values made in Python with `hmac`, `hashlib` and an AES-GCM-SIV of a few
/// lines that agrees with RFC 8452, appendix C.2. If this fails, the cookies of all users have
/// become worthless: make a new version of the format instead.
///
/// ```python
/// key = bytes(range(32)); kid = sha256(b"donjon key id\0" + key).digest()[:4]
/// lp = lambda b: pack(">Q", len(b)) + b; bound = lp(b"shop") + lp(b"session")
/// sub = lambda first: H(H(b"donjon keys 1", key), bytes([first]) + bound + b"\1")
/// head = lambda first: bytes([first]) + kid + pack(">Q", 2_000_000_000)
/// aad = lambda h: b"donjon seal 1" + bound + lp(b"__Host-sid") + lp(b"web") + h
/// signed = head(0x11) + b"user 42" + H(sub(0x11), aad(head(0x11)) + b"user 42")
/// encrypted = head(0x12) + b"\7" * 12 + siv(sub(0x12), b"\7" * 12, b"user 42", aad(head(0x12)))
/// ```
#[test]
fn the_format_is_what_it_was() {
    let known = [
        "Ef_c8rEAAAAAdzWUAHVzZXIgNDKTwVcHBLOCvdiO5Ab_nxl9L79IAK7pQIXTX9UjQ9kfTw",
        "Ev_c8rEAAAAAdzWUAAcHBwcHBwcHBwcHB7nTB0a_OvrZm-rhrheF4subGXcmN2AU",
    ];
    for (sealer, known) in both(&ring()).iter().zip(known) {
        let value = sealer.seal_with([7; 12], &SID, b"user 42", at(EXPIRY), at(NOW)).unwrap();
        assert_eq!(value, known);
        let opened = sealer.open(&SID, known, at(NOW)).unwrap();
        assert_eq!((&**opened.payload, opened.expires_at), (&b"user 42"[..], at(EXPIRY)));
    }
}

/// RFC 8452, appendix C.2: the crate does what it says.
#[test]
fn the_cipher_is_that_of_the_rfc() {
    use aes_gcm_siv::{AeadInOut as _, Aes256GcmSiv, KeyInit as _, Nonce};
    let [mut key, mut nonce] = [[0; 32], [0; 32]];
    (key[0], nonce[0]) = (1, 3);
    let nonce = Nonce::try_from(&nonce[..12]).unwrap();
    let mut text = [1, 0, 0, 0, 0, 0, 0, 0];
    let cipher = Aes256GcmSiv::new(&key.into());
    let tag = cipher.encrypt_inout_detached(&nonce, &[], (&mut text[..]).into()).unwrap();
    assert_eq!(u64::from_be_bytes(text), 0xc2ef_328e_5c71_c83b);
    assert_eq!(u128::from_be_bytes(tag.into()), 0x8431_2213_0f73_64b7_61e0_b974_27e3_df28);
}

/// B1, B2.
#[test]
fn a_value_is_good_where_it_was_sealed_and_nowhere_else() {
    let ring = ring();
    for (kind, sealer) in both(&ring).iter().enumerate() {
        let value = seal(sealer, b"admin");
        for context in [
            SealContext::new("role").audience(b"web"),
            SealContext::new("__Host-sid"),
            SealContext::new("__Host-sid").audience(b"api"),
            SealContext::new("__Host-sidweb"),
            SealContext::new("__host-sid").audience(b"web"),
        ] {
            assert_eq!(reason(sealer, &context, &value), OpenReason::Tampered, "{context:?}");
        }
        for (app, purpose) in [("blog", "session"), ("shop", "csrf"), ("session", "shop")] {
            let other = &sealers(&ring, app, purpose)[kind];
            assert_eq!(reason(other, &SID, &value), OpenReason::Tampered, "{app} {purpose}");
        }
        assert_eq!(**sealer.clone().open(&SID, &value, at(NOW)).unwrap().payload, *b"admin");
    }
}

/// B1 with boundaries moved: what is long in one part and short in the next.
#[test]
fn boundaries_do_not_move() {
    let ring = ring();
    for kind in 0..2 {
        let sealer = |app, purpose| sealers(&ring, app, purpose)[kind].clone();
        let value = seal(&sealer("ab", "c"), b"x");
        assert_eq!(reason(&sealer("a", "bc"), &SID, &value), OpenReason::Tampered);

        let [long, short] = [("ab", b"c".as_slice()), ("a", b"bc")]
            .map(|(name, audience)| SealContext::new(name).audience(audience));
        let sealer = sealer("ab", "c");
        let value = sealer.seal(&long, b"x", at(EXPIRY), at(NOW)).unwrap();
        assert_eq!(reason(&sealer, &short, &value), OpenReason::Tampered);
        assert!(sealer.open(&long, &value, at(NOW)).is_ok());
    }
}

/// B4.
#[test]
fn no_bit_can_be_flipped() {
    for sealer in both(&ring()) {
        let value = seal(&sealer, b"user 42");
        let bytes = BASE64.decode(&value).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0 => OpenReason::Malformed,
                1..5 => OpenReason::UnknownKey,
                _ => OpenReason::Tampered,
            };
            assert_eq!(reason(&sealer, &SID, BASE64.encode(&bytes)), expected, "bit {bit}");
        }
        for bit in 0..value.len() * 8 {
            let mut text = value.clone().into_bytes();
            text[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.open(&SID, &text, at(NOW)).is_err(), "bit {bit} of the text");
        }
    }
}

#[test]
fn nothing_is_cut_off_or_added() {
    for sealer in both(&ring()) {
        let value = seal(&sealer, b"user 42");
        let bytes = BASE64.decode(&value).unwrap();
        for len in 0..value.len() {
            assert!(sealer.open(&SID, &value[..len], at(NOW)).is_err());
            assert!(sealer.open(&SID, &value[len + 1..], at(NOW)).is_err());
        }
        for len in 0..bytes.len() {
            assert!(sealer.open(&SID, BASE64.encode(&bytes[..len]), at(NOW)).is_err());
        }
        for more in ["A", "AA", "AAA", "AAAA", "=", "==", " ", "\n", "\0"] {
            assert!(sealer.open(&SID, format!("{value}{more}"), at(NOW)).is_err(), "{more:?}");
            assert!(sealer.open(&SID, format!("{more}{value}"), at(NOW)).is_err(), "{more:?}");
        }
        let huge = vec![b'A'; 1 << 20];
        assert_eq!(reason(&sealer, &SID, &huge), OpenReason::Malformed);
    }
}

#[test]
fn there_is_one_text_for_one_value() {
    for sealer in both(&ring()) {
        let texts = ["", "1", "12"].map(|payload| seal(&sealer, payload.as_bytes()));
        assert!(texts.iter().any(|text| text.len() % 4 != 0));
        for text in texts {
            let mut same = 0;
            for last in *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=" {
                let mut other = text.clone().into_bytes();
                *other.last_mut().unwrap() = last;
                same += usize::from(sealer.open(&SID, other, at(NOW)).is_ok());
            }
            assert_eq!(same, 1);
        }
    }
}

/// B6: there is no leeway, and the second of the expiry itself is too late.
#[test]
fn a_value_is_good_before_its_expiry() {
    for sealer in both(&ring()) {
        let value = seal(&sealer, b"x");
        let nearly = at(EXPIRY) - Duration::from_nanos(1);
        for good in [at(NOW), at(EXPIRY - 1), nearly, UNIX_EPOCH] {
            assert!(sealer.open(&SID, &value, good).is_ok());
        }
        for late in [at(EXPIRY), at(EXPIRY + 1), at(1 << 40)] {
            let error = sealer.open(&SID, &value, late).unwrap_err();
            assert_eq!(error.reason(), OpenReason::Expired);
        }
        let mut edited = BASE64.decode(&value).unwrap();
        edited[5..13].copy_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(reason(&sealer, &SID, BASE64.encode(edited)), OpenReason::Tampered);

        let half = at(EXPIRY) + Duration::from_millis(500);
        let value = sealer.seal(&SID, b"x", half, at(NOW)).unwrap();
        assert_eq!(sealer.open(&SID, &value, at(NOW)).unwrap().expires_at, at(EXPIRY));
    }
}

/// B7.
#[test]
fn nothing_is_sealed_for_longer_than_allowed_or_for_no_time() {
    for sealer in both(&ring()) {
        let days = |days: u64| at(NOW) + Duration::from_secs(days * 86_400);
        let outcome = |sealer: &Sealer, until| sealer.seal(&SID, b"x", until, at(NOW)).map(drop);
        assert_eq!(outcome(&sealer, days(400)), Ok(()));
        assert!(matches!(outcome(&sealer, days(401)), Err(SealError::TooFar { .. })));
        assert_eq!(outcome(&sealer, at(NOW)), Err(SealError::Past));
        assert_eq!(outcome(&sealer, at(NOW) + Duration::from_millis(999)), Err(SealError::Past));
        assert_eq!(outcome(&sealer, UNIX_EPOCH - Duration::from_secs(1)), Err(SealError::Past));
        assert_eq!(sealer.seal(&SID, b"x", at(NOW), at(EXPIRY)), Err(SealError::Past), "swapped");

        let limit = Duration::from_secs(60);
        let sealer = sealer.max_lifetime(limit);
        let lifetime = Duration::from_secs(61);
        let error = SealError::TooFar { lifetime, limit };
        assert_eq!(outcome(&sealer, at(NOW) + lifetime), Err(error));
        assert_eq!(outcome(&sealer, at(NOW) + limit), Ok(()));
    }
}

/// B8.
#[test]
fn what_an_older_key_has_sealed_is_to_be_sealed_anew() {
    let ring = ring();
    for sealer in both(&ring) {
        ring.replace(key(0)).unwrap();
        let value = seal(&sealer, b"x");
        assert!(!sealer.open(&SID, &value, at(NOW)).unwrap().needs_reseal);

        ring.replace(KeySet::new(key(1)).accept(key(0), at(NOW + 10))).unwrap();
        assert!(sealer.open(&SID, &value, at(NOW + 9)).unwrap().needs_reseal);
        assert!(!sealer.open(&SID, seal(&sealer, b"x"), at(NOW)).unwrap().needs_reseal);
        for late in [NOW + 10, NOW + 11, EXPIRY] {
            let error = sealer.open(&SID, &value, at(late)).unwrap_err();
            assert_eq!(error.reason(), OpenReason::RetiredKey);
        }

        ring.replace(KeySet::new(key(1)).retired(key(0).id())).unwrap();
        assert_eq!(reason(&sealer, &SID, &value), OpenReason::RetiredKey);
        ring.replace(key(1)).unwrap();
        assert_eq!(reason(&sealer, &SID, &value), OpenReason::UnknownKey);
    }
}

/// B9.
#[test]
fn values_open_while_the_keys_are_replaced() {
    let ring = ring();
    for sealer in both(&ring) {
        ring.replace(KeySet::new(key(0)).accept(key(1), at(EXPIRY))).unwrap();
        let old = seal(&sealer, b"x");
        ring.replace(KeySet::new(key(1)).accept(key(0), at(EXPIRY))).unwrap();
        let new = seal(&sealer, b"x");
        let (done, opened) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let mut buffer = Vec::new();
                        while !done.load(Ordering::Relaxed) {
                            let fresh = seal(&sealer, b"x");
                            for value in [&old, &new, &fresh] {
                                sealer.open_into(&SID, value, at(NOW), &mut buffer)?;
                            }
                            opened.fetch_add(3, Ordering::Relaxed);
                        }
                        Ok::<_, OpenError>(())
                    })
                })
                .collect();
            let mut rounds = 0;
            while rounds < 100 || opened.load(Ordering::Relaxed) < 1000 {
                let (active, older) = (rounds % 2, 1 - rounds % 2);
                ring.replace(KeySet::new(key(active)).accept(key(older), at(EXPIRY))).unwrap();
                rounds = (rounds + 1) % 200;
                if threads.iter().any(thread::ScopedJoinHandle::is_finished) {
                    break;
                }
                thread::yield_now();
            }
            done.store(true, Ordering::Relaxed);
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
    }
}

/// B10: the id decides; no other key is tried, and a key is no good for the other kind.
#[test]
fn only_the_key_of_the_id_is_tried() {
    let ring = KeyRing::new(KeySet::new(key(0)).accept(key(1), at(EXPIRY))).unwrap();
    let [signed, encrypted] = both(&ring);
    for sealer in [&signed, &encrypted] {
        let value = seal(sealer, b"x");
        for (id, expected) in [
            (KeyId::from(0xdead_beef), OpenReason::UnknownKey),
            (key(1).id(), OpenReason::Tampered),
        ] {
            let mut bytes = BASE64.decode(&value).unwrap();
            bytes[1..5].copy_from_slice(&u32::from(id).to_be_bytes());
            assert_eq!(reason(sealer, &SID, BASE64.encode(bytes)), expected);
        }
    }
    // Of the other kind, and of the other kind called this one.
    for (from, to, first) in [(&signed, &encrypted, 0x12), (&encrypted, &signed, 0x11)] {
        let value = seal(from, b"a payload long enough");
        assert_eq!(reason(to, &SID, &value), OpenReason::Malformed);
        let mut bytes = BASE64.decode(&value).unwrap();
        bytes[0] = first;
        assert_eq!(reason(to, &SID, BASE64.encode(bytes)), OpenReason::Tampered);
    }
}

/// B10: to the client all failures are one.
#[test]
fn failures_look_alike() {
    let errors = [
        OpenReason::Malformed,
        OpenReason::UnknownKey,
        OpenReason::RetiredKey,
        OpenReason::Tampered,
        OpenReason::Expired,
    ]
    .map(OpenError::new);
    for error in errors {
        assert_eq!(error.to_string(), "the value is not valid");
        assert_eq!(error.reason().to_string(), error.reason().as_str());
    }
}

/// B11: what SIV is for.
#[test]
fn a_repeated_nonce_gives_nothing_away_but_that_two_are_the_same() {
    let [_, sealer] = both(&ring());
    assert_ne!(seal(&sealer, b"the same"), seal(&sealer, b"the same"));

    let body = |context: &SealContext<'_>, payload: &[u8]| {
        let value = sealer.seal_with([7; 12], context, payload, at(EXPIRY), at(NOW)).unwrap();
        BASE64.decode(value).unwrap()[25..].to_vec()
    };
    let one = body(&SID, b"the same, or nearly 1");
    assert_eq!(one, body(&SID, b"the same, or nearly 1"));
    for other in [
        body(&SID, b"the same, or nearly 2"),
        body(&SealContext::new("b"), b"the same, or nearly 1"),
    ] {
        // Under a plain counter mode all but one byte of these would be the same.
        let same = one.iter().zip(&other).filter(|(one, other)| one == other).count();
        assert!(same <= 4, "{same} bytes of {}", one.len());
    }
}

#[test]
fn an_encrypted_payload_cannot_be_read() {
    let [signed, encrypted] = both(&ring());
    let bytes = |sealer| BASE64.decode(seal(sealer, b"a secret")).unwrap();
    let shows = |bytes: Vec<u8>| bytes.windows(8).any(|window| window == b"a secret");
    assert!(shows(bytes(&signed)) && !shows(bytes(&encrypted)));
}

/// B12: every comparison of a tag is `verify_slice` or the cipher's own.
#[test]
fn no_tag_is_compared_by_operator() {
    for source in [include_str!("sealer.rs"), include_str!("subkeys.rs")] {
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let compares = line.contains("==") || line.contains("!=") || line.contains(".eq(");
            assert!(!(compares && line.contains("tag")), "{line}");
        }
    }
    assert!(include_str!("subkeys.rs").contains(".verify_slice(tag)"));
}

/// B13.
#[test]
fn debug_does_not_leak() {
    let ring = ring();
    for sealer in both(&ring) {
        let opened = sealer.open(&SID, seal(&sealer, b"zyx"), at(NOW)).unwrap();
        let printed = format!("{sealer:?} {opened:?}");
        for secret in ["1, 2", "0102", "zyx", "122, 121"] {
            assert!(!printed.contains(secret), "{printed}");
        }
        assert!(printed.contains(&ring.active_id().to_string()), "{printed}");
    }
}

#[test]
fn a_failure_leaves_nothing_in_the_buffer() {
    for sealer in both(&ring()) {
        let value = seal(&sealer, b"a secret");
        let mut buffer = Vec::new();
        assert_eq!(
            sealer.open_into(&SID, &value, at(NOW), &mut buffer).unwrap().payload,
            b"a secret"
        );
        sealer.open_into(&SID, &value, at(EXPIRY), &mut buffer).unwrap_err();
        assert!(buffer.is_empty());
        let len = buffer.capacity();
        // What is left shows when the buffer is made longer only where it was not wiped; the spare
        // room itself cannot be looked at without unsafe code.
        buffer.resize(len, 0);
        assert!(buffer.iter().all(|byte| *byte == 0));
    }
}

/// B14.
#[test]
fn what_browsers_would_drop_is_an_error() {
    for (sealer, overhead) in both(&ring()).into_iter().zip([45, 41]) {
        let seal = |len| sealer.seal(&SID, &vec![1; len], at(EXPIRY), at(NOW));
        let fits = (4096 - "__Host-sid".len()) * 3 / 4 - overhead;
        let value = seal(fits).unwrap();
        assert!(value.len() + 10 <= 4096, "{}", value.len());
        assert_eq!(sealer.open(&SID, &value, at(NOW)).unwrap().payload.len(), fits);
        let error = seal(fits + 1).unwrap_err();
        let SealError::TooLarge { name, len, limit } = &error else { panic!("{error}") };
        assert_eq!((name.as_str(), *limit), ("__Host-sid", 4096));
        assert!(*len > 4096 && *len < 4100, "{len}");
        assert!(matches!(seal(1 << 20), Err(SealError::TooLarge { .. })));
    }
}

#[test]
fn long_names_and_audiences_are_bound_too() {
    let long = "a".repeat(1000);
    let context = SealContext::new("sid").audience(long.as_bytes());
    for sealer in both(&ring()) {
        let value = sealer.seal(&context, b"x", at(EXPIRY), at(NOW)).unwrap();
        assert!(sealer.open(&context, &value, at(NOW)).is_ok());
        let other = SealContext::new("sid").audience(&long.as_bytes()[1..]);
        assert_eq!(reason(&sealer, &other, &value), OpenReason::Tampered);
    }
}

#[test]
fn an_application_without_a_name_is_refused() {
    for (app, purpose) in [("", "session"), ("shop", "")] {
        assert!(matches!(Sealer::signed(&ring(), app, purpose), Err(ConfigError::NoName { .. })));
        assert!(matches!(
            Sealer::encrypted(&ring(), app, purpose),
            Err(ConfigError::NoName { .. })
        ));
    }
}

#[test]
fn opening_into_a_buffer_allocates_nothing() {
    for sealer in both(&ring()) {
        let value = seal(&sealer, &[1; 64]);
        let mut buffer = Vec::with_capacity(value.len());
        let mut wrong = value.clone().into_bytes();
        wrong[60] ^= 1;
        let count = allocation_counter::measure(|| {
            assert!(sealer.open_into(&SID, &value, at(NOW), &mut buffer).is_ok());
            assert!(sealer.open_into(&SID, &wrong, at(NOW), &mut buffer).is_err());
        })
        .count_total;
        assert_eq!(count, 0);
        let count =
            allocation_counter::measure(|| drop(sealer.open(&SID, &value, at(NOW)))).count_total;
        assert_eq!(count, 1);
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        payload in proptest::collection::vec(any::<u8>(), 0..2900),
        name in "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}",
        audience in proptest::collection::vec(any::<u8>(), 0..300),
        lifetime in 1..400 * 86_400_u64,
    ) {
        let context = SealContext::new(&name).audience(&audience);
        for sealer in both(&ring()) {
            let value = sealer.seal(&context, &payload, at(NOW + lifetime), at(NOW)).unwrap();
            let opened = sealer.open(&context, &value, at(NOW)).unwrap();
            prop_assert_eq!(&*opened.payload, &payload);
            prop_assert_eq!(opened.expires_at, at(NOW + lifetime));
            let mut buffer = Vec::new();
            let opened = sealer.open_into(&context, &value, at(NOW), &mut buffer).unwrap();
            prop_assert_eq!(opened.payload, &payload);
        }
    }

    #[test]
    fn a_flipped_bit_is_refused(
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        bit in any::<prop::sample::Index>(),
    ) {
        for sealer in both(&ring()) {
            let mut value = seal(&sealer, &payload).into_bytes();
            let bit = bit.index(value.len() * 8);
            value[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(sealer.open(&SID, &value, at(NOW)).is_err());
        }
    }

    #[test]
    fn no_bytes_panic_or_open(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let id = u32::from(key(0).id()).to_be_bytes();
        for (sealer, first) in both(&ring()).iter().zip([0x11, 0x12]) {
            prop_assert!(sealer.open(&SID, &bytes, at(NOW)).is_err());
            prop_assert!(sealer.open(&SID, BASE64.encode(&bytes), at(NOW)).is_err());
            let value = BASE64.encode([&[first], &id[..], &bytes].concat());
            prop_assert!(sealer.open(&SID, value, at(NOW)).is_err());
        }
    }
}
