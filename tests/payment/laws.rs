//! Whatever is heard of however many attempts, in whatever order.

use proptest::prelude::*;

use super::*;

/// A gateway whose word tells of which attempt it is: `reference state`, or `- state` where it does not.
struct Told {
    id: &'static str,
    origins: [Origin; 1],
    begun: AtomicU32,
}

impl Told {
    fn new(id: &'static str) -> Self {
        let origins = ["https://pay.example".parse().unwrap()];
        Self { id, origins, begun: AtomicU32::new(0) }
    }
}

impl Gateway for Told {
    fn id(&self) -> &'static str {
        self.id
    }
    fn mode(&self) -> Mode {
        Mode::Test
    }
    fn origins(&self) -> &[Origin] {
        &self.origins
    }
    fn start<'a>(&'a self, _: Start<'a>) -> Work<'a, Result<Handoff, StartError>> {
        Box::pin(async move {
            let url = GatewayUrl::at(&self.origins, "https://pay.example/").unwrap();
            let begun = self.begun.fetch_add(1, Ordering::Relaxed);
            Ok(Handoff::see_other(url).reference(begun.to_string()))
        })
    }
    fn verify<'a>(
        &'a self,
        notice: Notice<'a>,
        witness: Witness<'a>,
    ) -> Work<'a, Result<Vec<Word>, Unbelieved>> {
        Box::pin(async move {
            let text = std::str::from_utf8(notice.body()).unwrap();
            let (reference, state) = text.split_once(' ').unwrap();
            let said = witness.verified(text, order(), state.parse().unwrap(), Some(price()));
            let is_told = reference != "-";
            Ok(vec![Word::Says(if is_told { said.of_reference(reference) } else { said })])
        })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Begin(usize),
    /// The gateway, the attempt there if it is told, and what of it.
    Hear(usize, Option<u8>, State),
}

fn step() -> impl Strategy<Value = Step> {
    let heard = (0..2_usize, prop::option::weighted(0.8, 0..4_u8), 1..State::ALL.len());
    prop_oneof![
        1 => (0..2_usize).prop_map(Step::Begin),
        4 => heard.prop_map(|(at, attempt, state)| Step::Hear(at, attempt, State::ALL[state])),
    ]
}

proptest! {
    /// Money that came is never hidden, and nothing but its own end ends an attempt.
    #[test]
    fn what_one_attempt_has_promised_or_paid_no_other_one_takes_back(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        const IDS: [&str; 2] = ["a", "b"];
        let shop = Shop::new(|builder| builder.gateway(Told::new("a")).gateway(Told::new("b")));
        let mut begun = [0_u8; 2];
        let mut held_by = None;
        for step in steps {
            let before = shop.state();
            let (at, attempt, said) = match step {
                Step::Begin(at) => {
                    let checkout = Checkout::new(order(), price());
                    let begin = shop.payments.redirect(posted(), &checkout, IDS[at], None);
                    begun[at] += u8::from(tokio_test::block_on(begin).is_ok());
                    prop_assert_eq!(shop.state(), before, "who sets out changes nothing");
                    continue;
                }
                Step::Hear(at, attempt, said) => (at, attempt, said),
            };
            let text = attempt.map_or_else(|| "-".to_owned(), |attempt| attempt.to_string());
            let body = Bytes::from(format!("{text} {said}"));
            let notice = Notice::new("POST", None, &[], &body);
            let status = tokio_test::block_on(shop.payments.notify(IDS[at], notice)).status();
            let after = shop.state();

            let is_known = attempt.map_or(begun[at] > 0, |attempt| attempt < begun[at]);
            if !is_known {
                prop_assert_eq!(after, before, "nobody has set out there");
                continue;
            }
            prop_assert!(after == before || (after == said && said.comes_from().contains(&before)));
            if said == State::Paid && before != State::Refunded {
                prop_assert_eq!(after, State::Paid, "{}", status);
            }
            let is_held = matches!(before, State::Pending | State::Authorized | State::Paid);
            let is_end = !matches!(after, State::Pending | State::Authorized | State::Paid);
            if is_held && is_end {
                // It is this very one, or, where that is not told, one of this gateway.
                let (by, which): (usize, Option<u8>) = held_by.unwrap();
                prop_assert_eq!(by, at);
                prop_assert!(attempt.is_none() || which.is_none() || which == attempt);
                prop_assert!(attempt.is_some() || begun[at] == 1 || said == State::Refunded);
            }
            if after != before {
                held_by = Some((at, attempt));
            }
        }
        let paid = shop.told().into_iter().filter(|told| *told == (EventName::PaymentChanged, "paid"));
        prop_assert!(paid.count() <= 1);
    }
}
