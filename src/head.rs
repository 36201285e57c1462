//! The parts of a request and a response that a middleware may see, whatever framework carries
//! them.
//!
//! [`RequestHead`] is implemented for `http`'s `Request` and `Parts` (1.x: tower, axum, hyper) and for
//! actix-web's `ServiceRequest` and `HttpRequest`; [`ResponseHead`] for `http`'s `Response` and
//! actix-web's `ServiceResponse` and `HttpResponse`.
//! Nothing is converted or copied. actix-web still uses `http` 0.2, whose header types are others,
//! so [`Name`] and [`Value`] hold a header parsed once for each framework compiled in.
//!
//! ```
//! use donjon::head::{Name, ResponseHead, Value};
//!
//! let name = Name::from_static("x-robots-tag");
//! let value = Value::new("noindex").expect("visible ASCII");
//! let mut response = http::Response::new("hello");
//!
//! response.insert(&name, &value);
//!
//! assert!(response.contains(&name));
//! assert_eq!(response.headers()["x-robots-tag"], "noindex");
//! assert!(Value::new("no\r\nindex").is_none(), "no header injection");
//! ```

use std::any::Any;
use std::borrow::Cow;
use std::net::SocketAddr;

use bytes::Bytes;

pub use self::route::RouteTemplate;
pub use self::set::{HeaderSet, Precedence};
use crate::client::Scheme;

#[cfg(feature = "actix")]
mod actix;
mod http1;
mod route;
mod set;

/// A header name, parsed once for every framework compiled in.
#[derive(Clone, Debug)]
pub struct Name {
    v1: http::HeaderName,
    #[cfg(feature = "actix")]
    v0: http_02::HeaderName,
}

impl Name {
    /// A name known when the program is written.
    ///
    /// # Panics
    ///
    /// If `name` is not a valid header name in lower case. In a `const` or `static` that is a
    /// compile error.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self {
            v1: http::HeaderName::from_static(name),
            #[cfg(feature = "actix")]
            v0: http_02::HeaderName::from_static(name),
        }
    }

    /// A name known only at run time; `None` if it is not a header name.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        Some(Self {
            v1: http::HeaderName::from_bytes(name.as_bytes()).ok()?,
            #[cfg(feature = "actix")]
            v0: http_02::HeaderName::from_bytes(name.as_bytes()).ok()?,
        })
    }

    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.v1.as_str()
    }
}

/// A header value, validated once for every framework compiled in; cloning it copies no bytes.
#[derive(Clone, Debug)]
pub struct Value {
    v1: http::HeaderValue,
    #[cfg(feature = "actix")]
    v0: http_02::HeaderValue,
}

impl Value {
    /// A value of visible ASCII, spaces and tabs; `None` for anything else, so that no header can
    /// be injected.
    #[must_use]
    pub fn new(value: impl Into<Cow<'static, str>>) -> Option<Self> {
        Self::from_shared(match value.into() {
            Cow::Borrowed(value) => Bytes::from_static(value.as_bytes()),
            Cow::Owned(value) => value.into(),
        })
    }

    /// Panics if it is no header value; in a `static` that is a compile error.
    pub(crate) const fn from_static(value: &'static str) -> Self {
        Self {
            v1: http::HeaderValue::from_static(value),
            #[cfg(feature = "actix")]
            v0: http_02::HeaderValue::from_static(value),
        }
    }

    /// As [`new`](Self::new), for bytes that came in: those above ASCII pass too.
    #[cfg(feature = "https")]
    pub(crate) fn from_opaque(value: Bytes) -> Option<Self> {
        Some(Self {
            #[cfg(feature = "actix")]
            v0: http_02::HeaderValue::from_maybe_shared(value.clone()).ok()?,
            v1: http::HeaderValue::from_maybe_shared(value).ok()?,
        })
    }

    pub(crate) fn from_shared(value: Bytes) -> Option<Self> {
        #[cfg(feature = "actix")]
        let v0 = http_02::HeaderValue::from_maybe_shared(value.clone()).ok()?;
        let v1 = http::HeaderValue::from_maybe_shared(value).ok()?;
        v1.to_str().ok()?;
        Some(Self {
            v1,
            #[cfg(feature = "actix")]
            v0,
        })
    }

    /// The value's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.v1.as_bytes()
    }
}

/// What becomes of one value of a header: see [`ResponseHead::rewrite`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to do with it")]
pub enum Rewrite {
    /// It stays as it is.
    Keep,
    /// These bytes take its place. Bytes that are no header value are as [`Drop`](Self::Drop).
    Replace(Bytes),
    /// It goes.
    Drop,
}

/// The head of a request. For middleware and extractors to read; no type outside this crate has it.
pub trait RequestHead: sealed::Sealed {
    /// The method, as sent.
    fn method(&self) -> &str;

    /// The path, as sent, without the query. In an axum router that is nested in another it is the
    /// whole path all the same (feature `axum`).
    fn path(&self) -> &str;

    /// The path by which requests are routed here: in a nested router its part of it, and behind something
    /// that rewrites paths what that has made of it.
    fn path_here(&self) -> &str {
        self.path()
    }

    /// The path and the query, as sent.
    fn path_and_query(&self) -> &str;

    /// The host and port that stand in the request's target: `:authority` in HTTP/2, and a target
    /// that is a whole address in HTTP/1. The client's word.
    fn authority(&self) -> Option<&str>;

    /// The address at the other end of the connection: a proxy's, if there is one. `None` if the
    /// server has not told; see [`client`](crate::client).
    fn peer(&self) -> Option<SocketAddr>;

    /// The scheme of the connection, if there is evidence of it. Nothing the client says counts.
    fn scheme(&self) -> Option<Scheme>;

    /// The template of the route that the request was matched with, if it was already.
    fn route(&self) -> Option<RouteTemplate>;

    /// The bytes of every value of a header, in the order they came.
    fn header<'a>(&'a self, name: &'a Name) -> impl DoubleEndedIterator<Item = &'a [u8]>;

    /// Every header by its name in lower case: several of one name one by one, and in no order that
    /// says anything.
    fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// Whether some header is there more than once.
    fn repeats_headers(&self) -> bool;

    /// Looks at the extension of type `T`, if there is one.
    fn look<T: Any + Send + Sync, V>(&self, look: impl FnOnce(&T) -> V) -> Option<V>;

    /// Says of every value of a header, in the order they came, what becomes of it. The order of what
    /// stays, and of all other headers, is kept. `false`, and nothing is done, where the head cannot
    /// be changed: in an `HttpRequest` of actix-web.
    ///
    /// # Panics
    ///
    /// In actix-web, whose own routing panics then too, if an outer middleware of yours holds on to a
    /// clone of the `HttpRequest`.
    fn rewrite(&mut self, name: &Name, rewrite: impl FnMut(&[u8]) -> Rewrite) -> bool;

    /// A clone of the extension of type `T`.
    fn extension<T: Any + Clone + Send + Sync>(&self) -> Option<T> {
        self.look(T::clone)
    }

    /// Inserts an extension, replacing one of the same type.
    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T);
}

/// The head of a response. For middleware to edit; no type outside this crate has it.
pub trait ResponseHead: sealed::Sealed {
    /// The status code.
    fn status(&self) -> u16;

    /// The bytes of every value of a header.
    fn header<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a [u8]>;

    /// Every header by its name in lower case: several of one name one by one, and in no order that
    /// says anything.
    fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// Whether the header is present.
    fn contains(&self, name: &Name) -> bool;

    /// Sets a header, replacing every value it has.
    fn insert(&mut self, name: &Name, value: &Value);

    /// As [`insert`](Self::insert), for a value made for this response alone. Bytes that are no
    /// header value change nothing and give `false`.
    fn insert_bytes(&mut self, name: &Name, value: Bytes) -> bool;

    /// Adds a value to those that the header has. Bytes that are no header value change nothing and
    /// give `false`.
    fn append_bytes(&mut self, name: &Name, value: Bytes) -> bool;

    /// Removes every value of a header.
    fn remove(&mut self, name: &Name);

    /// Says of every value of a header, in their order, what becomes of it. The order of what stays,
    /// and of all other headers, is kept. Where everything is kept nothing is allocated.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use donjon::head::{Name, ResponseHead, Rewrite};
    ///
    /// let mut response = http::Response::builder()
    ///     .header("x-robots-tag", "noindex")
    ///     .header("x-robots-tag", "nofollow")
    ///     .body(())
    ///     .unwrap();
    /// response.rewrite(&Name::from_static("x-robots-tag"), |value| match value {
    ///     b"noindex" => Rewrite::Replace(Bytes::from_static(b"none")),
    ///     _ => Rewrite::Drop,
    /// });
    ///
    /// assert_eq!(response.headers().get_all("x-robots-tag").iter().count(), 1);
    /// assert_eq!(response.headers()["x-robots-tag"], "none");
    /// ```
    fn rewrite(&mut self, name: &Name, rewrite: impl FnMut(&[u8]) -> Rewrite);

    /// Puts a prepared set under the headers that are there, as the set's rules say.
    ///
    /// This is the cheapest way to send a dozen headers: in tower the set is one prebuilt map, and
    /// the application's few headers are moved over it.
    fn underlay(&mut self, set: &HeaderSet);

    /// A clone of the extension of type `T`.
    fn extension<T: Any + Clone + Send + Sync>(&self) -> Option<T>;

    /// Inserts an extension, replacing one of the same type.
    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T);
}

/// Whether a request asks for a web socket: such a request changes more than its method says.
#[cfg(any(feature = "csrf", feature = "https"))]
pub(crate) fn asks_for_websocket<R: RequestHead>(request: &R) -> bool {
    static UPGRADE: Name = Name::from_static("upgrade");
    let mut protocols = request.header(&UPGRADE).flat_map(|line| line.split(|byte| *byte == b','));
    protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

mod sealed {
    #[expect(unnameable_types, reason = "this is what seals it")]
    pub trait Sealed {}

    impl<B> Sealed for http::Request<B> {}
    impl Sealed for http::request::Parts {}
    impl<B> Sealed for http::Response<B> {}
    #[cfg(feature = "actix")]
    impl Sealed for actix_web::dev::ServiceRequest {}
    #[cfg(feature = "actix")]
    impl Sealed for actix_web::HttpRequest {}
    #[cfg(feature = "actix")]
    impl<B> Sealed for actix_web::dev::ServiceResponse<B> {}
    #[cfg(feature = "actix")]
    impl<B> Sealed for actix_web::HttpResponse<B> {}
}
