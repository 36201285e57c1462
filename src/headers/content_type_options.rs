//! `X-Content-Type-Options`: browsers believe the `Content-Type`.
//!
//! **The attack.** Somebody uploads a picture that is also a script. The server says `image/png`, a
//! page asks for it as a script, and a browser that guesses types from the content runs it.
//!
//! **The rule.** [Fetch](https://fetch.spec.whatwg.org/#x-content-type-options-header)
//! knows one value. OWASP's Secure Headers Project recommends it.
//!
//! - In every preset.
//! - It needs a right `Content-Type` on every response: a script sent as `text/plain` no longer
//!   runs.
//!
//! ```
//! use donjon::headers::ContentTypeOptions;
//!
//! assert_eq!(ContentTypeOptions::NoSniff.to_string(), "nosniff");
//! assert!("no-sniff".parse::<ContentTypeOptions>().is_err());
//! ```

use super::word::word_header;

word_header! {
    /// An `X-Content-Type-Options` header.
    ///
    /// See the [module docs](self).
    ContentTypeOptions, "write nosniff" {
        /// Types are not guessed.
        NoSniff = "nosniff",
    }
    word, weakest first: "nosniff"
}
