//! What a response costs: nanoseconds, instructions and allocations over a bare service.
//!
//! In process, without a network and without a runtime: `poll_ready`, `call`, one poll of the
//! future, drop of the response. Requests are made outside of what is measured, and are hot in the
//! cache. What a case does is checked before it is measured.
//!
//! - **Nanoseconds** are the median, over rounds, of the difference to the bare service in the same
//!   round. They wander by 10 % and more on a shared machine, so no limit is set on them.
//! - **Instructions** are counted by callgrind, if `valgrind` is on the `PATH`. They repeat to
//!   within 1 %. The kernel's are not counted.
//! - **Allocations** are counted where they are asked for. They repeat to the digit. To reallocate
//!   counts as one, and its bytes are those it adds.

use std::env;
use std::error::Error;
use std::process::ExitCode;

#[allow(unused_imports, reason = "for programs that measure something else as well")]
pub(crate) use self::allocations::ALLOCATOR;
pub(crate) use self::drive::{ActixCase, TowerCase, wait};
pub(crate) use self::group::{Answer, Case, Expected, Group, Limit};
use self::instructions::Callgrind;
use self::table::Row;

mod allocations;
#[allow(dead_code, reason = "for programs that measure something else as well")]
pub(crate) mod alone;
mod drive;
mod group;
mod instructions;
mod table;
mod time;

/// Measures every group, prints the table, and fails if a [`Limit`] is exceeded.
///
/// The argument `--quick` makes it short, and the nanoseconds rough.
pub(crate) fn run(groups: impl FnOnce() -> Result<Vec<Group>, Box<dyn Error>>) -> ExitCode {
    match groups().and_then(measure) {
        Ok(exceeded) if exceeded.is_empty() => ExitCode::SUCCESS,
        Ok(exceeded) => {
            for limit in exceeded {
                eprintln!("limit exceeded: {limit}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether this is the process whose instructions are counted.
#[allow(dead_code, reason = "for programs that measure something else as well")]
pub(crate) fn is_counting() -> bool {
    instructions::is_under_callgrind()
}

/// Measures and prints, and gives the limits that were exceeded.
fn measure(mut groups: Vec<Group>) -> Result<Vec<String>, Box<dyn Error>> {
    if instructions::is_under_callgrind() {
        instructions::collect(&mut groups);
        return Ok(Vec::new());
    }
    let quick = env::args().any(|argument| argument == "--quick");
    groups.iter_mut().try_for_each(Group::check)?;

    let callgrind = Callgrind { processes: if quick { 1 } else { 3 } };
    let cases = groups.iter().map(|group| group.entries.len()).sum();
    let instructions = callgrind.count(cases)?;
    let mut instructions = instructions.into_iter().flatten();
    let rounds = if quick { 50 } else { 500 };
    let mut exceeded = Vec::new();
    table::print_head();
    for group in &mut groups {
        let allocated = allocations::count(group);
        let times = time::measure(group, rounds);
        let rows: Vec<_> = allocated
            .into_iter()
            .zip(times)
            .map(|(allocated, time)| Row { allocated, time, instructions: instructions.next() })
            .collect();
        table::print(group, &rows);
        exceeded.extend(table::exceeded(group, &rows));
    }
    Ok(exceeded)
}
