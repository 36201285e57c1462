//! Every cookie that goes out.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use super::fix::Fix;
use super::glance::right_name;
use super::planned::{Key, Planned};
use super::policy::{CookieRule, Rules};
use super::prefix::NamePrefix;
use super::set_cookie::SetCookie;
use super::violation::Violation;
use super::{ConfigError, CookieSpec};
use crate::adapters::adapt;
use crate::clock::{Clock, SystemClock};
use crate::event::{Detail, EventName, Reporter, SecurityEvent, Severity};
use crate::head::{Name, RequestHead, ResponseHead, Rewrite};
use crate::lint::{Layer, Layers};
use crate::middleware::Middleware;

/// Hardens every cookie that goes out, whoever sets it: a handler, a session library, a layer nearer
/// to the handler.
///
/// **The attack.** One cookie without `Secure` is read in the café; one without `HttpOnly` is taken
/// by the first injected script; one without `SameSite` goes with the forms of other sites. Which of
/// an app's cookies lacks what is hard to know, since libraries set them too.
///
/// **The rule.** OWASP ASVS 5.0, 3.3; draft-ietf-httpbis-layered-cookies as of 2026-07, sections on
/// what servers send and how browsers read it.
///
/// - Each cookie gets `Secure`, whatever the scheme, since browsers take `localhost` for safe and no
///   header of a client is believed; `HttpOnly`; and `SameSite=Lax`. `SameSite=None` stays only where
///   a [rule](CookieRule::cross_site) says why.
/// - `__Host-` and `__Host-Http-` get `Path=/` and lose `Domain`; `__Http-` gets `HttpOnly` in any
///   case. Prefixes are compared without regard to case, as browsers do.
/// - `Max-Age` and `Expires` reach 400 days at most. An attribute that stands there twice, is longer
///   than 1024 bytes or cannot be read goes; what counts for browsers stays. So do up to seven
///   attributes that they do not know.
/// - Browsers ignore a cookie of more than 4096 bytes or with a control character, so it is not sent.
///   Neither is one without a name that looks like one with a name, nor one that is set again, for
///   the same name, domain and path, later in the response.
/// - More than 16 KiB of cookies in one response is an event, and in [`Mode::Strict`] the rest is
///   left out.
/// - A deletion stays one, and gets what browsers ask for before they believe it.
/// - A cookie that is right keeps its bytes, and costs no allocation. The order is kept.
///
/// What is found is the event `x_cookie_hardened`, with the [`Violation`]'s text, and the name only
/// if a rule is written for it. There are no events where no [`EventLog`](crate::event::EventLog)
/// stands before it in the stack, nor for responses of refusals further out. It has no route.
///
/// It never adds or widens a `Domain` and a `Path`, except as a rule or a prefix says, and it does not
/// touch cookies that scripts set.
///
/// See the [module docs](super) for an example.
#[derive(Clone, Debug)]
#[must_use = "cookies are hardened only in responses of a service that is behind it"]
pub struct HardenCookies(Arc<Policy>);

/// What [`HardenCookies`] does with a cookie that breaks a rule.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mode {
    /// Mends it. The events are [`Info`](Severity::Info).
    #[default]
    Fix,
    /// Leaves it out. The events are [`Warn`](Severity::Warn). A deletion is mended, since without it
    /// the cookie would live on.
    Strict,
    /// Sends it as it is. The events are [`Warn`](Severity::Warn).
    ReportOnly,
}

#[derive(Clone, Debug)]
struct Policy {
    mode: Mode,
    rules: Rules,
    budget: usize,
    clock: Arc<dyn Clock>,
}

impl Default for HardenCookies {
    fn default() -> Self {
        Self::new()
    }
}

impl HardenCookies {
    /// Mends every cookie.
    pub fn new() -> Self {
        Self(Arc::new(Policy {
            mode: Mode::Fix,
            rules: Rules::default(),
            budget: BUDGET,
            clock: Arc::new(SystemClock::default()),
        }))
    }

    /// Does something else with a cookie that breaks a rule.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.policy().mode = mode;
        self
    }

    /// Asks something else of the cookie of exactly this name.
    pub fn rule(mut self, name: &'static str, rule: CookieRule) -> Result<Self, ConfigError> {
        self.policy().rules.add(name, rule)?;
        Ok(self)
    }

    /// Asks something else of cookies whose names begin so. The longest beginning counts, and a rule
    /// for the exact name goes before it.
    pub fn rule_for_prefix(
        mut self,
        start: &'static str,
        rule: CookieRule,
    ) -> Result<Self, ConfigError> {
        self.policy().rules.add_prefix(start, rule)?;
        Ok(self)
    }

    /// Asks of a cookie what is declared of it.
    pub fn spec<T, P: NamePrefix>(self, spec: &CookieSpec<T, P>) -> Result<Self, ConfigError> {
        self.rule(spec.name(), spec.rule())
    }

    /// Asks something else of all cookies without a rule of their own.
    pub fn rule_for_others(mut self, rule: CookieRule) -> Result<Self, ConfigError> {
        self.policy().rules.set_others(rule)?;
        Ok(self)
    }

    /// Lets the cookies of one response have so many bytes together, instead of 16 KiB.
    pub fn budget(mut self, bytes: usize) -> Self {
        self.policy().budget = bytes;
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.policy().clock = clock;
        self
    }

    fn policy(&mut self) -> &mut Policy {
        Arc::make_mut(&mut self.0)
    }
}

impl Policy {
    fn fix(&self, cookie: &SetCookie<'_>) -> (Option<&'static str>, Fix) {
        let (name, rule) = self.rules.of(cookie.name());
        (name, Fix::of(cookie, rule, || self.clock.now()))
    }

    /// Whether there is nothing to do: every cookie is right, and no name is there twice. It
    /// allocates nothing.
    fn is_content<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut names = [None; FEW];
        let mut size = 0;
        for (index, line) in lines.enumerate() {
            let Some(name) = right_name(line, &self.rules).or_else(|| self.read_right_name(line))
            else {
                return false;
            };
            size += line.len();
            if index == FEW || names[..index].contains(&Some(name)) || size > self.budget {
                return false;
            }
            names[index] = Some(name);
        }
        true
    }

    /// The same of a line that has to be read.
    fn read_right_name<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let cookie = SetCookie::parse(line);
        self.fix(&cookie).1.violations.is_empty().then_some(cookie.name())
    }

    /// What is wrong with each cookie, and what becomes of it.
    fn plan<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> Vec<Planned> {
        let mut plan: Vec<_> = lines.map(|line| self.planned(line)).collect();
        let mut later = HashSet::new();
        let mut repeated = vec![false; plan.len()];
        for (planned, repeated) in plan.iter().zip(&mut repeated).rev() {
            // What `Strict` leaves out counts too: that an earlier value is sent is nobody's wish.
            *repeated = !planned.fix.is_hopeless() && !later.insert(Key::of(&planned.line));
        }
        for (planned, repeated) in plan.iter_mut().zip(repeated) {
            planned.violations.add_if(repeated, Violation::Repeated);
            // A deletion stays: `Strict` may leave out what comes later, and the cookie would live on.
            planned.drops |= repeated && !(self.mode == Mode::Strict && planned.fix.deletes);
        }
        let mut size = 0;
        for planned in &mut plan {
            let length = planned.line().map_or(0, <[u8]>::len);
            let over = length > 0 && size + length > self.budget;
            planned.violations.add_if(over, Violation::OverBudget);
            planned.drops |= over && self.mode == Mode::Strict && !planned.fix.deletes;
            if !planned.drops {
                size += length;
            }
        }
        plan
    }

    fn planned(&self, line: &[u8]) -> Planned {
        let cookie = SetCookie::parse(line);
        let (name, fix) = self.fix(&cookie);
        let strict = self.mode == Mode::Strict && !fix.violations.is_empty() && !fix.deletes;
        let drops = fix.is_hopeless() || strict;
        let line = if fix.changes() { fix.apply(&cookie) } else { line.to_vec() };
        Planned { name, fix, violations: fix.violations, drops, line: line.into() }
    }

    fn report(&self, reporter: &Reporter, plan: &[Planned]) {
        let severity = match self.mode {
            Mode::Fix => Severity::Info,
            Mode::Strict | Mode::ReportOnly => Severity::Warn,
        };
        for planned in plan {
            for violation in planned.violations.iter() {
                let reason = violation.as_str();
                let detail = match planned.name {
                    Some(name) => Detail::Cookie { name, reason },
                    None => Detail::Reason(reason),
                };
                let draft = SecurityEvent::draft(EventName::CookieHardened);
                reporter.emit(draft.severity(severity).detail(detail));
            }
        }
    }
}

/// What [`HardenCookies`] keeps from the request to its response: to whom it reports.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct HardenMemo(Option<Reporter>);

impl Middleware for HardenCookies {
    type Memo = HardenMemo;
    type Refusal = Infallible;

    fn admit<R: RequestHead>(
        &self,
        request: &mut R,
        memo: &mut HardenMemo,
    ) -> Result<(), Infallible> {
        memo.0 = Reporter::without_route(request);
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &HardenMemo, response: &mut H) {
        if self.0.is_content(response.header(&SET_COOKIE)) {
            return;
        }
        let plan = self.0.plan(response.header(&SET_COOKIE));
        if let Some(reporter) = &memo.0 {
            self.0.report(reporter, &plan);
        }
        if self.0.mode != Mode::ReportOnly {
            let mut plan = plan.into_iter();
            response.rewrite(&SET_COOKIE, |_| plan.next().map_or(Rewrite::Keep, Planned::rewrite));
        }
    }

    fn describe(&self, layers: &mut Layers) {
        layers.see(Layer {
            name: "HardenCookies",
            hardens_cookies: self.0.mode != Mode::ReportOnly,
            needs_https: true,
            cross_site_cookies: self.0.rules.cross_site().collect(),
            ..Layer::default()
        });
    }
}

adapt!(HardenCookies);

/// So many cookies in one response are looked at without an allocation.
const FEW: usize = 16;
/// What proxies commonly take of a response's headers, and some more.
const BUDGET: usize = 16 * 1024;

pub(super) static SET_COOKIE: Name = Name::from_static("set-cookie");
