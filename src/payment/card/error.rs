//! What a card guard cannot be built of.

/// A guard that cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No field can have this name.
    #[error(
        "{value:?} is no name of a field: 1 to 64 characters, one of them a letter or a digit of ASCII; \
         give the last part of a name such as `order[siret]` or `order.siret`"
    )]
    FieldName {
        /// What was given.
        value: String,
    },
    /// No header can have this name.
    #[error("{value:?} is no name of a header, such as `x-request-id`")]
    HeaderName {
        /// What was given.
        value: String,
    },
    /// A field that is named so holds nothing but what must not come.
    #[error(
        "a field named {value:?} is not to be exempt, for security codes must not be stored by anybody \
         (PCI DSS, 3.3.1); rename the field if it is for something else"
    )]
    SecurityCode {
        /// What was given.
        value: String,
    },
}
