//! People, as far as a server sees them: a browser without its window.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use http::header::{HOST, HeaderMap};
use http::{HeaderValue, Method};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::Club;
use crate::support::PATIENCE;

/// Keeps cookies, and follows no redirects.
#[derive(Debug)]
pub(crate) struct Visitor {
    origin: String,
    door: String,
    client: Client,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Visitor {
    /// Trusts this authority alone, as one does who has been told of it.
    pub(super) fn new(club: &Club, from: IpAddr) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(club.folder.join("ca.pem")).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder().tls_backend_preconfigured(tls).local_address(from);
        let client = client.no_proxy().redirect(Policy::none()).timeout(PATIENCE).build().unwrap();
        let (origin, door) = (club.origin.clone(), club.door.clone());
        Self { origin, door, client, cookies: Arc::default() }
    }

    /// The same browser, at another instance.
    pub(crate) fn at(&self, club: &Club) -> Self {
        let (client, cookies) = (self.client.clone(), Arc::clone(&self.cookies));
        Self { origin: club.origin.clone(), door: club.door.clone(), client, cookies }
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.send(self.request(Method::GET, target)).await
    }

    /// The same of a club that may be closed.
    pub(crate) async fn try_get(&self, target: &str) -> reqwest::Result<Reply> {
        self.try_send(self.request(Method::GET, target)).await
    }

    /// Sends a form of one of the club's own pages.
    pub(crate) async fn post(&self, target: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(self.form(target, fields)).await
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Reply {
        self.post("/sign-in", &[("name", name), ("password", password)]).await
    }

    /// Mistypes the password so many times, and is told so each time.
    pub(crate) async fn fails(&self, name: &str, times: usize) {
        for time in 0..times {
            let reply = self.sign_in(name, "not it").await;
            assert_eq!(reply.status, 401, "{name}, time {time}: {reply:?}");
        }
    }

    /// A request as a browser sends it from one of the club's own pages. A target with a host is for somebody
    /// else, such as the gateway.
    pub(crate) fn request(&self, method: Method, target: &str) -> RequestBuilder {
        if target.starts_with("http") && !target.starts_with(&self.origin) {
            return self.client.request(method, target).header("accept", "text/html");
        }
        self.request_of(method, target, (&self.origin, "same-origin"))
    }

    /// A request to the club from a page of this origin.
    pub(crate) fn request_of(
        &self,
        method: Method,
        target: &str,
        (origin, site): (&str, &str),
    ) -> RequestBuilder {
        let target = target.strip_prefix(&self.origin).unwrap_or(target);
        let request = self.client.request(method, format!("{}{target}", self.door));
        let request = request.header("accept", "text/html");
        let mut request = request.header("origin", origin).header("sec-fetch-site", site);
        if self.door.starts_with("http://") {
            request = request.header("x-forwarded-proto", "https"); // as its proxy says
        }
        match self.cookies() {
            none if none.is_empty() => request,
            cookies => request.header("cookie", cookies),
        }
    }

    pub(crate) fn form(&self, target: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        as_form(self.request(Method::POST, target), fields)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        self.try_send(request).await.unwrap()
    }

    async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Reply> {
        let (client, request) = request.build_split();
        let mut request = request?;
        if request.url().as_str().starts_with(&self.door) {
            let host = self.origin.trim_start_matches("https://");
            let host = HeaderValue::from_str(host).unwrap();
            request.headers_mut().entry(HOST).or_insert(host);
        }
        let response = client.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.keep(&headers);
        Ok(Reply { status, headers, body: response.text().await? })
    }

    /// Keeps what it sets, and forgets what it deletes.
    fn keep(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap();
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() || attributes.to_lowercase().contains("max-age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The `Cookie` header.
    pub(crate) fn cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        let pairs = cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The cookie whose name ends so.
    pub(crate) fn cookie(&self, ending: &str) -> (String, String) {
        let cookies = self.cookies.lock().unwrap();
        let found = cookies.iter().find(|(name, _)| name.ends_with(ending));
        found.map(|(name, value)| (name.clone(), value.clone())).expect("the cookie")
    }

    /// Has this cookie from now on, wherever it is from.
    pub(crate) fn take_cookie(&self, (name, value): (String, String)) {
        self.cookies.lock().unwrap().insert(name, value);
    }

    /// Books a court at this hour of tomorrow, and gives the page of the booking.
    pub(crate) async fn book(&self, slot: &str) -> String {
        let reply =
            self.post("/bookings", &[("day", &self.tomorrow().await), ("slot", slot)]).await;
        assert_eq!(reply.status, 303, "{slot}: {}", reply.body);
        reply.location().to_owned()
    }

    /// Tomorrow, as the club has it.
    pub(crate) async fn tomorrow(&self) -> String {
        let page = self.get("/").await.body;
        page.split("/?day=").nth(2).expect("the second of the days")[..10].to_owned()
    }

    /// Lets Paybox's form post itself, decides on the gateway's page, and gives where that sends the payer.
    pub(crate) async fn at_paybox(&self, booking: &str, how: &str) -> String {
        let page = self.post(&format!("{booking}/pay/paybox"), &[]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let action = page.between("action=\"", "\"");
        let field = |input: &str| {
            let of = |what: &str| {
                let (_, rest) = input.split_once(&format!("{what}=\"")).expect(what);
                rest.split_once('"').unwrap().0.replace("&quot;", "\"").replace("&lt;", "<")
            };
            let value = of("value").replace("&gt;", ">").replace("&#39;", "'");
            (of("name"), value.replace("&amp;", "&"))
        };
        let inputs = page.body.split("<input ").skip(1).filter(|input| input.contains("hidden"));
        let fields: Vec<_> = inputs.map(field).collect();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let gateway = self.post(action, &fields).await;
        assert_eq!(gateway.status, 200, "{}", gateway.body);
        let order = booking.trim_start_matches("/bookings/");
        let (origin, _) = action.split_once("/cgi").unwrap();
        let decision = [("order", order), ("how", how)];
        self.post(&format!("{origin}/decide"), &decision).await.location().to_owned()
    }

    /// Likewise at PayPal, where a redirect leads.
    pub(crate) async fn at_paypal(&self, booking: &str, how: &str) -> String {
        let reply = self.post(&format!("{booking}/pay/paypal"), &[]).await;
        assert_eq!(reply.status, 303, "{}", reply.body);
        self.post(reply.location(), &[("how", how)]).await.location().to_owned()
    }

    /// How far the payment of this booking is, as its page says.
    pub(crate) async fn state(&self, booking: &str) -> String {
        let page = self.get(booking).await;
        assert_eq!(page.status, 200, "{booking}");
        page.between("id=\"state\">", "<").to_owned()
    }
}

impl Reply {
    /// The one value of this header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// What stands in the page behind one text and before another.
    pub(crate) fn between(&self, before: &str, behind: &str) -> &str {
        let (_, rest) = self.body.split_once(before).expect(before);
        rest.split_once(behind).expect(behind).0
    }
}

pub(crate) fn as_form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(pairs.collect::<Vec<_>>().join("&"))
}

/// As in a form.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
