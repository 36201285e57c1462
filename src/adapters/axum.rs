//! Extractors and response parts for axum.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::client::Client;
use crate::event::{NO_LOG, Reporter};
use crate::refusal::Refusal;

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Self::into_response(self)
    }
}

impl<S: Sync> FromRequestParts<S> for Reporter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_LOG);
        Self::of(parts).ok_or_else(refusal)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Reporter {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(parts))
    }
}

#[cfg(feature = "cookies")]
mod cookies {
    use std::convert::Infallible;

    use axum::extract::{FromRequestParts, OptionalFromRequestParts};
    use http::StatusCode;
    use http::request::Parts;

    use crate::cookies::session::{NO_SESSIONS, Session};
    use crate::cookies::{Cookies, NO_OUTBOX};
    use crate::refusal::Refusal;

    impl<S: Sync> FromRequestParts<S> for Cookies {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_OUTBOX);
            Self::of(parts).ok_or_else(refusal)
        }
    }

    impl<S: Sync> FromRequestParts<S> for Session {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_SESSIONS);
            Self::of(parts).ok_or_else(refusal)
        }
    }

    impl<S: Sync> OptionalFromRequestParts<S> for Session {
        type Rejection = Infallible;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
            Ok(Self::of(parts))
        }
    }
}

#[cfg(feature = "headers")]
mod headers {
    use std::convert::Infallible;

    use axum::extract::{FromRequestParts, OptionalFromRequestParts};
    use axum::response::{IntoResponseParts, ResponseParts};
    use http::StatusCode;
    use http::request::Parts;

    use crate::headers::csp::CspPatch;
    use crate::headers::{ClearSiteData, Nonce};
    use crate::refusal::Refusal;

    impl<S: Sync> FromRequestParts<S> for Nonce {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            Self::from_extensions(&parts.extensions).ok_or(NO_NONCE)
        }
    }

    impl<S: Sync> OptionalFromRequestParts<S> for Nonce {
        type Rejection = Infallible;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
            Ok(Self::from_extensions(&parts.extensions))
        }
    }

    impl IntoResponseParts for &CspPatch {
        type Error = Infallible;

        fn into_response_parts(
            self,
            mut parts: ResponseParts,
        ) -> Result<ResponseParts, Infallible> {
            edit(&mut parts, |response| self.apply(response));
            Ok(parts)
        }
    }

    impl IntoResponseParts for CspPatch {
        type Error = Infallible;

        fn into_response_parts(self, parts: ResponseParts) -> Result<ResponseParts, Infallible> {
            (&self).into_response_parts(parts)
        }
    }

    impl IntoResponseParts for ClearSiteData {
        type Error = Infallible;

        fn into_response_parts(
            self,
            mut parts: ResponseParts,
        ) -> Result<ResponseParts, Infallible> {
            edit(&mut parts, |response| self.apply(response));
            Ok(parts)
        }
    }

    /// Lets code that edits a response head edit the parts of one.
    fn edit(parts: &mut ResponseParts, edit: impl FnOnce(&mut http::Response<()>)) {
        let mut response = http::Response::new(());
        std::mem::swap(response.headers_mut(), parts.headers_mut());
        std::mem::swap(response.extensions_mut(), parts.extensions_mut());
        edit(&mut response);
        std::mem::swap(response.headers_mut(), parts.headers_mut());
        std::mem::swap(response.extensions_mut(), parts.extensions_mut());
    }

    const NO_NONCE: Refusal =
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, crate::headers::csp::NO_NONCE);
}

#[cfg(feature = "csrf")]
mod csrf {
    use std::convert::Infallible;
    use std::ops::Deref;

    use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
    use axum::response::{IntoResponse, Response};
    use http::StatusCode;
    use http::request::Parts;

    use crate::csrf::{Check, CsrfDecision, CsrfField, CsrfToken, NO_TOKENS, Verified};
    use crate::refusal::Refusal;

    impl<S: Sync> FromRequestParts<S> for CsrfToken {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            Self::of(parts).ok_or(NONE)
        }
    }

    impl<S: Sync> OptionalFromRequestParts<S> for CsrfToken {
        type Rejection = Infallible;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
            Ok(Self::of(parts))
        }
    }

    impl<S: Sync> FromRequestParts<S> for CsrfDecision {
        type Rejection = Infallible;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
            Ok(Self::of(parts))
        }
    }

    impl<S, E> FromRequest<S> for Verified<E>
    where
        S: Send + Sync,
        E: FromRequest<S> + Deref<Target: CsrfField>,
    {
        type Rejection = Response;

        async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
            let check = Check::of(&request).ok_or_else(|| NONE.into_response())?;
            let body =
                E::from_request(request, state).await.map_err(E::Rejection::into_response)?;
            check.verify(body.csrf_token()).map_err(Refusal::into_response)?;
            Ok(Self(body))
        }
    }

    const NONE: Refusal = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_TOKENS);
}
