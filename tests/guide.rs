//! The guide says what is so: each requirement of ASVS 5.0 in one row, and code and tests that exist.

use std::collections::BTreeMap;
use std::path::Path;

const PAGE: &str = include_str!("../src/guide/threat_model.md");

/// The levels of the requirements of ASVS 5.0.0, section by section, in each chapter.
const ASVS: [&[&str]; 17] = [
    &["22", "1111122223", "112222222223", "222", "123"],
    &["122", "112", "12223", "23"],
    &["3", "113", "12223", "11222233", "11122333", "3", "22333"],
    &["12233", "23333", "22", "1222"],
    &["2", "112333", "113", "222"],
    &["122", "111111112222", "11223333", "112233", "22222333", "2223", "33", "2222"],
    &["222", "1111", "22", "11222", "223", "22"],
    &["1233", "1123", "133", "23"],
    &["111", "1222"],
    &["22", "223", "22223", "1111122222233333", "22222", "22", "222"],
    &["2233", "22233", "11233", "1222", "23", "23", "33"],
    &["12233", "11", "22223"],
    &["2333", "222223", "2233", "1222233"],
    &["22", "12223333", "122"],
    &["12233", "12233", "1222222", "3333"],
    &["2", "22222", "2222", "222", "2223"],
    &["23", "22223333", "22"],
];

/// Each with its level.
fn requirements() -> Vec<(String, char)> {
    let mut all = Vec::new();
    for (sections, chapter) in ASVS.iter().zip(1..) {
        for (levels, section) in sections.iter().zip(1..) {
            let numbers = levels.chars().zip(1..);
            all.extend(
                numbers.map(|(level, number)| (format!("{chapter}.{section}.{number}"), level)),
            );
        }
    }
    all
}

#[test]
fn every_requirement_of_asvs_is_in_one_row() {
    let all = requirements();
    let of_level = |level| all.iter().filter(|(_, known)| *known == level).count();
    assert_eq!(['1', '2', '3'].map(of_level), [70, 183, 92]);

    let at = |id: &str| all.iter().position(|(known, _)| known == id).expect(id);
    let mut rows = Vec::new();
    for row in PAGE.lines() {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let ids = cells[0];
        if !row.starts_with('|') || !ids.starts_with(|letter: char| letter.is_ascii_digit()) {
            continue;
        }
        let (first, last) = ids.split_once(" to ").unwrap_or((ids, ids));
        let covered = at(first)..=at(last);
        let levels = all[covered.clone()].iter().map(|(_, level)| *level);
        let (low, high) = (levels.clone().min().unwrap(), levels.max().unwrap());
        let levels = if low == high { low.to_string() } else { format!("{low}-{high}") };
        assert_eq!(cells[1], levels, "{row}");
        assert!(["does", "helps", "no"].contains(&cells[3]), "{row}");
        rows.extend(covered);
    }
    assert!(rows.iter().copied().eq(0..all.len()), "missing, twice or in another order");
}

/// What stands in backquotes behind a file is in that file.
#[test]
fn what_keeps_a_promise_exists() {
    let promises = PAGE.split("# The service's own promises").nth(1).unwrap();
    let mut checked = BTreeMap::new();
    for paragraph in promises.split("\n\n").filter(|paragraph| paragraph.starts_with("- `")) {
        for item in paragraph.split("- `") {
            let Some((file, texts)) = item.split_once('`') else { continue };
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let code = std::fs::read_to_string(path).unwrap_or_else(|_| panic!("no {file}"));
            for text in texts.split('`').skip(1).step_by(2) {
                assert!(code.contains(text), "{file} has no {text}");
                *checked.entry(file).or_insert(0) += 1;
            }
        }
    }
    assert!(checked.len() > 25 && checked.values().sum::<u32>() > 45, "{checked:?}");
}
