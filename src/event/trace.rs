//! Hands events to the subscriber of `tracing`.

use super::line::{OwaspLine, Parameter};
use super::sink::Inline;
use super::{SecurityEvent, Severity};

pub(super) struct Tracing;

impl Inline for Tracing {
    fn record(&self, event: &SecurityEvent) {
        // The level has to be known when the program is written.
        macro_rules! at {
            ($level:ident) => {
                tracing::event!(
                    target: "donjon::security",
                    tracing::Level::$level,
                    event = event.name.as_str(),
                    owasp = %OwaspLine(event),
                    client = event.client.map(tracing::field::display),
                    subject = event.subject.as_ref().map(Parameter).map(tracing::field::display),
                    // `target` is a word of its own in `tracing`.
                    other = event.target.as_ref().map(Parameter).map(tracing::field::display),
                    route = event.route(),
                    count = event.count,
                    "{}", event.name.description()
                )
            };
        }
        match event.severity {
            Severity::Info => at!(INFO),
            Severity::Warn => at!(WARN),
            Severity::Critical => at!(ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use crate::event::{EventLog, EventName, SecurityEvent, SubjectPolicy};

    #[derive(Clone, Default)]
    struct Text(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Text {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn events_are_traced_at_their_level_inside_the_span_of_who_emits() {
        let text = Text::default();
        let writer = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        let log = EventLog::builder().tracing().subjects(SubjectPolicy::Raw).build().unwrap();

        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("login").entered();
            log.emit(SecurityEvent::draft(EventName::SessionCreated));
            log.emit(SecurityEvent::draft(EventName::AuthnLoginFail).reason("password"));
            log.emit(
                SecurityEvent::draft(EventName::AuthzFail)
                    .client([192, 0, 2, 1].into())
                    .subject("a\nb")
                    .target("bob"),
            );
        });

        let text = String::from_utf8(text.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "INFO login: donjon::security: A session has begun. event=\"session_created\" \
                 owasp=session_created count=1",
                "WARN login: donjon::security: A login has failed. event=\"authn_login_fail\" \
                 owasp=authn_login_fail:,password count=1",
                "ERROR login: donjon::security: Somebody has asked for what is not allowed to \
                 them. event=\"authz_fail\" owasp=authz_fail:a\u{fffd}b,bob client=192.0.2.1 \
                 subject=a\u{fffd}b other=bob count=1",
            ]
        );
    }
}
