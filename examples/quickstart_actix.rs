//! A page whose headers graders give A+: `cargo run --example quickstart_actix`
//!
//! Options: `--preset web` for the milder preset, `--behind-proxy` if a TLS terminator on the same
//! machine is in front. Security events are printed as lines of JSON.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::io;
use std::net::TcpListener;
use std::sync::LazyLock;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{self, Data, Form, Html, Redirect};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use donjon::client::{Client, Scheme, TrustedProxies};
use donjon::cookies::prefix::Unprefixed;
use donjon::cookies::session::{Session, Sessions};
use donjon::cookies::{CookieSpec, GuardCookies, HardenCookies};
use donjon::csrf::CsrfProtection;
use donjon::event::{EventLog, JsonLines};
use donjon::head::RequestHead;
use donjon::headers::collector::{Report, ReportCollector};
use donjon::headers::csp::Hash;
use donjon::headers::{Nonce, SecurityHeaders};
use donjon::keys::{Key, KeyRing};
use donjon::lockout::{Account, DeviceCookies, Lockout, LockoutPolicy, LoginAttempt, LoginLockout};
use donjon::login::{Credential, Login};
use donjon::middleware::Stack;
use donjon::password::Passwords;
use donjon::refusal::Refusal;
use donjon::roles::{Authenticate, Identify, Identity, Principal, Require, permission};
use minijinja::{Environment, Value, context};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let preset = arguments.iter().skip_while(|argument| *argument != "--preset").nth(1);
    let headers = match preset.map(String::as_str) {
        None | Some("strict") => SecurityHeaders::strict(),
        Some("web") => SecurityHeaders::web(),
        Some(other) => return Err(format!("no preset {other}: strict or web").into()),
    };
    let headers = headers.report_violations_to("/csp-reports").build()?;

    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;

    // In earnest the key stays, in a file or by `KeyRing::from_env`, and the cookie has its usual name,
    // which begins with `__Host-Http-`: by http browsers keep no such cookie.
    let ring = KeyRing::new(Key::random())?;
    let cookie: CookieSpec<Vec<u8>, Unprefixed> = CookieSpec::new("session")?;
    let device: CookieSpec<Vec<u8>, Unprefixed> = CookieSpec::new("device")?;
    let sessions = Sessions::new(&ring, "quickstart")?.cookie(&cookie);
    let origins =
        ["localhost", "127.0.0.1"].map(|host| format!("http://{host}:{}", address.port()));
    let sessions = Stack::new((
        HardenCookies::new(),
        GuardCookies::new([cookie.name(), device.name()])?,
        sessions,
        Authenticate::new(BySession).sign_in_page("/")?,
        CsrfProtection::new(origins)?.protect_cookies([cookie.name()])?,
    ));

    // Whom to believe when a request says where it comes from, and that it came by https.
    let proxies = if arguments.iter().any(|argument| argument == "--behind-proxy") {
        TrustedProxies::in_networks(["127.0.0.1", "::1"])?
    } else {
        TrustedProxies::none()
    };
    let log = EventLog::builder().sink("stdout", JsonLines::to(io::stdout())).build()?;
    let reports = ReportCollector::new(|report: Report| println!("{report:?}"));
    // One layer of all: each request passes them in this order.
    let stack = Stack::new((log.clone(), proxies, headers, sessions));
    stack.lint().iter().for_each(|finding| println!("note: {finding}"));

    // Five guesses, and then one a minute, one in two minutes, one in four, however many ask at once.
    let passwords = Passwords::owasp().build()?;
    let lockout = Lockout::builder(LockoutPolicy::default())
        .devices(DeviceCookies::of(&device, &ring, "quickstart")?)
        .log(&log)
        .build()?;
    let house = Data::new(House {
        login: Login::new(&lockout, &passwords),
        hash: passwords.hash("correct horse battery staple").await?.as_str().into(),
    });

    let server = HttpServer::new(move || {
        App::new()
            .wrap(stack.clone())
            .app_data(house.clone())
            .route("/", web::get().to(page))
            .service(
                web::resource("/sign-in")
                    .wrap(LoginLockout::new(&lockout))
                    .route(web::post().to(sign_in)),
            )
            .route("/sign-out", web::post().to(sign_out))
            .route(
                "/members",
                web::get().to(members).wrap(Require::new(permission(Permission::Book))),
            )
            .route(
                "/admin",
                web::get().to(admin).wrap(Require::new(permission(Permission::Unlock))),
            )
            .route("/app.js", web::get().to(async || asset("text/javascript", APP_JS)))
            .route("/style.css", web::get().to(async || asset("text/css", STYLE_CSS)))
            .route("/logo.svg", web::get().to(async || asset("image/svg+xml", LOGO_SVG)))
            .service(reports.at("/csp-reports"))
    });

    let server = server.workers(2).listen(listener)?;
    println!("listening on http://{address}\ntry: curl -i http://{address}");
    println!("{}", TRY_POST.replace("ADDR", &address.to_string()));
    server.run().await?;
    println!("passwords verified: {}", passwords.status().evaluated);
    Ok(log.shutdown(Duration::from_secs(2))?)
}

donjon::permissions! {
    enum Permission { Book = "courts:book", Unlock = "users:unlock" }
}

donjon::roles! {
    enum Role grants Permission {
        Member = "member" => [Book],
        Admin = "admin": Member => [Unlock],
    }
}

/// Who is asking, by the session.
#[derive(Clone)]
struct BySession;

impl Identify for BySession {
    type Role = Role;
    type Error = Infallible;

    fn identify<R: RequestHead>(&self, request: &R) -> Result<Option<Identity<Role>>, Infallible> {
        // In earnest the roles stand in the table of users.
        let user = Session::of(request).and_then(|session| session.subject());
        let role = |user: &str| if user == "max" { Role::Admin } else { Role::Member };
        Ok(user.map(|user| Identity::new(&*user).role(role(&user))))
    }
}

/// What handlers share.
struct House {
    login: Login,
    hash: String,
}

async fn page(nonce: Nonce, client: Client, session: Session) -> actix_web::Result<impl Responder> {
    let values = context! {
        nonce => nonce.as_ref(),
        integrity => INTEGRITY.as_str(),
        address => client.addr().map_or_else(|unknown| unknown.to_string(), |address| address.to_string()),
        https => client.scheme() == Scheme::Https,
        name => session.subject(),
    };
    let page = render(include_str!("quickstart/page.html"), values)?;
    let cookie = "__Host-visit=1; Path=/; Secure; HttpOnly; SameSite=Strict";
    Ok(Html::new(page).customize().insert_header(("set-cookie", cookie)))
}

async fn sign_in(
    house: Data<House>,
    session: Session,
    attempt: LoginAttempt,
    Form(mut fields): Form<Vec<(String, String)>>,
) -> actix_web::Result<HttpResponse> {
    let mut take = |name| {
        let field = fields.iter_mut().find(|(field, _)| field == name);
        field.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    };
    let (name, password) = (take("name"), take("password"));
    // In earnest this asks the database, by the account's canonical name.
    let hash = house.hash.clone();
    let lookup = |account: Account| async move {
        let user = ["ann", "max"].into_iter().find(|user| *user == account.as_str());
        Ok::<_, io::Error>(user.map(|user| Credential::new(user, Some(hash))))
    };
    match house.login.verify(&name, attempt, password, lookup).await.granted() {
        Ok(granted) => {
            session.sign_in(granted.user).map_err(ErrorInternalServerError)?;
            let values = context! { name => granted.user, failures => granted.prior_failures };
            let page = render(include_str!("quickstart/greeting.html"), values)?;
            Ok(HttpResponse::Ok().content_type("text/html").body(page))
        }
        Err(refusal) => denied(refusal),
    }
}

async fn members(principal: Principal) -> String {
    format!("Members may book. You are {}.", principal.subject())
}

async fn admin() -> &'static str {
    "Admins may unlock accounts."
}

/// The refusal's status and headers, and a page for people. It is the same for every name.
fn denied(refusal: Refusal) -> actix_web::Result<HttpResponse> {
    let message = match refusal.status().as_u16() {
        401 => "Wrong name or password.",
        429 => "Too many failed attempts. Try again in a minute or more.",
        _ => "Nobody can log in at the moment.",
    };
    let page = render(include_str!("quickstart/denied.html"), context! { message })?;
    let mut response = refusal.into_actix_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    Ok(response.set_body(BoxBody::new(page)))
}

async fn sign_out(session: Session) -> actix_web::Result<Redirect> {
    session.sign_out().map_err(ErrorInternalServerError)?;
    Ok(Redirect::to("/").see_other())
}

fn asset(kind: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(text)
}

fn render(template: &str, values: Value) -> actix_web::Result<String> {
    let page = Environment::new().render_named_str("page.html", template, values);
    page.map_err(ErrorInternalServerError)
}

static INTEGRITY: LazyLock<String> = LazyLock::new(|| Hash::sha384(APP_JS).to_string());
const TRY_POST: &str = "\
a form of another site's: curl -i -d name=ann -H 'sec-fetch-site: cross-site' http://ADDR/sign-in
six guesses: for i in 1 2 3 4 5 6; do curl -i -d name=ann -d password=$i http://ADDR/sign-in; done";
const APP_JS: &str = include_str!("quickstart/app.js");
const STYLE_CSS: &str = include_str!("quickstart/style.css");
const LOGO_SVG: &str = include_str!("quickstart/logo.svg");
