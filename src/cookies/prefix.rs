//! Names that browsers hold to rules: the prefix of a [`CookieSpec`](super::CookieSpec)'s name, as a
//! type.
//!
//! | type | begins with | browsers refuse it unless |
//! | --- | --- | --- |
//! | [`HostHttp`] | `__Host-Http-` | all of what stands below |
//! | [`Host`] | `__Host-` | `Secure`, `Path=/` and no `Domain`: no other host, and no plain http, can have set it |
//! | [`Http`] | `__Http-` | `Secure` and `HttpOnly`: no script can have set it |
//! | [`Secure`] | `__Secure-` | `Secure` |
//! | [`Unprefixed`] | none of these | |
//!
//! A browser that does not know `__Host-Http-` yet holds the cookie to the rules of `__Host-`; one
//! that does not know `__Http-` holds it to none. The draft is that of 2026-07.

use super::scan::is;

/// The prefix of a cookie's name.
pub trait NamePrefix: sealed::Sealed + 'static {
    /// What the name begins with.
    const TEXT: &'static str;
}

/// Prefixes with which a cookie may have another path than `/`, and a domain.
pub trait AnyPath: NamePrefix {}

/// Prefixes with which scripts may read a cookie.
pub trait Readable: NamePrefix {}

mod sealed {
    #[expect(unnameable_types, reason = "this is what seals it")]
    pub trait Sealed {}
}

macro_rules! prefixes {
    ($($(#[$docs:meta])* $prefix:ident $text:literal: $($trait:ident)*;)+) => {$(
        $(#[$docs])*
        #[derive(Debug)]
        #[expect(clippy::exhaustive_enums, reason = "it has no values")]
        pub enum $prefix {}

        impl sealed::Sealed for $prefix {}
        impl NamePrefix for $prefix {
            const TEXT: &'static str = $text;
        }
        $(impl $trait for $prefix {})*
    )+};
}

prefixes! {
    /// `__Host-Http-`: only this host has set it, by https and not by a script.
    HostHttp "__Host-Http-":;
    /// `__Host-`: only this host has set it, by https.
    Host "__Host-": Readable;
    /// `__Http-`: it was set by https, and not by a script.
    Http "__Http-": AnyPath;
    /// `__Secure-`: it was set by https.
    Secure "__Secure-": AnyPath Readable;
    /// None of these: any host of the site may have set it.
    Unprefixed "": AnyPath Readable;
}

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
    #[inline]
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let name = name.strip_prefix(b"__")?;
        if let Some(name) = strip(name, b"Host-") {
            return Some(Self { host: true, http_only: strip(name, b"Http-").is_some() });
        }
        let http_only = strip(name, b"Http-").is_some();
        (http_only || strip(name, b"Secure-").is_some()).then_some(Self { host: false, http_only })
    }
}

/// What is behind this, in whatever case.
#[inline]
fn strip<'a, const N: usize>(name: &'a [u8], start: &[u8; N]) -> Option<&'a [u8]> {
    let (found, rest) = name.split_first_chunk::<N>()?;
    is(found, start).then_some(rest)
}
