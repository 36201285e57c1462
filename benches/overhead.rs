//! What `donjon` costs, beside what one would write by hand: `cargo bench --bench overhead`
//!
//! `--quick` makes it short. It fails if a limit in instructions or allocations is exceeded.
//! `benches/peers` prints the same table with other crates in it.

use std::process::ExitCode;

mod cases;
mod measure;

fn main() -> ExitCode {
    measure::run(|| Ok(cases::Cases::new()?.into_groups()))
}
