//! What is one account, and what is one address.

use super::*;

/// B1.
#[tokio::test]
async fn spellings_of_one_name_share_its_guesses() {
    let house = House::new(policy());
    let spellings = ["bob", "BOB", " bob ", "bob\u{200b}", "ｂｏｂ", "ⓑⓞⓑ", "Bob"];
    let mut evaluated = 0;
    for round in 0..5 {
        for spelling in spellings {
            evaluated += u32::from(house.fail(spelling, stranger(round)).await.is_ok());
        }
    }
    assert_eq!(evaluated, N);
    house.fail("jose", stranger(0)).await.unwrap();
    assert_eq!(house.guesses("josé", stranger).await, N);
    assert_eq!(house.guesses("jose\u{301}", stranger).await, 0, "NFD is NFC");
}

/// B4.
#[tokio::test]
async fn an_address_is_what_one_source_has() {
    let one = ScopePolicy::new(LIMIT, minutes(10), minutes(10)).unwrap();
    let house = || House::new(policy().address(one.clone()));
    let names = |n: u32| format!("user{n}");
    let evaluated = async |house: &House, from: &dyn Fn(u32) -> IpAddr| {
        let mut evaluated = 0;
        for n in 0..100 {
            evaluated += u32::from(house.fail(&names(n), from(n)).await.is_ok());
        }
        evaluated
    };
    let v6 = |prefix: &'static str| move |n: u32| address(&format!("{prefix}:{n:x}"));
    let house_v6 = house();
    assert_eq!(evaluated(&house_v6, &v6("2001:db8:0:1:0:0:0")).await, N);
    assert_eq!(evaluated(&house_v6, &v6("2001:db8:0:2:0:0:0")).await, N, "the next /64");

    let mapped = house();
    assert_eq!(evaluated(&mapped, &|_| address("203.0.113.9")).await, N);
    assert_eq!(evaluated(&mapped, &|_| address("::ffff:203.0.113.9")).await, 0);
    assert_eq!(evaluated(&mapped, &|_| address("64:ff9b::203.0.113.9")).await, 0);
    assert_eq!(evaluated(&mapped, &|_| address("::ffff:203.0.113.10")).await, N, "another one");
}

#[tokio::test]
async fn an_account_and_an_address_do_not_run_together() {
    let house = House::new(policy());
    assert_eq!(house.guesses("bob", |_| address("110.0.0.1")).await, N);
    assert_eq!(house.guesses("bob1", |_| address("10.0.0.1")).await, N);
}

/// What one clumsy person does is no attack of an office's; many accounts are.
#[tokio::test]
async fn many_accounts_of_one_address_are_spraying_and_many_failures_at_one_are_not() {
    let accounts = ScopePolicy::new(20, minutes(15), minutes(15)).unwrap().forgetting_gradually();
    let house = House::new(LockoutPolicy::default().accounts_of_address(accounts));
    let office = address("203.0.113.9");
    for _ in 0..40 {
        let _ = house.fail("clumsy", office).await;
        house.clock.advance(minutes(1));
    }
    house.fail("colleague", office).await.unwrap();
    assert_eq!(house.count(EventName::AuthnSpray), 0);

    let house = House::new(LockoutPolicy::default());
    let mut evaluated = 0;
    for n in 0..100 {
        evaluated += u32::from(house.fail(&format!("user{n}"), office).await.is_ok());
    }
    assert_eq!(evaluated, 20);
    assert_eq!(house.count(EventName::AuthnSpray), 1, "once for each transition");
    let denied = house.fail("another", office).await.unwrap_err();
    assert!(matches!(denied, NotAdmitted::Locked { .. }), "{denied}");
    house.fail("another", address("203.0.113.10")).await.unwrap();
}

#[tokio::test]
async fn many_accounts_from_everywhere_are_told_of_once_and_lock_nobody() {
    let everywhere = ScopePolicy::new(50, minutes(60), minutes(60)).unwrap();
    let house = House::new(policy().accounts_everywhere(everywhere));
    for n in 0..200 {
        house.fail(&format!("user{n}"), stranger(n)).await.unwrap();
    }
    assert_eq!(house.count(EventName::AuthnStuffing), 1);
}

#[tokio::test]
async fn networks_on_the_list_are_not_counted_and_their_accounts_are() {
    let networks = donjon::client::Networks::parse(["203.0.113.0/24"]).unwrap();
    let house =
        House::with(LockoutPolicy::default(), |builder| builder.uncounted_networks(networks));
    for n in 0..200 {
        house.fail(&format!("user{n}"), address("203.0.113.9")).await.unwrap();
    }
    assert_eq!(house.guesses("ann", |_| address("203.0.113.9")).await, 5);
}
