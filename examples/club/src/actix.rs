//! The club, served by actix-web.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Condition;
use actix_web::web::{self, Data, Form, Path, Query, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, Route, guard};
use donjon::cookies::session::Session;
use donjon::cookies::{CookieOutbox, Cookies};
use donjon::headers::Nonce;
use donjon::headers::collector::ReportCollector;
use donjon::lockout::{LoginAttempt, LoginLockout};
use donjon::payment::card::CardGuard;
use donjon::payment::{Answer, Posted};
use donjon::refusal::Refusal;
use donjon::roles::Principal;
use rustls::ServerConfig;

use crate::club::Club;
use crate::layers::Layers;
use crate::pages::{self, bookings, calendar, desk, members, security, sign_in};
use crate::reply::Reply;

type Shared = Data<Club>;

/// Serves until it is interrupted.
pub(crate) async fn serve(
    club: Arc<Club>,
    (layers, dangerously_bare): (Layers, bool),
    plain: TcpListener,
    encrypted: Option<(TcpListener, ServerConfig)>,
) -> std::io::Result<()> {
    let pages = Pages::new(club);
    let cards = CardGuard::new();
    let server = HttpServer::new(move || {
        App::new()
            .wrap(Condition::new(dangerously_bare, CookieOutbox::new())) // of which the calendar has need
            .wrap(Condition::new(!dangerously_bare, cards.clone()))
            .wrap(Condition::new(!dangerously_bare, layers.clone()))
            .wrap_fn(|request, app| {
                let answer = app.call(request);
                async move { Ok(for_people(answer.await?)) }
            })
            .configure(|config| pages.configure(config))
    });
    let server = server.workers(2).shutdown_timeout(5).listen(plain)?;
    match encrypted {
        Some((listener, tls)) => server.listen_rustls_0_23(listener, tls)?.run().await,
        None => server.run().await,
    }
}

/// All pages. Made once, since workers share what is counted.
#[derive(Clone)]
pub(crate) struct Pages {
    club: Shared,
    sign_in_lockout: LoginLockout,
    reports: ReportCollector,
}

impl Pages {
    pub(crate) fn new(club: Arc<Club>) -> Self {
        let sign_in_lockout = LoginLockout::new(&club.lockout);
        let reports = ReportCollector::new(|report| eprintln!("{report:?}"));
        Self { club: Data::from(club), sign_in_lockout, reports }
    }

    pub(crate) fn configure(&self, config: &mut ServiceConfig) {
        config
            .app_data(Shared::clone(&self.club))
            .route("/", read().to(show_calendar))
            .route("/style.css", read().to(async || asset("text/css", pages::STYLE_CSS)))
            .route("/icon.svg", read().to(async || asset("image/svg+xml", pages::ICON_SVG)))
            .route("/club.js", read().to(async || asset("text/javascript", pages::CLUB_JS)))
            .route("/live.js", read().to(async || asset("text/javascript", pages::LIVE_JS)))
            .service(
                web::resource("/sign-in")
                    .route(read().to(sign_in_form))
                    .route(web::post().to(sign_in).wrap(self.sign_in_lockout.clone())),
            )
            .route("/sign-out", web::post().to(sign_out))
            .service(
                web::resource("/bookings")
                    .route(read().to(my_bookings))
                    .route(web::post().to(book)),
            )
            .route("/bookings/{booking}", read().to(booking))
            .route("/bookings/{booking}/cancel", web::post().to(cancel))
            .route("/bookings/{booking}/pay/{gateway}", web::post().to(pay))
            .route("/desk", read().to(show_desk))
            .route("/desk/cancel", web::post().to(cancel_any))
            .route("/members", read().to(show_members))
            .route("/members/block", web::post().to(block))
            .route("/security", read().to(show_security))
            .route("/security/events", read().to(events))
            .route("/security/unlock", web::post().to(unlock))
            .service(self.reports.at("/csp-reports"))
            .configure(|config| self.club.payments.actix_routes(config));
    }
}

async fn show_calendar(
    club: Shared,
    (who, nonce): (Option<Principal>, Option<Nonce>),
    cookies: Cookies,
    asked: Query<calendar::Asked>,
) -> Result<Reply, Refusal> {
    calendar::calendar(&club, (who.as_ref(), nonce.as_ref()), &asked, &cookies)
}

async fn sign_in_form(
    who: Option<Principal>,
    nonce: Nonce,
    next: Query<sign_in::Next>,
) -> Result<Reply, Refusal> {
    sign_in::form(who.as_ref(), &nonce, &next)
}

async fn sign_in(
    club: Shared,
    session: Session,
    attempt: LoginAttempt,
    form: Form<sign_in::SignIn>,
) -> Result<Reply, Refusal> {
    sign_in::sign_in(&club, &session, attempt, form.into_inner()).await
}

async fn sign_out(session: Session) -> Result<Reply, Refusal> {
    sign_in::sign_out(&session)
}

async fn my_bookings(
    club: Shared,
    who: Principal,
    nonce: Nonce,
    noticed: Query<bookings::Noticed>,
) -> Result<Reply, Refusal> {
    bookings::mine(&club, (&who, &nonce), &noticed)
}

async fn book(
    club: Shared,
    who: Principal,
    wanted: Form<bookings::Wanted>,
) -> Result<Reply, Refusal> {
    bookings::book(&club, &who, &wanted).await
}

async fn booking(
    club: Shared,
    who: Principal,
    nonce: Nonce,
    booking: Path<String>,
) -> Result<Reply, Refusal> {
    bookings::show(&club, (&who, &nonce), &booking).await
}

async fn cancel(club: Shared, who: Principal, booking: Path<String>) -> Result<Reply, Refusal> {
    bookings::cancel(&club, &who, &booking).await
}

async fn pay(
    posted: Posted,
    club: Shared,
    who: Principal,
    path: Path<(String, String)>,
) -> Result<Answer, Refusal> {
    let (booking, gateway) = &*path;
    bookings::pay(&club, posted, &who, (booking, gateway)).await
}

async fn show_desk(club: Shared, who: Principal, nonce: Nonce) -> Result<Reply, Refusal> {
    desk::desk(&club, &who, &nonce)
}

async fn cancel_any(
    club: Shared,
    who: Principal,
    form: Form<desk::Cancel>,
) -> Result<Reply, Refusal> {
    desk::cancel(&club, &who, form.into_inner()).await
}

async fn show_members(club: Shared, who: Principal, nonce: Nonce) -> Result<Reply, Refusal> {
    members::members(&club, &who, &nonce)
}

async fn block(club: Shared, who: Principal, form: Form<members::Block>) -> Result<Reply, Refusal> {
    members::block(&club, &who, form.into_inner()).await
}

async fn show_security(club: Shared, who: Principal, nonce: Nonce) -> Result<Reply, Refusal> {
    security::security(&club, &who, &nonce).await
}

async fn events(club: Shared) -> Result<Reply, Refusal> {
    security::events(&club)
}

async fn unlock(club: Shared, form: Form<security::Unlock>) -> Result<Reply, Refusal> {
    security::unlock(&club, &form).await
}

fn asset(kind: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(text)
}

/// `GET`, and `HEAD` as well.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Puts a page in the place of what a layer, an extractor or the router refuses; status and headers stay.
fn for_people<B: MessageBody + 'static>(response: ServiceResponse<B>) -> ServiceResponse {
    let kind = response.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return response.map_into_boxed_body();
    }
    let status = http::StatusCode::from_u16(response.status().as_u16()).unwrap_or_default();
    let Some(page) = pages::refused(status) else {
        return response.map_into_boxed_body();
    };
    let mut response = response.map_body(|_, _| BoxBody::new(page));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}
