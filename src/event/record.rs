//! An event, as code hands it in and as it is recorded.

use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use super::{ClientTag, Detail, EventName, Severity, SubjectTag};
use crate::head::RouteTemplate;

/// What has happened, as it is recorded.
///
/// It has no place for a query, a body, a header, a cookie or a path, so none can end up in a log
/// by mistake. A user is a [`SubjectTag`], a client a [`ClientTag`], a route its template, and
/// whatever else is said is [`Detail`]: numbers, and words of your program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecurityEvent {
    pub(super) name: EventName,
    pub(super) severity: Severity,
    pub(super) at: SystemTime,
    pub(super) client: Option<ClientTag>,
    pub(super) subject: Option<SubjectTag>,
    pub(super) target: Option<SubjectTag>,
    pub(super) route: Option<RouteTemplate>,
    pub(super) detail: Detail,
    pub(super) count: u64,
}

impl SecurityEvent {
    /// An event to be filled in, and handed to [`EventLog::emit`](super::EventLog::emit).
    pub const fn draft<'a>(name: EventName) -> Draft<'a> {
        Draft {
            name,
            severity: name.severity(),
            client: None,
            subject: None,
            target: None,
            route: None,
            detail: Detail::None,
        }
    }

    /// One of the log's own.
    pub(super) const fn own(name: EventName, at: SystemTime, detail: Detail) -> Self {
        Self {
            name,
            severity: name.severity(),
            at,
            client: None,
            subject: None,
            target: None,
            route: None,
            detail,
            count: 1,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> EventName {
        self.name
    }

    /// How grave it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// When it was recorded.
    #[must_use]
    pub const fn at(&self) -> SystemTime {
        self.at
    }

    /// Whose request it was.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientTag> {
        self.client.as_ref()
    }

    /// The user who did it, or in whose name it was tried.
    #[must_use]
    pub const fn subject(&self) -> Option<&SubjectTag> {
        self.subject.as_ref()
    }

    /// The user to whom it was done, if that is another.
    #[must_use]
    pub const fn target(&self) -> Option<&SubjectTag> {
        self.target.as_ref()
    }

    /// The pattern of the route.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.route.as_ref().map(RouteTemplate::as_str)
    }

    /// What else there is to say.
    #[must_use]
    pub const fn detail(&self) -> &Detail {
        &self.detail
    }

    /// How often it happened: more than 1 where identical events were held back and stand here as
    /// one.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }
}

/// An event as code hands it in. Nothing is recorded until [`EventLog::emit`] takes it.
///
/// ```
/// use donjon::event::{EventLog, EventName, MemorySink, SecurityEvent};
///
/// let memory = MemorySink::default();
/// let log = EventLog::builder().memory(&memory).build()?;
///
/// log.emit(
///     SecurityEvent::draft(EventName::AuthnLoginFail)
///         .client([203, 0, 113, 9].into())
///         .subject("ann@example.com")
///         .reason("password"),
/// );
///
/// let event = &memory.events()[0];
/// assert_eq!(event.name(), EventName::AuthnLoginFail);
/// assert_eq!(event.client().unwrap().to_string(), "203.0.113.9");
/// assert!(!format!("{event} {event:?}").contains("ann"), "she has a tag");
/// # Ok::<_, donjon::event::ConfigError>(())
/// ```
///
/// A reason is a word of your program. What came with a request is none, so that no password and
/// no token can be logged as one:
///
/// ```compile_fail,E0597
/// # use donjon::event::{EventName, SecurityEvent};
/// fn reject(authorization: String) {
///     let draft = SecurityEvent::draft(EventName::AuthnLoginFail).reason(&authorization);
/// }
/// ```
///
/// [`EventLog::emit`]: super::EventLog::emit
#[derive(Clone)]
#[must_use = "it is not recorded until `EventLog::emit` takes it"]
pub struct Draft<'a> {
    pub(super) name: EventName,
    pub(super) severity: Severity,
    pub(super) client: Option<IpAddr>,
    pub(super) subject: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    pub(super) route: Option<RouteTemplate>,
    pub(super) detail: Detail,
}

impl<'a> Draft<'a> {
    /// Another severity than the name's.
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The address of the client. What is recorded of it is for the log's
    /// [`ClientPolicy`](super::ClientPolicy) to say.
    pub const fn client(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    /// The user: the number or name by which your program knows one. What is recorded of it is for
    /// the log's [`SubjectPolicy`](super::SubjectPolicy) to say.
    pub const fn subject(mut self, id: &'a str) -> Self {
        self.subject = Some(id);
        self
    }

    /// The user to whom it is done, where that is another than the subject: the one an
    /// administrator has created, or given a role.
    pub const fn target(mut self, id: &'a str) -> Self {
        self.target = Some(id);
        self
    }

    /// The pattern of the route.
    pub fn route(mut self, route: RouteTemplate) -> Self {
        self.route = Some(route);
        self
    }

    /// What else there is to say.
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// Why, in a word of your program.
    pub fn reason(self, reason: &'static str) -> Self {
        self.detail(Detail::Reason(reason))
    }
}

/// Whom it is about has not been made a tag yet, and is not printed.
impl fmt::Debug for Draft<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("name", &self.name)
            .field("severity", &self.severity)
            .field("route", &self.route)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}
