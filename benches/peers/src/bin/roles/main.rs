//! What a guard costs, beside other crates:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml --bin roles`
//!
//! `--quick` makes it short; `--features engines` has the policy engines in the last table. It fails if a
//! guard of ours or its decision allocates.

use std::process::ExitCode;

mod actix;
#[path = "../../../../cases/mod.rs"]
mod cases;
mod decision;
#[cfg(feature = "engines")]
mod engines;
mod login;
#[path = "../../../../measure/mod.rs"]
mod measure;
mod tower;

use cases::roles::Permission;

/// What is granted to whoever asks, and known without asking anybody, as ours is.
const HELD: [Permission; 3] = [Permission::Read, Permission::Book, Permission::Refund];
/// What the peers ask for: two, as our rule has two leaves.
const TWO: [Permission; 2] = [Permission::Read, Permission::Book];

fn main() -> ExitCode {
    // Under callgrind this program is run again, for the guards alone.
    let code = measure::run(|| Ok(groups()));
    if code != ExitCode::SUCCESS || measure::is_counting() {
        return code;
    }
    match decision::report() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn groups() -> Vec<measure::Group> {
    let mut tower = cases::roles::group(tower::request);
    tower::add_to(&mut tower);
    login::add_to(&mut tower);
    vec![tower, actix::group()]
}
