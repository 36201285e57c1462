//! Whatever stands in a file of grants: it is an error, or each role is granted what a plain walk over the
//! roles below it finds, whatever the format.

#![no_main]

use arbitrary::Arbitrary;
use donjon::roles::{Grants, Permission as _, Role as _};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

donjon::permissions! {
    enum Permission { A = "a", B = "b", C = "c", D = "d" }
}

donjon::roles! {
    enum Role grants Permission {
        Low = "low" => [A],
        Left = "left": Low => [B],
        Right = "right": Low => [C],
        Top = "top": Left, Right => [D],
    }
}

const ROLES: [Role; 4] = [Role::Low, Role::Left, Role::Right, Role::Top];

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Text(&'a str),
    /// For each role, what stands in the file: bits of the roles below it, and of its permissions.
    File([Option<(Option<u8>, u8)>; 4]),
}

fuzz_target!(|input: Input<'_>| match input {
    Input::Text(text) => {
        for grants in [
            toml::from_str::<Grants<Role>>(text).map_err(|error| error.to_string()),
            serde_json::from_str(text).map_err(|error| error.to_string()),
        ] {
            match grants {
                Ok(grants) => {
                    for role in ROLES {
                        assert!(grants.of_role(role).len() <= Permission::NAMES.len());
                    }
                }
                Err(error) => assert!(error.contains("line "), "{error}"),
            }
        }
    }
    Input::File(file) => check(file),
});

fn check(file: [Option<(Option<u8>, u8)>; 4]) {
    let names = |bits: u8, names: &[&'static str]| -> Vec<&'static str> {
        let each = names.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        each.map(|(_, name)| *name).collect()
    };
    let mut tables = Map::new();
    let (mut below, mut own) = ([0b0000, 0b0001, 0b0001, 0b0110], [0b0001, 0b0010, 0b0100, 0b1000]);
    for (at, table) in file.into_iter().enumerate() {
        let Some((direct, grants)) = table else { continue };
        let mut table = json!({ "grants": names(grants, Permission::NAMES) });
        own[at] = grants & 0b1111;
        if let Some(direct) = direct {
            table["below"] = names(direct, Role::NAMES).into();
            below[at] = direct & 0b1111;
        }
        tables.insert(Role::NAMES[at].to_owned(), table);
    }

    let granted: Option<Vec<_>> = (0..4).map(|role| walk(role, &below, &own, 0)).collect();
    let granted = granted.map(|all| all.into_iter().map(|bits| names(bits, Permission::NAMES)));
    let granted = granted.map(Iterator::collect::<Vec<_>>);
    let file = Value::Object(tables);
    let of = |grants: Grants<Role>| ROLES.map(|role| grants.of_role(role)).to_vec();
    let text = toml::to_string(&file).expect("tables of lists");
    assert_eq!(toml::from_str(&text).ok().map(of), granted, "{text}");
    assert_eq!(serde_json::from_str(&file.to_string()).ok().map(of), granted, "{file}");
}

/// What a role is granted; `None` if it comes by itself again.
fn walk(role: usize, below: &[u8; 4], own: &[u8; 4], above: u8) -> Option<u8> {
    if above >> role & 1 == 1 {
        return None;
    }
    let mut granted = own[role];
    for next in (0..4).filter(|next| below[role] >> next & 1 == 1) {
        granted |= walk(next, below, own, above | 1 << role)?;
    }
    Some(granted)
}
