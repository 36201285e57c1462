//! Twelve headers around an app of actix-web.

use std::error::Error;
use std::rc::Rc;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use donjon::middleware::Stack;

use super::floor::ByHandInActix;
use super::tower::{APP, LIMIT, strict, strict_names};
use super::twelve::{self, TWELVE};
use crate::measure::{Expected, Group, Limit};

/// An app with one route, and with middleware around it.
macro_rules! app {
    ($($wrap:expr),* $(,)?) => {{
        let app = actix_web::App::new()
            .route("/", actix_web::web::get().to($crate::cases::actix::handler))
            $(.wrap($wrap))*;
        $crate::measure::ActixCase::new(
            $crate::measure::wait(actix_web::test::init_service(app)),
            || actix_web::test::TestRequest::get().to_request(),
        )
    }};
}
pub(crate) use app;

pub(crate) async fn handler() -> HttpResponse {
    HttpResponse::Ok().insert_header(APP).body("Hello, World!")
}

/// What the bare app answers.
pub(crate) fn expected() -> Expected {
    Expected::status(200).headers(&[APP])
}

pub(super) fn group() -> Result<Group, Box<dyn Error>> {
    let twelve = || expected().headers(&TWELVE);
    let headers = twelve::ours()?;
    let strict = strict()?;

    let mut group = Group::new("12 headers, actix-web", app!(), expected());
    group.floor("a table inserted", app!(ByHandInActix::new(insert())), twelve());
    group.ours("donjon", app!(headers.clone()), twelve(), LIMIT);
    group.ours("donjon in a Stack", app!(Stack::new((headers,))), twelve(), LIMIT);
    group.ours("donjon, strict()", app!(strict), expected().names(strict_names()), Limit::NONE);
    Ok(group)
}

/// The floor: a table, prepared once.
fn insert() -> impl Fn(&mut HeaderMap) + Clone + 'static {
    let table: Rc<[_]> = Rc::new(
        TWELVE
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))),
    );
    move |headers| {
        for (name, value) in &*table {
            headers.insert(name.clone(), value.clone());
        }
    }
}
