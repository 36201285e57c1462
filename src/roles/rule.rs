//! Rules, and how they are put together.

use std::any::TypeId;
use std::net::IpAddr;
use std::ops::{BitAnd, BitOr, Not};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::declare::{Permission, Role};
use super::held::Held;
use super::principal::Principal;
use super::verdict::{Authn, Evidence, Verdict};
use super::why::Why;
use crate::client::Networks;

/// Who may: a role, a permission, a network, a time, and these put together by `&`, `|` and `!`.
///
/// A rule is true, false, or cannot be known: whether somebody who has not signed in is a member, or
/// whether a request comes from the office when its address has no proof. What cannot be known lets
/// nobody in, under `!` as well.
///
/// ```
/// use std::time::Duration;
///
/// use donjon::client::Networks;
/// use donjon::roles::{Rule, permission, role};
///
/// donjon::permissions! { pub enum Permission { Book = "courts:book", Refund = "orders:refund" } }
/// donjon::roles! {
///     pub enum Role grants Permission {
///         Member = "member" => [Book],
///         Manager = "manager": Member => [Refund],
///     }
/// }
///
/// let refund = permission(Permission::Refund) & Rule::fresh(Duration::from_secs(300));
/// let office = Networks::parse(["203.0.113.0/24"])?;
/// let desk = role(Role::Manager) & (Rule::network(office) | Rule::second_factor());
/// assert_eq!(refund.to_string(), "orders:refund & fresh(300 s)");
/// assert_eq!(desk.to_string(), "role manager & (network | second factor)");
/// # Ok::<_, donjon::client::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a rule guards nothing until a guard has it"]
pub struct Rule(Node);

#[derive(Clone, Debug)]
pub(super) enum Node {
    Public,
    Nobody,
    SignedIn,
    Role { of: TypeId, index: u8, name: &'static str },
    Permission { of: TypeId, index: u8, name: &'static str },
    Fresh(Duration),
    SecondFactor,
    Network(Arc<Networks>),
    Between(SystemTime, SystemTime),
    All(Arc<[Rule]>, Option<Arc<Held>>),
    Any(Arc<[Rule]>),
    Not(Arc<Rule>),
}

/// Whoever has this role, or one above it.
pub fn role<R: Role>(role: R) -> Rule {
    Rule(Node::Role { of: TypeId::of::<R>(), index: role.index(), name: role.name() })
}

/// Whoever has one of these roles, or one above one of them.
pub fn any_role<R: Role>(roles: impl IntoIterator<Item = R>) -> Rule {
    Rule::any(roles.into_iter().map(role))
}

/// Whoever is granted this.
pub fn permission<P: Permission>(permission: P) -> Rule {
    let (of, index, name) = (TypeId::of::<P>(), permission.index(), permission.name());
    Rule(Node::Permission { of, index, name })
}

impl Rule {
    /// Everybody.
    pub const PUBLIC: Self = Self(Node::Public);

    /// Nobody, under `!` as well.
    pub const NOBODY: Self = Self(Node::Nobody);

    /// Whoever has signed in.
    pub const SIGNED_IN: Self = Self(Node::SignedIn);

    /// Whoever has shown who he is within this time. Others are asked to do so again: RFC 9470.
    pub const fn fresh(within: Duration) -> Self {
        Self(Node::Fresh(within))
    }

    /// Whoever has shown a second factor.
    pub const fn second_factor() -> Self {
        Self(Node::SecondFactor)
    }

    /// Whoever is in one of these networks, with proof.
    pub fn network(networks: Networks) -> Self {
        Self(Node::Network(Arc::new(networks)))
    }

    /// From the first moment on, and until the second. If that is not later, it is nobody, under `!` as well.
    pub const fn between(from: SystemTime, until: SystemTime) -> Self {
        Self(Node::Between(from, until))
    }

    /// Whoever all of them let in. Of none, that is nobody, under `!` as well.
    pub fn all(rules: impl IntoIterator<Item = Self>) -> Self {
        Self::of(rules, |rules| {
            let held = Held::of(&rules).map(Arc::new);
            Node::All(rules, held)
        })
    }

    /// Whoever one of them lets in. Of none, that is nobody, under `!` as well.
    pub fn any(rules: impl IntoIterator<Item = Self>) -> Self {
        Self::of(rules, Node::Any)
    }

    fn of(rules: impl IntoIterator<Item = Self>, node: fn(Arc<[Self]>) -> Node) -> Self {
        let rules: Arc<[Self]> = rules.into_iter().collect();
        if rules.is_empty() { Self::NOBODY } else { Self(node(rules)) }
    }

    /// Whether it lets somebody in, asked in a handler or where there is no request: `None` for whoever has
    /// not signed in, and for an address without proof. That it does not is an [event](crate::event), where a
    /// handler has its principal from the request; [`allows`](Self::allows) only asks.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use donjon::refusal::Refusal;
    /// use donjon::roles::{Principal, Rule, permission};
    ///
    /// donjon::permissions! { pub enum Permission { Refund = "orders:refund" } }
    ///
    /// fn refund(who: &Principal, order_of: &str) -> Result<(), Refusal> {
    ///     permission(Permission::Refund).check(Some(who), None, SystemTime::now())?;
    ///     who.must_own(order_of)?;
    ///     Ok(())
    /// }
    ///
    /// let nobody = permission(Permission::Refund).check(None, None, SystemTime::now());
    /// assert_eq!(Refusal::from(nobody.unwrap_err()).status(), 401);
    /// ```
    pub fn check(
        &self,
        principal: Option<&Principal>,
        address: Option<IpAddr>,
        now: SystemTime,
    ) -> Result<(), Why> {
        let authn = principal.map_or(Authn::Anonymous, Authn::Subject);
        match self.verdict(&Evidence::new(authn, &|| address, &|| now)) {
            Verdict::Yes => Ok(()),
            Verdict::No(why) | Verdict::Unknown(why) => {
                Err(principal.map_or(why, |principal| principal.told(why)))
            }
        }
    }

    /// The same without an event, for a page that shows what one may do: nobody has tried anything.
    #[must_use]
    pub fn allows(
        &self,
        principal: Option<&Principal>,
        address: Option<IpAddr>,
        now: SystemTime,
    ) -> bool {
        let authn = principal.map_or(Authn::Anonymous, Authn::Subject);
        self.verdict(&Evidence::new(authn, &|| address, &|| now)) == Verdict::Yes
    }

    pub(super) const fn node(&self) -> &Node {
        &self.0
    }

    pub(super) const fn is_public(&self) -> bool {
        matches!(self.0, Node::Public)
    }
}

impl BitAnd for Rule {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::all([self, other])
    }
}

impl BitOr for Rule {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::any([self, other])
    }
}

impl Not for Rule {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Arc::new(self)))
    }
}
