//! Heads of actix-web.

use std::any::Any;
use std::net::SocketAddr;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use bytes::Bytes;

use super::{HeaderSet, Name, RequestHead, ResponseHead, Rewrite, RouteTemplate, Value};
use crate::client::{Peer, Scheme};

impl RequestHead for HttpRequest {
    fn method(&self) -> &str {
        Self::method(self).as_str()
    }

    fn path(&self) -> &str {
        Self::path(self)
    }

    fn path_and_query(&self) -> &str {
        self.uri().path_and_query().map_or("/", |target| target.as_str())
    }

    fn authority(&self) -> Option<&str> {
        self.uri().authority().map(http_02::uri::Authority::as_str)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.look(|Peer(peer)| *peer).or_else(|| self.peer_addr())
    }

    fn scheme(&self) -> Option<Scheme> {
        // `secure()` is true on a socket that actix-web itself bound with TLS.
        match self.extensions().get() {
            Some(scheme) => Some(*scheme),
            None => self.app_config().secure().then_some(Scheme::Https),
        }
    }

    fn route(&self) -> Option<RouteTemplate> {
        // By the path that actix-web routes by, which is decoded: `match_pattern` takes it as it was sent, and
        // so `/%61dmin` for another route than the one that is going to run.
        let pattern = self.resource_map().match_pattern(self.match_info().as_str());
        pattern.map(|template| RouteTemplate::new(&template))
    }

    fn header<'a>(&'a self, name: &'a Name) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.headers().get_all(&name.v0).map(HeaderValue::as_bytes)
    }

    fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn repeats_headers(&self) -> bool {
        self.headers().len() != self.headers().len_keys()
    }

    fn rewrite(&mut self, _: &Name, _: impl FnMut(&[u8]) -> Rewrite) -> bool {
        false // it is shared
    }

    fn look<T: Any + Send + Sync, V>(&self, look: impl FnOnce(&T) -> V) -> Option<V> {
        self.extensions().get().map(look)
    }

    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T) {
        self.extensions_mut().insert(value);
    }
}

impl RequestHead for ServiceRequest {
    fn method(&self) -> &str {
        RequestHead::method(self.request())
    }

    fn path(&self) -> &str {
        RequestHead::path(self.request())
    }

    fn path_and_query(&self) -> &str {
        self.request().path_and_query()
    }

    fn authority(&self) -> Option<&str> {
        self.request().authority()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.request().peer()
    }

    fn scheme(&self) -> Option<Scheme> {
        self.request().scheme()
    }

    fn route(&self) -> Option<RouteTemplate> {
        self.request().route()
    }

    fn header<'a>(&'a self, name: &'a Name) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.request().header(name)
    }

    fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.request().all_headers()
    }

    fn repeats_headers(&self) -> bool {
        self.request().repeats_headers()
    }

    fn rewrite(&mut self, name: &Name, rewrite: impl FnMut(&[u8]) -> Rewrite) -> bool {
        rewrite_in(self.headers_mut(), name, rewrite);
        true
    }

    fn look<T: Any + Send + Sync, V>(&self, look: impl FnOnce(&T) -> V) -> Option<V> {
        self.request().look(look)
    }

    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T) {
        self.extensions_mut().insert(value);
    }
}

impl<B> ResponseHead for HttpResponse<B> {
    fn status(&self) -> u16 {
        Self::status(self).as_u16()
    }

    fn header<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a [u8]> {
        self.headers().get_all(&name.v0).map(HeaderValue::as_bytes)
    }

    fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn contains(&self, name: &Name) -> bool {
        self.headers().contains_key(&name.v0)
    }

    fn insert(&mut self, name: &Name, value: &Value) {
        self.headers_mut().insert(name.v0.clone(), value.v0.clone());
    }

    fn insert_bytes(&mut self, name: &Name, value: Bytes) -> bool {
        HeaderValue::from_maybe_shared(value)
            .map(|value| self.headers_mut().insert(name.v0.clone(), value))
            .is_ok()
    }

    fn append_bytes(&mut self, name: &Name, value: Bytes) -> bool {
        HeaderValue::from_maybe_shared(value)
            .map(|value| self.headers_mut().append(name.v0.clone(), value))
            .is_ok()
    }

    fn remove(&mut self, name: &Name) {
        self.headers_mut().remove(&name.v0);
    }

    fn rewrite(&mut self, name: &Name, rewrite: impl FnMut(&[u8]) -> Rewrite) {
        rewrite_in(self.headers_mut(), name, rewrite);
    }

    fn underlay(&mut self, set: &HeaderSet) {
        set.underlay_v0(self.headers_mut());
    }

    fn extension<T: Any + Clone + Send + Sync>(&self) -> Option<T> {
        self.extensions().get::<T>().cloned()
    }

    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T) {
        self.extensions_mut().insert(value);
    }
}

impl<B> ResponseHead for ServiceResponse<B> {
    fn status(&self) -> u16 {
        Self::status(self).as_u16()
    }

    fn header<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a [u8]> {
        self.response().header(name)
    }

    fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.response().all_headers()
    }

    fn contains(&self, name: &Name) -> bool {
        self.response().contains(name)
    }

    fn insert(&mut self, name: &Name, value: &Value) {
        self.response_mut().insert(name, value);
    }

    fn insert_bytes(&mut self, name: &Name, value: Bytes) -> bool {
        self.response_mut().insert_bytes(name, value)
    }

    fn append_bytes(&mut self, name: &Name, value: Bytes) -> bool {
        self.response_mut().append_bytes(name, value)
    }

    fn remove(&mut self, name: &Name) {
        self.response_mut().remove(name);
    }

    fn rewrite(&mut self, name: &Name, rewrite: impl FnMut(&[u8]) -> Rewrite) {
        self.response_mut().rewrite(name, rewrite);
    }

    fn underlay(&mut self, set: &HeaderSet) {
        self.response_mut().underlay(set);
    }

    fn extension<T: Any + Clone + Send + Sync>(&self) -> Option<T> {
        self.response().extension()
    }

    fn insert_extension<T: Any + Clone + Send + Sync>(&mut self, value: T) {
        self.response_mut().insert_extension(value);
    }
}

fn rewrite_in(headers: &mut HeaderMap, name: &Name, mut rewrite: impl FnMut(&[u8]) -> Rewrite) {
    if !headers.contains_key(&name.v0) {
        return;
    }
    headers.retain(|named, value| {
        if *named != name.v0 {
            return true;
        }
        let new = match rewrite(value.as_bytes()) {
            Rewrite::Keep => return true,
            Rewrite::Replace(bytes) => HeaderValue::from_maybe_shared(bytes).ok(),
            Rewrite::Drop => None,
        };
        new.map(|new| *value = new).is_some()
    });
}
