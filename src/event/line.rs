//! An event as one line of text.

use std::fmt::{self, Write as _};

use super::{Detail, SecurityEvent};
use crate::text::is_harmless;

impl SecurityEvent {
    /// The event in the vocabulary's form: its name, or its name and parameters. The parameters
    /// are the subject, the target and the detail, as far as there are any.
    ///
    /// A comma, colon, equals sign or backslash inside a parameter has a backslash before it, and what could
    /// break the line is written as `\u{a}`. So no user, whatever he calls himself, can forge a
    /// parameter or a line. Where there is no subject but something follows it, its place is empty.
    ///
    /// ```
    /// use donjon::event::{Detail, EventLog, EventName, MemorySink, SecurityEvent, SubjectPolicy};
    ///
    /// let memory = MemorySink::default();
    /// let log = EventLog::builder().memory(&memory).subjects(SubjectPolicy::Raw).build()?;
    ///
    /// let draft = SecurityEvent::draft(EventName::AuthnLoginFailMax);
    /// log.emit(draft.subject("ann,3").detail(Detail::Limit(5)));
    ///
    /// assert_eq!(memory.events()[0].owasp_line(), r"authn_login_fail_max:ann\,3,5");
    /// # Ok::<_, donjon::event::ConfigError>(())
    /// ```
    #[must_use]
    pub fn owasp_line(&self) -> String {
        OwaspLine(self).to_string()
    }
}

/// One line, without the time: severity, [`owasp_line`](SecurityEvent::owasp_line), and what else
/// is known.
impl fmt::Display for SecurityEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.severity, OwaspLine(self))?;
        if let Some(client) = &self.client {
            write!(f, " client={client}")?;
        }
        if let Some(route) = &self.route {
            write!(f, " route={route}")?;
        }
        if self.count != 1 {
            write!(f, " count={}", self.count)?;
        }
        Ok(())
    }
}

/// A text that stands beside others, as a parameter is written.
#[cfg(feature = "tracing")]
pub(super) struct Parameter<T>(pub(super) T);

#[cfg(feature = "tracing")]
impl<T: fmt::Display> fmt::Display for Parameter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaped(f), "{}", self.0)
    }
}

/// Writes the line without allocating.
pub(super) struct OwaspLine<'a>(pub(super) &'a SecurityEvent);

impl fmt::Display for OwaspLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        f.write_str(event.name.as_str())?;
        if event.subject.is_none() && event.target.is_none() && event.detail == Detail::None {
            return Ok(());
        }
        f.write_char(':')?;
        if let Some(subject) = &event.subject {
            write!(Escaped(f), "{subject}")?;
        }
        let mut parameter = |value: &dyn fmt::Display| {
            f.write_char(',')?;
            write!(Escaped(f), "{value}")
        };
        if let Some(target) = &event.target {
            parameter(target)?;
        }
        match &event.detail {
            Detail::None => Ok(()),
            Detail::Reason(reason) => parameter(reason),
            Detail::Limit(number) | Detail::Count(number) => parameter(number),
            Detail::Change { from, to } => {
                parameter(from)?;
                parameter(to)
            }
            Detail::Cookie { name, reason } => {
                parameter(name)?;
                parameter(reason)
            }
            Detail::Denied { reason, lacks, grants } => {
                parameter(reason)?;
                lacks.iter().try_for_each(|lacks| parameter(lacks))?;
                grants.iter().try_for_each(|grants| parameter(grants))
            }
            Detail::Granted { grants } => grants.iter().try_for_each(|grants| parameter(grants)),
            Detail::Payment(said) => {
                parameter(&said.gateway)?;
                parameter(&said.order.as_deref().unwrap_or_default())?;
                parameter(&said.what)
            }
            Detail::Card { place, network, last_four } => {
                parameter(place)?;
                parameter(network)?;
                parameter(&format_args!("{last_four:04}"))
            }
            Detail::Lost(lost) => {
                parameter(&lost.info)?;
                parameter(&lost.warn)?;
                parameter(&lost.critical)
            }
            Detail::Sink(name) => parameter(name),
        }
    }
}

/// Escapes what is written to it.
struct Escaped<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match char {
                ',' | ':' | '=' | '\\' => write!(self.0, "\\{char}")?,
                char if is_harmless(char) => self.0.write_char(char)?,
                char => write!(self.0, "{}", char.escape_unicode())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;
    use crate::event::{EventName, Lost, PaymentDetail, SinkName, SubjectTag};
    use crate::head::RouteTemplate;

    fn event(subject: Option<&str>, target: Option<&str>, detail: Detail) -> SecurityEvent {
        let own = SecurityEvent::own(EventName::UserCreated, SystemTime::UNIX_EPOCH, detail);
        let raw = |text: &str| SubjectTag::Raw(text.into());
        SecurityEvent { subject: subject.map(raw), target: target.map(raw), ..own }
    }

    #[test]
    fn the_parameters_follow_the_name_in_order() {
        let lost = Lost { info: 1, warn: 2, critical: 3 };
        for (subject, target, detail, line) in [
            (None, None, Detail::None, ""),
            (Some("ann"), None, Detail::None, ":ann"),
            (Some(""), None, Detail::None, ":"),
            (Some("ann"), Some("bob"), Detail::Reason("self service"), ":ann,bob,self service"),
            (None, Some("bob"), Detail::None, ":,bob"),
            (None, None, Detail::Limit(5), ":,5"),
            (Some("ann"), None, Detail::Change { from: "user", to: "admin" }, ":ann,user,admin"),
            (None, None, Detail::Cookie { name: "sid", reason: "why" }, ":,sid,why"),
            (
                Some("ann"),
                None,
                Detail::Denied { reason: "why", lacks: Some("book"), grants: NonZeroU32::new(7) },
                ":ann,why,book,7",
            ),
            (Some("ann"), None, Detail::Granted { grants: NonZeroU32::new(7) }, ":ann,7"),
            (
                None,
                None,
                Detail::Payment(Box::new(PaymentDetail {
                    gateway: "paybox",
                    order: Some("17".into()),
                    what: "paid",
                })),
                ":,paybox,17,paid",
            ),
            (
                None,
                None,
                Detail::Card { place: "query", network: "visa", last_four: 5 },
                ":,query,visa,0005",
            ),
            (None, None, Detail::Lost(lost), ":,1,2,3"),
            (None, None, Detail::Sink(SinkName::new("file")), ":,file"),
            (Some("a,b:c\\"), None, Detail::Count(7), r":a\,b\:c\\,7"),
            (Some("a\n\u{202e}b"), None, Detail::None, r":a\u{a}\u{202e}b"),
            (None, None, Detail::Reason("two\nlines"), r":,two\u{a}lines"),
        ] {
            let event = event(subject, target, detail);
            assert_eq!(event.owasp_line(), format!("user_created{line}"));
        }
    }

    #[test]
    fn what_is_printed_has_no_time_in_it() {
        let event = SecurityEvent {
            client: Some(crate::event::ClientTag::Full([192, 0, 2, 1].into())),
            route: Some(RouteTemplate::new("/users/{id}\n")),
            count: 3,
            ..event(Some("ann"), None, Detail::None)
        };
        assert_eq!(
            event.to_string(),
            "WARN user_created:ann client=192.0.2.1 route=/users/{id}\u{fffd} count=3"
        );
    }

    /// Reads the parameters back.
    fn parameters(line: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        let mut chars = line.chars();
        while let Some(char) = chars.next() {
            match char {
                ',' => found.push(String::new()),
                '\\' => {
                    let next = chars.next().unwrap();
                    if next == 'u' {
                        let hex: String =
                            chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                        let code = u32::from_str_radix(&hex, 16).unwrap();
                        found.last_mut().unwrap().push(char::from_u32(code).unwrap());
                    } else {
                        found.last_mut().unwrap().push(next);
                    }
                }
                char => found.last_mut().unwrap().push(char),
            }
        }
        found
    }

    proptest! {
        /// Whatever two users call themselves, the line is one and reads back as the two of them.
        #[test]
        fn nobody_can_forge_a_parameter_or_a_line(
            subject in "[a,:\\\\u{}\n\r\u{1b}\u{85}\u{2028}\u{202e}\\PC]{0,12}",
            target in "[a,:\\\\u{}\n\r\u{1b}\u{85}\u{2028}\u{202e}\\PC]{0,12}",
        ) {
            let line = event(Some(&subject), Some(&target), Detail::Limit(1)).owasp_line();

            prop_assert!(line.chars().all(is_harmless), "{line:?}");
            let read = parameters(line.strip_prefix("user_created:").unwrap());
            prop_assert_eq!(read, [subject, target, "1".to_owned()]);
        }
    }
}
