//! Guessing passwords, as it looks from before a browser.

use super::guest::Guest;
use crate::club::{Club, PASSWORD};

crate::on_both_servers!(
    who_guesses_is_locked_out_and_the_admin_lets_him_in,
    the_owner_gets_in_by_her_browser_while_strangers_guess,
);

async fn who_guesses_is_locked_out_and_the_admin_lets_him_in(server: &str) {
    let club = Club::start(server, "guesses").await;
    let title = format!("wrong passwords, {server}");
    let Some(ann) = Guest::of(&club, &title).await else { return };
    let Some(adam) = Guest::of(&club, &title).await else { return };
    for _ in 0..5 {
        ann.tries("ann", "not her password").await;
        assert_eq!(ann.read("#failed").await, "Wrong name or password.");
    }
    for password in ["not her password", PASSWORD] {
        ann.tries("ann", password).await;
        assert!(ann.read("#refused").await.contains("Too many sign-ins have failed"));
    }

    adam.signs_in("adam").await;
    adam.open("/security").await;
    assert!(adam.read("#accounts").await.contains("ann"));
    // The list of events is a script's to keep up to date.
    assert_eq!(adam.read("#how").await, "Kept up to date.");
    club.visitor_from("127.0.0.7").sign_in("mia", "a guess").await;
    adam.waits_for("document.querySelector('#events').textContent.includes('127.0.0.7')").await;
    adam.click("#unlock-ann").await;
    adam.waits_for("document.querySelector('#events').textContent.includes('x_authn_unlock')")
        .await;

    ann.signs_in("ann").await;
    ann.has_no_complaints_but(&["/sign-in - ", "favicon.ico"]).await;
    adam.has_no_complaints_but(&["favicon.ico"]).await;
}

async fn the_owner_gets_in_by_her_browser_while_strangers_guess(server: &str) {
    let club = Club::start(server, "strangers").await;
    let Some(ann) = Guest::of(&club, &format!("strangers who guess, {server}")).await else {
        return;
    };
    ann.signs_in("ann").await;
    ann.signs_out().await;
    let mut statuses = Vec::new();
    for last in 2..=8 {
        let stranger = club.visitor_from(&format!("127.0.0.{last}"));
        for _ in 0..4 {
            statuses.push(stranger.sign_in("ann", "a guess").await.status);
        }
    }
    assert_eq!(statuses.last(), Some(&429), "locked from everywhere: {statuses:?}");
    let elsewhere = club.visitor().sign_in("ann", PASSWORD).await;
    assert_eq!(elsewhere.status, 429, "from this machine, too");

    ann.signs_in("ann").await;
    let notice = ann.read(".warning").await;
    assert!(notice.contains("20 attempts with a wrong password"), "{notice}");
    ann.has_no_complaints_but(&["favicon.ico"]).await;
}
