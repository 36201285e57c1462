//! What cookies, sessions and request verification cost: `cargo bench --bench sessions`
//!
//! `--quick` makes it short. It fails if a limit in allocations is exceeded.

use std::process::ExitCode;

mod cases;
mod measure;

fn main() -> ExitCode {
    measure::run(|| Ok(cases::SessionCases::new()?.into_groups()))
}
