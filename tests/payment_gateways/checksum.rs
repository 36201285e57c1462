//! How little a CRC-32 says.

/// This body, with blanks and tabs behind it that make its checksum the other one's.
pub(crate) fn with_checksum_of(body: &str, other: &str) -> Option<String> {
    // The checksum is linear in its bits: of 48 places for a blank or a tab, some make it what is wanted.
    let crc = |body: &str| {
        let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        !body.bytes().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(byte), step))
    };
    let with = |tabs: u64| {
        let blank = |at: u32| if tabs >> at & 1 == 1 { '\t' } else { ' ' };
        format!("{body}{}", (0..48).map(blank).collect::<String>())
    };
    let (start, mut wanted) = (crc(&with(0)), crc(other));
    wanted ^= start;
    let mut rows: Vec<(u32, u64)> = Vec::new();
    for at in 0..48 {
        let mut row = (crc(&with(1 << at)) ^ start, 1 << at);
        for (value, tabs) in &rows {
            if row.0 ^ value < row.0 {
                row = (row.0 ^ value, row.1 ^ tabs);
            }
        }
        if row.0 != 0 {
            rows.push(row);
            rows.sort_by_key(|row| std::cmp::Reverse(row.0));
        }
    }
    let mut found = 0;
    for (value, tabs) in &rows {
        if wanted ^ value < wanted {
            (wanted, found) = (wanted ^ value, found ^ tabs);
        }
    }
    (wanted == 0).then(|| with(found))
}
