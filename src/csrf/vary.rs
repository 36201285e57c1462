//! What caches are told.

use bytes::Bytes;

use crate::head::{Name, ResponseHead};

/// Tells caches what the answer depends on, unless they keep it not at all.
#[cold]
pub(super) fn vary<H: ResponseHead>(response: &mut H) {
    let has = |name: &Name, word: &[u8]| {
        let mut words = response.header(name).flat_map(|line| line.split(|byte| *byte == b','));
        words.any(|listed| listed.trim_ascii().eq_ignore_ascii_case(word))
    };
    if has(&CACHE_CONTROL, b"no-store") || has(&VARY, b"*") {
        return;
    }
    let missing = match (has(&VARY, b"sec-fetch-site"), has(&VARY, b"origin")) {
        (true, true) => return,
        (true, false) => "Origin",
        (false, true) => "Sec-Fetch-Site",
        (false, false) => "Sec-Fetch-Site, Origin",
    };
    response.append_bytes(&VARY, Bytes::from_static(missing.as_bytes()));
}

static CACHE_CONTROL: Name = Name::from_static("cache-control");
static VARY: Name = Name::from_static("vary");
