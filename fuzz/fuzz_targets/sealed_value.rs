//! Whatever bytes come for a sealed value: none opens but those that were made, whole and unchanged.

#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use arbitrary::Arbitrary;
use donjon::cookies::{SealContext, Sealer};
use donjon::keys::{Key, KeyRing};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    encrypted: bool,
    payload: &'a [u8],
    name: &'a str,
    audience: &'a [u8],
    forged: &'a [u8],
    /// Where a byte of the genuine text is replaced.
    change: (u16, u8),
}

static SEALERS: LazyLock<[Sealer; 2]> = LazyLock::new(|| {
    let ring = KeyRing::new(Key::random()).unwrap();
    [Sealer::signed(&ring, "a", "b").unwrap(), Sealer::encrypted(&ring, "a", "b").unwrap()]
});

fuzz_target!(|input: Input<'_>| {
    let sealer = &SEALERS[usize::from(input.encrypted)];
    let context = SealContext::new(input.name).audience(input.audience);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
    let mut buffer = Vec::new();
    assert!(sealer.open(&context, input.forged, now).is_err());
    assert!(sealer.open_into(&context, input.forged, now, &mut buffer).is_err());
    assert!(buffer.is_empty());

    let until = now + Duration::from_secs(60);
    let Ok(sealed) = sealer.seal(&context, input.payload, until, now) else { return };
    let opened = sealer.open(&context, &sealed, now).unwrap();
    assert_eq!((&opened.payload[..], opened.expires_at), (input.payload, until));
    assert_eq!(
        sealer.open_into(&context, &sealed, now, &mut buffer).unwrap().payload,
        input.payload
    );
    assert!(sealer.open(&context, &sealed, until).is_err());
    assert!(SEALERS[usize::from(!input.encrypted)].open(&context, &sealed, now).is_err());

    let mut changed = sealed.clone().into_bytes();
    let at = usize::from(input.change.0) % changed.len();
    if std::mem::replace(&mut changed[at], input.change.1) != input.change.1 {
        assert!(sealer.open(&context, &changed, now).is_err(), "{at}");
    }
});
