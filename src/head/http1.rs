//! Heads of `http` 1.x: tower, axum, hyper.

use std::any::Any;
use std::mem;
use std::net::SocketAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Uri};

use super::{HeaderSet, Name, RequestHead, ResponseHead, Rewrite, RouteTemplate, Value};
use crate::client::{Peer, Scheme};

/// The same for a request and for its parts without the body.
macro_rules! request_head {
    (
        impl $(<$body:ident>)? for $head:ty:
        |$this:ident| $method:expr, $uri:expr, $headers:expr, $headers_mut:expr, $extensions:expr,
            $extensions_mut:expr
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

            fn path_here(&self) -> &str {
                let $this = self;
                $uri.path()
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
                $headers.get_all(&name.v1).iter().map(HeaderValue::as_bytes)
            }

            fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
                let $this = self;
                $headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
            }

            fn repeats_headers(&self) -> bool {
                let $this = self;
                $headers.len() != $headers.keys_len()
            }

            fn rewrite(&mut self, name: &Name, rewrite: impl FnMut(&[u8]) -> Rewrite) -> bool {
                let $this = self;
                rewrite_in($headers_mut, name, rewrite);
                true
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
    |this| this.method(), this.uri(), this.headers(), this.headers_mut(), this.extensions(),
        this.extensions_mut()
}
request_head! {
    impl for Parts:
    |this| this.method, &this.uri, this.headers, &mut this.headers, &this.extensions,
        this.extensions
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
        self.headers().get_all(&name.v1).iter().map(HeaderValue::as_bytes)
    }

    fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn contains(&self, name: &Name) -> bool {
        self.headers().contains_key(&name.v1)
    }

    fn insert(&mut self, name: &Name, value: &Value) {
        self.headers_mut().insert(name.v1.clone(), value.v1.clone());
    }

    fn insert_bytes(&mut self, name: &Name, value: Bytes) -> bool {
        HeaderValue::from_maybe_shared(value)
            .map(|value| self.headers_mut().insert(name.v1.clone(), value))
            .is_ok()
    }

    fn append_bytes(&mut self, name: &Name, value: Bytes) -> bool {
        HeaderValue::from_maybe_shared(value)
            .map(|value| self.headers_mut().append(name.v1.clone(), value))
            .is_ok()
    }

    fn remove(&mut self, name: &Name) {
        self.headers_mut().remove(&name.v1);
    }

    fn rewrite(&mut self, name: &Name, rewrite: impl FnMut(&[u8]) -> Rewrite) {
        rewrite_in(self.headers_mut(), name, rewrite);
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

/// Values are replaced where they are. To drop one the map is built anew, because the map's own way
/// to remove a header puts the last one in its place.
fn rewrite_in(headers: &mut HeaderMap, name: &Name, mut rewrite: impl FnMut(&[u8]) -> Rewrite) {
    if !headers.contains_key(&name.v1) {
        return;
    }
    let mut dropped = Vec::new(); // no allocation while it is empty
    // Not by `entry`, which makes room for one that it then does not insert.
    let values = headers.iter_mut().filter(|(named, _)| **named == name.v1);
    for (index, (_, value)) in values.enumerate() {
        let new = match rewrite(value.as_bytes()) {
            Rewrite::Keep => continue,
            Rewrite::Replace(bytes) => HeaderValue::from_maybe_shared(bytes).ok(),
            Rewrite::Drop => None,
        };
        match new {
            Some(new) => *value = new,
            None => dropped.push(index),
        }
    }
    if dropped.is_empty() {
        return;
    }
    let mut dropped = dropped.into_iter().peekable();
    let (mut last, mut seen) = (None, 0);
    for (named, value) in mem::take(headers) {
        last = named.or(last);
        // The iterator names the first value of each header.
        let Some(of) = &last else { continue };
        if *of == name.v1 {
            seen += 1;
            if dropped.next_if_eq(&(seen - 1)).is_some() {
                continue;
            }
        }
        headers.append(of, value);
    }
}
