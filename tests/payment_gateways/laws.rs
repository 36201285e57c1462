//! Whatever payers, gateways, servers and the ledger do, in whatever order.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Begin(bool),
    /// The payer says yes at one of PayPal's, and this comes of it when the money is taken.
    Approve(usize, &'static str),
    /// The answer to the next capture of this one is lost.
    Lose(usize),
    /// The payer goes through one of Stripe's, and that is told, or is late.
    Complete(usize, bool, bool),
    /// What was pending comes, or does not.
    Settle(usize, bool, bool),
    /// The payer leaves the page, and that is told.
    Expire(usize),
    Away(usize),
    Back,
    Ledger(bool),
    Advance(u64),
    Wake,
    /// And whoever asks goes away after so many steps.
    Reconcile(Option<usize>),
}

const COMES: [&str; 5] = ["COMPLETED", "PENDING", "DECLINED", "!INSTRUMENT_DECLINED", "!LATE"];

fn step() -> impl Strategy<Value = Step> {
    let at = 0..4_usize;
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Begin),
        4 => (at.clone(), 0..COMES.len()).prop_map(|(at, comes)| Step::Approve(at, COMES[comes])),
        1 => at.clone().prop_map(Step::Lose),
        2 => (at.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(at, paid, told)| Step::Complete(at, paid, told)),
        2 => (at.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(at, comes, told)| Step::Settle(at, comes, told)),
        1 => at.clone().prop_map(Step::Expire),
        1 => at.prop_map(Step::Away),
        2 => Just(Step::Back),
        1 => any::<bool>().prop_map(Step::Ledger),
        2 => (1..20_u64).prop_map(Step::Advance),
        2 => (30..400_u64).prop_map(Step::Advance),
        4 => Just(Step::Wake),
        4 => prop::option::weighted(0.2, 0..60_usize).prop_map(Step::Reconcile),
    ]
}

impl Shop {
    async fn told_of(&self, kind: &str, id: &str, status: &str) {
        let body = stripe::event(kind, json!({ "id": id, "payment_status": status }));
        let _ = self.hear("stripe", &stripe::signed_at(self.seconds(), &body), &body).await;
    }

    fn seconds(&self) -> u64 {
        let now = donjon::clock::Clock::now(&*self.clock);
        now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    }

    async fn step(&self, step: &Step, begun: &mut Vec<String>) {
        match *step {
            Step::Begin(is_stripe) => {
                if begun.len() < 4 && self.state() != State::Paid && self.state() != State::Refunded
                {
                    let gateway = if is_stripe { "stripe" } else { "paypal" };
                    self.begin(gateway).await;
                    let at = begun.len() + 1;
                    begun.push(if is_stripe {
                        format!("/v1/checkout/sessions/cs_test_{at}")
                    } else {
                        format!("/v2/checkout/orders/5O{at}")
                    });
                }
            }
            Step::Advance(seconds) => {
                self.world.with(Things::be_late);
                self.clock.advance(Duration::from_secs(seconds));
            }
            Step::Back => self.world.with(|things| things.away = None),
            Step::Ledger(is_down) => self.ledger.1.store(is_down, Ordering::Relaxed),
            Step::Wake => drop(paypal::wake(self).await),
            Step::Reconcile(None) => drop(self.payments.reconcile(&order()).await),
            Step::Reconcile(Some(steps)) => {
                let payments = self.payments.clone();
                let asking = tokio::spawn(async move { payments.reconcile(&order()).await });
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
                asking.abort();
                let _ = asking.await;
            }
            Step::Approve(at, _)
            | Step::Lose(at)
            | Step::Complete(at, ..)
            | Step::Settle(at, ..)
            | Step::Expire(at)
            | Step::Away(at) => {
                if let Some(path) = begun.get(at % begun.len().max(1)) {
                    self.step_at(step, path).await;
                }
            }
        }
    }

    async fn step_at(&self, step: &Step, path: &str) {
        let id = path.rsplit('/').next().unwrap();
        let found = self.world.with(|things| things.at[path].clone());
        let is = |name: &str, value: &str| found[name] == value;
        let is_stripe = path.starts_with("/v1");
        match *step {
            Step::Approve(_, comes) if is("status", "PAYER_ACTION_REQUIRED") => {
                self.world.change(path, "/status", json!("APPROVED"));
                self.world.change(path, "/capture", json!(comes));
            }
            Step::Lose(_) if !is_stripe => {
                let lost: &'static str = format!("{path}/capture").leak();
                self.world.with(|things| things.lost = Some(lost));
            }
            Step::Away(_) if !is_stripe => {
                let away: &'static str = path.to_owned().leak();
                self.world.with(|things| things.away = Some(away));
            }
            Step::Complete(_, is_paid, is_told) if is("status", "open") => {
                self.world.change(path, "/status", json!("complete"));
                let status = if is_paid { "paid" } else { "unpaid" };
                self.world.change(path, "/payment_status", json!(status));
                if is_told {
                    self.told_of("completed", id, status).await;
                }
            }
            Step::Expire(_) if is("status", "open") => {
                self.world.change(path, "/status", json!("expired"));
                self.told_of("expired", id, "unpaid").await;
            }
            Step::Settle(_, true, is_told) if is_stripe && is("status", "complete") => {
                self.world.change(path, "/payment_status", json!("paid"));
                if is_told {
                    self.told_of("async_payment_succeeded", id, "paid").await;
                }
            }
            Step::Settle(_, comes, _) if !is_stripe => {
                let pointer = "/purchase_units/0/payments/captures/0/status";
                if found.pointer(pointer).is_some_and(|status| status == "PENDING") {
                    let status = if comes { "COMPLETED" } else { "DECLINED" };
                    self.world.change(path, pointer, json!(status));
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Money is never taken beside money that has come or is on its way, and what has come is paid in the end.
    #[test]
    fn nobody_is_charged_beside_what_he_has_paid(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::new();
            let mut begun = Vec::new();
            for step in &steps {
                shop.step(step, &mut begun).await;
                let beside = shop.world.with(|things| things.beside.take());
                prop_assert_eq!(beside, None);
            }
            shop.step(&Step::Back, &mut begun).await;
            shop.step(&Step::Ledger(false), &mut begun).await;
            shop.step(&Step::Advance(100), &mut begun).await;
            for _ in 0..3 {
                let _ = shop.payments.reconcile(&order()).await;
                shop.clock.advance(Duration::from_secs(400));
            }
            if shop.world.with(|things| things.has_come(true)) {
                prop_assert_eq!(shop.state(), State::Paid);
            }
            let paid = shop.told().iter().filter(|told| told.1 == "paid").count();
            prop_assert_eq!(paid, usize::from(shop.state() == State::Paid));
            Ok(())
        })?;
    }
}
