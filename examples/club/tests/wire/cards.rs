//! No card number comes in, however it is written and wherever it stands, and none is said back or written down.

use http::Method;

use crate::club::{Club, PASSWORD, escaped};

crate::on_both_servers!(card_numbers_are_refused_wherever_they_stand);

async fn card_numbers_are_refused_wherever_they_stand(server: &str) {
    let club = Club::start(server, "cards").await;
    let ann = club.signed_in("ann").await;
    let day = ann.tomorrow().await;
    for card in
        ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005"]
    {
        let in_url = escaped(card);
        let posts: &[(&str, &[(&str, &str)])] = &[
            ("/sign-in", &[("name", card), ("password", PASSWORD)]),
            ("/sign-in", &[("name", "ann"), ("password", card)]),
            ("/sign-in", &[("name", "ann"), ("password", PASSWORD), ("next", card)]),
            ("/bookings", &[("day", &day), ("slot", card)]),
            ("/bookings", &[("day", card), ("slot", "9-1")]),
            ("/bookings", &[("day", &day), ("slot", "9-1"), ("note", card)]),
            ("/bookings", &[("day", &day), ("slot", "9-1"), (&in_url, "a field of this name")]),
        ];
        let posts = posts.iter().map(|(target, fields)| ann.form(target, fields));
        let targets = [
            format!("/?day={in_url}"),
            format!("/?{in_url}"),
            format!("/bookings?failures={in_url}"),
            format!("/bookings/{in_url}"),
            format!("/sign-in?next=/{in_url}"),
            format!("/pay/return/{in_url}"),
        ];
        let gets = targets.iter().map(|target| ann.request(Method::GET, target));
        for request in posts.chain(gets) {
            let what = format!("{card}: {request:?}");
            let reply = ann.send(request).await;
            assert_eq!(reply.status, 422, "{what}: {}", reply.body);
            assert!(reply.body.contains("No card numbers, please"), "{what}: {}", reply.body);
            assert!(!reply.body.contains(card) && !reply.body.contains(&in_url), "{what}");
            assert!(!format!("{:?}", reply.headers).contains(card), "{what}");
        }
        // Where no page is, the guard need not look: it is not said back either.
        let none = ann.get(&format!("/there/is/no/{in_url}/page")).await;
        assert_eq!(none.status, 404);
        assert!(!none.body.contains(card) && !none.body.contains(&in_url), "{}", none.body);
        let log = club.read("events.jsonl");
        assert!(!log.contains(card) && !log.contains(&in_url), "written down: {card}");
    }
    // What is none is none: nothing was booked, and the same form with a day in it is.
    assert!(ann.get("/bookings").await.body.contains("None yet"));
    ann.book("9-1").await;
}
