//! Names that browsers hold to rules.

/// What the prefix of a cookie's name asks for, apart from `Secure`, which each of them does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Prefix {
    /// `Path=/` and no `Domain`.
    pub(super) host: bool,
    /// `HttpOnly`.
    pub(super) http_only: bool,
}

impl Prefix {
    /// Servers are to write prefixes as they stand in the draft; browsers do not mind the case.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        if !name.starts_with(b"__") {
            return None;
        }
        let found = ALL.iter().find(|(prefix, _)| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        });
        found.map(|(_, prefix)| *prefix)
    }
}

const ALL: [(&[u8], Prefix); 4] = [
    (b"__host-http-", Prefix { host: true, http_only: true }),
    (b"__host-", Prefix { host: true, http_only: false }),
    (b"__http-", Prefix { host: false, http_only: true }),
    (b"__secure-", Prefix { host: false, http_only: false }),
];
