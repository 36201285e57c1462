//! Heads of `http` 1.x: tower, axum, hyper.

use std::any::Any;
use std::net::SocketAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, Uri};

use super::{HeaderSet, Name, RequestHead, ResponseHead, RouteTemplate, Value};
use crate::client::{Peer, Scheme};

/// The same for a request and for its parts without the body.
macro_rules! request_head {
    (
        impl $(<$body:ident>)? for $head:ty:
        |$this:ident| $method:expr, $uri:expr, $headers:expr, $extensions:expr, $extensions_mut:expr
    ) => {
        impl $(<$body>)? RequestHead for $head {
            fn method(&self) -> &str {
                let $this = self;
                $method.as_str()
            }

            fn path(&self) -> &str {
                let $this = self;
                original_uri($uri, $extensions).path()
            }

            fn path_and_query(&self) -> &str {
                let $this = self;
                let uri = original_uri($uri, $extensions);
                uri.path_and_query().map_or("/", |target| target.as_str())
            }

            fn authority(&self) -> Option<&str> {
                let $this = self;
                original_uri($uri, $extensions).authority().map(|authority| authority.as_str())
            }

            fn peer(&self) -> Option<SocketAddr> {
                let $this = self;
                peer($extensions)
            }

            fn scheme(&self) -> Option<Scheme> {
                let $this = self;
                $extensions.get().copied()
            }

            fn route(&self) -> Option<RouteTemplate> {
                let $this = self;
                route($extensions)
            }

            fn header<'a>(
                &'a self,
                name: &'a Name,
            ) -> impl DoubleEndedIterator<Item = &'a [u8]> {
                let $this = self;
                $headers.get_all(&name.v1).iter().map(http::HeaderValue::as_bytes)
            }

            fn look<T: Any + Send + Sync, V>(&self, look: impl FnOnce(&T) -> V) -> Option<V> {
                let $this = self;
                $extensions.get().map(look)
            }

            fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T) {
                let $this = self;
                $extensions_mut.insert(value);
            }
        }
    };
}

request_head! {
    impl<B> for http::Request<B>:
    |this| this.method(), this.uri(), this.headers(), this.extensions(), this.extensions_mut()
}
request_head! {
    impl for Parts: |this| this.method, &this.uri, this.headers, &this.extensions, this.extensions
}

/// A nested axum router sees its own part of the path alone.
#[cfg(feature = "axum")]
fn original_uri<'a>(uri: &'a Uri, extensions: &'a Extensions) -> &'a Uri {
    extensions.get::<axum::extract::OriginalUri>().map_or(uri, |original| &original.0)
}

#[cfg(not(feature = "axum"))]
const fn original_uri<'a>(uri: &'a Uri, _: &'a Extensions) -> &'a Uri {
    uri
}

#[cfg(feature = "axum")]
fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    use axum::extract::ConnectInfo;
    use axum::extract::connect_info::MockConnectInfo;

    if let Some(Peer(peer)) = extensions.get() {
        return Some(*peer);
    }
    if let Some(ConnectInfo(peer)) = extensions.get() {
        return Some(*peer);
    }
    extensions.get().map(|MockConnectInfo(peer)| *peer)
}

#[cfg(not(feature = "axum"))]
fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get().map(|Peer(peer)| *peer)
}

#[cfg(feature = "axum")]
fn route(extensions: &Extensions) -> Option<RouteTemplate> {
    extensions.get().cloned().map(RouteTemplate::of_axum)
}

#[cfg(not(feature = "axum"))]
const fn route(_: &Extensions) -> Option<RouteTemplate> {
    None
}

impl<B> ResponseHead for http::Response<B> {
    fn status(&self) -> u16 {
        Self::status(self).as_u16()
    }

    fn header<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a [u8]> {
        self.headers().get_all(&name.v1).iter().map(http::HeaderValue::as_bytes)
    }

    fn contains(&self, name: &Name) -> bool {
        self.headers().contains_key(&name.v1)
    }

    fn insert(&mut self, name: &Name, value: &Value) {
        self.headers_mut().insert(name.v1.clone(), value.v1.clone());
    }

    fn insert_bytes(&mut self, name: &Name, value: Bytes) -> bool {
        http::HeaderValue::from_maybe_shared(value)
            .map(|value| self.headers_mut().insert(name.v1.clone(), value))
            .is_ok()
    }

    fn remove(&mut self, name: &Name) {
        self.headers_mut().remove(&name.v1);
    }

    fn underlay(&mut self, set: &HeaderSet) {
        set.underlay_v1(self.headers_mut());
    }

    fn extension<T: Any + Clone + Send + Sync>(&self) -> Option<T> {
        self.extensions().get().cloned()
    }

    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T) {
        self.extensions_mut().insert(value);
    }
}
