//! Events as lines of JSON.

use std::fmt::{self, Display};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Detail, EventSink, SecurityEvent, SinkError};

/// Writes one JSON object per line, whatever an event holds.
///
/// ```
/// use std::time::Duration;
///
/// use donjon::event::{EventLog, EventName, JsonLines, SecurityEvent};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("donjon-{}.jsonl", std::process::id()));
/// let log = EventLog::builder().sink("file", JsonLines::file(&path)).build()?;
///
/// log.emit(SecurityEvent::draft(EventName::AuthzFail).client([203, 0, 113, 9].into()));
/// log.shutdown(Duration::from_secs(10))?;
///
/// let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
/// assert_eq!(line["event"], "authz_fail");
/// assert_eq!(line["level"], "CRITICAL");
/// assert_eq!(line["client"], "203.0.113.9");
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
///
/// The keys are `datetime` (RFC 3339, UTC), `level`, `event`, `owasp` (the
/// [vocabulary's line](SecurityEvent::owasp_line)), `client`, `subject`, `target`, `route`, those
/// of the detail (`reason`, `limit`, `number`, `from` and `to`, `lacks`, `grants`, `gateway`, `order`, `what`, `place`, `network` and `last_four`, `lost_info`, `lost_warn` and
/// `lost_critical`, `sink`), `count` and `description`. What an event has not is not there.
pub struct JsonLines {
    out: Out,
    /// A batch, which is written at once.
    lines: Vec<u8>,
}

enum Out {
    Writer {
        writer: Box<dyn Write + Send>,
        /// A write has failed: who knows how far it got.
        torn: bool,
    },
    File(PathBuf),
}

impl JsonLines {
    /// Writes to this writer, and flushes it after each batch.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self { out: Out::Writer { writer: Box::new(writer), torn: false }, lines: Vec::new() }
    }

    /// Appends to this file, which is created if need be; on Unix, for its owner alone to read and
    /// write.
    ///
    /// It is opened anew for each batch: whoever rotates logs renames the file, and has to tell
    /// nobody. If it ends in the middle of a line, because a disk was full or a machine lost its
    /// power, the next event begins a new one.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self { out: Out::File(path.as_ref().to_owned()), lines: Vec::new() }
    }
}

impl EventSink for JsonLines {
    fn deliver(&mut self, batch: &[SecurityEvent]) -> Result<(), SinkError> {
        self.lines.clear();
        // For the end of a line that somebody else has begun.
        self.lines.push(b'\n');
        for event in batch {
            write_line(&mut self.lines, event)?;
        }
        match &mut self.out {
            Out::Writer { writer, torn } => {
                let from = usize::from(!*torn);
                // Before it is known how it ends, for it may end in a panic.
                *torn = true;
                writer.write_all(&self.lines[from..])?;
                writer.flush()?;
                *torn = false;
            }
            Out::File(path) => {
                let mut file = open(path)?;
                let from = usize::from(!is_torn(&file, path));
                file.write_all(&self.lines[from..])?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match &self.out {
            Out::Writer { .. } => None,
            Out::File(path) => Some(path),
        };
        f.debug_struct("JsonLines").field("path", &path).finish_non_exhaustive()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether the file ends in the middle of a line. One that is no file on a disk, or that cannot be
/// read, is taken at its word.
fn is_torn(file: &File, path: &Path) -> bool {
    let regular = file.metadata().is_ok_and(|data| data.is_file() && data.len() > 0);
    let last = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [b'\n'];
        file.read_exact(&mut byte)?;
        Ok::<_, io::Error>(byte)
    };
    regular && last().is_ok_and(|byte| byte != *b"\n")
}

fn write_line(out: &mut Vec<u8>, event: &SecurityEvent) -> io::Result<()> {
    let at = event.at.clamp(SystemTime::UNIX_EPOCH, last_time());
    out.push(b'{');
    text(out, "datetime", humantime::format_rfc3339_millis(at))?;
    text(out, "level", event.severity)?;
    text(out, "event", event.name)?;
    text(out, "owasp", event.owasp_line())?;
    if let Some(client) = event.client {
        text(out, "client", client)?;
    }
    if let Some(subject) = &event.subject {
        text(out, "subject", subject)?;
    }
    if let Some(target) = &event.target {
        text(out, "target", target)?;
    }
    if let Some(route) = &event.route {
        text(out, "route", route)?;
    }
    match &event.detail {
        Detail::None => {}
        Detail::Reason(reason) => text(out, "reason", reason)?,
        Detail::Limit(limit) => number(out, "limit", *limit)?,
        Detail::Count(count) => number(out, "number", *count)?,
        Detail::Change { from, to } => {
            text(out, "from", from)?;
            text(out, "to", to)?;
        }
        Detail::Cookie { name, reason } => {
            text(out, "cookie", name)?;
            text(out, "reason", reason)?;
        }
        Detail::Denied { reason, lacks, grants } => {
            text(out, "reason", reason)?;
            if let Some(lacks) = lacks {
                text(out, "lacks", lacks)?;
            }
            if let Some(grants) = grants {
                number(out, "grants", grants.get().into())?;
            }
        }
        Detail::Granted { grants } => {
            if let Some(grants) = grants {
                number(out, "grants", grants.get().into())?;
            }
        }
        Detail::Payment(said) => {
            text(out, "gateway", said.gateway)?;
            if let Some(order) = &said.order {
                text(out, "order", order)?;
            }
            text(out, "what", said.what)?;
        }
        Detail::Card { place, network, last_four } => {
            text(out, "place", place)?;
            text(out, "network", network)?;
            text(out, "last_four", format_args!("{last_four:04}"))?;
        }
        Detail::Lost(lost) => {
            number(out, "lost_info", lost.info)?;
            number(out, "lost_warn", lost.warn)?;
            number(out, "lost_critical", lost.critical)?;
        }
        Detail::Sink(name) => text(out, "sink", name)?,
    }
    number(out, "count", event.count)?;
    text(out, "description", event.name.description())?;
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn text(out: &mut Vec<u8>, key: &str, value: impl Display) -> io::Result<()> {
    begin(out, key)?;
    // It escapes every control character, so a line stays a line.
    serde_json::to_writer(out, &value.to_string())?;
    Ok(())
}

fn number(out: &mut Vec<u8>, key: &str, value: u64) -> io::Result<()> {
    begin(out, key)?;
    write!(out, "{value}")
}

/// Keys are ours, and need no escaping.
fn begin(out: &mut Vec<u8>, key: &str) -> io::Result<()> {
    let comma = if out.ends_with(b"{") { "" } else { "," };
    write!(out, "{comma}\"{key}\":")
}

/// The last moment that RFC 3339 can write.
fn last_time() -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(253_402_300_799))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::event::{
        ClientTag, EventName, Lost, PaymentDetail, Severity, SinkName, SubjectTag, TagKey,
        tag::Keys,
    };
    use crate::head::RouteTemplate;

    fn event(detail: Detail) -> SecurityEvent {
        SecurityEvent::own(EventName::SysStartup, SystemTime::UNIX_EPOCH, detail)
    }

    fn written(event: &SecurityEvent) -> String {
        let mut line = Vec::new();
        write_line(&mut line, event).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn an_event_is_an_object_of_what_it_has() {
        assert_eq!(
            written(&event(Detail::None)),
            "{\"datetime\":\"1970-01-01T00:00:00.000Z\",\"level\":\"WARN\",\
             \"event\":\"sys_startup\",\"owasp\":\"sys_startup\",\"count\":1,\
             \"description\":\"The system starts.\"}\n"
        );

        let keys = Keys::new(&TagKey::from_bytes([1; 32]).unwrap());
        let full = SecurityEvent {
            severity: Severity::Critical,
            client: Some(ClientTag::Full([192, 0, 2, 1].into())),
            subject: Some(SubjectTag::Raw("ann".into())),
            target: Some(keys.current().subject(crate::event::SubjectPolicy::Hashed, "bob")),
            route: Some(RouteTemplate::new("/users/{id}")),
            count: 3,
            ..event(Detail::Change { from: "user", to: "admin" })
        };
        let tag = full.target().unwrap().to_string();
        let line: Value = serde_json::from_str(&written(&full)).unwrap();
        assert_eq!(
            line,
            json!({
                "datetime": "1970-01-01T00:00:00.000Z", "level": "CRITICAL",
                "event": "sys_startup", "owasp": format!("sys_startup:ann,{tag},user,admin"),
                "client": "192.0.2.1", "subject": "ann", "target": tag, "route": "/users/{id}",
                "from": "user", "to": "admin", "count": 3, "description": "The system starts.",
            })
        );
    }

    #[test]
    fn details_have_keys_of_their_own() {
        let lost = Lost { info: 1, warn: 2, critical: 3 };
        for (detail, keys) in [
            (Detail::Reason("why"), json!({"reason": "why"})),
            (Detail::Limit(5), json!({"limit": 5})),
            (Detail::Count(6), json!({"number": 6})),
            (
                Detail::Cookie { name: "sid", reason: "why" },
                json!({"cookie": "sid", "reason": "why"}),
            ),
            (
                Detail::Denied {
                    reason: "why",
                    lacks: Some("a"),
                    grants: std::num::NonZeroU32::new(7),
                },
                json!({"reason": "why", "lacks": "a", "grants": 7}),
            ),
            (Detail::Granted { grants: std::num::NonZeroU32::new(7) }, json!({"grants": 7})),
            (
                Detail::Payment(Box::new(PaymentDetail {
                    gateway: "paybox",
                    order: Some("17".into()),
                    what: "paid",
                })),
                json!({"gateway": "paybox", "order": "17", "what": "paid"}),
            ),
            (
                Detail::Card { place: "query", network: "visa", last_four: 5 },
                json!({"place": "query", "network": "visa", "last_four": "0005"}),
            ),
            (Detail::Lost(lost), json!({"lost_info": 1, "lost_warn": 2, "lost_critical": 3})),
            (Detail::Sink(SinkName::new("file")), json!({"sink": "file"})),
        ] {
            let line: Value = serde_json::from_str(&written(&event(detail))).unwrap();
            for (key, value) in keys.as_object().unwrap() {
                assert_eq!(&line[key], value, "{key}");
            }
        }
    }

    /// Also one that got past the cleaning of raw names.
    #[test]
    fn no_name_is_two_lines() {
        let forged = "a\n{\"event\":\"authn_login_success\"}\r\u{85}\u{1b}[2J";
        let subject = Some(SubjectTag::Raw(forged.into()));
        let line = written(&SecurityEvent { subject, ..event(Detail::None) });

        assert_eq!(line.lines().count(), 1);
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["event"], "sys_startup");
        assert_eq!(read["subject"], forged);
    }

    #[test]
    fn a_clock_that_is_far_off_is_written_as_far_as_it_can_be() {
        for (at, datetime) in [
            (SystemTime::UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00.000Z"),
            (SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40), "9999-12-31T23:59:59.000Z"),
            (
                SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_007),
                "1970-01-02T00:00:00.007Z",
            ),
        ] {
            let line: Value =
                serde_json::from_str(&written(&SecurityEvent { at, ..event(Detail::None) }))
                    .unwrap();
            assert_eq!(line["datetime"], datetime);
        }
    }

    /// A path that is gone when the test is over.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("donjon-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).unwrap();
            Self(folder)
        }

        fn file(&self) -> PathBuf {
            self.0.join("security.jsonl")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_may_be_moved_away_at_any_time() {
        let scratch = Scratch::new("rotated");
        let mut sink = JsonLines::file(scratch.file());
        sink.deliver(&[event(Detail::Limit(1)), event(Detail::Limit(2))]).unwrap();
        fs::rename(scratch.file(), scratch.0.join("old")).unwrap();
        sink.deliver(&[event(Detail::Limit(3))]).unwrap();

        assert_eq!(fs::read_to_string(scratch.0.join("old")).unwrap().lines().count(), 2);
        assert!(fs::read_to_string(scratch.file()).unwrap().starts_with("{\"datetime\""));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let scratch = Scratch::new("mode");
        JsonLines::file(scratch.file()).deliver(&[event(Detail::None)]).unwrap();

        assert_eq!(fs::metadata(scratch.file()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_broken_line_in_the_file_does_not_break_the_next() {
        let scratch = Scratch::new("torn");
        fs::write(scratch.file(), "{\"datetime\":\"19").unwrap();
        let mut sink = JsonLines::file(scratch.file());
        sink.deliver(&[event(Detail::None)]).unwrap();
        sink.deliver(&[event(Detail::None)]).unwrap();

        let text = fs::read_to_string(scratch.file()).unwrap();
        let whole: Vec<_> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).is_ok()).collect();
        assert_eq!(whole, [false, true, true]);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_an_error() {
        let scratch = Scratch::new("absent");
        let mut sink = JsonLines::file(scratch.0.join("absent").join("file"));
        assert!(sink.deliver(&[event(Detail::None)]).is_err());
    }

    /// A pipe that takes so many bytes, breaks once, and is mended.
    #[derive(Clone)]
    struct Breaks(Arc<Mutex<(usize, Vec<u8>)>>);

    impl Write for Breaks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (left, out) = &mut *self.0.lock().unwrap();
            if *left == 0 {
                *left = usize::MAX;
                return Err(io::Error::other("broken"));
            }
            let taken = bytes.len().min(*left);
            *left -= taken;
            out.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_write_that_breaks_off_does_not_break_the_next() {
        let pipe = Breaks(Arc::new(Mutex::new((20, Vec::new()))));
        let mut sink = JsonLines::to(pipe.clone());
        assert!(sink.deliver(&[event(Detail::None)]).is_err());
        sink.deliver(&[event(Detail::None)]).unwrap();
        sink.deliver(&[event(Detail::None)]).unwrap();

        let text = String::from_utf8(pipe.0.lock().unwrap().1.clone()).unwrap();
        let whole: Vec<_> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).is_ok()).collect();
        assert_eq!(whole, [false, true, true]);
    }
}
