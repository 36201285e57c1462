//! A policy that cannot be wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::builder::ContentSecurityPolicyBuilder;
use super::directive::Directive;
use super::patch::Change;
use super::source::Source;
use super::value::{Item, check};
use crate::headers::ConfigError;
use crate::headers::kind::HeaderValue;

/// A Content-Security-Policy: immutable, checked, and the same for every response but for the
/// nonce.
///
/// See the [module docs](super) for an example.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContentSecurityPolicy {
    pub(super) directives: BTreeMap<Directive, Vec<Item>>,
    pub(super) custom: Vec<(String, String)>,
}

impl ContentSecurityPolicy {
    /// Starts from nothing.
    pub fn builder() -> ContentSecurityPolicyBuilder {
        Self { directives: BTreeMap::new(), custom: Vec::new() }.into_builder()
    }

    /// Starts from this policy.
    pub fn into_builder(self) -> ContentSecurityPolicyBuilder {
        ContentSecurityPolicyBuilder::new(self)
    }

    /// Whether some directive has a place for the nonce.
    #[must_use]
    pub fn takes_nonce(&self) -> bool {
        self.sources().any(|(_, source)| *source == Source::Nonce)
    }

    /// The sources of a directive, as text; `None` if the directive is absent.
    #[must_use]
    pub fn get(&self, directive: Directive) -> Option<Vec<String>> {
        let items = self.directives.get(&directive)?;
        Some(items.iter().map(Item::to_string).collect())
    }

    /// What a browser applies for a fetch directive: its own sources or those it falls back to.
    pub(crate) fn effective(&self, directive: Directive) -> Option<&[Item]> {
        std::iter::once(&directive)
            .chain(directive.falls_back_to())
            .find_map(|directive| self.directives.get(directive))
            .map(Vec::as_slice)
    }

    /// As [`effective`](Self::effective), for those that are sources.
    pub(crate) fn effective_sources(&self, directive: Directive) -> Option<Vec<&Source>> {
        let sources = self.effective(directive)?.iter().filter_map(Item::source);
        Some(sources.collect())
    }

    /// Every source of every directive.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (Directive, &Source)> {
        self.directives.iter().flat_map(|(directive, items)| {
            items.iter().filter_map(|item| match item {
                Item::Source(source) => Some((*directive, source)),
                Item::Word(_) => None,
            })
        })
    }

    pub(crate) fn directives(&self) -> impl Iterator<Item = Directive> {
        self.directives.keys().copied()
    }

    /// Without a directive; `None` if nothing is left.
    pub(crate) fn without(&self, directive: Directive) -> Option<Self> {
        let mut policy = self.clone();
        policy.directives.remove(&directive);
        (!policy.is_empty()).then_some(policy)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.directives.is_empty() && self.custom.is_empty()
    }

    /// Writes the policy, with `sources` to write each directive's values.
    pub(super) fn write(&self, mut values: impl FnMut(&[Item], &mut String)) -> String {
        let mut text = String::new();
        for (directive, items) in &self.directives {
            separate(&mut text);
            text.push_str(directive.name());
            values(items, &mut text);
        }
        for (name, value) in &self.custom {
            separate(&mut text);
            text.push_str(name);
            if !value.is_empty() {
                text.push(' ');
                text.push_str(value);
            }
        }
        text
    }

    /// What an addition to a directive starts from, so that it adds to what is allowed and does
    /// nothing else.
    fn before_addition(&self, directive: Directive) -> Result<Vec<Item>, ConfigError> {
        if let Some(items) = self.directives.get(&directive) {
            return Ok(items.clone());
        }
        let Some(fallback) = self.effective(directive) else {
            // No policy is lost by an address more for reports.
            let reports = matches!(directive, Directive::ReportUri | Directive::ReportTo);
            let allowed = ConfigError::NothingToExtend { directive };
            return if reports { Ok(Vec::new()) } else { Err(allowed) };
        };
        let has = |wanted: &Source| fallback.iter().any(|item| item.source() == Some(wanted));
        // `child-src` is for frames and workers, which have fallen back to different directives.
        let two_fallbacks = directive == Directive::ChildSrc;
        // Beside 'strict-dynamic' hosts meant nothing; without it they would come to life.
        let hosts_revive = directive == Directive::WorkerSrc && has(&Source::StrictDynamic);
        if two_fallbacks || hosts_revive {
            return Err(ConfigError::NothingToExtend { directive });
        }
        // Nor did 'unsafe-inline' mean anything, beside a nonce.
        let inline_revives = [Source::Nonce, Source::StrictDynamic]
            .iter()
            .any(|source| has(source) && directive.heeds(source).is_err());
        let kept = fallback.iter().filter(|item| {
            item.source().is_none_or(|source| {
                directive.heeds(source).is_ok()
                    && !(inline_revives && *source == Source::UnsafeInline)
            })
        });
        Ok(kept.cloned().collect())
    }

    pub(super) fn change(&mut self, change: Change) -> Result<(), ConfigError> {
        let directive = change.directive();
        let items = match change {
            Change::Set(_, items) => {
                if self.directives.contains_key(&directive) {
                    return Err(ConfigError::DuplicateDirective { directive });
                }
                items
            }
            Change::Replace(_, items) => items,
            Change::Remove(_) => {
                self.directives.remove(&directive);
                return Ok(());
            }
            Change::Extend(_, more) => {
                let mut items = self.before_addition(directive)?;
                if !more.is_empty() {
                    items.retain(|item| !item.is_none());
                }
                items.extend(more);
                items
            }
        };
        let mut distinct: Vec<Item> = Vec::with_capacity(items.len());
        for item in items {
            if !distinct.contains(&item) {
                distinct.push(item);
            }
        }
        check(directive, &distinct)?;
        self.directives.insert(directive, distinct);
        Ok(())
    }
}

/// The policy as text. The place of the nonce is written `'nonce'`; this is the form that
/// [`FromStr`] and configuration files read.
impl fmt::Display for ContentSecurityPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write(|items, text| {
            for item in items {
                text.push(' ');
                text.push_str(&item.to_string());
            }
        }))
    }
}

/// Reads a policy as it stands in a header, with `'nonce'` where the nonce goes.
impl FromStr for ContentSecurityPolicy {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mut builder = Self::builder();
        for directive in text.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            let mut words = directive.split_ascii_whitespace();
            let name = words.next().unwrap_or_default();
            builder = builder.directive(&name.to_ascii_lowercase(), words);
        }
        builder.build()
    }
}

impl HeaderValue for ContentSecurityPolicy {
    fn value(&self) -> Cow<'static, str> {
        super::template::without_nonce(self).into()
    }

    fn parse(value: &str) -> Result<Self, ConfigError> {
        value.parse()
    }
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push_str("; ");
    }
}
