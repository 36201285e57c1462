//! Somebody before a browser that trusts the club's certificate, and no other one that nobody vouches for.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::{Client, Locator};
use rcgen::{KeyPair, PublicKeyData as _};
use sha2::{Digest as _, Sha256};

use crate::chromium::Browser;
use crate::club::{Club, PASSWORD};
use crate::support::PATIENCE;

pub(crate) struct Guest {
    pub(crate) browser: Browser,
    origin: String,
}

impl Guest {
    /// Starts a browser, or skips the test.
    pub(crate) async fn of(club: &Club, test: &str) -> Option<Self> {
        Self::with(club, test, &[]).await
    }

    pub(crate) async fn with(club: &Club, test: &str, switches: &[&str]) -> Option<Self> {
        let key = KeyPair::from_pem(&club.read("certificate-key.pem")).unwrap();
        let known = STANDARD.encode(Sha256::digest(key.subject_public_key_info()));
        let known = format!("ignore-certificate-errors-spki-list={known}");
        let switches = [&[&*known, "window-size=1280,900"], switches].concat();
        let browser = Browser::start(test, &switches).await?;
        Some(Self { browser, origin: club.origin.clone() })
    }

    pub(crate) fn page(&self) -> &Client {
        &self.browser.client
    }

    /// Goes to a page, and gives its text.
    pub(crate) async fn open(&self, target: &str) -> String {
        let url = if target.starts_with('/') { self.at(target) } else { target.to_owned() };
        self.page().goto(&url).await.unwrap();
        self.text().await
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) async fn text(&self) -> String {
        let text = self.browser.eval("document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What an element says.
    pub(crate) async fn read(&self, what: &str) -> String {
        let found = self.page().wait().at_most(PATIENCE).for_element(Locator::Css(what)).await;
        found.unwrap_or_else(|error| panic!("{what}: {error}")).text().await.unwrap()
    }

    pub(crate) async fn has(&self, what: &str) -> bool {
        !self.page().find_all(Locator::Css(what)).await.unwrap().is_empty()
    }

    /// Clicks, on the page that is there or is about to come.
    pub(crate) async fn click(&self, what: &str) {
        let found = self.page().wait().at_most(PATIENCE).for_element(Locator::Css(what)).await;
        found.unwrap_or_else(|error| panic!("{what}: {error}")).click().await.unwrap();
    }

    /// Waits until the browser is at such an address, and gives the path.
    pub(crate) async fn arrives(&self, is_there: impl Fn(&str) -> bool) -> String {
        let arrives = async {
            loop {
                let url = self.page().current_url().await.unwrap();
                if let Some(path) =
                    url.as_str().strip_prefix(&self.origin).filter(|at| is_there(at))
                {
                    return path.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if let Ok(path) = tokio::time::timeout(PATIENCE, arrives).await {
            return path;
        }
        panic!("at {}: {}", self.page().current_url().await.unwrap(), self.text().await);
    }

    /// Fills in the form, whatever comes then.
    pub(crate) async fn tries(&self, name: &str, password: &str) {
        self.open("/sign-in").await;
        for (field, text) in [("#name", name), ("#password", password)] {
            let field = self.page().find(Locator::Css(field)).await.unwrap();
            field.clear().await.unwrap();
            field.send_keys(text).await.unwrap();
        }
        self.click("#sign-in").await;
        // A form that was refused is at the same address: the password is gone from it.
        let is_sent = "document.readyState === 'complete' \
            && (document.querySelector('#password')?.value ?? '') === ''";
        self.waits_for(is_sent).await;
    }

    /// Waits until an expression is true in the page that is there then.
    pub(crate) async fn waits_for(&self, expression: &str) {
        let script = format!("return {expression}");
        let waits = async {
            // Between two pages there is none to ask.
            while !self
                .page()
                .execute(&script, Vec::new())
                .await
                .is_ok_and(|is_true| is_true == true)
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waits).await;
        assert!(waited.is_ok(), "{expression}: {}", self.text().await);
    }

    pub(crate) async fn signs_in(&self, name: &str) {
        self.tries(name, PASSWORD).await;
        self.arrives(|at| at.starts_with("/bookings")).await;
        assert_eq!(self.read("#who").await, name);
    }

    pub(crate) async fn signs_out(&self) {
        self.click("#sign-out").await;
        self.arrives(|at| at == "/").await;
    }

    /// Books a court of tomorrow by clicking, and gives the page of the booking.
    pub(crate) async fn books(&self, slot: &str) -> String {
        self.open("/").await;
        self.click(".days a:nth-of-type(2)").await;
        self.arrives(|at| at.starts_with("/?day=")).await;
        self.click(&format!("button[value='{slot}']")).await;
        self.arrives(|at| at.starts_with("/bookings/C-")).await
    }

    /// Nothing was blocked, and nothing has failed but what was to fail.
    pub(crate) async fn has_no_complaints_but(&self, known: &[&str]) {
        let mut complaints = self.browser.complaints().await;
        complaints.retain(|complaint| !known.iter().any(|known| complaint.contains(known)));
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}
