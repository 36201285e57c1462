//! The club as a program that runs, and people who visit it, each from an address of his own: all of `127.0.0.0/8`
//! is this machine.

#![allow(dead_code, reason = "each test file uses a part of this")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::header::{HOST, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE};
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::process::Command;

use crate::support::{PATIENCE, Running};

pub(crate) const SERVERS: [&str; 2] = ["axum", "actix"];

/// A port of this machine that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// How an instance is started, and how people reach it.
#[derive(Clone, Debug)]
pub(crate) struct Club {
    pub(crate) server: &'static str,
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    /// Its origin.
    pub(crate) site: String,
    arguments: Vec<String>,
}

impl Club {
    /// An instance at `https://localhost` and a port of its own.
    pub(crate) fn new(server: &'static str, data: &Path) -> Self {
        let (data, port) = (data.to_owned(), free_port());
        let site = format!("https://localhost:{port}");
        Self { server, data, port, site, arguments: Vec::new() }
    }

    /// Another one of the same site, with the same data and options, on another port.
    pub(crate) fn another(&self) -> Self {
        Self { port: free_port(), ..self.clone() }
    }

    pub(crate) fn site(mut self, site: &str) -> Self {
        site.clone_into(&mut self.site);
        self
    }

    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    fn is_behind_proxy(&self) -> bool {
        self.arguments.iter().any(|argument| argument == "--behind-proxy")
    }

    pub(crate) async fn start(&self) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_club"));
        command.args(["--server", self.server, "--site", &self.site, "--data"]).arg(&self.data);
        command.args(["--http", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
        command.args(["--address", &format!("127.0.0.1:{}", self.port)]).args(&self.arguments);
        // Not those of whoever runs the tests.
        for name in ["CLUB_KEYS", "CLUB_LOCKOUT_KEY", "CLUB_PASSWORD", "CLUB_REDIS"] {
            command.env_remove(name);
        }
        let mut running = Running::start(&mut command);
        running.line_with("listening on ").await;
        running.run();
        running
    }

    /// Of all who are members from the start.
    pub(crate) fn password(&self) -> String {
        fs::read_to_string(self.data.join("password")).unwrap().trim().to_owned()
    }

    /// Where the gateway is, once it was started.
    pub(crate) fn gateway(&self) -> String {
        fs::read_to_string(self.data.join("gateway/origin")).unwrap()
    }

    /// Somebody who comes from this address.
    pub(crate) fn visitor(&self, address: &str) -> Visitor {
        let mut roots = RootCertStore::empty();
        // Behind a proxy it has none.
        if let Ok(authority) = CertificateDer::from_pem_file(self.data.join("ca.pem")) {
            roots.add(authority).unwrap();
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .local_address(Some(address.parse().unwrap()))
            .redirect(Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Visitor { http, cookies: BTreeMap::new() }
    }
}

/// A browser, as far as forms and links go.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

/// What a page answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) retry_after: Option<String>,
    /// Its `Content-Security-Policy` lines.
    pub(crate) policies: Vec<String>,
    pub(crate) body: String,
}

impl Visitor {
    pub(crate) async fn get(&mut self, club: &Club, path: &str) -> Answer {
        self.try_get(club, path).await.unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    pub(crate) async fn try_get(&mut self, club: &Club, path: &str) -> reqwest::Result<Answer> {
        let request = self.http.get(url(club, path));
        self.send(club, request).await
    }

    pub(crate) async fn post(&mut self, club: &Club, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.http.post(url(club, path)).header(ORIGIN, &club.site);
        let request = request.header("sec-fetch-site", "same-origin");
        let answer = self.send(club, with_form(request, form)).await;
        answer.unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    /// Signs in: 303 if he may, 401 if he has mistyped, 429 if he has to wait.
    pub(crate) async fn sign_in(&mut self, club: &Club, name: &str, password: &str) -> Answer {
        self.post(club, "/sign-in", &[("name", name), ("password", password)]).await
    }

    /// Mistypes his password so many times, and is told so each time.
    pub(crate) async fn fails(&mut self, club: &Club, name: &str, times: usize) {
        for time in 0..times {
            let answer = self.sign_in(club, name, "not it").await;
            assert_eq!(answer.status, 401, "{} {name}, time {time}: {answer:?}", club.server);
        }
    }

    /// Books a court tomorrow, and gives the order's name.
    pub(crate) async fn book(&mut self, club: &Club, slot: &str) -> String {
        let tomorrow = jiff::ZonedDateTime::now().tomorrow().unwrap().date().to_string();
        let answer = self.post(club, "/bookings", &[("day", &tomorrow), ("slot", slot)]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.location.strip_prefix("/bookings/").unwrap().to_owned()
    }

    /// Goes to PayPal, does what he wants to there, and gives the path by which he would come back.
    pub(crate) async fn at_paypal(&mut self, club: &Club, order: &str, how: &str) -> String {
        let answer = self.post(club, &format!("/bookings/{order}/pay/paypal"), &[]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        self.decide(club, &answer.location, &[("how", how)]).await
    }

    /// Likewise at Paybox, where a form leads.
    pub(crate) async fn at_paybox(&mut self, club: &Club, order: &str, how: &str) -> String {
        let answer = self.post(club, &format!("/bookings/{order}/pay/paybox"), &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let fields = fields(&answer.body);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let gateway = club.gateway();
        let page = format!("{gateway}/cgi/MYchoix_pagepaiement.cgi");
        let page = with_form(self.http.post(page), &fields).send().await.unwrap();
        assert_eq!(page.status(), 200, "{fields:?}");
        self.decide(club, &format!("{gateway}/decide"), &[("order", order), ("how", how)]).await
    }

    async fn decide(&mut self, club: &Club, page: &str, form: &[(&str, &str)]) -> String {
        let decided = with_form(self.http.post(page), form).send().await.unwrap();
        let back = decided.headers()[LOCATION].to_str().unwrap().to_owned();
        back.strip_prefix(&*club.site).unwrap_or_else(|| panic!("{back}")).to_owned()
    }

    /// What the order's page says of its payment.
    pub(crate) async fn state_of(&mut self, club: &Club, order: &str) -> String {
        let answer = self.get(club, &format!("/bookings/{order}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let (_, state) = answer.body.split_once("<output id=\"state\">").unwrap();
        state.split_once('<').unwrap().0.to_owned()
    }

    /// His cookies, as he sends them.
    pub(crate) fn cookie(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    async fn send(
        &mut self,
        club: &Club,
        mut request: reqwest::RequestBuilder,
    ) -> reqwest::Result<Answer> {
        request = request.header(HOST, club.site.trim_start_matches("https://"));
        if club.is_behind_proxy() {
            request = request.header("x-forwarded-proto", "https");
        }
        if !self.cookies.is_empty() {
            request = request.header("cookie", self.cookie());
        }
        let answer = request.send().await?;
        let text = |name| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(ToOwned::to_owned)
        };
        let (location, retry_after) = (text(LOCATION), text(RETRY_AFTER));
        let lines =
            |name| answer.headers().get_all(name).iter().filter_map(|line| line.to_str().ok());
        for line in lines(SET_COOKIE) {
            let pair = line.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').unwrap_or_default();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let policies = lines(reqwest::header::CONTENT_SECURITY_POLICY);
        let policies = policies.map(ToOwned::to_owned).collect();
        let status = answer.status().as_u16();
        let location = location.unwrap_or_default();
        Ok(Answer { status, location, retry_after, policies, body: answer.text().await? })
    }
}

fn url(club: &Club, path: &str) -> String {
    let scheme = if club.is_behind_proxy() { "http" } else { "https" };
    format!("{scheme}://127.0.0.1:{}{path}", club.port)
}

fn with_form(request: reqwest::RequestBuilder, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let pairs = form.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

fn escaped(value: &str) -> String {
    let bytes = value.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// The hidden fields of a page's form.
fn fields(page: &str) -> Vec<(String, String)> {
    let value = |input: &str, name: &str| {
        let (_, rest) = input.split_once(&format!("{name}=\""))?;
        let value = rest.split_once('"')?.0;
        Some(
            value
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&"),
        )
    };
    let inputs = page.split("<input").skip(1);
    inputs.filter_map(|input| Some((value(input, "name")?, value(input, "value")?))).collect()
}
