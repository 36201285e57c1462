use std::ffi::OsString;
use std::time::Duration;

use super::*;

fn key(from: u8) -> Key {
    Key::from_bytes(&bytes(from)).unwrap()
}

fn bytes(from: u8) -> [u8; 32] {
    std::array::from_fn(|at| from.wrapping_add(u8::try_from(at).unwrap()))
}

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

fn refused(keys: impl Into<KeySet>) -> ConfigError {
    KeyRing::new(keys).unwrap_err()
}

#[test]
fn short_and_empty_keys_are_refused() {
    for len in [0, 1, 16, 31] {
        let error = Key::from_bytes(&bytes(1)[..len]).unwrap_err();
        assert_eq!(error, ConfigError::ShortKey { len });
    }
    assert!(Key::from_bytes(&bytes(1)).is_ok());
    assert!(Key::from_bytes(&[bytes(1), bytes(2)].concat()).is_ok());
}

#[test]
fn keys_that_were_never_filled_are_refused() {
    for byte in [0, 1, 0x20, 0xff] {
        assert_eq!(Key::from_bytes(&[byte; 32]).unwrap_err(), ConfigError::RepeatedByte);
        assert_eq!(Key::from_bytes(&[byte; 64]).unwrap_err(), ConfigError::RepeatedByte);
    }
}

#[test]
fn a_key_twice_is_refused() {
    let error = refused(KeySet::new(key(1)).accept(key(1), at(9)));
    assert_eq!(error, ConfigError::SameKey { id: key(1).id() });
    let error = refused(KeySet::new(key(1)).accept(key(2), at(9)).accept(key(2), at(8)));
    assert_eq!(error, ConfigError::SameKey { id: key(2).id() });
    let error = refused(KeySet::new(key(1)).retired(key(1).id()));
    assert_eq!(error, ConfigError::RetiredAndHeld { id: key(1).id() });
}

#[test]
fn sixteen_keys_are_enough() {
    let set = |older| (1..=older).fold(KeySet::new(key(0)), |set, n| set.accept(key(n), at(9)));
    assert!(KeyRing::new(set(15)).is_ok());
    assert_eq!(refused(set(16)), ConfigError::TooManyKeys { count: 17 });

    let set = |ids| (0..ids).fold(KeySet::new(key(0)), |set, id| set.retired(KeyId::from(id)));
    assert!(KeyRing::new(set(64)).is_ok());
    assert_eq!(refused(set(65)), ConfigError::TooManyRetired { count: 65 });
}

/// `hashlib.sha256(b"donjon key id\0" + bytes(range(32))).hexdigest()[:8]` in Python.
#[test]
fn ids_are_the_same_everywhere() {
    assert_eq!(key(0).id().to_string(), "ffdcf2b1");
    assert_eq!(key(0).id(), key(0).id());
    assert_ne!(key(0).id(), key(1).id());
    assert_eq!(KeyId::from(u32::from(key(0).id())), key(0).id());
}

#[test]
fn one_key_has_many_spellings() {
    // bytes(range(0xf0, 0x110)), so that both alphabets differ.
    let key = key(0xf0);
    for text in [
        "8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8=",
        "8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8",
        "8PHy8_T19vf4-fr7_P3-_wABAgMEBQYHCAkKCwwNDg8=",
        "8PHy8_T19vf4-fr7_P3-_wABAgMEBQYHCAkKCwwNDg8",
        "\n 8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8=\r\n",
    ] {
        assert_eq!(Key::from_base64(text).unwrap().id(), key.id(), "{text}");
    }
    let hex = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f";
    assert_eq!(Key::from_hex(hex).unwrap().id(), key.id());
    assert_eq!(Key::from_hex(&format!("{}\n", hex.to_uppercase())).unwrap().id(), key.id());
}

#[test]
fn what_is_no_key_is_refused() {
    for text in [
        "8PHy8_T19/",
        "8PHy 8PHy",
        "8PHy=8PHy",
        "é",
        "A",
        "8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg9",
    ] {
        assert_eq!(Key::from_base64(text).unwrap_err(), ConfigError::NotBase64, "{text}");
    }
    assert_eq!(Key::from_base64("").unwrap_err(), ConfigError::ShortKey { len: 0 });
    for text in ["0", "0g", "0x00", "é", "00 00"] {
        assert_eq!(Key::from_hex(text).unwrap_err(), ConfigError::NotHex, "{text}");
    }
}

const A: &str = "8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8=";
const B: &str = "L9ZTX_8AX58p8J4yYcUavChXzSDZ6sbOhCRLLIshbDE";

fn listed(text: &str) -> Result<KeySet, ConfigError> {
    text::keys_in("KEYS", Some(text.into()))
}

#[test]
fn a_list_has_the_newest_first_and_dates_for_the_others() {
    let set = listed(&format!("{A}\n")).unwrap();
    assert_eq!((set.active.key.id(), set.older.len()), (key(0xf0).id(), 0));

    let set = listed(&format!(" {A} ,\n {B}@2033-05-18T03:33:20Z ")).unwrap();
    assert_eq!(set.active.key.id(), key(0xf0).id());
    assert_eq!(set.older[0].key.id(), Key::from_base64(B).unwrap().id());
    assert_eq!(set.older[0].until, Some(at(2_000_000_000)));
}

#[test]
fn a_wrong_list_says_where() {
    let wrong = |position, error| ConfigError::InList { position, error: Box::new(error) };
    for (list, error) in [
        (format!("{A}@2033-05-18T03:33:20Z,{B}"), wrong(1, ConfigError::ActiveUntil)),
        (format!("{A},{B}"), wrong(2, ConfigError::NoDate)),
        (format!("{A},{B}@soon"), wrong(2, ConfigError::Date)),
        (format!("{A},{B}@2033-05-18"), wrong(2, ConfigError::Date)),
        (format!("{A},!@2033-05-18T03:33:20Z"), wrong(2, ConfigError::NotBase64)),
        (format!("{A},"), wrong(2, ConfigError::NoDate)),
        (format!(",{A}"), wrong(1, ConfigError::ShortKey { len: 0 })),
        (" \n".to_owned(), ConfigError::NoVariable { name: "KEYS".to_owned() }),
    ] {
        assert_eq!(listed(&list).unwrap_err(), error, "{list}");
    }
}

#[test]
fn variables_that_hold_no_keys_are_refused() {
    let missing = KeyRing::from_env("DONJON_NO_SUCH_VARIABLE").unwrap_err();
    assert!(missing.to_string().contains("DONJON_NO_SUCH_VARIABLE"), "{missing}");
    assert!(KeyRing::from_env("CARGO_MANIFEST_DIR").is_err());
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(vec![0xff; 40]);
        let error = text::keys_in("KEYS", Some(value)).unwrap_err();
        assert_eq!(error, ConfigError::NotUnicode { name: "KEYS".to_owned() });
    }
}

#[test]
fn clones_follow() {
    let ring = KeyRing::new(key(1)).unwrap();
    let clone = ring.clone();

    ring.replace(KeySet::new(key(2)).accept(key(1), at(9))).unwrap();
    assert_eq!(clone.active_id(), key(2).id());

    clone.replace(KeySet::new(key(3)).accept(key(3), at(9))).unwrap_err();
    assert_eq!(ring.active_id(), key(2).id(), "an error changes nothing");
}

/// No error and no `Debug` has anything of a key: neither its bytes nor its text.
#[test]
fn nothing_leaks_a_key() {
    let set = KeySet::new(key(0xf0)).accept(key(1), at(9)).retired(KeyId::from(7));
    let ring = KeyRing::new(set.clone()).unwrap();
    let id = key(0xf0).id();

    assert_eq!(format!("{:?}", key(0xf0)), format!("Key {{ id: KeyId({id}), .. }}"));
    let wrong = [
        listed(&format!("{A}@{B}")).unwrap_err(),
        listed(&format!("{A},{B}@{A}")).unwrap_err(),
        listed(&format!("{A}!")).unwrap_err(),
        Key::from_hex(A).unwrap_err(),
        refused(set.clone().accept(key(1), at(1))),
    ];
    for printed in [format!("{set:?} {ring:?}"), format!("{wrong:?}")]
        .into_iter()
        .chain(wrong.iter().map(ToString::to_string))
    {
        for secret in ["240, 241", "f0, f1", "f0f1", "8PHy", "L9ZT", "1, 2, 3"] {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
    }
}

/// The bytes are wiped when the last clone goes: they are in a `Zeroizing` and nowhere else.
#[test]
fn the_secret_is_of_a_type_that_wipes_itself() {
    fn wipes(_: &impl zeroize::ZeroizeOnDrop) {}
    wipes(&*key(1).secret);
    assert_eq!(Arc::strong_count(&key(1).secret), 1);
}

#[test]
fn random_keys_differ() {
    assert_ne!(Key::random().secret, Key::random().secret);
}
