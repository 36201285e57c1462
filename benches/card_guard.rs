//! What a card guard costs: `cargo bench --bench card_guard`
//!
//! `--quick` makes it short. It fails if a request without a body makes the guard allocate, if looking
//! into one does, or if that is slower than a server can bear.

use std::process::ExitCode;

#[path = "cases/card_guard.rs"]
mod card_guard;
mod cases;
mod measure;

fn main() -> ExitCode {
    let code = measure::run(|| Ok(vec![card_guard::group()]));
    if code == ExitCode::SUCCESS && !measure::is_counting() && !card_guard::print_speed() {
        return ExitCode::FAILURE;
    }
    code
}
