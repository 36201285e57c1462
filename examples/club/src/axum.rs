//! The club, served by axum.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use donjon::client::Scheme;
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

type Shared = State<Arc<Club>>;

pub(crate) fn router(club: Arc<Club>, layers: Layers, dangerously_bare: bool) -> Router {
    let sign_in_lockout = LoginLockout::new(&club.lockout);
    let reports = ReportCollector::new(|report| eprintln!("{report:?}"));
    let routes = Router::new()
        .route("/", get(show_calendar))
        .route("/style.css", get(([(CONTENT_TYPE, "text/css")], pages::STYLE_CSS)))
        .route("/icon.svg", get(([(CONTENT_TYPE, "image/svg+xml")], pages::ICON_SVG)))
        .route("/club.js", get(([(CONTENT_TYPE, "text/javascript")], pages::CLUB_JS)))
        .route("/live.js", get(([(CONTENT_TYPE, "text/javascript")], pages::LIVE_JS)))
        .route("/sign-in", get(sign_in_form).merge(post(sign_in).layer(sign_in_lockout)))
        .route("/sign-out", post(sign_out))
        .route("/bookings", get(my_bookings).post(book))
        .route("/bookings/{booking}", get(booking))
        .route("/bookings/{booking}/cancel", post(cancel))
        .route("/bookings/{booking}/pay/{gateway}", post(pay))
        .route("/desk", get(show_desk))
        .route("/desk/cancel", post(cancel_any))
        .route("/members", get(show_members))
        .route("/members/block", post(block))
        .route("/security", get(show_security))
        .route("/security/events", get(events))
        .route("/security/unlock", post(unlock))
        .route_service("/csp-reports", reports)
        .merge(club.payments.axum_routes());
    let guarded = if dangerously_bare {
        routes.layer(CookieOutbox::new()) // of which the calendar has need
    } else {
        routes.layer(CardGuard::new()).layer(layers)
    };
    guarded.layer(map_response(for_people)).with_state(club)
}

/// Serves until it is interrupted.
pub(crate) async fn serve(
    club: Arc<Club>,
    (layers, dangerously_bare): (Layers, bool),
    plain: TcpListener,
    encrypted: Option<(TcpListener, ServerConfig)>,
) -> std::io::Result<()> {
    let app = router(club, layers, dangerously_bare);
    let handle = Handle::new();
    let stopping = handle.clone();
    tokio::spawn(async move {
        tokio::signal::ctrl_c().await.unwrap_or_default();
        stopping.graceful_shutdown(Some(Duration::from_secs(5)));
    });
    let by_address = |app: Router| app.into_make_service_with_connect_info::<SocketAddr>();
    let by_http =
        axum_server::from_tcp(plain)?.handle(handle.clone()).serve(by_address(app.clone()));
    let Some((listener, mut tls)) = encrypted else { return by_http.await };
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let tls = RustlsConfig::from_config(Arc::new(tls));
    // That it came by https nobody but the socket knows.
    let app = app.layer(Extension(Scheme::Https));
    let by_https =
        axum_server::from_tcp_rustls(listener, tls)?.handle(handle).serve(by_address(app));
    tokio::try_join!(by_http, by_https).map(drop)
}

async fn show_calendar(
    State(club): Shared,
    (who, nonce): (Option<Principal>, Option<Nonce>),
    cookies: Cookies,
    Query(asked): Query<calendar::Asked>,
) -> Result<Reply, Refusal> {
    calendar::calendar(&club, (who.as_ref(), nonce.as_ref()), &asked, &cookies)
}

async fn sign_in_form(
    who: Option<Principal>,
    nonce: Nonce,
    Query(next): Query<sign_in::Next>,
) -> Result<Reply, Refusal> {
    sign_in::form(who.as_ref(), &nonce, &next)
}

async fn sign_in(
    State(club): Shared,
    session: Session,
    attempt: LoginAttempt,
    Form(form): Form<sign_in::SignIn>,
) -> Result<Reply, Refusal> {
    sign_in::sign_in(&club, &session, attempt, form).await
}

async fn sign_out(session: Session) -> Result<Reply, Refusal> {
    sign_in::sign_out(&session)
}

async fn my_bookings(
    State(club): Shared,
    who: Principal,
    nonce: Nonce,
    Query(noticed): Query<bookings::Noticed>,
) -> Result<Reply, Refusal> {
    bookings::mine(&club, (&who, &nonce), &noticed)
}

async fn book(
    State(club): Shared,
    who: Principal,
    Form(wanted): Form<bookings::Wanted>,
) -> Result<Reply, Refusal> {
    bookings::book(&club, &who, &wanted).await
}

async fn booking(
    State(club): Shared,
    who: Principal,
    nonce: Nonce,
    Path(booking): Path<String>,
) -> Result<Reply, Refusal> {
    bookings::show(&club, (&who, &nonce), &booking).await
}

async fn cancel(
    State(club): Shared,
    who: Principal,
    Path(booking): Path<String>,
) -> Result<Reply, Refusal> {
    bookings::cancel(&club, &who, &booking).await
}

async fn pay(
    posted: Posted,
    State(club): Shared,
    who: Principal,
    Path((booking, gateway)): Path<(String, String)>,
) -> Result<Answer, Refusal> {
    bookings::pay(&club, posted, &who, (&booking, &gateway)).await
}

async fn show_desk(State(club): Shared, who: Principal, nonce: Nonce) -> Result<Reply, Refusal> {
    desk::desk(&club, &who, &nonce)
}

async fn cancel_any(
    State(club): Shared,
    who: Principal,
    Form(form): Form<desk::Cancel>,
) -> Result<Reply, Refusal> {
    desk::cancel(&club, &who, form).await
}

async fn show_members(State(club): Shared, who: Principal, nonce: Nonce) -> Result<Reply, Refusal> {
    members::members(&club, &who, &nonce)
}

async fn block(
    State(club): Shared,
    who: Principal,
    Form(form): Form<members::Block>,
) -> Result<Reply, Refusal> {
    members::block(&club, &who, form).await
}

async fn show_security(
    State(club): Shared,
    who: Principal,
    nonce: Nonce,
) -> Result<Reply, Refusal> {
    security::security(&club, &who, &nonce).await
}

async fn events(State(club): Shared) -> Result<Reply, Refusal> {
    security::events(&club)
}

async fn unlock(State(club): Shared, Form(form): Form<security::Unlock>) -> Result<Reply, Refusal> {
    security::unlock(&club, &form).await
}

/// Puts a page in the place of what a layer, an extractor or the router refuses; status and headers stay.
async fn for_people(mut response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return response;
    }
    if let Some(page) = pages::refused(response.status()) {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = page.into();
    }
    response
}
