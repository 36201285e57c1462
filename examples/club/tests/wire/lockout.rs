//! Guessing passwords.

use crate::club::{Club, PASSWORD};

crate::on_both_servers!(
    an_account_is_locked_where_it_is_guessed_at_until_the_admin_unlocks_it,
    the_owner_gets_in_while_strangers_hammer_her_account,
);

async fn an_account_is_locked_where_it_is_guessed_at_until_the_admin_unlocks_it(server: &str) {
    let club = Club::start(server, "locked").await;
    let visitor = club.visitor();
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(visitor.sign_in("ann", "not her password").await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let right = visitor.sign_in("ann", PASSWORD).await;
    assert_eq!(right.status, 429, "the right one, too");
    assert!(right.header("retry-after").parse::<u64>().unwrap() <= 60, "{:?}", right.headers);
    assert!(right.body.contains("Too many attempts"), "{}", right.body);

    let adam = club.signed_in("adam").await;
    let page = adam.get("/security").await;
    assert!(page.body.contains("id=\"unlock-ann\""), "{}", page.body);
    assert_eq!(adam.post("/security/unlock", &[("name", "ann")]).await.status, 303);
    let reply = visitor.sign_in("ann", PASSWORD).await;
    assert_eq!(reply.status, 303);
    assert!(!adam.get("/security").await.body.contains("id=\"unlock-ann\""));
}

async fn the_owner_gets_in_while_strangers_hammer_her_account(server: &str) {
    let club = Club::start(server, "hammered").await;
    let ann = club.signed_in("ann").await;
    assert_eq!(ann.post("/sign-out", &[]).await.status, 303);

    let mut guesses = Vec::new();
    let strangers: Vec<_> =
        (2..=9).map(|last| club.visitor_from(&format!("127.0.0.{last}"))).collect();
    for stranger in &strangers {
        for _ in 0..4 {
            guesses.push(stranger.sign_in("ann", "a guess").await.status);
        }
    }
    let evaluated = guesses.iter().filter(|status| **status == 401).count();
    assert_eq!(evaluated, 20, "wherever they come from: {guesses:?}");
    assert_eq!(guesses.last(), Some(&429));
    // Even the right password is of no use where she has never been.
    assert_eq!(strangers[0].sign_in("ann", PASSWORD).await.status, 429);
    assert_eq!(club.visitor().sign_in("ann", PASSWORD).await.status, 429);

    // By the cookie of the browser in which she has signed in before she gets in, and is told.
    let reply = ann.sign_in("ann", PASSWORD).await;
    assert_eq!((reply.status, reply.location()), (303, "/bookings?failures=20"));
    assert_eq!(ann.get("/bookings").await.status, 200);
    let page = club.signed_in("adam").await.get("/security").await;
    assert!(page.body.contains("id=\"unlock-ann\""), "it stays locked for the others");
}
