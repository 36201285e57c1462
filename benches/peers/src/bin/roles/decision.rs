//! A decision alone, beside those of policy engines, which know more kinds of rules.

use std::error::Error;

use crate::cases::roles;
use crate::measure::alone::{self, Alone};

pub(crate) fn report() -> Result<(), Box<dyn Error>> {
    let ours = alone::measure(roles::DECISIONS, roles::decision());
    println!("\n| a decision alone | ns | allocations |");
    println!("|:--|--:|--:|");
    print("**`Rule::check`, two leaves (goal: 10 ns)**", ours);
    #[cfg(feature = "engines")]
    {
        print("casbin 2.20, `enforce`, RBAC of 5 rules", crate::engines::casbin()?);
        let name = "cedar-policy 4.14, `is_authorized`, 3 policies, 4 entities";
        print(name, crate::engines::cedar()?);
    }
    #[cfg(not(feature = "engines"))]
    println!("\ncasbin and cedar-policy are in it with `--features engines`");
    if ours.allocations > 0.0 {
        return Err(format!("our decision makes {} allocations", ours.allocations).into());
    }
    Ok(())
}

fn print(name: &str, Alone { ns, allocations }: Alone) {
    println!("| {name} | {ns:.1} | {allocations} |");
}
