//! Every page in a browser: what it looks like, and that everybody can use it.

use std::path::PathBuf;

use super::guest::Guest;
use crate::club::{Club, PASSWORD};

/// One server is enough, as both send the same pages.
#[tokio::test]
async fn every_page_fits_a_desk_and_a_phone_and_is_for_everybody() {
    let club = Club::start("axum", "pictures").await;
    let Some(guest) = Guest::with(&club, "pictures", &["hide-scrollbars"]).await else { return };
    let folder = match std::env::var_os("DONJON_SCREENSHOTS") {
        Some(folder) => PathBuf::from(folder),
        None => club.folder.join("pictures"),
    };
    std::fs::create_dir_all(&folder).unwrap();
    let (ann, carl) = (club.signed_in("ann").await, club.signed_in("carl").await);
    for slot in ["9-1", "9-2", "10-3", "17-2", "18-1", "18-4"] {
        carl.book(slot).await;
    }
    let booking = ann.book("18-2").await;
    let tomorrow = format!("/?day={}", ann.tomorrow().await);

    let mut pages = Pages { guest: &guest, folder, wrong: Vec::new() };
    pages.shows(&tomorrow, "courts-nobody").await;
    pages.shows("/sign-in", "sign-in").await;
    guest.tries("ann", "not her password").await;
    pages.has("sign-in-failed").await;
    guest.signs_in("ann").await;
    pages.shows(&tomorrow, "courts").await;
    pages.shows("/bookings", "bookings").await;
    pages.shows(&booking, "booking").await;
    pages.shows("/security", "403").await;
    guest.open("/").await;
    guest.signs_out().await;

    // An attack: from many addresses at one account, by one address at many, and what else one tries.
    for last in 2..=7 {
        let stranger = club.visitor_from(&format!("127.0.0.{last}"));
        for _ in 0..4 {
            stranger.sign_in("carl", "a guess").await;
        }
        stranger.get("/pay/return/made-up").await;
    }
    for _ in 0..6 {
        club.visitor_from("127.0.0.9").sign_in("mia", "a guess").await;
    }
    ann.get("/security").await;
    ann.get("/?day=4111111111111111").await;
    let foreign = ("https://evil.example", "cross-site");
    ann.send(ann.request_of(http::Method::POST, "/sign-out", foreign)).await;
    guest.tries("carl", PASSWORD).await;
    pages.has("429").await;

    guest.signs_in("mia").await;
    pages.shows("/desk", "desk").await;
    pages.shows("/members", "members").await;
    guest.open("/").await;
    guest.signs_out().await;
    guest.signs_in("adam").await;
    pages.shows("/security", "security").await;
    let known = ["/sign-in - ", "/security - ", "favicon.ico"];
    assert!(pages.wrong.is_empty(), "{}", pages.wrong.join("\n"));
    guest.has_no_complaints_but(&known).await;
}

struct Pages<'a> {
    guest: &'a Guest,
    /// Of the pictures.
    folder: PathBuf,
    wrong: Vec<String>,
}

impl Pages<'_> {
    async fn shows(&mut self, target: &str, name: &str) {
        self.guest.open(target).await;
        self.has(name).await;
    }

    /// The page that is there, on a desk and on a phone.
    async fn has(&mut self, name: &str) {
        let page = self.guest.page();
        for (kind, width, height) in [("phone", 390, 844), ("desk", 1280, 900)] {
            self.is_seen_at(width, height).await;
            let picture = page.screenshot().await.unwrap();
            std::fs::write(self.folder.join(format!("{name}-{kind}.png")), picture).unwrap();
            let found = page.execute(FOR_EVERYBODY, Vec::new()).await.unwrap();
            let found = found.as_array().unwrap().iter();
            self.wrong.extend(found.map(|what| format!("{name} on a {kind}: {what}")));
        }
    }

    async fn is_seen_at(&self, width: u32, height: u32) {
        let metrics = serde_json::json!({
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": { "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 },
        });
        self.guest.browser.command("goog/cdp/execute", &metrics).await;
    }
}

/// What of WCAG 2.2 a script can tell by itself.
const FOR_EVERYBODY: &str = r#"
const wrong = [];
const all = (what) => [...document.querySelectorAll(what)];
if (document.documentElement.lang !== "en") wrong.push("no language");
if (!document.title.trim()) wrong.push("no title");
if (all("h1").length !== 1) wrong.push(`${all("h1").length} h1`);
if (all("main").length !== 1) wrong.push("no main");
for (const input of all("input:not([type=hidden])")) {
  if (!input.labels.length) wrong.push(`no label: ${input.outerHTML}`);
}
for (const named of all("a, button")) {
  if (!(named.getAttribute("aria-label") ?? named.textContent).trim()) wrong.push(`no name: ${named.outerHTML}`);
}
for (const image of all("img")) if (!image.hasAttribute("alt")) wrong.push(`no alt: ${image.outerHTML}`);
for (const cell of all("th")) if (!cell.scope) wrong.push(`no scope: ${cell.outerHTML}`);
const { scrollWidth, clientWidth } = document.documentElement;
if (scrollWidth > clientWidth) wrong.push(`${scrollWidth} wide`);
const ids = all("[id]").map((element) => element.id);
if (new Set(ids).size !== ids.length) wrong.push("an id twice");

// Text stands out from what is behind it, 4.5 to 1.
const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const light = (color) => {
  const [r, g, b] = numbers(color).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if ((numbers(color)[3] ?? 1) > 0) return color;
  }
  return "rgb(255, 255, 255)";
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  if (!texts.currentNode.data.trim()) continue;
  const element = texts.currentNode.parentElement;
  const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) wrong.push(`${ratio.toFixed(1)} to 1: ${texts.currentNode.data.trim()}`);
}
return [...new Set(wrong)];
"#;
