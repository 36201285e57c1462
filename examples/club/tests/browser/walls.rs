//! What is whose, and what is another site's.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::guest::Guest;
use crate::club::Club;

crate::on_both_servers!(
    everybody_is_shown_what_is_his,
    a_form_of_another_site_is_refused,
    who_is_blocked_is_out_with_his_next_click,
);

async fn everybody_is_shown_what_is_his(server: &str) {
    let club = Club::start(server, "whose").await;
    let Some(guest) = Guest::of(&club, &format!("whose pages, {server}")).await else { return };
    let booking = club.signed_in("carl").await.book("8-1").await;
    let pages = ["/bookings", "/desk", "/members", "/security"];
    for (name, open) in [
        ("ann", [true, false, false, false]),
        ("mia", [true, true, true, false]),
        ("adam", [true, false, false, true]),
    ] {
        guest.signs_in(name).await;
        for (page, is_open) in pages.into_iter().zip(open) {
            let text = guest.open(page).await;
            assert_eq!(text.contains("You may not do this"), !is_open, "{name} at {page}: {text}");
            guest.open("/").await;
            assert_eq!(
                guest.has(&format!("nav a[href='{page}']")).await,
                is_open,
                "{name}: {page}"
            );
        }
        let text = guest.open(&booking).await;
        assert!(text.contains("There is no such page, or not for you"), "{name}: {text}");
        guest.open("/").await;
        guest.signs_out().await;
    }
    let known = ["/desk - ", "/members - ", "/security - ", "/bookings/C-", "favicon.ico"];
    guest.has_no_complaints_but(&known).await;
}

async fn who_is_blocked_is_out_with_his_next_click(server: &str) {
    let club = Club::start(server, "blocks").await;
    let title = format!("blocking, {server}");
    let Some(ann) = Guest::of(&club, &title).await else { return };
    ann.signs_in("ann").await;
    let mia = club.signed_in("mia").await;
    let blocked = mia.post("/members/block", &[("name", "ann"), ("blocked", "true")]).await;
    assert_eq!(blocked.status, 303);
    ann.click("nav a[href='/bookings']").await;
    ann.arrives(|at| at.starts_with("/sign-in")).await;
    assert!(!ann.has("#who").await);
    ann.tries("ann", crate::club::PASSWORD).await;
    assert_eq!(ann.read("#failed").await, "Wrong name or password.");
    ann.has_no_complaints_but(&["/sign-in - ", "favicon.ico"]).await;
}

async fn a_form_of_another_site_is_refused(server: &str) {
    let club = Club::start(server, "elsewhere").await;
    let Some(ann) = Guest::of(&club, &format!("a form elsewhere, {server}")).await else { return };
    ann.signs_in("ann").await;
    let booking = ann.books("8-1").await;
    let cancel = ann.at(&format!("{booking}/cancel"));
    let form = format!(
        "<!doctype html><title>Prizes</title><form method=post action='{cancel}'><button>Win</button></form>"
    );
    let elsewhere = serve(form.clone(), "127.0.0.2").await;
    // The same machine and the same site, but for the port and the scheme.
    let beside = serve(form.clone(), "127.0.0.1").await.replace("127.0.0.1", "localhost");
    let nowhere = format!("data:text/html,{}", crate::club::escaped(&form));
    for from in [elsewhere, beside, nowhere] {
        ann.page().goto(&from).await.unwrap();
        ann.click("button").await;
        ann.arrives(|at| at.ends_with("/cancel")).await;
        let said = ann.read("#refused").await;
        assert!(!said.is_empty(), "{from}");
        ann.open(&booking).await;
        assert_eq!(ann.read("#state").await, "created", "{from}");
    }
    ann.click("#cancel").await; // which is the club's own
    ann.arrives(|at| at == "/bookings").await;
    ann.has_no_complaints_but(&["/cancel - ", "favicon.ico"]).await;
}

/// A site with one page.
async fn serve(page: String, at: &str) -> String {
    let listener = TcpListener::bind((at, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let page = page.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let length = page.len();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
                let answer = format!("{head}\r\ncontent-length: {length}\r\n\r\n{page}");
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}
