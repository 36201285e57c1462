//! What `donjon` costs beside what one would write by hand, and beside other crates:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml`
//!
//! `--quick` makes it short. It fails if a limit of ours in instructions or allocations is exceeded.

use std::error::Error;
use std::process::ExitCode;

mod actix;
#[path = "../../cases/mod.rs"]
mod cases;
#[path = "../../measure/mod.rs"]
mod measure;
mod tower;

fn main() -> ExitCode {
    measure::run(groups)
}

fn groups() -> Result<Vec<measure::Group>, Box<dyn Error>> {
    let mut cases = cases::Cases::new()?;
    tower::add_to(&mut cases.tower)?;
    tower::add_to_router(&mut cases.router)?;
    actix::add_to(&mut cases.actix)?;
    Ok(cases.into_groups())
}
