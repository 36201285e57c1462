//! What a guard costs: `cargo bench --bench roles`
//!
//! `--quick` makes it short. It fails if a guard allocates.

use std::process::ExitCode;

mod cases;
mod measure;

fn main() -> ExitCode {
    let code = measure::run(|| Ok(vec![cases::guard()]));
    if code == ExitCode::SUCCESS && !measure::is_counting() {
        cases::roles::print_decision();
    }
    code
}
