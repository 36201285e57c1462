//! The policy as bytes: prepared once, with gaps where the nonce goes.

use bytes::Bytes;

use super::nonce::{self, Nonce};
use super::policy::ContentSecurityPolicy;
use super::source::Source;
use super::value::Item;

/// A policy's text, cut where the nonce goes.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pieces: Box<[Box<str>]>,
    /// Of the text with a nonce in every gap.
    length: usize,
}

impl Template {
    /// `None` if the policy has no place for a nonce.
    pub(crate) fn new(policy: &ContentSecurityPolicy) -> Option<Self> {
        let text = policy.write(|items, text| {
            for item in items {
                text.push(' ');
                match item {
                    // No value of a directive holds a NUL, so the gaps are found again.
                    Item::Source(Source::Nonce) => text.push_str("'nonce-\0'"),
                    item => text.push_str(&item.to_string()),
                }
            }
        });
        let pieces: Box<[Box<str>]> = text.split('\0').map(Into::into).collect();
        let gaps = pieces.len() - 1;
        (gaps > 0).then(|| Self { length: text.len() - gaps + gaps * nonce::LENGTH, pieces })
    }

    /// The text with the nonce in every gap: one allocation.
    pub(crate) fn with(&self, nonce: &Nonce) -> Bytes {
        let mut text = Vec::with_capacity(self.length);
        for (index, piece) in self.pieces.iter().enumerate() {
            if index > 0 {
                text.extend_from_slice(nonce.as_bytes());
            }
            text.extend_from_slice(piece.as_bytes());
        }
        text.into()
    }
}

/// The policy's text for a response whose nonce nobody took. It never allows what the policy with
/// its nonce does not.
pub(crate) fn without_nonce(policy: &ContentSecurityPolicy) -> String {
    policy.write(|items, text| {
        for source in fall_back(items) {
            text.push(' ');
            text.push_str(&source.to_string());
        }
    })
}

fn fall_back(items: &[Item]) -> Vec<&Item> {
    const NONE: &Item = &Item::Source(Source::None);
    let source = |wanted: &Source| {
        items.iter().any(|item| matches!(item, Item::Source(source) if source == wanted))
    };
    if !source(&Source::Nonce) {
        return items.iter().collect();
    }
    let hashed = items.iter().any(|item| matches!(item, Item::Source(Source::Hash(_))));
    if source(&Source::StrictDynamic) && !hashed {
        // Browsers ignored the hosts beside 'strict-dynamic'; without it they would come to life.
        return vec![NONE];
    }
    let rest: Vec<_> = items
        .iter()
        .filter(|item| {
            // Browsers ignored 'unsafe-inline' beside the nonce.
            !matches!(item, Item::Source(Source::Nonce | Source::UnsafeInline))
        })
        .collect();
    if rest.is_empty() { vec![NONE] } else { rest }
}
