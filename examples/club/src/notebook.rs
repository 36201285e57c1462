//! The latest security events, for the admin's page. All of them are in the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use donjon::event::{EventSink, SecurityEvent, SinkError};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Clone, Default)]
pub(crate) struct Notebook(Arc<Mutex<VecDeque<Entry>>>);

/// An event, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    number: u64,
    at: String,
    level: String,
    name: &'static str,
    what: &'static str,
    client: String,
    route: String,
    count: u64,
}

impl Notebook {
    /// The latest, the newest first.
    pub(crate) fn latest(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

impl EventSink for Notebook {
    fn deliver(&mut self, batch: &[SecurityEvent]) -> Result<(), SinkError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in batch {
            let number = entries.back().map_or(1, |entry| entry.number + 1);
            if entries.len() == KEPT {
                entries.pop_front();
            }
            let at = Timestamp::try_from(event.at()).unwrap_or_default();
            entries.push_back(Entry {
                number,
                at: at.strftime("%H:%M:%S").to_string(),
                level: format!("{:?}", event.severity()).to_lowercase(),
                name: event.name().as_str(),
                what: event.name().description(),
                client: event.client().map(ToString::to_string).unwrap_or_default(),
                route: event.route().unwrap_or_default().to_owned(),
                count: event.count(),
            });
        }
        Ok(())
    }
}

const KEPT: usize = 100;
