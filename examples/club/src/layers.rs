//! Every layer, in the order in which a request passes them. Both servers have the same.
//!
//! Two are not here, but in `axum.rs` and `actix.rs`: `CardGuard`, which looks into bodies, inside of all these, and
//! `LoginLockout`, around the one route that signs people in.

use donjon::client::TrustedProxies;
use donjon::cookies::session::Sessions;
use donjon::cookies::{CookieOutbox, GuardCookies, HardenCookies};
use donjon::csrf::CsrfProtection;
use donjon::event::EventLog;
use donjon::headers::csp::Directive;
use donjon::headers::{HeaderKind, ReferrerPolicy, SecurityHeaders};
use donjon::https::{AllowedHosts, RequireHttps};
use donjon::keys::KeyRing;
use donjon::lockout::DeviceCookies;
use donjon::middleware::Stack;
use donjon::payment::{Origin, Payments};
use donjon::roles::{Authenticate, Seal};

use crate::db::Db;
use crate::roles::{self, BySession};
use crate::site::Site;

pub(crate) type Layers = Stack<(
    EventLog,
    TrustedProxies,
    AllowedHosts,
    RequireHttps,
    SecurityHeaders,
    Stack<(
        HardenCookies,
        CookieOutbox,
        GuardCookies,
        Sessions,
        Authenticate<BySession>,
        CsrfProtection,
        Seal,
    )>,
)>;

pub(crate) fn layers(
    site: &Site,
    behind_proxy: bool,
    log: &EventLog,
    ring: &KeyRing,
    payments: &Payments,
    db: &Db,
) -> Result<Layers, Box<dyn std::error::Error>> {
    // Whose word counts on where a request comes from: nobody's, or that of a proxy on this machine.
    let proxies = if behind_proxy {
        TrustedProxies::in_networks(["127.0.0.1", "::1"])?
    } else {
        TrustedProxies::none()
    };
    // Links and redirects are never built for a host that somebody has made up.
    let hosts = AllowedHosts::new([site.host()])?;
    // Nothing but a redirect is ever answered in the clear.
    let https = RequireHttps::redirect_to(site.authority())?;
    // Nothing runs but the club's own script, no page is framed, and forms lead here and to the gateways.
    let mut headers = SecurityHeaders::strict()
        .csp(|csp| csp.extend(Directive::FormAction, payments.origins().map(Origin::as_str)))
        // Gateways want to know from which site a form comes, and nothing more.
        .with(ReferrerPolicy::StrictOriginWhenCrossOrigin)
        .report_violations_to("/csp-reports");
    if site.host() == "localhost" {
        // Browsers would have every program of this machine by https alone, for a year.
        headers = headers.without(HeaderKind::StrictTransportSecurity);
    }
    // The session is sealed in a cookie that no script reads: half an hour unused, and it is over.
    let sessions = Sessions::new(ring, "club")?;
    let device = DeviceCookies::new(ring, "club")?;
    let (session, device) = (sessions.cookie_name(), device.name());
    // Of each protected cookie there is one, or none is believed.
    let cookies = GuardCookies::new([session, device])?;
    // Who asks, and what he may, looked up with each request; people without a session are sent to sign in.
    let who = Authenticate::new(BySession(db.clone()))
        .sign_in_page("/sign-in")?
        .confirm_page("/sign-in")?;
    // What another site has made a browser send is refused; gateways are no browsers, and reports have no origin.
    let mut csrf = CsrfProtection::new([site.origin()])?
        .protect_cookies([session, device])?
        .exempt("/csp-reports", "browsers report by themselves")?;
    for (gateway, route) in payments.notify_routes() {
        csrf = csrf.exempt(route.as_str(), &format!("signed by {gateway}"))?;
    }
    Ok(Stack::new((
        log.clone(), // whatever the others refuse becomes an event
        proxies,
        hosts,
        https,
        headers.build()?,
        Stack::new((
            HardenCookies::new(), // every cookie, whoever sets it
            CookieOutbox::new(),  // those of handlers
            cookies,
            sessions,
            who,
            csrf,
            roles::seal(payments), // and last, whether he may
        )),
    )))
}
