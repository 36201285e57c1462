//! The pages, of which neither server knows more than where they are.

use std::sync::LazyLock;
use std::time::SystemTime;

use donjon::headers::Nonce;
use donjon::headers::csp::Hash;
use donjon::refusal::Refusal;
use donjon::roles::Principal;
use http::StatusCode;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};

use crate::reply::Reply;
use crate::roles::Permission;

pub(crate) mod bookings;
pub(crate) mod calendar;
pub(crate) mod desk;
pub(crate) mod members;
pub(crate) mod security;
pub(crate) mod sign_in;

pub(crate) const STYLE_CSS: &str = include_str!("../../static/style.css");
pub(crate) const ICON_SVG: &str = include_str!("../../static/icon.svg");
pub(crate) const CLUB_JS: &str = include_str!("../../static/club.js");
pub(crate) const LIVE_JS: &str = include_str!("../../static/live.js");

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name)))),+]
    };
}

static PAGES: LazyLock<Environment<'_>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        pages.set_syntax(syntax);
    }
    // Whatever is written into a page is escaped, by the templates' names.
    for (name, template) in templates![
        "base.html",
        "booking.html",
        "bookings.html",
        "calendar.html",
        "desk.html",
        "members.html",
        "refused.html",
        "security.html",
        "sign_in.html",
    ] {
        // One that cannot be read is missing, and a test says so.
        let _ = pages.add_template(name, template);
    }
    let integrity = context! {
        club => Hash::sha384(CLUB_JS).to_string(),
        live => Hash::sha384(LIVE_JS).to_string(),
    };
    pages.add_global("integrity", integrity);
    pages
});

/// A page for this person, with what he may see in its head. Its scripts are known by the nonce, and by what they are.
fn page(
    template: &str,
    who: Option<&Principal>,
    nonce: Option<&Nonce>,
    values: Value,
) -> Result<Reply, Refusal> {
    let values = context! { nonce => nonce.map(Nonce::as_ref), ..values };
    with_status(StatusCode::OK, template, who, values)
}

fn with_status(
    status: StatusCode,
    template: &str,
    who: Option<&Principal>,
    values: Value,
) -> Result<Reply, Refusal> {
    let now = SystemTime::now();
    let may = |permission| who.is_some_and(|who| who.has_permission(permission, now));
    let values = context! {
        who => who.map(Principal::subject),
        may => context! {
            book => may(Permission::Book),
            desk => may(Permission::SeeDesk),
            cancel_any => may(Permission::CancelAny),
            members => may(Permission::SeeMembers),
            security => may(Permission::SeeSecurity),
        },
        ..values
    };
    match PAGES.get_template(template).and_then(|template| template.render(values)) {
        Ok(page) => Ok(Reply::Page(status, page)),
        Err(error) => {
            eprintln!("{template}: {error:#}");
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a page that cannot be made"))
        }
    }
}

/// A page in place of the short document that a refusal is, for people. It says no more than the status does.
pub(crate) fn refused(status: StatusCode) -> Option<String> {
    let (title, words) = match status.as_u16() {
        403 => ("Not for you", "You may not do this."),
        404 => ("Nothing here", "There is no such page, or not for you."),
        409 => ("Too late", "Somebody was faster."),
        422 => (
            "No card numbers, please",
            "Never write a card number or a security code here. \
            Those are asked for on the gateway's own page, and nowhere else.",
        ),
        429 => {
            ("Too many attempts", "Too many sign-ins have failed. Try again in a minute or later.")
        }
        503 => ("Not now", "Something is busy or away. Try again in a moment."),
        400..=499 => ("That did not work", "Go back and try again."),
        _ => return None,
    };
    // Who it is nobody knows here: the page has no menu of his.
    let values = context! { title, words, anybody => true };
    match with_status(status, "refused.html", None, values) {
        Ok(Reply::Page(_, page)) => Some(page),
        _ => None,
    }
}

fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "no such booking, or not his")
}
