//! What most rules come to: roles and permissions that somebody has to have all of.

use std::any::TypeId;

use super::principal::Principal;
use super::rule::{Node, Rule};

/// All of these roles and permissions, of one enum each: whoever has them without an elevation is let in by two
/// comparisons. Of everybody else the rules themselves say why not.
#[derive(Debug, Default)]
pub(super) struct Held {
    role_type: Option<TypeId>,
    roles: u64,
    permission_type: Option<TypeId>,
    permissions: u128,
}

impl Held {
    /// `None` if one of the rules is about anything else.
    pub(super) fn of(rules: &[Rule]) -> Option<Self> {
        let mut held = Self::default();
        for rule in rules {
            let (known, of) = match rule.node() {
                Node::Role { of, index, .. } => {
                    held.roles |= 1_u64.checked_shl((*index).into())?;
                    (&mut held.role_type, of)
                }
                Node::Permission { of, index, .. } => {
                    held.permissions |= 1_u128.checked_shl((*index).into())?;
                    (&mut held.permission_type, of)
                }
                _ => return None,
            };
            if known.get_or_insert(*of) != of {
                return None;
            }
        }
        Some(held)
    }

    pub(super) fn is_of(&self, principal: &Principal) -> bool {
        principal.has_all(self.roles, self.permissions)
            && self.role_type.is_none_or(|of| of == principal.role_type())
            && self.permission_type.is_none_or(|of| of == principal.permission_type())
    }
}
