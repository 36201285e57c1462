//! Who is asking, and whom a rule lets in, as extractors.

#[cfg(feature = "axum")]
mod axum {
    use std::convert::Infallible;

    use axum::extract::{FromRequestParts, OptionalFromRequestParts};
    use http::request::Parts;

    use crate::refusal::Refusal;
    use crate::roles::{Need, Needs, Principal};

    impl<S: Sync> FromRequestParts<S> for Principal {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            Self::required(parts)
        }
    }

    impl<S: Sync> OptionalFromRequestParts<S> for Principal {
        type Rejection = Infallible;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
            Ok(Self::extracted(parts))
        }
    }

    impl<S: Sync, N: Needs> FromRequestParts<S> for Need<N> {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            Self::of(parts)
        }
    }
}

#[cfg(feature = "actix")]
mod actix {
    use std::future::{Ready, ready};

    use actix_web::dev::Payload;
    use actix_web::{FromRequest, HttpRequest};

    use crate::refusal::Refusal;
    use crate::roles::{Need, Needs, Principal};

    impl FromRequest for Principal {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Self::required(request))
        }
    }

    impl<N: Needs> FromRequest for Need<N> {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Self::of(request))
        }
    }
}
