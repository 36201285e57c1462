use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use tokio_test::{assert_pending, assert_ready, block_on, task};

use super::error::Unreadable;
use super::phc::Stored;
use super::threads::Work;
use super::*;
use crate::clock::{Clock, ManualClock};
use crate::keys::{Key, KeyRing, KeySet};

/// Guessed in microseconds.
const WEAK: Params = Params { memory_kib: 64, passes: 2, lanes: 1 };
const HERON: &str = "heron at dusk";
/// Its hash, with the salt `salt of 16 bytes`.
const HASH: &str = "$argon2id$v=19$m=64,t=2,p=1$c2FsdCBvZiAxNiBieXRlcw$\
                    Tn1GO6iR32o0pkdsfgHqu9D5IdCvzgdjhNBoRtPxmKo";
const PEPPERED: &str = "$argon2id$v=19$m=64,t=2,p=1,keyid=/9zysQ$c2FsdCBvZiAxNiBieXRlcw$\
                        vU4AIpGS1nbHddPNwy247eWtNMi9zsZSngLt2+D4gCU";

fn weak() -> PasswordsBuilder {
    Passwords::custom(WEAK).max_concurrent(2)
}

fn key(from: u8) -> Key {
    let bytes: [u8; 32] = std::array::from_fn(|at| from.wrapping_add(u8::try_from(at).unwrap()));
    Key::from_bytes(&bytes).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(key(0)).unwrap()
}

fn verify(passwords: &Passwords, password: &str, stored: &str) -> Verified {
    block_on(passwords.verify(password, Some(stored))).unwrap()
}

/// What a verification comes to, and what was computed for it.
fn computed(
    passwords: &Passwords,
    password: impl Into<Password>,
    stored: Option<&str>,
) -> (Verified, Vec<Params>) {
    passwords.0.engine.runs.lock().unwrap().clear();
    let verified = block_on(passwords.verify(password, stored)).unwrap();
    (verified, passwords.0.engine.runs.lock().unwrap().clone())
}

const FRESH: Verified = Verified::Match { needs_rehash: false };
const OUTDATED: Verified = Verified::Match { needs_rehash: true };

/// Made by the C reference implementation, libargon2 20171227, from Python:
///
/// ```python
/// key = bytes(range(32)); kid = sha256(b"donjon key id\0" + key).digest()[:4]
/// pepper = H(H(b"donjon keys 1", key), b"donjon pepper 1\1")
/// ```
///
/// If this fails, nobody can log in any more.
#[test]
fn hashes_are_those_of_the_reference() {
    let passwords = weak().pepper(&ring()).build().unwrap();
    for (password, stored, verified) in [
        (HERON, PEPPERED, FRESH),
        (
            "\0heron\0",
            "$argon2id$v=19$m=64,t=2,p=1,keyid=/9zysQ$c2FsdCBvZiAxNiBieXRlcw$\
             CcPrJLGiP94Fh9fg+RhHlUQ+AYjDWnn2hen5n8K7Pmg",
            FRESH,
        ),
        (
            "h\u{e9}ron",
            "$argon2id$v=19$m=64,t=3,p=4,keyid=/9zysQ$c2FsdCBvZiAxNiBieXRlcw$\
             kpPIYMBE2IKe0CEOnuYi/O2Zp/z97u9I1X8TyVe1Lwo",
            OUTDATED,
        ),
        (HERON, HASH, OUTDATED),
        (HERON, "$argon2id$v=19$m=64,t=2,p=1$OCBieXRlcyE$+Q70Fue2q78gGAyMXYY/Wg", OUTDATED),
        (
            HERON,
            "$argon2i$v=19$m=64,t=2,p=1$c2FsdCBvZiAxNiBieXRlcw$\
             czjQeD5mK6iGwozwKXOxoIUphbu+93+teuWKOLBJpTM",
            OUTDATED,
        ),
        (
            HERON,
            "$argon2id$v=16$m=64,t=2,p=1$c2FsdCBvZiAxNiBieXRlcw$\
             7pTAFubKZI1nf+1cTuCUdPobCsg2lzHnbnYkzDoHrAU",
            OUTDATED,
        ),
        (
            HERON,
            "$argon2i$m=64,t=2,p=1$c2FsdCBvZiAxNiBieXRlcw$\
             tVa3WbsJ8hsVRFye0K5wPgzH6DJZAY9OYgNhXSECE8M",
            OUTDATED,
        ),
        (
            HERON,
            "$argon2id$v=19$m=65,t=2,p=2$c2FsdCBvZiAxNiBieXRlcw$\
             8wLR8YE+w6it5AIvCOUnQ8ojIeqCal4fxopiAuMyP3W5DtwLyfz5Fas9o73MpU2bTLFmq2GzUXw5ywTB8LvlkQ",
            OUTDATED,
        ),
    ] {
        assert_eq!(verify(&passwords, password, stored), verified, "{password:?} {stored}");
        for wrong in ["Heron at dusk", "heron at dusk ", "heron at dus", "heron", "\0heron"] {
            assert_eq!(verify(&passwords, wrong, stored), Verified::NoMatch, "{wrong} {stored}");
        }
    }
    assert_eq!(passwords.status().unreadable, 0);
}

#[test]
fn owasp_parameters_with_a_pepper_are_those_of_the_reference() {
    let passwords = Passwords::owasp().pepper(&ring()).max_concurrent(1).build().unwrap();
    let stored = "$argon2id$v=19$m=19456,t=2,p=1,keyid=/9zysQ$c2FsdCBvZiAxNiBieXRlcw$\
                  2UsJF4Tbia3r3yuY6/VG5RcZyvc9XsUeLAA0lnxOQHs";
    assert_eq!(verify(&passwords, HERON, stored), FRESH);
}

/// RFC 9106, section 5.3.
#[test]
fn the_crate_computes_what_the_rfc_says() {
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let (algorithm, version) = (argon2::Algorithm::Argon2id, argon2::Version::V0x13);
    let argon2 = argon2::Argon2::new_with_secret(&[3; 8], algorithm, version, params).unwrap();
    let mut tag = [0; 32];
    let mut memory = vec![argon2::Block::new(); 32];
    argon2.hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, &mut memory[..]).unwrap();
    assert_eq!(
        tag,
        [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b,
            0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9,
            0x6b, 0x01, 0xe6, 0x59
        ]
    );
}

/// D3: exactly one Argon2id of the configured parameters, whatever comes in.
#[test]
fn everybody_costs_the_same() {
    let passwords = weak().pepper(&ring()).build().unwrap();
    let mut damaged = PEPPERED.to_owned();
    damaged.pop();
    let too_costly = PEPPERED.replace("m=64", "m=4294967295");
    let unknown_pepper = PEPPERED.replace("/9zysQ", "AAAAAA");
    let long = "x".repeat(Password::MAX_LEN + 1);
    for (what, password, stored, verified) in [
        ("right", HERON, Some(PEPPERED), FRESH),
        ("of a time before the pepper", HERON, Some(HASH), OUTDATED),
        ("wrong", "heron", Some(PEPPERED), Verified::NoMatch),
        ("unknown user", HERON, None, Verified::NoMatch),
        ("empty", "", Some(PEPPERED), Verified::NoMatch),
        ("empty and unknown", "", None, Verified::NoMatch),
        ("with NUL", "heron\0at dusk", Some(PEPPERED), Verified::NoMatch),
        ("too long", &long, Some(PEPPERED), Verified::NoMatch),
        ("10 KiB", &"x".repeat(10_240), Some(PEPPERED), Verified::NoMatch),
        ("as long as can be", &long[1..], Some(PEPPERED), Verified::NoMatch),
        ("no hash", HERON, Some(""), Verified::NoMatch),
        ("damaged", HERON, Some(&damaged), Verified::NoMatch),
        ("too costly", HERON, Some(&too_costly), Verified::NoMatch),
        ("unknown pepper", HERON, Some(&unknown_pepper), Verified::NoMatch),
        ("bcrypt", HERON, Some("$2b$12$C6UzMDM.H6dfI/f/IKcEeO"), Verified::NoMatch),
    ] {
        assert_eq!(computed(&passwords, password, stored), (verified, vec![WEAK]), "{what}");
    }
    assert_eq!(passwords.status().evaluated, 15);
    assert_eq!(passwords.status().unreadable, 5);
}

/// D4: what is missing is done as well.
#[test]
fn an_outdated_hash_is_as_much_work() {
    let today = Params { memory_kib: 512, passes: 3, lanes: 1 };
    let passwords = Passwords::custom(today).max_concurrent(1).build().unwrap();
    for (memory_kib, passes, lanes) in
        [(512, 2, 1), (512, 1, 4), (64, 2, 1), (300, 5, 1), (8, 1, 1), (512, 3, 2), (511, 3, 1)]
    {
        let old = Params { memory_kib, passes, lanes };
        let stored = block_on(Passwords::custom(old).build().unwrap().hash(HERON)).unwrap();
        for (password, verified) in [(HERON, OUTDATED), ("heron", Verified::NoMatch)] {
            let (outcome, runs) = computed(&passwords, password, Some(stored.as_str()));
            assert_eq!((outcome, runs[0]), (verified, old));
            let work: u64 = runs.iter().map(Params::work).sum();
            // A rest of less than 8 KiB is none that Argon2 computes.
            assert!((today.work() - 8..=today.work()).contains(&work), "{old:?}: {work}");
        }
    }
    // What is more work than ours is what it is.
    let costly = Params { memory_kib: 1024, passes: 4, lanes: 1 };
    let stored = block_on(Passwords::custom(costly).build().unwrap().hash(HERON)).unwrap();
    let (outcome, runs) = computed(&passwords, HERON, Some(stored.as_str()));
    assert_eq!((outcome, runs), (OUTDATED, vec![costly]));
}

#[test]
fn what_is_written_in_another_way_is_no_hash() {
    assert!(Stored::parse(HASH).is_ok() && Stored::parse(PEPPERED).is_ok());
    let (salt, hash) = ("c2FsdCBvZiAxNiBieXRlcw", "Tn1GO6iR32o0pkdsfgHqu9D5IdCvzgdjhNBoRtPxmKo");
    let with = |start: &str| format!("{start}${salt}${hash}");
    let params = |params: &str| with(&format!("$argon2id$v=19${params}"));
    let of = |salt: &str, hash: &str| format!("$argon2id$v=19$m=64,t=2,p=1${salt}${hash}");
    for text in [
        with("argon2id$v=19$m=64,t=2,p=1"),
        with("$argon2d$v=19$m=64,t=2,p=1"),
        with("$Argon2id$v=19$m=64,t=2,p=1"),
        with("$argon2id$v=17$m=64,t=2,p=1"),
        with("$argon2id$v=019$m=64,t=2,p=1"),
        with("$argon2id$v=$m=64,t=2,p=1"),
        with("$argon2id$v=19$v=19$m=64,t=2,p=1"),
        with("$$argon2id$v=19$m=64,t=2,p=1"),
        with("$argon2id$v=19"),
        params("t=2,m=64,p=1"),
        params("m=64,t=2"),
        params("m=64,p=1,t=2"),
        params("m=64,t=2,p=1,"),
        params("m=64,t=2,p=1,p=1"),
        params("m=64,t=2,p=1,data=AAAA"),
        params("m=64,t=2,p=1,keyid="),
        params("m=64,t=2,p=1,keyid=AAAA"),
        params("m=64,t=2,p=1,keyid=AAAAAAA"),
        params("m=64,t=2,p=1,keyid=AAAAAB"),
        params("m=64,t=2,p=1,keyid=AAAAAA=="),
        params("m=64,t=2,p=1,keyid=AAAAAA,keyid=AAAAAA"),
        params("m=064,t=2,p=1"),
        params("m=+64,t=2,p=1"),
        params("m=-64,t=2,p=1"),
        params("m= 64,t=2,p=1"),
        params("m=6_4,t=2,p=1"),
        params("m=0x40,t=2,p=1"),
        params("m=4294967296,t=2,p=1"),
        params("m=,t=2,p=1"),
        params("m=0,t=2,p=1"),
        params("m=7,t=2,p=1"),
        params("m=64,t=0,p=1"),
        params("m=64,t=2,p=0"),
        params("m=64,t=2,p=9"),
        params("m=4294967295,t=2,p=4294967295"),
        of(salt, &format!("{hash}=")),
        of(salt, &format!("{hash}\n")),
        of(salt, &format!("{hash} ")),
        of(salt, &format!("{hash}$")),
        of(salt, &hash.replace('o', "p")[..42]),
        of(&format!("{salt}=="), hash),
        of("c2FsdCBvZiAxNiBieXRlcx", hash), // bits to spare
        of("c2FsdA", hash),
        of("", hash),
        of(salt, ""),
        of(salt, "Tn1GO6iR32o0pkdsfgHquw"[..20].as_ref()),
        of(salt, &"A".repeat(87)),
        of(&"A".repeat(87), hash),
        of(&"A".repeat(10_000), hash),
        HASH.replace('$', "\0"),
        HASH.replace("v=19", "v=\u{661}9"),
    ] {
        assert_eq!(Stored::parse(&text), Err(Unreadable::Malformed), "{text}");
    }
}

/// What a row of the table of users asks for is not what it gets.
#[test]
fn the_cap_is_looked_at_before_anything_is_computed() {
    let passwords = weak().build().unwrap();
    let with = |params: &str| HASH.replace("m=64,t=2,p=1", params);
    for (params, is_accepted) in [
        ("m=256,t=4,p=1", true),
        ("m=257,t=1,p=1", false),
        ("m=256,t=5,p=1", false),
        ("m=8,t=128,p=1", true),
        ("m=8,t=129,p=1", false),
        ("m=8,t=4294967295,p=1", false),
        ("m=4294967295,t=4294967295,p=1", false),
        ("m=4294967295,t=1,p=255", false),
    ] {
        let (verified, runs) = computed(&passwords, HERON, Some(&with(params)));
        assert_eq!(verified, Verified::NoMatch);
        assert_eq!(runs != [WEAK], is_accepted, "{params}");
    }
    let more = Params::dangerously_weak_for_tests(1024, 10, 1).unwrap();
    let passwords = weak().accept_up_to(more).build().unwrap();
    assert_eq!(computed(&passwords, HERON, Some(&with("m=1024,t=10,p=1"))).1, [more]);
    assert_eq!(computed(&passwords, HERON, Some(&with("m=1024,t=11,p=1"))).1, [WEAK]);
}

#[test]
fn a_pepper_is_replaced_while_users_log_in() {
    let clock = Arc::new(ManualClock::default());
    let at = |second| UNIX_EPOCH + Duration::from_secs(second);
    let ring = ring();
    let passwords = weak().pepper(&ring).clock(clock.clone()).build().unwrap();
    assert_eq!(verify(&passwords, HERON, PEPPERED), FRESH);

    ring.replace(KeySet::new(key(1)).accept(key(0), at(100))).unwrap();
    assert_eq!(verify(&passwords, HERON, PEPPERED), OUTDATED);
    let stored = block_on(passwords.hash(HERON)).unwrap();
    assert_eq!(verify(&passwords, HERON, stored.as_str()), FRESH);
    assert_eq!(passwords.status().unreadable, 0);

    clock.advance(Duration::from_secs(100));
    assert_eq!(verify(&passwords, HERON, PEPPERED), Verified::NoMatch);
    assert_eq!(passwords.status().unreadable, 1, "its time is over");
    ring.replace(KeySet::new(key(1)).retired(key(0).id())).unwrap();
    assert_eq!(verify(&passwords, HERON, PEPPERED), Verified::NoMatch);
    assert_eq!(passwords.status().unreadable, 2, "it is retired");

    let without = weak().build().unwrap();
    assert_eq!(computed(&without, HERON, Some(PEPPERED)), (Verified::NoMatch, vec![WEAK]));
    assert_eq!(without.status().unreadable, 1, "there is no ring");
    // Who leaves the id out has another hash.
    let stripped = PEPPERED.replace(",keyid=/9zysQ", "");
    assert_eq!(verify(&passwords, HERON, &stripped), Verified::NoMatch);
}

#[test]
fn two_hashes_of_one_password_have_nothing_in_common() {
    let passwords = weak().build().unwrap();
    let [a, b] = [(); 2].map(|()| block_on(passwords.hash(HERON)).unwrap());
    assert_ne!(a, b);
    assert_ne!(a.as_str().split('$').nth(4), b.as_str().split('$').nth(4));
    assert!(a.as_str().len() <= 256);
}

#[test]
fn what_can_never_be_right_is_not_hashed() {
    let passwords = weak().build().unwrap();
    assert_eq!(block_on(passwords.hash("")), Err(HashError::Empty));
    let long = "x".repeat(Password::MAX_LEN + 1);
    assert_eq!(block_on(passwords.hash(long.as_str())), Err(HashError::TooLong));
    let stored = block_on(passwords.hash(&long[1..])).unwrap();
    assert_eq!(verify(&passwords, &long[1..], stored.as_str()), FRESH);
    assert_eq!(verify(&passwords, &long, stored.as_str()), Verified::NoMatch, "nothing is cut off");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is hashed is verified, and nothing that differs by a byte.
    #[test]
    fn a_password_is_exactly_its_bytes(
        password in prop::collection::vec(any::<u8>(), 1..100),
        at in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let passwords = weak().pepper(&ring()).build().unwrap();
        let stored = block_on(passwords.hash(&*password)).unwrap();
        let stored = Some(stored.as_str());
        prop_assert_eq!(block_on(passwords.verify(&*password, stored)), Ok(FRESH));

        let mut other = password.clone();
        other[at.index(password.len())] ^= change;
        prop_assert_eq!(block_on(passwords.verify(other, stored)), Ok(Verified::NoMatch));
        let mut longer = password.clone();
        longer.push(change);
        prop_assert_eq!(block_on(passwords.verify(longer, stored)), Ok(Verified::NoMatch));
        let shorter = &password[..password.len() - 1];
        prop_assert_eq!(block_on(passwords.verify(shorter, stored)), Ok(Verified::NoMatch));
    }

    /// One byte of a stored hash, changed to any other, and it is no match; whatever is stored, no more
    /// than the cap is computed.
    #[test]
    fn a_stored_hash_is_exactly_its_bytes(
        at in any::<prop::sample::Index>(),
        change in "[ -~]",
        inserted in "[$,=0-9a-z]{0,12}",
    ) {
        let passwords = weak().pepper(&ring()).build().unwrap();
        let at = at.index(PEPPERED.len());
        for changed in [
            format!("{}{change}{}", &PEPPERED[..at], &PEPPERED[at + 1..]),
            format!("{}{inserted}{}", &PEPPERED[..at], &PEPPERED[at..]),
        ] {
            let (verified, runs) = computed(&passwords, HERON, Some(&changed));
            prop_assert_eq!(verified.is_match(), changed == PEPPERED, "{}", changed);
            prop_assert!(runs.iter().map(Params::work).sum::<u64>() <= 8 * WEAK.work(), "{}", changed);
        }
    }

    /// There is one text for each hash.
    #[test]
    fn what_is_read_is_written_as_it_was(
        text in "\\$argon2(id|i)(\\$v=1[69])\\$m=[0-9]{1,4},t=[0-9]{1,2},p=[0-9](,keyid=[A-Za-z0-9+/]{5}[AQgw])?\
                 \\$[A-Za-z0-9+/]{21}[AQgw]\\$[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]",
    ) {
        if let Ok(stored) = Stored::parse(&text) {
            prop_assert_eq!(stored.write().0, text);
        }
    }

    #[test]
    fn nothing_that_is_stored_panics(text in "\\PC{0,300}") {
        prop_assert_eq!(Stored::parse(&text), Err(Unreadable::Malformed));
    }
}

/// A pool that does its work when it is told to.
#[derive(Clone, Default)]
struct Later(Arc<Mutex<Vec<Work>>>);

impl Later {
    fn of(&self, builder: PasswordsBuilder) -> Passwords {
        let works = self.clone();
        builder.blocking(move |work| works.0.lock().unwrap().push(work)).build().unwrap()
    }

    fn take(&self) -> Vec<Work> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn work(&self) {
        for work in self.take() {
            work();
        }
    }
}

#[test]
fn who_finds_the_queue_full_is_told_at_once() {
    let later = Later::default();
    let passwords = later.of(weak().queue(1));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut pending: Vec<_> = (0..5)
        .map(|at| {
            let heard = Arc::clone(&heard);
            let after = move |outcome| {
                heard.lock().unwrap().push(at);
                outcome
            };
            task::spawn(passwords.verify_then(HERON, Some(HASH), after))
        })
        .collect();
    assert_eq!(*heard.lock().unwrap(), [3, 4], "before anybody has waited");
    let busy = Ok(Err(Unavailable::Busy { retry_after: Duration::from_secs(1) }));
    for refused in &mut pending[3..] {
        assert_eq!(assert_ready!(refused.poll()), busy);
    }
    for waiting in &mut pending[..3] {
        assert_pending!(waiting.poll());
    }
    let Status { running, waiting, refused, .. } = passwords.status();
    assert_eq!((running, waiting, refused), (2, 1, 2));

    let works = later.take();
    assert_eq!(works.len(), 2, "as many as there are permits");
    for work in works {
        work();
    }
    assert!(pending[..3].iter().all(task::Spawn::is_woken));
    for waiting in &mut pending[..3] {
        assert_eq!(assert_ready!(waiting.poll()), Ok(Ok(FRESH)));
    }
    assert_eq!(
        *heard.lock().unwrap(),
        [3, 4, 0, 2, 1],
        "the queued one on the first thread that was free"
    );
    let Status { running, waiting, evaluated, .. } = passwords.status();
    assert_eq!((running, waiting, evaluated), (0, 0, 3));
}

/// A5.
#[test]
fn who_hangs_up_leaves_the_outcome_and_not_the_permit() {
    let later = Later::default();
    let passwords = later.of(weak().max_concurrent(1).queue(1));
    let settled = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let [running, queued] = [(); 2].map(|()| {
            let settled = Arc::clone(&settled);
            passwords.verify_then("guess", Some(HASH), move |outcome| {
                assert_eq!(outcome, Ok(Verified::NoMatch));
                settled.fetch_add(1, Ordering::Relaxed);
            })
        });
        let mut running = task::spawn(running);
        assert_pending!(running.poll());
        drop((running, queued));
        later.work();
    }
    assert_eq!(settled.load(Ordering::Relaxed), 200);
    let Status { running, waiting, evaluated, refused, .. } = passwords.status();
    assert_eq!((running, waiting, evaluated, refused), (0, 0, 200, 0));
}

#[test]
fn a_pool_that_drops_its_work_tells_everybody() {
    let later = Later::default();
    let passwords = later.of(weak().max_concurrent(1));
    let mut pending: Vec<_> = (0..1000)
        .map(|_| task::spawn(passwords.verify_then(HERON, None, |outcome| outcome)))
        .take(60)
        .collect();
    drop(later.take());
    for told in &mut pending {
        assert_eq!(assert_ready!(told.poll()), Ok(Err(Unavailable::Stopped)));
    }
    let Status { running, waiting, evaluated, .. } = passwords.status();
    assert_eq!((running, waiting, evaluated), (0, 0, 0));

    let panicking = weak().blocking(|_| panic!("no runtime")).build().unwrap();
    let attempt = std::panic::AssertUnwindSafe(|| block_on(panicking.verify(HERON, None)));
    assert!(std::panic::catch_unwind(attempt).is_err());
    assert_eq!(panicking.status().running, 0);
}

/// A9.
#[test]
fn a_panic_is_an_error_and_gives_the_permit_back() {
    let passwords = weak().max_concurrent(1).queue(0).build().unwrap();
    for _ in 0..3 {
        let outcome = passwords.verify_then(HERON, None, |_| panic!("on purpose"));
        assert_eq!(block_on(outcome), Err(Unavailable::Failed));
    }
    assert_eq!(verify(&passwords, HERON, HASH), FRESH);
    assert_eq!(passwords.status().running, 0);

    // A computation that is refused or panics is an error too, and its memory is wiped.
    let arena = arena::Arenas::new(8);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut used = arena.take(8).unwrap();
        AsMut::<[u64]>::as_mut(&mut used[3])[7] = 0xdead_beef;
        panic!("on purpose");
    }));
    assert!(caught.is_err());
    assert!(is_wiped(&arena.take(8).unwrap()));
}

fn is_wiped(memory: &[argon2::Block]) -> bool {
    memory.iter().all(|block| AsRef::<[u64]>::as_ref(block).iter().all(|word| *word == 0))
}

#[test]
fn memory_is_used_again_and_holds_nothing() {
    let arenas = arena::Arenas::new(64);
    let engine = engine::Engine::new(WEAK);
    let address = {
        let mut arena = arenas.take(64).unwrap();
        engine.hash(&HERON.into(), None, &mut arena).unwrap();
        assert!(!is_wiped(&arena));
        arena.as_ptr()
    };
    let arena = arenas.take(64).unwrap();
    assert_eq!(arena.as_ptr(), address);
    assert!(is_wiped(&arena));
    drop(arena);

    let large = arenas.take(100).unwrap();
    assert_eq!(large.len(), 100);
    drop(large);
    assert_eq!(arenas.take(64).unwrap().len(), 64, "what was larger is not kept");
}

/// A pool that fails when it is called from a thread of its own has lost that one password.
#[test]
fn a_pool_that_panics_later_loses_nobody_else() {
    let later = Later::default();
    let works = later.clone();
    let calls = AtomicUsize::new(0);
    let spawn = move |work| {
        works.0.lock().unwrap().push(work);
        if calls.fetch_add(1, Ordering::SeqCst) == 1 {
            let work = works.0.lock().unwrap().pop();
            drop(work);
            panic!("on purpose");
        }
    };
    // One that takes all the memory, and two that may follow on it at once.
    let passwords = weak().memory_budget(256 << 10).blocking(spawn).build().unwrap();
    let large = HASH.replace("m=64", "m=256");
    let verify = |stored: &str| passwords.verify_then(HERON, Some(stored), |outcome| outcome);
    let (first, second, third) = (verify(&large), verify(HASH), verify(HASH));
    assert_eq!(passwords.status().waiting, 2);
    later.work();
    assert_eq!(block_on(first), Ok(Ok(Verified::NoMatch)));
    assert_eq!(block_on(second), Ok(Ok(FRESH)), "on the same thread");
    assert_eq!(block_on(third), Ok(Err(Unavailable::Stopped)));
    assert_eq!((passwords.status().running, passwords.status().waiting), (0, 0));
}

/// C1, G6: neither permits nor memory are exceeded, however many come.
#[test]
fn a_flood_stays_within_the_limits() {
    let later = Later::default();
    // Four times the usual memory, or one that is stored with as much.
    let passwords = later.of(weak().max_concurrent(8).memory_budget(256 << 10).queue(1000));
    let large = HASH.replace("m=64", "m=256");
    let pending: Vec<_> = (0..100)
        .map(|at| {
            let stored = if at % 10 == 5 { &large } else { HASH };
            passwords.verify_then(HERON, Some(stored), |outcome| outcome)
        })
        .collect();
    loop {
        let works = later.take();
        assert!(works.len() <= 4, "{}", works.len());
        assert!(passwords.status().running <= 4);
        assert!(passwords.0.gate.memory() <= 256);
        if works.is_empty() {
            break;
        }
        for work in works {
            work();
        }
    }
    for outcome in pending {
        assert!(block_on(outcome).unwrap().is_ok());
    }
    assert_eq!(passwords.status().evaluated, 100);
    assert_eq!((passwords.status().running, passwords.status().waiting), (0, 0));
}

/// A5, with threads: at most as many at any moment as there are permits.
#[test]
fn threads_hold_the_limits_too() {
    let passwords = weak().max_concurrent(2).queue(400).build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let outcome = passwords.verify_then(HERON, Some(HASH), |outcome| outcome);
                    assert!(passwords.status().running <= 2);
                    assert_eq!(block_on(outcome), Ok(Ok(FRESH)));
                }
            });
        }
    });
    assert_eq!(passwords.status().evaluated, 400);
    assert_eq!((passwords.status().running, passwords.status().waiting), (0, 0));
}

#[test]
fn what_makes_no_sense_cannot_be_built() {
    let weak = |memory_kib, passes| ConfigError::Weak { memory_kib, passes };
    for (memory_kib, passes, lanes, error) in [
        (47_103, 1, 1, Some(weak(47_103, 1))),
        (47_104, 1, 1, None),
        (19_455, 2, 1, Some(weak(19_455, 2))),
        (19_456, 2, 1, None),
        (12_288, 3, 1, None),
        (9_216, 4, 1, None),
        (7_168, 5, 1, None),
        (7_167, 1000, 1, Some(weak(7_167, 1000))),
        (u32::MAX, 0, 1, Some(weak(u32::MAX, 0))),
        (0, 0, 0, Some(weak(0, 0))),
        (
            u32::MAX,
            1,
            1,
            Some(ConfigError::Impossible { memory_kib: u32::MAX, passes: 1, lanes: 1 }),
        ),
        (19_456, 2, 0, Some(ConfigError::Impossible { memory_kib: 19_456, passes: 2, lanes: 0 })),
        (
            19_456,
            2,
            256,
            Some(ConfigError::Impossible { memory_kib: 19_456, passes: 2, lanes: 256 }),
        ),
    ] {
        assert_eq!(Params::new(memory_kib, passes, lanes).err(), error, "{memory_kib} {passes}");
    }

    let built = |builder: PasswordsBuilder| builder.build().err();
    let owasp = Passwords::owasp;
    assert_eq!(
        built(owasp().memory_budget(19 << 20)),
        None,
        "enough for one, whatever the number of cores"
    );
    assert_eq!(
        built(owasp().memory_budget((19 << 20) - 1)),
        Some(ConfigError::Budget { budget: (19 << 20) - 1, needed: 19 << 20 })
    );
    let costly = Params::new(1 << 20, 1, 1).unwrap();
    assert_eq!(
        built(owasp().accept_up_to(costly)),
        Some(ConfigError::Budget { budget: 512 << 20, needed: 1 << 30 })
    );
    assert_eq!(built(owasp().max_concurrent(0)), Some(ConfigError::Concurrency { given: 0 }));
    assert_eq!(built(owasp().max_concurrent(1025)), Some(ConfigError::Concurrency { given: 1025 }));
    assert_eq!(built(owasp().queue(65_537)), Some(ConfigError::Queue { given: 65_537 }));
}

#[test]
fn nothing_that_is_printed_is_secret() {
    let ring = ring();
    let passwords = weak().pepper(&ring).build().unwrap();
    let password = Password::from(HERON);
    let stored = block_on(passwords.hash(HERON)).unwrap();
    let printed = format!(
        "{password:?} {stored:?} {passwords:?} {:?} {:?} {:?}",
        weak().pepper(&ring),
        PwnedRange::of(&password),
        passwords.verify_then(HERON, Some(HASH), |outcome| outcome),
    );
    assert!(!printed.contains("heron"), "{printed}");
    assert!(
        printed.contains("PasswordHash($argon2id$v=19$m=64,t=2,p=1,keyid=/9zysQ$…)"),
        "{printed}"
    );
    for secret in stored.as_str().split('$').skip(4) {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert_eq!(String::from(stored.clone()), stored.to_string());
}

#[test]
fn the_pillars_types_are_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>(_: &T) {}
    shared::<Passwords>();
    shared::<Password>();
    shared::<PasswordPolicy>();
    shared::<OfflineList>();
    let passwords = weak().build().unwrap();
    sent(&passwords.verify_then(HERON, None, |outcome| outcome));
    let cloned = passwords.clone();
    sent(&async move { cloned.verify(HERON, None).await });
    sent(&async move { passwords.hash(HERON).await });
}

/// A comparison of hashes is `subtle`'s.
#[test]
fn hashes_are_compared_in_constant_time() {
    let source = include_str!("engine.rs");
    assert!(source.contains("hash.ct_eq(&stored.hash)"));
}

#[test]
fn an_unavailable_is_a_503_with_a_true_time() {
    use crate::refusal::Refusal;
    for (unavailable, retry_after) in [
        (Unavailable::Busy { retry_after: Duration::ZERO }, Some("1")),
        (Unavailable::Busy { retry_after: Duration::from_millis(1001) }, Some("2")),
        (Unavailable::Busy { retry_after: Duration::from_secs(60) }, Some("60")),
        (Unavailable::Stopped, None),
        (Unavailable::Memory, None),
        (Unavailable::Failed, None),
    ] {
        let response: http::Response<bytes::Bytes> = Refusal::from(unavailable).into_response();
        assert_eq!(response.status(), 503);
        let sent = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(sent, retry_after, "{unavailable:?}");
    }
}

/// The last of a long queue is told when it is over, not when the first is served.
#[test]
fn who_is_refused_is_told_how_long_the_queue_is() {
    /// Each look at it is two seconds later.
    #[derive(Debug, Default)]
    struct Slow(ManualClock);

    impl Clock for Slow {
        fn elapsed(&self) -> Duration {
            self.0.advance(Duration::from_secs(2));
            self.0.elapsed()
        }

        fn now(&self) -> SystemTime {
            self.0.now()
        }
    }

    let later = Later::default();
    let passwords = later.of(weak().max_concurrent(1).queue(9).clock(Arc::new(Slow::default())));
    let verify = || passwords.verify_then(HERON, None, |outcome| outcome);
    let first = verify();
    later.work();
    assert_eq!(block_on(first), Ok(Ok(Verified::NoMatch)));

    let waiting: Vec<_> = (0..10).map(|_| verify()).collect();
    let busy = Unavailable::Busy { retry_after: Duration::from_secs(20) };
    assert_eq!(block_on(verify()), Ok(Err(busy)));
    drop(waiting);
}
