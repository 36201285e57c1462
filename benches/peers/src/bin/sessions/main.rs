//! What `donjon`'s cookies, sessions and request verification cost beside other crates:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml --bin sessions`
//!
//! `--quick` makes it short. It fails if a limit of ours in allocations is exceeded. A program of its
//! own, since what the compiler makes of the others depends on what stands beside them.

use std::error::Error;
use std::process::ExitCode;

#[path = "../../../../cases/mod.rs"]
mod cases;
mod cookies;
mod csrf;
#[path = "../../../../measure/mod.rs"]
mod measure;
mod session;

fn main() -> ExitCode {
    measure::run(groups)
}

fn groups() -> Result<Vec<measure::Group>, Box<dyn Error>> {
    let mut cases = cases::SessionCases::new()?;
    cookies::add_to(&mut cases.found);
    cookies::add_to_signed(&mut cases.signed);
    cookies::add_to_encrypted(&mut cases.encrypted);
    session::add_to(&mut cases.session);
    csrf::add_to(&mut cases.by_metadata, cases::csrf::with_metadata)?;
    csrf::add_to(&mut cases.by_metadata_with_origin, cases::csrf::with_both)?;
    csrf::add_to(&mut cases.by_origin, cases::csrf::with_origin)?;
    csrf::add_token_to(&mut cases.by_metadata);
    Ok(cases.into_groups())
}
