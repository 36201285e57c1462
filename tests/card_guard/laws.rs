//! Laws of the scanner, and how often it is wrong.

use std::borrow::Cow;
use std::io::Write as _;

use donjon::payment::card::{Finding, Scanner, Scrubbing, scrub};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

fn found<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Finding> {
    let (mut scanner, mut found) = (Scanner::new(), Vec::new());
    for chunk in chunks {
        scanner.push(chunk, |finding| found.push(finding));
    }
    scanner.finish(|finding| found.push(finding));
    found
}

/// Text that is nearly a number, or is one.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("4111111111111111".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("41 11 11 11 11 11 11 11".to_owned()),
        Just("3782 822463 10005".to_owned()),
        Just("36227206271667".to_owned()),
        Just("DE75 5121 0800 1245 1261 99".to_owned()),
        "[0-9]{1,6}",
        "[0-9]{12,20}",
        "[-. _/+]{1,4}",
        "%[0-9A-F]{2}|\\\\u00[0-9a-f]{2}|&#[0-9]{2};|\\\\n|%25",
        "[a-zA-Z\"=&;:,\n%\\\\]{1,2}",
        "[１-９\u{a0}é\u{200b}]{1,2}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_found_does_not_depend_on_how_bytes_are_cut(
        text in texts(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = found([text.as_bytes()]);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]);
        prop_assert_eq!(&found(chunks), &whole);
        prop_assert_eq!(&found(text.as_bytes().chunks(1)), &whole);
        for finding in whole {
            let place = finding.place();
            prop_assert!(place.start < place.end && place.end <= text.len() as u64);
        }
    }

    #[test]
    fn what_was_scrubbed_is_clean(text in texts()) {
        let scrubbed = scrub(&text);
        prop_assert_eq!(found([scrubbed.as_bytes()]), []);
        prop_assert_eq!(matches!(scrubbed, Cow::Borrowed(_)), found([text.as_bytes()]).is_empty());

        let mut log = Vec::new();
        Scrubbing::new(&mut log).write_all(text.as_bytes()).unwrap();
        prop_assert_eq!(found(log.split_inclusive(|byte| *byte == b'\n')), []);
    }
}

#[test]
fn a_log_is_scrubbed_line_by_line_however_it_is_written() {
    let mut log = Vec::new();
    let mut scrubbing = Scrubbing::new(&mut log);
    for piece in ["a 4111 1111", " 1111 1111 b\nc ", "5555555555554444"] {
        scrubbing.write_all(piece.as_bytes()).unwrap();
    }
    assert!(!format!("{scrubbing:?}").contains('5'));
    scrubbing.flush().unwrap();
    drop(scrubbing);
    assert_eq!(log, b"a [visa ending 1111] b\nc [mastercard ending 4444]");
}

/// Makes an id.
type Make<'a> = &'a mut dyn FnMut(&mut StdRng) -> String;

/// The rates of the prototype that others were compared with, which are to be held or beaten.
#[test]
fn ids_and_timestamps_are_seldom_taken_for_numbers() {
    const COUNT: u32 = 100_000;
    let mut random = StdRng::seed_from_u64(1);
    let digits = |random: &mut StdRng, count: usize| -> String {
        (0..count).map(|_| char::from(random.random_range(b'0'..=b'9'))).collect()
    };
    let with_check_digit = |mut text: String| {
        let sum: u32 = text
            .bytes()
            .rev()
            .enumerate()
            .map(|(at, byte)| {
                let digit = u32::from(byte - b'0') * if at % 2 == 0 { 2 } else { 1 };
                digit / 10 + digit % 10
            })
            .sum();
        text.push(char::from_digit((10 - sum % 10) % 10, 10).unwrap());
        text
    };
    let mut uuid = |random: &mut StdRng| {
        let hex = format!("{:032x}", random.random::<u128>());
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    };
    let cases: [(&str, f64, Make<'_>); 9] = [
        ("random 16 digits", 2.84, &mut |random| digits(random, 16)),
        ("random 13 digits", 0.98, &mut |random| digits(random, 13)),
        ("epoch ms", 0.0, &mut |random| {
            random.random_range(1_500_000_000_000_u64..1_800_000_000_000).to_string()
        }),
        ("epoch us", 0.0, &mut |random| {
            random.random_range(1_500_000_000_000_000_u64..1_800_000_000_000_000).to_string()
        }),
        ("epoch ns", 0.0, &mut |random| {
            random
                .random_range(1_500_000_000_000_000_000_u64..1_800_000_000_000_000_000)
                .to_string()
        }),
        ("UUID", 0.0, &mut uuid),
        ("EAN", 0.0, &mut |random| {
            let text = digits(random, 12);
            let sum: u32 = (text.bytes().enumerate())
                .map(|(at, byte)| u32::from(byte - b'0') * if at % 2 == 0 { 1 } else { 3 })
                .sum();
            format!("{text}{}", (10 - sum % 10) % 10)
        }),
        // 2011 to 2026, at a constant rate.
        ("snowflake", 0.52, &mut |random| random.random_range(1_u64 << 55..1 << 61).to_string()),
        ("SIRET-like", 4.09, &mut |random| with_check_digit(digits(random, 13))),
    ];
    for (name, at_most, make) in cases {
        let hits = (0..COUNT).filter(|_| !found([make(&mut random).as_bytes()]).is_empty()).count();
        let rate = 100.0 * f64::from(u32::try_from(hits).unwrap()) / f64::from(COUNT);
        println!("{name}: {rate:.2} % (at most {at_most})");
        assert!(rate <= at_most, "{name}: {rate:.2} %, and it was to be {at_most} % at most");
    }
}
