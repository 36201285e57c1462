//! Gateways that misbehave, over HTTP: what comes of it in the ledger is the same by the routes of axum and by those
//! of actix-web, and an order is paid once or not at all.

#![cfg(all(
    feature = "actix",
    feature = "axum",
    feature = "paybox",
    feature = "paypal",
    feature = "reqwest",
    feature = "stripe"
))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's failure is its message")]

use std::time::Duration;

use donjon::event::EventName;
use donjon::payment::{OrderId, State};
use futures_util::future::join_all;

#[path = "payment_misbehaviour/cases.rs"]
mod cases;
#[path = "payment_misbehaviour/payer.rs"]
mod payer;
#[path = "payment_misbehaviour/shop.rs"]
mod shop;
#[path = "../examples/payment/simulator/mod.rs"]
mod simulator;

use cases::{ASKED, CASES, Then};
use payer::{At, sets_out};
use shop::Shop;
use simulator::{Simulator, Trick};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_paid_once_or_not_at_all_on_axum() {
    an_order_is_paid_once_or_not_at_all("axum").await;
}

#[actix_web::test]
async fn an_order_is_paid_once_or_not_at_all_on_actix() {
    an_order_is_paid_once_or_not_at_all("actix-web").await;
}

async fn an_order_is_paid_once_or_not_at_all(framework: &str) {
    let simulator = Simulator::start().await.unwrap();
    for (at, case) in CASES.iter().enumerate() {
        for gateway in case.gateways {
            // A shop that has heard nothing of PayPal yet, nor of its certificate, and one that has.
            for is_first in [true, false] {
                let (shop, server) = Shop::open(framework, &simulator, patience(case.tricks)).await;
                if !is_first {
                    simulator.start_over();
                    let order = shop.place("BEFORE");
                    pay(&shop, &simulator, gateway, order.as_str(), &[]).await;
                    simulator.told().await;
                }
                simulator.start_over();
                shop.paid();
                let order = shop.place(&format!("ORD-{at}"));
                let before = shop.events(&order).len();
                pay(&shop, &simulator, gateway, order.as_str(), case.tricks).await;
                for then in case.then {
                    go_on(*then, &shop, &simulator, &order).await;
                }

                let context = format!("{}: {gateway}, {framework}, first: {is_first}", case.name);
                let mut told = simulator.told().await;
                told.sort_unstable();
                assert_eq!(told, case.told, "{context}");
                let found = shop.order(&order).await;
                assert_eq!(found.state, case.ends, "{context}");
                assert_eq!(found.begun.len(), 1, "{context}");
                assert_eq!(shop.paid(), usize::from(case.ends == State::Paid), "{context}");
                let taken = if *gateway == "paypal" { case.taken } else { 0 };
                assert_eq!(simulator.captures(), taken, "{context}");
                let sorted = |events: &[EventName]| {
                    let mut names: Vec<_> = events.iter().map(|name| format!("{name:?}")).collect();
                    names.sort();
                    names
                };
                let events = shop.events(&order);
                assert_eq!(sorted(&events[before..]), sorted(case.events), "{context}");
                server.stop().await;
            }
        }
    }
}

/// How long the shop waits for the gateway.
fn patience(tricks: &[Trick]) -> Duration {
    Duration::from_secs(if tricks.contains(&Trick::IsSilent) { 1 } else { 30 })
}

/// A payer presses the button, pays and comes back; the gateway does its tricks once he is there.
async fn pay(shop: &Shop, simulator: &Simulator, gateway: &str, order: &str, tricks: &[Trick]) {
    let there = sets_out(&shop.url, gateway, order).await;
    simulator.misbehave(tricks);
    assert_eq!(there.pays(&shop.url).await, format!("/orders/{order}"));
}

async fn go_on(then: Then, shop: &Shop, simulator: &Simulator, order: &OrderId) {
    // What it says by itself comes first.
    simulator.quiet().await;
    match then {
        Then::Behaves => simulator.misbehave(&[]),
        Then::SendsAgain(copies) => simulator.send_again(copies).await,
        Then::IsAsked(expected) => {
            let said = shop.payments.reconcile(order).await;
            assert_eq!(said.ok(), expected, "{order} {then:?}");
        }
        Then::IsAskedAtOnce(times) => {
            let asked = (0..times).map(|_| {
                let (payments, order) = (shop.payments.clone(), order.clone());
                tokio::spawn(async move { payments.reconcile(&order).await })
            });
            let said = join_all(asked).await;
            let said: Vec<_> = said.into_iter().map(|said| said.unwrap().unwrap()).collect();
            // One of them takes the money, and the others do not wait for it.
            assert!(said.contains(&State::Paid), "{said:?}");
            assert!(said.iter().all(|state| matches!(state, State::Created | State::Paid)));
        }
    }
}

#[tokio::test]
async fn nobody_is_sent_away_to_nothing_on_axum() {
    nobody_is_sent_away_to_nothing("axum").await;
}

#[actix_web::test]
async fn nobody_is_sent_away_to_nothing_on_actix() {
    nobody_is_sent_away_to_nothing("actix-web").await;
}

/// A gateway does not begin a payment as it should. The next time all is well.
async fn nobody_is_sent_away_to_nothing(framework: &str) {
    let simulator = Simulator::start().await.unwrap();
    for gateway in ASKED {
        for trick in [
            Trick::Answers(500),
            Trick::Answers(302),
            Trick::Answers(401),
            Trick::HangsUp,
            Trick::IsSilent,
            Trick::Rubbish,
            Trick::Elsewhere,
        ] {
            let (shop, server) = Shop::open(framework, &simulator, patience(&[trick])).await;
            simulator.start_over();
            simulator.misbehave(&[trick]);
            let order = shop.place("ORD-1");
            let At::Shop(seen) = sets_out(&shop.url, gateway, "ORD-1").await else {
                panic!("{gateway} {trick:?}")
            };
            assert!(seen.status.is_server_error(), "{gateway} {trick:?} {}", seen.status);
            assert_eq!(seen.location, None, "{gateway} {trick:?}");
            assert!(shop.order(&order).await.begun.is_empty(), "{gateway} {trick:?}");
            simulator.misbehave(&[]);
            pay(&shop, &simulator, gateway, "ORD-1", &[]).await;
            simulator.told().await;
            assert_eq!(shop.order(&order).await.state, State::Paid, "{gateway} {trick:?}");
            server.stop().await;
        }
    }
}
