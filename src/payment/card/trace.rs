//! Card numbers out of the fields of `tracing`.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};

use super::scrub;

/// Hands fields on to another visitor without card numbers, whether they are in a text, in what is printed
/// of a value, or are a number.
///
/// It is for layers and formatters of your own. Where all that is logged goes through one writer,
/// [`Scrubbing`](super::Scrubbing) is enough.
///
/// ```
/// use std::fmt::{Debug, Write as _};
///
/// use donjon::payment::card::ScrubbedFields;
/// use tracing::field::{Field, Visit};
///
/// #[derive(Default)]
/// struct Line(String);
///
/// impl Visit for Line {
///     fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
///         let _ = write!(self.0, "{field}={value:?} ");
///     }
/// }
///
/// // In a layer's `on_event`.
/// fn print(event: &tracing::Event<'_>) -> String {
///     let mut line = Line::default();
///     event.record(&mut ScrubbedFields::new(&mut line));
///     line.0
/// }
/// # let _ = print;
/// ```
pub struct ScrubbedFields<'a>(&'a mut dyn Visit);

impl<'a> ScrubbedFields<'a> {
    /// In front of this visitor.
    pub fn new(visitor: &'a mut dyn Visit) -> Self {
        Self(visitor)
    }

    /// What is a card number is handed on as a text, and all else as it is.
    fn number(
        &mut self,
        field: &Field,
        value: &impl ToString,
        pass_on: impl FnOnce(&mut dyn Visit),
    ) {
        let text = value.to_string();
        match scrub(&text) {
            std::borrow::Cow::Borrowed(_) => pass_on(self.0),
            std::borrow::Cow::Owned(scrubbed) => self.0.record_str(field, &scrubbed),
        }
    }
}

impl Visit for ScrubbedFields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.record_debug(field, &format_args!("{}", scrub(&format!("{value:?}"))));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.record_str(field, &scrub(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.record_debug(field, &format_args!("{}", scrub(&value.to_string())));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        match scrub(&String::from_utf8_lossy(value)) {
            std::borrow::Cow::Borrowed(_) => self.0.record_bytes(field, value),
            std::borrow::Cow::Owned(scrubbed) => self.0.record_str(field, &scrubbed),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, &value, |visitor| visitor.record_f64(field, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, &value, |visitor| visitor.record_i64(field, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, &value, |visitor| visitor.record_u64(field, value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, &value, |visitor| visitor.record_i128(field, value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, &value, |visitor| visitor.record_u128(field, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.record_bool(field, value);
    }
}

impl Debug for ScrubbedFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrubbedFields").finish_non_exhaustive()
    }
}
