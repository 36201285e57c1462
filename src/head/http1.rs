//! Heads of `http` 1.x: tower, axum, hyper.

use std::any::Any;

use bytes::Bytes;

use super::{HeaderSet, Name, RequestHead, ResponseHead, Value};
use crate::client::Scheme;

impl<B> RequestHead for http::Request<B> {
    fn method(&self) -> &str {
        Self::method(self).as_str()
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn scheme(&self) -> Option<Scheme> {
        self.extensions().get().copied()
    }

    fn header<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a [u8]> {
        self.headers().get_all(&name.v1).iter().map(http::HeaderValue::as_bytes)
    }

    fn extension<T: Any + Clone + Send + Sync>(&self) -> Option<T> {
        self.extensions().get().cloned()
    }

    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T) {
        self.extensions_mut().insert(value);
    }
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
