//! The login attempt as an extractor.

#[cfg(feature = "axum")]
mod axum {
    use axum::extract::FromRequestParts;
    use axum::response::{IntoResponse, Response};
    use http::StatusCode;
    use http::request::Parts;

    use crate::lockout::{LoginAttempt, NO_ATTEMPT, NotAdmitted};
    use crate::refusal::Refusal;

    impl<S: Sync> FromRequestParts<S> for LoginAttempt {
        type Rejection = Refusal;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
            let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_ATTEMPT);
            Self::of(parts).ok_or_else(refusal)
        }
    }

    impl IntoResponse for NotAdmitted {
        fn into_response(self) -> Response {
            Refusal::from(self).into_response()
        }
    }
}

#[cfg(feature = "actix")]
mod actix {
    use std::future::{Ready, ready};

    use actix_web::dev::Payload;
    use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
    use http::StatusCode;

    use crate::lockout::{LoginAttempt, NO_ATTEMPT, NotAdmitted};
    use crate::refusal::Refusal;

    impl FromRequest for LoginAttempt {
        type Error = Refusal;
        type Future = Ready<Result<Self, Refusal>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let refusal = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, NO_ATTEMPT);
            ready(Self::of(request).ok_or_else(refusal))
        }
    }

    impl ResponseError for NotAdmitted {
        fn status_code(&self) -> actix_web::http::StatusCode {
            Refusal::from(*self).status_code()
        }

        fn error_response(&self) -> HttpResponse {
            Refusal::from(*self).into_actix_response()
        }
    }
}
