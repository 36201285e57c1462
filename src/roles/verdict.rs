//! What rules decide.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::SystemTime;

use super::principal::Principal;
use super::rule::{Node, Rule};
use super::why::Why;

/// What is known of a request when a rule is asked. Where it comes from, and what time it is, is found out
/// when a rule is about that.
pub(super) struct Evidence<'a> {
    authn: Authn<'a>,
    address: &'a dyn Fn() -> Option<IpAddr>,
    clock: &'a dyn Fn() -> SystemTime,
    now: Cell<Option<SystemTime>>,
}

impl<'a> Evidence<'a> {
    pub(super) const fn new(
        authn: Authn<'a>,
        address: &'a dyn Fn() -> Option<IpAddr>,
        clock: &'a dyn Fn() -> SystemTime,
    ) -> Self {
        Self { authn, address, clock, now: Cell::new(None) }
    }

    /// The same for all of one decision.
    pub(super) fn now(&self) -> SystemTime {
        self.now.get().unwrap_or_else(|| {
            let now = (self.clock)();
            self.now.set(Some(now));
            now
        })
    }
}

/// What is known of who is asking.
#[derive(Clone, Copy, Debug)]
pub(super) enum Authn<'a> {
    /// Nobody has asked.
    NoLayer,
    /// Nobody can tell: the table of users does not answer.
    Unavailable,
    Anonymous,
    Subject(&'a Principal),
}

/// True, false, or cannot be known, and why not true.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Yes,
    No(Why),
    Unknown(Why),
}

impl Rule {
    pub(super) fn verdict(&self, evidence: &Evidence<'_>) -> Verdict {
        match self.node() {
            Node::Public => Verdict::Yes,
            // What is meant to be shut, or was forgotten, is opened by no exception.
            Node::Nobody => Verdict::Unknown(Why::Nobody),
            Node::Network(networks) => match (evidence.address)() {
                Some(address) if networks.contains(address) => Verdict::Yes,
                Some(_) => Verdict::No(Why::Network),
                None => Verdict::Unknown(Why::NoAddress),
            },
            // A time that ends before it begins is a mistake.
            Node::Between(from, until) if from >= until => Verdict::Unknown(Why::Time),
            Node::Between(from, until) => {
                if (*from..*until).contains(&evidence.now()) {
                    Verdict::Yes
                } else {
                    Verdict::No(Why::Time)
                }
            }
            Node::All(rules, held) => match (held, evidence.authn) {
                (Some(held), Authn::Subject(principal)) if held.is_of(principal) => Verdict::Yes,
                _ => all(rules, evidence),
            },
            Node::Any(rules) => any(rules, evidence),
            Node::Not(rule) => match rule.verdict(evidence) {
                Verdict::Yes => Verdict::No(Why::Not),
                Verdict::No(_) => Verdict::Yes,
                unknown @ Verdict::Unknown(_) => unknown,
            },
            of_subject => match evidence.authn {
                Authn::NoLayer => Verdict::Unknown(Why::NoAuthnLayer),
                Authn::Unavailable => Verdict::Unknown(Why::Unavailable),
                Authn::Anonymous => Verdict::Unknown(Why::Anonymous),
                Authn::Subject(principal) if principal.is_outdated() => {
                    Verdict::Unknown(Why::Outdated)
                }
                Authn::Subject(principal) => of_subject.of_principal(principal, evidence),
            },
        }
    }
}

impl Node {
    fn of_principal(&self, principal: &Principal, evidence: &Evidence<'_>) -> Verdict {
        let now = || evidence.now();
        let known = |is_so: bool, why| if is_so { Verdict::Yes } else { Verdict::No(why) };
        // Whoever has names that nobody knows, may have the role by one of them.
        let granted = |is_so: bool, why| match is_so {
            false if principal.has_unknown_names() => Verdict::Unknown(why),
            is_so => known(is_so, why),
        };
        match self {
            Self::Role { of, .. } if *of != principal.role_type() => OTHER_ENUM,
            Self::Permission { of, .. } if *of != principal.permission_type() => OTHER_ENUM,
            Self::Role { index, name, .. } => {
                granted(principal.holds_role(*index, now), Why::LacksRole(name))
            }
            Self::Permission { index, name, .. } => {
                granted(principal.holds_permission(*index, now), Why::LacksPermission(name))
            }
            Self::Fresh(within) => match principal.age(now()) {
                Some(age) => known(age <= *within, Why::Stale { within: *within }),
                None => Verdict::Unknown(Why::Stale { within: *within }),
            },
            Self::SecondFactor => known(principal.has_second_factor(), Why::SecondFactor),
            // Only those come here that are about who is asking.
            _ => Verdict::Yes,
        }
    }
}

const OTHER_ENUM: Verdict = Verdict::Unknown(Why::OtherEnum);

/// Kleene's: one that is false makes all false, whatever cannot be known. The reason is the one that is to
/// be mended first: signing in again helps nobody who lacks a role.
fn all(rules: &[Rule], evidence: &Evidence<'_>) -> Verdict {
    let (mut is_false, mut worst) = (false, None);
    for rule in rules {
        let (why, is_no) = match rule.verdict(evidence) {
            Verdict::Yes => continue,
            Verdict::No(why) => (why, true),
            Verdict::Unknown(why) => (why, false),
        };
        let rank = why.rank_of_all(is_no);
        is_false |= is_no;
        if worst.is_none_or(|(worst, _)| rank < worst) {
            worst = Some((rank, why));
        }
    }
    match worst {
        None => Verdict::Yes,
        Some((_, why)) if is_false => Verdict::No(why),
        Some((_, why)) => Verdict::Unknown(why),
    }
}

/// One that is true makes it true. Otherwise the reason is what is mended most easily.
fn any(rules: &[Rule], evidence: &Evidence<'_>) -> Verdict {
    let (mut is_unknown, mut best) = (false, None);
    for rule in rules {
        let why = match rule.verdict(evidence) {
            Verdict::Yes => return Verdict::Yes,
            Verdict::No(why) => why,
            Verdict::Unknown(why) => {
                is_unknown = true;
                why
            }
        };
        let rank = why.rank_of_any();
        if best.is_none_or(|(best, _)| rank < best) {
            best = Some((rank, why));
        }
    }
    let why = best.map_or(Why::Nobody, |(_, why)| why);
    if is_unknown { Verdict::Unknown(why) } else { Verdict::No(why) }
}
