//! What logins cost, beside other crates:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml --bin lockout`
//!
//! `--quick` makes it short. It fails if the address gate allocates, a slot takes more than 34 bytes, an
//! unknown user is another amount of work than a wrong password, or a flood of logins takes more memory
//! than those that are hashed at a time.

use std::error::Error;
use std::process::ExitCode;

#[path = "../../../../cases/mod.rs"]
mod cases;
#[cfg(target_os = "linux")]
// where every 127.0.0.0/8 is this machine, and `/proc` tells what a process has
mod flood;
mod gate;
#[path = "../../../../measure/mod.rs"]
mod measure;
mod passwords;
mod stats;
mod store;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if flood::is_server() {
        return answer(flood::serve_logins());
    }
    // Under callgrind this program is run again, for the gate alone.
    let code = measure::run(|| Ok(vec![gate::group()?]));
    if code != ExitCode::SUCCESS || measure::is_counting() {
        return code;
    }
    answer(rest())
}

fn answer(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rest() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    store::report(quick)?;
    passwords::report(quick)?;
    #[cfg(target_os = "linux")]
    flood::report()?;
    Ok(())
}
