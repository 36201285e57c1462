//! The table, and what in it is too much.

use super::allocations::Allocated;
use super::group::{Entry, Group, Limit, Role};
use super::time::Time;

/// What was measured of one case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) allocated: Allocated,
    pub(crate) time: Time,
    /// `None` if they could not be counted.
    pub(crate) instructions: Option<f64>,
}

impl Row {
    /// What the case costs over the bare service.
    fn over(self, bare: Self) -> Self {
        Self {
            allocated: Allocated {
                calls: self.allocated.calls - bare.allocated.calls,
                bytes: self.allocated.bytes - bare.allocated.bytes,
            },
            time: self.time,
            instructions: self.instructions.zip(bare.instructions).map(|(its, bare)| its - bare),
        }
    }
}

pub(crate) fn print_head() {
    println!("Over the bare service; \"/ floor\" is over the better one of the group's floors,");
    println!("or over the first of ours where nobody has written one.\n");
    let head = [" +ns", "x bare", "+instr.", "+allocs", "+bytes", "ns / floor", "instr. / floor"];
    println!("| {:<NAME$} |{}", "", head.map(|head| format!(" {head:>14} |")).concat());
    println!("|:{:-<NAME$}-|{}", "", head.map(|_| format!("-{:->14}:|", "")).concat());
}

pub(crate) fn print(group: &Group, rows: &[Row]) {
    let bare = rows[0];
    let instructions = shown(bare.instructions, 0);
    let Allocated { calls, bytes } = bare.allocated;
    let ns = bare.time.whole;
    let title = format!("**{}**", group.title);
    println!(
        "| {title:<NAME$} | bare: {ns:.0} ns, {instructions} instr., {calls} allocs, {bytes} bytes"
    );
    let floor = better_floor(group, rows).or_else(|| first_of_ours(group, rows));
    for (entry, row) in group.entries.iter().zip(rows).skip(1) {
        let over = row.over(bare);
        let ns = over.time.over_bare;
        let cells = [
            format!("{ns:.0}"),
            format!("{:.2}", row.time.whole / bare.time.whole),
            shown(over.instructions, 0),
            shown(Some(over.allocated.calls), 2),
            shown(Some(over.allocated.bytes), 0),
            shown(floor.map(|floor| ns / floor.time.over_bare), 2),
            shown(floor.and_then(|floor| ratio(over, floor)), 2),
        ];
        let name = name(entry);
        println!("| {name:<NAME$} |{}", cells.map(|cell| format!(" {cell:>14} |")).concat());
    }
}

/// The limits that the group exceeds, each as a sentence.
pub(crate) fn exceeded(group: &Group, rows: &[Row]) -> Vec<String> {
    let floor = better_floor(group, rows);
    // Without a floor what is asked for is asked for beyond the bare service.
    let free = floor.map_or(0.0, |floor| floor.allocated.calls);
    let mut exceeded = Vec::new();
    for (entry, row) in group.entries.iter().zip(rows) {
        let Role::Ours(Limit { instructions, allocations }) = entry.role else { continue };
        let (title, name) = (group.title, entry.name);
        let over = row.over(rows[0]);
        if let (Some(limit), Some(ratio)) =
            (instructions, floor.and_then(|floor| ratio(over, floor)))
            && ratio > limit
        {
            exceeded.push(format!(
                "{title}, {name}: {ratio:.3} times the floor's instructions, limit {limit}"
            ));
        }
        let beyond = over.allocated.calls - free;
        if let Some(limit) = allocations
            && beyond > limit
        {
            exceeded.push(format!(
                "{title}, {name}: {beyond} allocations beyond the floor's, limit {limit}"
            ));
        }
    }
    exceeded
}

/// The floor with the fewest instructions, over bare. Where these are unknown it is the one with
/// the most allocations, as time would not choose the same one every time.
fn better_floor(group: &Group, rows: &[Row]) -> Option<Row> {
    let floors = group.entries.iter().zip(rows);
    let floors = floors.filter(|(entry, _)| matches!(entry.role, Role::Floor));
    let cost = |row: &Row| row.instructions.unwrap_or(-row.allocated.calls);
    let better = floors.map(|(_, row)| row).min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    Some(better.over(rows[0]))
}

fn first_of_ours(group: &Group, rows: &[Row]) -> Option<Row> {
    let mut cases = group.entries.iter().zip(rows);
    let (_, row) = cases.find(|(entry, _)| matches!(entry.role, Role::Ours(_)))?;
    Some(row.over(rows[0]))
}

fn ratio(over: Row, floor: Row) -> Option<f64> {
    Some(over.instructions? / floor.instructions?)
}

fn name(entry: &Entry) -> String {
    match entry.role {
        Role::Floor => format!("floor: {}", entry.name),
        Role::Ours(_) => format!("**{}**", entry.name),
        Role::Bare | Role::Peer => entry.name.to_owned(),
    }
}

/// Without decimals if it has none.
fn shown(number: Option<f64>, decimals: usize) -> String {
    match number {
        None => "n/a".to_owned(),
        Some(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Some(number) => format!("{number:.decimals$}"),
    }
}

const NAME: usize = 60;
