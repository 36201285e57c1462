//! A member books courts, and pays for them at both gateways.

use fantoccini::Locator;

use super::guest::Guest;
use crate::club::Club;

crate::on_both_servers!(a_member_books_and_pays, a_member_books_and_pays_without_scripts);

async fn a_member_books_and_pays(server: &str) {
    let club = Club::start(server, "booking").await;
    let Some(ann) = Guest::of(&club, &format!("booking and paying, {server}")).await else {
        return;
    };
    assert!(ann.open("/").await.contains("Sign in"));
    assert!(!ann.has("button[name=slot]").await, "nobody books");
    ann.signs_in("ann").await;
    assert_eq!(ann.browser.eval("document.cookie").await, "", "no cookie is a script's");

    // By a form that posts itself.
    let booking = ann.books("8-1").await;
    ann.click("#paybox").await;
    ann.click("#pay").await; // on the gateway's page
    ann.arrives(|at| at == booking).await;
    assert_eq!(ann.read("#state").await, "paid");
    assert!(!ann.has("#paybox").await && !ann.has("#cancel").await, "it is paid once");

    // By 303.
    let booking = ann.books("8-2").await;
    ann.click("#paypal").await;
    ann.click("#pay").await;
    ann.arrives(|at| at == booking).await;
    assert_eq!(ann.read("#state").await, "paid");

    // Whoever gives up may pay in another way, or give the court back.
    let booking = ann.books("8-3").await;
    for (gateway, state) in [("#paybox", "cancelled"), ("#paypal", "cancelled")] {
        ann.click(gateway).await;
        ann.click("#cancel:not(.quiet)").await; // not the one of the page that she comes from
        ann.arrives(|at| at == booking).await;
        assert_eq!(ann.read("#state").await, state, "{gateway}");
    }
    forged_returns_change_nothing(&ann, &booking).await;
    ann.open(&booking).await;
    ann.click("#cancel").await;
    ann.arrives(|at| at == "/bookings").await;
    let all = ann.text().await;
    assert_eq!((all.matches("paid").count(), all.matches("given back").count()), (2, 1), "{all}");

    // A session that is over says nothing to the next person: neither by going back, nor by itself.
    ann.signs_out().await;
    ann.page().back().await.unwrap();
    ann.arrives(|at| at.starts_with("/sign-in")).await;
    assert!(ann.has("#sign-in").await && !ann.has("#who").await);
    ann.open(&booking).await;
    ann.arrives(|at| at.starts_with("/sign-in")).await;

    ann.has_no_complaints_but(&["/pay/return/", "favicon.ico"]).await;
}

/// Addresses that only look as if somebody came back from a gateway.
async fn forged_returns_change_nothing(ann: &Guest, booking: &str) {
    let before = ann.read("#state").await;
    let order = booking.trim_start_matches("/bookings/");
    for target in [
        format!("{booking}?paid=1"),
        format!("{booking}?error=00000&auth=XXXXXX&order={order}"),
        "/pay/return/made-up".to_owned(),
        format!("/pay/return/{order}?error=00000"),
    ] {
        ann.open(&target).await;
        ann.open(booking).await;
        assert_eq!(ann.read("#state").await, before, "{target}");
    }
}

async fn a_member_books_and_pays_without_scripts(server: &str) {
    let club = Club::start(server, "no-scripts").await;
    let title = format!("booking without scripts, {server}");
    let no_scripts = ["blink-settings=scriptEnabled=false"];
    let Some(ann) = Guest::with(&club, &title, &no_scripts).await else { return };
    let page = "data:text/html,<title>off</title><script>document.title = 'on'</script>";
    ann.page().goto(page).await.unwrap();
    assert_eq!(ann.page().title().await.unwrap(), "off", "scripts do not run");
    ann.page().goto(&ann.at("/sign-in")).await.unwrap();
    for (field, text) in [("#name", "ann"), ("#password", crate::club::PASSWORD)] {
        ann.page().find(Locator::Css(field)).await.unwrap().send_keys(text).await.unwrap();
    }
    ann.click("#sign-in").await;
    ann.arrives(|at| at == "/bookings").await;
    let booking = ann.books("9-1").await;
    ann.click("#paybox").await;
    // The page that would post itself has a button.
    let button = ann.page().wait().for_element(Locator::Css("form[action*='cgi'] button")).await;
    let button = button.unwrap();
    assert!(button.is_displayed().await.unwrap());
    button.click().await.unwrap();
    ann.click("#pay").await;
    ann.arrives(|at| at == booking).await;
    assert_eq!(ann.read("#state").await, "paid");
    ann.signs_out().await;
}
