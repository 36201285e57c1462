//! The club when something breaks: an instance stops or is killed, Redis is killed and comes back, the gateway speaks
//! while nobody listens. What it has counted and taken down is there afterwards.

#![allow(clippy::duration_suboptimal_units, reason = "donjon's own tests build with an older Rust")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;

use house::{Answer, Club, SERVERS, Visitor, free_port};
use support::{PATIENCE, Running, Scratch, program, skip};

mod house;
#[path = "../../../tests/support/mod.rs"]
mod support;

/// As many as are let in before one has to wait.
const GUESSES: usize = 5;

/// Longer than any answer may take, on a machine with other work.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn two_instances_count_failures_together() {
    for server in SERVERS {
        let Some((_scratch, redis)) = Redis::on_this_machine(server, "together") else { return };
        let _running = redis.start().await;
        let first = redis.club(server);
        let _first = first.start().await;
        let second = first.another().with(&["--share-gateway"]);
        let _second = second.start().await;

        let mut guesser = first.visitor("127.0.0.2");
        guesser.fails(&first, "ann", GUESSES - 1).await;
        guesser.fails(&second, "ann", 1).await;
        for club in [&first, &second] {
            let refused = guesser.sign_in(club, "ann", &club.password()).await;
            assert_eq!(refused.status, 429, "{server}: {refused:?}");
            assert!(refused.retry_after.is_some(), "{server}: {refused:?}");
            // The guesser is locked, and ann is not.
            let answer = club.visitor("127.0.0.3").sign_in(club, "ann", &club.password()).await;
            assert_eq!(answer.status, 303, "{server}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn who_comes_back_from_a_gateway_does_so_once_whichever_instance_he_comes_to() {
    for server in SERVERS {
        let Some((_scratch, redis)) = Redis::on_this_machine(server, "once") else { return };
        let _running = redis.start().await;
        let first = redis.club(server);
        let _first = first.start().await;
        let second = first.another().with(&["--share-gateway"]);
        let _second = second.start().await;

        let mut ann = signed_in(&first, "ann").await;
        let order = ann.book(&first, "9-1").await;
        for (here, there) in [(&first, &second), (&second, &first)] {
            let back = ann.at_paypal(&first, &order, "cancel").await;
            let returned = ann.get(here, &back).await;
            assert_eq!(returned.status, 303, "{server}: {returned:?}");
            assert_eq!(returned.location, format!("/bookings/{order}"), "{server}");
            for club in [there, here] {
                assert_eq!(ann.get(club, &back).await.status, 410, "{server}: it was used");
            }
        }
    }
}

#[tokio::test]
async fn when_redis_is_killed_pages_go_on_and_each_instance_counts_for_itself() {
    for server in SERVERS {
        let Some((_scratch, redis)) = Redis::on_this_machine(server, "killed") else { return };
        let running = redis.start().await;
        let club = redis.club(server);
        let _club = club.start().await;
        let mut ann = signed_in(&club, "ann").await;
        let order = ann.book(&club, "10-1").await;
        let back = ann.at_paypal(&club, &order, "cancel").await;
        let traffic = Traffic::start(&club);

        sleep(Duration::from_millis(300)).await;
        running.kill().await;
        sleep(Duration::from_millis(300)).await;
        // What is counted is counted here.
        let mut guesser = club.visitor("127.0.0.2");
        guesser.fails(&club, "carl", GUESSES).await;
        let refused = guesser.sign_in(&club, "carl", &club.password()).await;
        assert_eq!(refused.status, 429, "{server}: {refused:?}");
        // Who is not known to have failed signs in, and those who have go on.
        signed_in(&club, "mia").await;
        assert_eq!(ann.get(&club, "/bookings").await.status, 200, "{server}");
        // Whether a token was used nobody can tell now. It is not used up by that.
        let asked = Instant::now();
        let returned = ann.get(&club, &back).await;
        assert_eq!(returned.status, 503, "{server}: {returned:?}");
        assert!(asked.elapsed() < SOON, "{server}: {:?}", asked.elapsed());

        // An instance that starts now starts.
        let late = club.another().with(&["--share-gateway"]);
        let _late = late.start().await;
        late.visitor("127.0.0.5").fails(&late, "carl", GUESSES).await;
        let refused = late.visitor("127.0.0.5").sign_in(&late, "carl", &late.password()).await;
        assert_eq!(refused.status, 429, "{server}: {refused:?}");

        let _running = redis.start().await;
        assert_eq!(redis.records().await, 0, "{server}: it has forgotten everything");
        let asked = Instant::now();
        while redis.records().await == 0 {
            assert!(asked.elapsed() < PATIENCE, "{server}: nothing is counted there again");
            club.visitor("127.0.0.4").sign_in(&club, "nobody", "not it").await;
            sleep(Duration::from_millis(200)).await;
        }
        let returned = ann.get(&club, &back).await;
        assert_eq!(returned.status, 303, "{server}: {returned:?}");
        traffic.stop().await;
    }
}

#[tokio::test]
async fn a_restart_is_no_amnesty_and_no_loss() {
    for server in SERVERS {
        let scratch = Scratch::new(&format!("club-restart-{server}"));
        let club = Club::new(server, &scratch.join("data"));
        let running = club.start().await;
        let mut ann = signed_in(&club, "ann").await;
        let (paid, open) = (ann.book(&club, "9-2").await, ann.book(&club, "10-2").await);
        ann.at_paybox(&club, &paid, "pay").await;
        assert_eq!(ann.state_of(&club, &paid).await, "paid", "{server}");
        let mut guesser = club.visitor("127.0.0.2");
        guesser.fails(&club, "ann", GUESSES).await;
        let state = async |ann: &mut Visitor| {
            (ann.state_of(&club, &paid).await, ann.state_of(&club, &open).await)
        };
        let before = state(&mut ann).await;

        running.interrupt().await;
        let running = club.start().await;
        let mut guesser = club.visitor("127.0.0.2");
        let refused = guesser.sign_in(&club, "ann", &club.password()).await;
        assert_eq!(refused.status, 429, "{server}: {refused:?}");
        assert_eq!(state(&mut ann).await, before, "{server}");

        // What was counted since the last snapshot, half a minute ago, may be lost then. What was taken down is not.
        let third = ann.book(&club, "11-2").await;
        running.kill().await;
        let _running = club.start().await;
        let refused = guesser.sign_in(&club, "ann", &club.password()).await;
        assert_eq!(refused.status, 429, "{server}: {refused:?}");
        assert_eq!(state(&mut ann).await, before, "{server}");
        assert_eq!(ann.state_of(&club, &third).await, "created", "{server}");
    }
}

#[tokio::test]
async fn locks_in_redis_outlive_an_instance_that_is_killed() {
    for server in SERVERS {
        let Some((_scratch, redis)) = Redis::on_this_machine(server, "outlive") else { return };
        let _running = redis.start().await;
        let club = redis.club(server);
        let running = club.start().await;
        club.visitor("127.0.0.2").fails(&club, "ann", GUESSES).await;

        running.kill().await;
        let _running = club.start().await;
        let refused = club.visitor("127.0.0.2").sign_in(&club, "ann", &club.password()).await;
        assert_eq!(refused.status, 429, "{server}: {refused:?}");
    }
}

/// The gateway, which the first instance runs, tells the second: the site is there.
#[tokio::test]
async fn a_payment_of_which_nobody_heard_is_found_on_the_orders_page() {
    for server in SERVERS {
        let scratch = Scratch::new(&format!("club-unheard-{server}"));
        let site = Club::new(server, &scratch.join("data"));
        let other = site.another();
        let _other = other.start().await;
        let site = site.with(&["--share-gateway"]);
        let running = site.start().await;
        let mut ann = signed_in(&site, "ann").await;
        let heard = ann.book(&site, "9-3").await;
        ann.at_paybox(&site, &heard, "pay").await;
        assert_eq!(ann.state_of(&site, &heard).await, "paid", "{server}");
        let (by_paypal, by_card) = (ann.book(&site, "10-3").await, ann.book(&site, "11-3").await);

        // The other instance sends him there, and he pays while the site is down.
        running.kill().await;
        let back = ann.at_paypal(&other, &by_paypal, "pay").await;
        ann.at_paybox(&other, &by_card, "pay").await;
        assert!(ann.try_get(&site, &back).await.is_err(), "{server}: it is down");
        let _running = site.start().await;

        let returned = ann.get(&site, &back).await;
        assert_eq!(returned.status, 303, "{server}: {returned:?}");
        assert_eq!(ann.state_of(&site, &by_paypal).await, "paid", "{server}");
        // Paybox is not asked: it sends its notification again, or writes to the merchant. See the README.
        assert_eq!(ann.state_of(&site, &by_card).await, "created", "{server}");
    }
}

async fn signed_in(club: &Club, name: &str) -> Visitor {
    let mut visitor = club.visitor("127.0.0.1");
    let answer = visitor.sign_in(club, name, &club.password()).await;
    assert_eq!(answer.status, 303, "{} {name}: {answer:?}", club.server);
    visitor
}

/// Visitors who ask for pages all the time, and for whom nothing may be wrong meanwhile.
struct Traffic {
    is_over: Arc<AtomicBool>,
    visits: tokio::task::JoinHandle<usize>,
}

impl Traffic {
    fn start(club: &Club) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, club) = (Arc::clone(&is_over), club.clone());
        let visits = tokio::spawn(async move {
            let mut visitor = club.visitor("127.0.0.9");
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                for path in ["/", "/style.css", "/sign-in"] {
                    let asked = Instant::now();
                    let answer: Answer = visitor.get(&club, path).await;
                    assert_eq!(answer.status, 200, "{} {path}: {answer:?}", club.server);
                    assert!(asked.elapsed() < SOON, "{} {path}", club.server);
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
    program: std::path::PathBuf,
    folder: std::path::PathBuf,
    port: u16,
}

impl Redis {
    fn on_this_machine(server: &str, test: &str) -> Option<(Scratch, Self)> {
        let Some(program) = program(&["redis-server", "valkey-server"]) else {
            skip(
                "instances that share a Redis",
                "no redis-server (Debian: apt-get install redis-server)",
            );
            return None;
        };
        let scratch = Scratch::new(&format!("club-{test}-{server}"));
        let folder = scratch.join("redis");
        std::fs::create_dir_all(&folder).unwrap();
        Some((scratch, Self { program, folder, port: free_port() }))
    }

    async fn start(&self) -> Running {
        let mut command = Command::new(&self.program);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(&self.folder);
        let mut running = Running::start(&mut command);
        running.line_with("Ready to accept connections").await;
        running.run();
        running
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn club(&self, server: &'static str) -> Club {
        Club::new(server, &self.folder.with_file_name("data")).with(&["--redis", &self.url()])
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
