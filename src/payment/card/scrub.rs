//! Card numbers out of logs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use super::Finding;
use super::scanner::Scanner;

/// The text with `[visa ending 1111]` in the place of every card number: no more of one than anybody may
/// be shown (PCI DSS 4.0.1, 3.4.1). A text without one is given back as it is.
///
/// ```
/// use donjon::payment::card::scrub;
///
/// let line = "paid 12.50 with 4111 1111 1111 1111, order 1700000000000";
///
/// assert_eq!(scrub(line), "paid 12.50 with [visa ending 1111], order 1700000000000");
/// assert!(matches!(scrub("paid 12.50"), std::borrow::Cow::Borrowed(_)));
/// ```
#[must_use]
pub fn scrub(text: &str) -> Cow<'_, str> {
    let mut scrubbed = Cow::Borrowed(text);
    // What is left may be a number by itself: once more, until it is not.
    while let Some(next) = scrub_once(&scrubbed) {
        scrubbed = Cow::Owned(next);
    }
    scrubbed
}

/// `None` if there is nothing to scrub.
fn scrub_once(text: &str) -> Option<String> {
    let (mut scanner, mut scrubbed, mut from) = (Scanner::new(), None, 0);
    let mut found = |finding: Finding| {
        let scrubbed = scrubbed.get_or_insert_with(|| String::with_capacity(text.len()));
        let place = finding.place();
        let bounds = usize::try_from(place.start).ok().zip(usize::try_from(place.end).ok());
        let Some((start, end)) = bounds else { return };
        scrubbed.push_str(text.get(from..start).unwrap_or_default());
        // Writing to a text does not fail.
        let _ = write!(scrubbed, "[{} ending {:04}]", finding.network(), finding.last_four());
        from = end;
    };
    scanner.push(text.as_bytes(), &mut found);
    scanner.finish(&mut found);
    let mut scrubbed = scrubbed?;
    scrubbed.push_str(text.get(from..).unwrap_or_default());
    Some(scrubbed)
}

/// Scrubs the lines that are written to a writer: for logs.
///
/// A line is scrubbed as a whole when it ends, or when the writer is flushed or dropped; one that is longer
/// than 64 KiB in pieces. Bytes that are no UTF-8 are replaced by `�`.
///
/// With `tracing-subscriber`, whose `fmt` layer takes any writer:
///
/// ```
/// use donjon::payment::card::Scrubbing;
///
/// let subscriber = tracing_subscriber::fmt().with_writer(|| Scrubbing::new(std::io::stderr())).finish();
/// # let _ = subscriber;
///
/// use std::io::Write as _;
/// let mut log = Vec::new();
/// Scrubbing::new(&mut log).write_all(b"card=4111111111111111\n")?;
/// assert_eq!(log, b"card=[visa ending 1111]\n");
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct Scrubbing<W: io::Write> {
    writer: W,
    line: Vec<u8>,
}

impl<W: io::Write> Scrubbing<W> {
    /// In front of this writer.
    pub const fn new(writer: W) -> Self {
        Self { writer, line: Vec::new() }
    }

    fn pass_on(&mut self, end: usize) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.line[..end]);
        let written = self.writer.write_all(scrub(&text).as_bytes());
        // Also where it has failed: who knows how far it got.
        self.line.drain(..end);
        written
    }
}

impl<W: io::Write> io::Write for Scrubbing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.line.len();
        self.line.extend_from_slice(bytes);
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map(|end| before + end + 1);
        if let Some(end) = end {
            self.pass_on(end)?;
        } else if self.line.len() > MOST {
            // Not in the middle of a number, or of a character.
            let mut scanner = Scanner::new();
            scanner.push(&self.line, |_| {});
            let open = usize::try_from(scanner.open()).unwrap_or(usize::MAX);
            let end = self.line.len().saturating_sub(open);
            let last = self.line[..end].iter().rev().take(3).position(|byte| *byte >= 0xc0);
            self.pass_on(end - last.map_or(0, |last| last + 1))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on(self.line.len())?;
        self.writer.flush()
    }
}

impl<W: io::Write> Drop for Scrubbing<W> {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.pass_on(self.line.len());
    }
}

/// The line that is under way is nobody's business.
impl<W: io::Write> std::fmt::Debug for Scrubbing<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubbing").finish_non_exhaustive()
    }
}

const MOST: usize = 1 << 16;
