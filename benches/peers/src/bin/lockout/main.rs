//! What logins cost, beside other crates:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml --bin lockout`
//!
//! `--quick` makes it short. It fails if the address gate allocates, a slot takes more than 34 bytes, or
//! an unknown user is another amount of work than a wrong password.

use std::error::Error;
use std::process::ExitCode;

#[path = "../../../../cases/mod.rs"]
mod cases;
mod gate;
#[path = "../../../../measure/mod.rs"]
mod measure;
mod passwords;
mod stats;
mod store;

fn main() -> ExitCode {
    // Under callgrind this program is run again, for the gate alone.
    let code = measure::run(|| Ok(vec![gate::group()?]));
    if code != ExitCode::SUCCESS || measure::is_counting() {
        return code;
    }
    match rest() {
        Ok(()) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rest() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    store::report(quick)?;
    passwords::report(quick)
}
