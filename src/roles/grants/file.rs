//! Grants as a policy file has them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Grants, each};
use crate::roles::{Permission, Role, check};

/// Names of roles or permissions, each once, as bits.
struct Names<T>(u128, PhantomData<fn() -> T>);

/// Which names there are.
trait Known {
    const WHAT: &'static str;
    const NAMES: &'static [&'static str];
}

struct Roles<R>(PhantomData<fn() -> R>);
struct Permissions<R>(PhantomData<fn() -> R>);

impl<R: Role> Known for Roles<R> {
    const WHAT: &'static str = "role";
    const NAMES: &'static [&'static str] = R::NAMES;
}

impl<R: Role> Known for Permissions<R> {
    const WHAT: &'static str = "permission";
    const NAMES: &'static [&'static str] = <R::Permission as Permission>::NAMES;
}

/// One name, by its place.
struct Name<T>(usize, PhantomData<fn() -> T>);

impl<'de, T: Known> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let at = T::NAMES.iter().position(|known| *known == name);
        at.map(|at| Self(at, PhantomData)).ok_or_else(|| {
            let (what, names) = (T::WHAT, T::NAMES.join(", "));
            D::Error::custom(format_args!("no {what} is called {name:?}: there are {names}"))
        })
    }
}

impl<'de, T: Known> Deserialize<'de> for Names<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<fn() -> T>);

        impl<'de, T: Known> Visitor<'de> for List<T> {
            type Value = Names<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of names, each a {}'s", T::WHAT)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut names = 0_u128;
                while let Some(Name(at, ..)) = seq.next_element::<Name<T>>()? {
                    if names >> at & 1 == 1 {
                        let name = T::NAMES[at];
                        return Err(A::Error::custom(format_args!("{name} is there twice")));
                    }
                    names |= 1 << at;
                }
                Ok(Names(names, PhantomData))
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// A table, since a list would be read by the places of its values.
struct TableOf<R>(OfRole<R>);

impl<'de, R: Role> Deserialize<'de> for TableOf<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table<R>(PhantomData<fn() -> R>);

        impl<'de, R: Role> Visitor<'de> for Table<R> {
            type Value = TableOf<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with `grants`, and `below` if that is to be another")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                OfRole::deserialize(MapAccessDeserializer::new(map)).map(TableOf)
            }
        }

        deserializer.deserialize_map(Table(PhantomData))
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, bound = "R: Role")]
struct OfRole<R> {
    #[serde(default = "none", deserialize_with = "some")]
    below: Option<Names<Roles<R>>>,
    grants: Names<Permissions<R>>,
}

fn none<T>() -> Option<T> {
    None
}

/// A field that is there has a list: `null` is not "as declared".
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl<'de, R: Role> Deserialize<'de> for Grants<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct File<R>(PhantomData<fn() -> R>);

        impl<'de, R: Role> Visitor<'de> for File<R> {
            type Value = Grants<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table for each role, with its grants")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut direct: Box<[u64]> = R::DIRECT.into();
                let mut own: Vec<u128> = R::OWN.into();
                let mut seen = 0_u64;
                while let Some(Name(at, ..)) = map.next_key::<Name<Roles<R>>>()? {
                    let TableOf(OfRole::<R> { below, grants }) = map.next_value()?;
                    if seen >> at & 1 == 1 {
                        let name = R::NAMES[at];
                        return Err(A::Error::custom(format_args!("{name} is there twice")));
                    }
                    seen |= 1 << at;
                    own[at] = grants.0;
                    if let Some(Names(below, ..)) = below {
                        direct[at] = u64::try_from(below).unwrap_or(u64::MAX);
                    }
                }
                // Only now, since a later table may take out what an earlier one closes.
                let mut below = direct;
                if let Some(role) = check::close(&mut below) {
                    let name = R::NAMES[role];
                    return Err(A::Error::custom(format_args!("{name} is below itself")));
                }
                let grants = below.iter().map(|below| {
                    each(*below).fold(0, |all, at| all | own.get(at).copied().unwrap_or(0))
                });
                let grants = grants.collect();
                Ok(Grants::of(below, grants))
            }
        }

        deserializer.deserialize_map(File(PhantomData))
    }
}
