//! An app that sets, shows and deletes cookies, and has a form that costs money, in both frameworks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use donjon::cookies::prefix::Host;
use donjon::cookies::session::{Session, Sessions};
use donjon::cookies::{CookieOutbox, CookieSpec, Cookies, HardenCookies, Sealer};
use donjon::csrf::CsrfProtection;
use donjon::keys::{Key, KeyRing};
use donjon::middleware::Stack;

#[derive(Clone)]
pub(crate) struct Bank {
    stack: Stack<(HardenCookies, CookieOutbox, Sessions, CsrfProtection)>,
    note: CookieSpec<String>,
    theme: CookieSpec<String, Host>,
    form: String,
    calls: Arc<AtomicUsize>,
}

impl Bank {
    /// For the site that people see under this origin.
    pub(crate) fn new(origin: &str, calls: &Arc<AtomicUsize>) -> Self {
        let ring = KeyRing::new(Key::random()).unwrap();
        let sealer = Sealer::encrypted(&ring, "bank", "note").unwrap();
        let note: CookieSpec<String> = CookieSpec::new("__Host-Http-note").unwrap();
        let note = note.sealed(sealer, Duration::from_secs(600)).unwrap();
        let note = note.lifetime(Duration::from_secs(600)).unwrap();
        let theme: CookieSpec<String, Host> = CookieSpec::new("__Host-theme").unwrap();
        let theme = theme.readable_by_scripts();
        let csrf = CsrfProtection::new([origin]).unwrap();
        let stack = Stack::new((
            HardenCookies::new().spec(&note).unwrap().spec(&theme).unwrap(),
            CookieOutbox::new(),
            Sessions::new(&ring, "bank").unwrap(),
            csrf.protect_cookies(["__Host-Http-session"]).unwrap(),
        ));
        let form =
            format!("<form method=post action='{origin}/transfer'><button>Pay</button></form>");
        Self { stack, note, theme, form, calls: Arc::clone(calls) }
    }

    fn set(&self, cookies: &Cookies, session: &Session) -> &'static str {
        cookies.set(&self.note, &"a; \"note\"".to_owned()).unwrap();
        cookies.set(&self.theme, &"dark".to_owned()).unwrap();
        session.sign_in("ann").unwrap();
        "__Secure-raw=1" // as a library that knows nothing of it sets one
    }

    fn delete(&self, cookies: &Cookies, session: &Session) {
        cookies.delete(&self.note).unwrap();
        cookies.delete(&self.theme).unwrap();
        session.sign_out().unwrap();
    }

    fn pay(&self) -> &'static str {
        self.calls.fetch_add(1, Ordering::SeqCst);
        "paid"
    }

    /// Serves it by axum, and gives its address.
    pub(crate) async fn on_axum(self, listener: tokio::net::TcpListener) {
        use axum::extract::State;
        use axum::http::HeaderMap;
        use axum::response::Html;
        use axum::routing::{get, post};

        let set = async |State(bank): State<Self>, cookies: Cookies, session: Session| {
            [("set-cookie", bank.set(&cookies, &session))]
        };
        let delete = async |State(bank): State<Self>, cookies: Cookies, session: Session| {
            bank.delete(&cookies, &session);
        };
        let router = axum::Router::new()
            .route("/set", get(set))
            .route("/delete", get(delete))
            .route(
                "/cookies",
                get(async |all: HeaderMap| all["cookie"].to_str().unwrap().to_owned()),
            )
            .route("/who", get(async |session: Session| session.subject().unwrap_or_default()))
            .route("/page", get(async |State(bank): State<Self>| Html(bank.form)))
            .route("/transfer", post(async |State(bank): State<Self>| bank.pay()))
            .layer(self.stack.clone())
            .with_state(self);
        axum::serve(listener, router).await.unwrap();
    }

    /// Serves it by actix-web.
    pub(crate) async fn on_actix(self, listener: tokio::net::TcpListener) {
        use actix_web::web::{self, Data, Html};
        use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

        async fn set(bank: Data<Bank>, cookies: Cookies, session: Session) -> HttpResponse {
            let raw = bank.set(&cookies, &session);
            HttpResponse::Ok().insert_header(("set-cookie", raw)).finish()
        }
        async fn delete(bank: Data<Bank>, cookies: Cookies, session: Session) -> HttpResponse {
            bank.delete(&cookies, &session);
            HttpResponse::Ok().finish()
        }
        async fn shown(request: HttpRequest) -> String {
            request.headers().get("cookie").unwrap().to_str().unwrap().to_owned()
        }
        let app = move || {
            App::new()
                .app_data(Data::new(self.clone()))
                .wrap(self.stack.clone())
                .route("/set", web::get().to(set))
                .route("/delete", web::get().to(delete))
                .route("/cookies", web::get().to(shown))
                .route(
                    "/who",
                    web::get().to(async |session: Session| session.subject().unwrap_or_default()),
                )
                .route(
                    "/page",
                    web::get().to(async |bank: Data<Self>| Html::new(bank.form.clone())),
                )
                .route("/transfer", web::post().to(async |bank: Data<Self>| bank.pay()))
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        server.listen(listener.into_std().unwrap()).unwrap().run().await.unwrap();
    }
}
