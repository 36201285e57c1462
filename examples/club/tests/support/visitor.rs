//! People, as far as a server sees them: a browser without its window.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Keeps cookies, and follows no redirects.
#[derive(Debug)]
pub(crate) struct Visitor {
    origin: String,
    client: Client,
    cookies: Mutex<BTreeMap<String, String>>,
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
    pub(super) fn new(origin: &str, authority: &str, from: IpAddr) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder().tls_backend_preconfigured(tls).local_address(from);
        let client = client.no_proxy().redirect(Policy::none()).build().unwrap();
        Self { origin: origin.to_owned(), client, cookies: Mutex::default() }
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.send(self.request(Method::GET, target)).await
    }

    /// Sends a form of one of the club's own pages.
    pub(crate) async fn post(&self, target: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(self.form(target, fields)).await
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Reply {
        self.post("/sign-in", &[("name", name), ("password", password)]).await
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
        let is_whole = target.starts_with(&self.origin);
        let url = if is_whole { target.into() } else { format!("{}{target}", self.origin) };
        let request = self.client.request(method, url).header("accept", "text/html");
        let request = request.header("origin", origin).header("sec-fetch-site", site);
        match self.cookies() {
            none if none.is_empty() => request,
            cookies => request.header("cookie", cookies),
        }
    }

    pub(crate) fn form(&self, target: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        as_form(self.request(Method::POST, target), fields)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.keep(&headers);
        Reply { status, headers, body: response.text().await.unwrap() }
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
