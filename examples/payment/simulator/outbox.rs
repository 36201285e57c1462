//! What the shop is sent, where to, and what it answers.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use donjon::payment::HttpSend;
use http::Request;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Simulator, Trick};

pub(super) struct Outbox {
    to_shop: Arc<dyn HttpSend>,
    books: Mutex<Books>,
    /// How many are on their way.
    under_way: watch::Sender<usize>,
}

#[derive(Default)]
struct Books {
    /// What stands in the shop's account, by gateway.
    webhooks: HashMap<String, String>,
    /// Where the shop is reached, if that is not where people see it.
    shop: Option<(String, String)>,
    sent: Vec<Notification>,
    answers: Vec<u16>,
}

/// A notification.
#[derive(Clone, Default)]
pub(super) struct Notification {
    pub(super) method: http::Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Outbox {
    pub(super) fn new(to_shop: impl HttpSend) -> Self {
        let (books, under_way) = (Mutex::default(), watch::Sender::default());
        Self { to_shop: Arc::new(to_shop), books, under_way }
    }
}

impl Simulator {
    /// Puts into the shop's account where this gateway's notifications go. Paybox is told so with each payment.
    pub(crate) fn webhook(&self, gateway: &str, url: &str) {
        self.books().webhooks.insert(gateway.to_owned(), url.to_owned());
    }

    /// Notifies a shop that people see at this origin at another one, which is behind its proxy.
    #[allow(dead_code, reason = "for tests by https")]
    pub(crate) fn reach(&self, site: &str, shop: &str) {
        self.books().shop = Some((site.to_owned(), shop.to_owned()));
    }

    /// Waits until nothing is on its way to the shop any more.
    #[allow(dead_code, reason = "for tests")]
    pub(crate) async fn quiet(&self) {
        let mut under_way = self.0.outbox.under_way.subscribe();
        // The sender is in the simulator, and so is not gone.
        let _ = under_way.wait_for(|count| *count == 0).await;
    }

    /// What the shop has answered so far.
    #[allow(dead_code, reason = "for tests")]
    pub(crate) async fn told(&self) -> Vec<u16> {
        self.quiet().await;
        self.books().answers.clone()
    }

    /// Sends all of its notifications again, each so many times at once.
    #[allow(dead_code, reason = "for tests")]
    pub(crate) async fn send_again(&self, copies: usize) {
        let sent = self.books().sent.clone();
        for notification in sent {
            self.send(&notification, copies).await;
        }
    }

    pub(super) fn forget_sent(&self) {
        let mut books = self.books();
        books.sent.clear();
        books.answers.clear();
    }

    pub(super) fn url_of_webhook(&self, gateway: &str) -> String {
        self.books().webhooks.get(gateway).cloned().unwrap_or_default()
    }

    /// Tells the shop.
    pub(super) async fn tell(&self, mut notification: Notification) {
        let shop = self.books().shop.clone();
        if let Some((site, shop)) = shop {
            notification.url = notification.url.replacen(&site, &shop, 1);
        }
        self.books().sent.push(notification.clone());
        let copies = self.trick(|trick| match trick {
            Trick::Holds => Some(0),
            Trick::Copies(copies) => Some(copies),
            _ => None,
        });
        self.send(&notification, copies.unwrap_or(1)).await;
    }

    /// Tells the shop, without waiting for what it says.
    pub(super) fn tell_later(&self, notification: Notification) {
        let simulator = self.clone();
        self.0.outbox.under_way.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            simulator.tell(notification).await;
            simulator.0.outbox.under_way.send_modify(|count| *count -= 1);
        });
    }

    async fn send(&self, notification: &Notification, copies: usize) {
        let mut all = JoinSet::new();
        for _ in 0..copies {
            let (notification, to_shop) =
                (notification.clone(), Arc::clone(&self.0.outbox.to_shop));
            let post = async move { post(notification, &*to_shop).await };
            all.spawn(async move { post.await.map_err(|error| error.to_string()) });
        }
        for answer in all.join_all().await {
            match answer {
                Ok(status) => self.books().answers.push(status),
                // The gateway would try again, or write an e-mail to the merchant.
                Err(error) => eprintln!("the shop was not told: {error}"),
            }
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.outbox.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn post(
    notification: Notification,
    to_shop: &dyn HttpSend,
) -> Result<u16, Box<dyn Error + Send + Sync>> {
    let mut request = Request::builder().method(notification.method).uri(notification.url);
    for (name, value) in notification.headers {
        request = request.header(name, value);
    }
    let answer = to_shop.send(request.body(notification.body.into())?).await?;
    Ok(answer.status().as_u16())
}
