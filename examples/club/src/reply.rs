//! What a page answers, for both servers.

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};

pub(crate) enum Reply {
    /// A page of HTML.
    Page(StatusCode, String),
    /// What a script asks for.
    Json(String),
    /// On to this path, by `GET`.
    SeeOther(String),
}

impl Reply {
    pub(crate) fn see(path: impl Into<String>) -> Self {
        Self::SeeOther(path.into())
    }

    /// Status, a header and the body.
    fn parts(self) -> (StatusCode, (http::HeaderName, String), String) {
        match self {
            Self::Page(status, page) => {
                (status, (CONTENT_TYPE, "text/html; charset=utf-8".into()), page)
            }
            Self::Json(json) => (StatusCode::OK, (CONTENT_TYPE, "application/json".into()), json),
            Self::SeeOther(path) => (StatusCode::SEE_OTHER, (LOCATION, path), String::new()),
        }
    }
}

impl axum::response::IntoResponse for Reply {
    fn into_response(self) -> axum::response::Response {
        let (status, header, body) = self.parts();
        (status, [header, (CACHE_CONTROL, NO_STORE.to_owned())], body).into_response()
    }
}

impl actix_web::Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let (status, (name, value), body) = self.parts();
        // actix-web has its own types of these.
        let status = actix_web::http::StatusCode::from_u16(status.as_u16()).unwrap_or_default();
        let mut response = HttpResponse::build(status);
        response.insert_header((name.as_str(), value));
        response.insert_header((CACHE_CONTROL.as_str(), NO_STORE)).body(body)
    }
}

/// Who has signed out has left nothing behind for the button that goes back.
const NO_STORE: &str = "no-store";
