//! The club when something breaks: an instance stops or is killed, Redis is killed and comes back, the gateway speaks
//! while nobody listens. What it has counted and taken down is there afterwards.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;

use club::{Club, PASSWORD, Visitor, free_port};
use support::{PATIENCE, Running, Scratch, program, skip};

#[path = "support/mod.rs"]
mod club;
#[path = "../../../tests/support/mod.rs"]
mod support;

crate::on_both_servers!(
    two_instances_count_failures_together,
    who_comes_back_from_a_gateway_does_so_once_whichever_instance_he_comes_to,
    when_redis_is_killed_pages_go_on_and_each_instance_counts_for_itself,
    a_restart_is_no_amnesty_and_no_loss,
    locks_in_redis_outlive_an_instance_that_is_killed,
    a_payment_of_which_nobody_heard_is_found_on_the_orders_page,
);

/// As many as are let in before one has to wait.
const GUESSES: usize = 5;

/// Longer than any answer may take, on a machine with other work.
const SOON: Duration = Duration::from_secs(10);

async fn two_instances_count_failures_together(server: &str) {
    let Some(redis) = Redis::on_this_machine(server, "together") else { return };
    let _running = redis.start().await;
    let mut first = redis.club(server, "together");
    first.open().await;
    let mut second = first.another().with(&["--share-gateway"]);
    second.open().await;

    let guesser = first.visitor_from("127.0.0.2");
    guesser.fails("ann", GUESSES - 1).await;
    guesser.at(&second).fails("ann", 1).await;
    for club in [&first, &second] {
        let refused = guesser.at(club).sign_in("ann", PASSWORD).await;
        assert_eq!(refused.status, 429, "{refused:?}");
        assert_ne!(refused.header("retry-after"), "", "{refused:?}");
        // The guesser is locked, and ann is not.
        let reply = club.visitor_from("127.0.0.3").sign_in("ann", PASSWORD).await;
        assert_eq!(reply.status, 303, "{reply:?}");
    }
}

async fn who_comes_back_from_a_gateway_does_so_once_whichever_instance_he_comes_to(server: &str) {
    let Some(redis) = Redis::on_this_machine(server, "once") else { return };
    let _running = redis.start().await;
    let mut first = redis.club(server, "once");
    first.open().await;
    let mut second = first.another().with(&["--share-gateway"]);
    second.open().await;

    let ann = first.signed_in("ann").await;
    let booking = ann.book("9-1").await;
    for (here, there) in [(&first, &second), (&second, &first)] {
        let back = ann.at_paypal(&booking, "cancel").await;
        let returned = ann.at(here).get(&back).await;
        assert_eq!((returned.status, returned.location()), (303, &*booking), "{returned:?}");
        for club in [there, here] {
            assert_eq!(ann.at(club).get(&back).await.status, 410, "it was used");
        }
    }
}

async fn when_redis_is_killed_pages_go_on_and_each_instance_counts_for_itself(server: &str) {
    let Some(redis) = Redis::on_this_machine(server, "killed") else { return };
    let running = redis.start().await;
    let mut club = redis.club(server, "killed");
    club.open().await;
    let ann = club.signed_in("ann").await;
    let booking = ann.book("10-1").await;
    let back = ann.at_paypal(&booking, "cancel").await;
    let traffic = Traffic::of(club.visitor_from("127.0.0.9"));

    sleep(Duration::from_millis(300)).await;
    running.kill().await;
    sleep(Duration::from_millis(300)).await;
    // What is counted is counted here.
    let guesser = club.visitor_from("127.0.0.2");
    guesser.fails("carl", GUESSES).await;
    let refused = guesser.sign_in("carl", PASSWORD).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    // Who is not known to have failed signs in, and those who have go on.
    club.signed_in("mia").await;
    assert_eq!(ann.get("/bookings").await.status, 200);
    // Whether a token was used nobody can tell now. It is not used up by that.
    let asked = Instant::now();
    let returned = ann.get(&back).await;
    assert_eq!(returned.status, 503, "{returned:?}");
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());

    // An instance that starts now starts.
    let mut late = club.another().with(&["--share-gateway"]);
    late.open().await;
    let guesser = late.visitor_from("127.0.0.5");
    guesser.fails("carl", GUESSES).await;
    let refused = guesser.sign_in("carl", PASSWORD).await;
    assert_eq!(refused.status, 429, "{refused:?}");

    let _running = redis.start().await;
    assert_eq!(redis.records().await, 0, "it has forgotten everything");
    let asked = Instant::now();
    while redis.records().await == 0 {
        assert!(asked.elapsed() < PATIENCE, "nothing is counted there again");
        club.visitor_from("127.0.0.4").sign_in("nobody", "not it").await;
        sleep(Duration::from_millis(200)).await;
    }
    let returned = ann.get(&back).await;
    assert_eq!(returned.status, 303, "{returned:?}");
    traffic.stop().await;
}

async fn a_restart_is_no_amnesty_and_no_loss(server: &str) {
    let mut club = Club::start(server, "restart").await;
    let ann = club.signed_in("ann").await;
    let (paid, open) = (ann.book("9-2").await, ann.book("10-2").await);
    ann.at_paybox(&paid, "pay").await;
    assert_eq!(ann.state(&paid).await, "paid");
    let guesser = club.visitor_from("127.0.0.2");
    guesser.fails("ann", GUESSES).await;
    let state = async || (ann.state(&paid).await, ann.state(&open).await);
    let before = state().await;

    club.interrupt().await;
    club.open().await;
    let refused = guesser.sign_in("ann", PASSWORD).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(state().await, before);

    // What was counted since the last snapshot, half a minute ago, may be lost then. What was taken down is not.
    let third = ann.book("11-2").await;
    club.kill().await;
    club.open().await;
    let refused = guesser.sign_in("ann", PASSWORD).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(state().await, before);
    assert_eq!(ann.state(&third).await, "created");
}

async fn locks_in_redis_outlive_an_instance_that_is_killed(server: &str) {
    let Some(redis) = Redis::on_this_machine(server, "outlive") else { return };
    let _running = redis.start().await;
    let mut club = redis.club(server, "outlive");
    club.open().await;
    let guesser = club.visitor_from("127.0.0.2");
    guesser.fails("ann", GUESSES).await;

    club.kill().await;
    club.open().await;
    let refused = guesser.sign_in("ann", PASSWORD).await;
    assert_eq!(refused.status, 429, "{refused:?}");
}

/// The gateway, which the first instance runs, tells the second: the site is there.
async fn a_payment_of_which_nobody_heard_is_found_on_the_orders_page(server: &str) {
    let site = Club::new(server, "unheard");
    let mut other = site.another();
    other.open().await;
    let mut site = site.with(&["--share-gateway"]);
    site.open().await;
    let ann = site.signed_in("ann").await;
    let heard = ann.book("9-3").await;
    ann.at_paybox(&heard, "pay").await;
    assert_eq!(ann.state(&heard).await, "paid");
    let (by_paypal, by_card) = (ann.book("10-3").await, ann.book("11-3").await);

    // The other instance sends him there, and he pays while the site is down.
    site.kill().await;
    let back = ann.at(&other).at_paypal(&by_paypal, "pay").await;
    ann.at(&other).at_paybox(&by_card, "pay").await;
    assert!(ann.try_get(&back).await.is_err(), "it is down");
    site.open().await;

    let returned = ann.get(&back).await;
    assert_eq!(returned.status, 303, "{returned:?}");
    assert_eq!(ann.state(&by_paypal).await, "paid");
    // Paybox is not asked: it sends its notification again, or writes to the merchant. See the README.
    assert_eq!(ann.state(&by_card).await, "created");
}

/// Visitors who ask for pages all the time, and for whom nothing may be wrong meanwhile.
struct Traffic {
    is_over: Arc<AtomicBool>,
    visits: tokio::task::JoinHandle<usize>,
}

impl Traffic {
    fn of(visitor: Visitor) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let visits = tokio::spawn(async move {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                for path in ["/", "/style.css", "/sign-in"] {
                    let asked = Instant::now();
                    let reply = visitor.get(path).await;
                    assert_eq!(reply.status, 200, "{path}: {reply:?}");
                    assert!(asked.elapsed() < SOON, "{path}");
                    count += 1;
                }
                sleep(Duration::from_millis(20)).await;
            }
            count
        });
        Self { is_over, visits }
    }

    async fn stop(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let count = self.visits.await.unwrap();
        assert!(count > 30, "{count} visits are no traffic");
    }
}

/// A Redis of the test's own, which forgets everything when it stops.
struct Redis {
    program: PathBuf,
    folder: Scratch,
    port: u16,
}

impl Redis {
    fn on_this_machine(server: &str, test: &str) -> Option<Self> {
        let Some(program) = program(&["redis-server", "valkey-server"]) else {
            skip(
                "instances that share a Redis",
                "no redis-server (Debian: apt-get install redis-server)",
            );
            return None;
        };
        let folder = Scratch::new(&format!("redis-{test}-{server}"));
        Some(Self { program, folder, port: free_port() })
    }

    async fn start(&self) -> Running {
        let mut command = Command::new(&self.program);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(self.folder.join(""));
        let mut running = Running::start(&mut command);
        running.line_with("Ready to accept connections").await;
        running.run();
        running
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn club(&self, server: &str, test: &str) -> Club {
        Club::new(server, test).with(&["--redis", &self.url()])
    }

    /// How many records of login attempts there are.
    async fn records(&self) -> usize {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("donjon:*").query_async(&mut connection).await.unwrap();
        keys.len()
    }
}
