//! Looking, unlocking, and tokens that unlock.

use donjon::keys::{Key, KeyRing};
use donjon::lockout::{AccountStatus, DeviceCookies, UnlockError, UnlockTokens};
use http::Request;

use super::*;

#[tokio::test]
async fn to_look_changes_nothing() {
    let house = House::new(policy());
    for _ in 0..1000 {
        house.lockout.peek(&account("ann")).await.unwrap();
        house.lockout.peek_at(&account("ann"), stranger(1)).await.unwrap();
        house.lockout.peek_address(stranger(1)).await.unwrap();
    }
    assert_eq!(house.guesses("ann", stranger).await, N);
    let before = house.lockout.peek(&account("ann")).await.unwrap();
    for _ in 0..1000 {
        assert_eq!(house.lockout.peek(&account("ann")).await.unwrap(), before);
    }
    assert_eq!(before.account.locked, Some(minutes(10)));
}

/// The administrator knows the account, and neither the addresses nor the browsers.
#[tokio::test]
async fn an_account_that_is_unlocked_is_unlocked_at_every_address_and_in_every_browser() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let devices = DeviceCookies::new(&ring, "club").unwrap();
    let house = House::with(policy(), |builder| builder.devices(devices.clone()));
    let owner = address("203.0.113.9");
    let ann = account("ann");
    let cookie = house.succeed("ann", owner).await.unwrap().device_cookie.unwrap();
    let request = Request::builder().header("cookie", cookie.as_str().split(';').next().unwrap());
    let device = devices.read(&request.body(()).unwrap());
    let in_browser = async |right: bool| {
        let attempt = house.lockout.begin_from(owner, device.clone()).await?.account(&ann).await?;
        if right {
            attempt.succeed().await;
        } else {
            attempt.fail().await;
        }
        Ok::<_, NotAdmitted>(())
    };
    while in_browser(false).await.is_ok() {}
    assert_eq!(house.guesses("ann", |_| owner).await, N);
    house.clock.advance(minutes(1));
    assert!(house.succeed("ann", owner).await.is_err() && in_browser(true).await.is_err());

    house.lockout.unlock(&ann).await.unwrap();
    // But for the failures in a row, which end with a login.
    let status = house.lockout.peek(&ann).await.unwrap();
    assert_eq!(status.account, AccountStatus::default().account);
    assert!(status.in_a_row > 0);
    in_browser(true).await.unwrap();
    house.succeed("ann", owner).await.unwrap();
    assert_eq!(house.count(EventName::AuthnUnlock), 1);

    // A lock that begins later holds.
    house.clock.advance(minutes(1));
    assert_eq!(house.guesses("ann", |_| owner).await, N);
    house.clock.advance(minutes(1));
    assert!(house.succeed("ann", owner).await.is_err());
    // And of another account nothing was unlocked.
    assert_eq!(house.guesses("bob", |_| owner).await, N);
}

#[tokio::test]
async fn an_address_is_unlocked_by_itself() {
    let house = House::new(LockoutPolicy::default());
    for n in 0..60 {
        let _ = house.fail(&format!("user{n}"), stranger(1)).await;
    }
    assert!(house.fail("ann", stranger(1)).await.is_err());
    house.lockout.unlock_address(stranger(1)).await.unwrap();
    house.fail("ann", stranger(1)).await.unwrap();
}

/// G3.
#[tokio::test]
async fn a_token_unlocks_once_by_post_and_signs_nobody_in() {
    let ring = KeyRing::new(Key::random()).unwrap();
    let house = House::new(policy());
    let clock = Arc::new(ManualClock::default());
    let tokens = UnlockTokens::new(&house.lockout, &ring, "club").unwrap().clock(clock.clone());
    let ann = account("ann");
    assert_eq!(house.guesses("ann", stranger).await, N);
    let token = tokens.issue(&ann).unwrap();
    assert!(!token.contains("ann"));

    for method in ["GET", "HEAD", "post", "PUT", ""] {
        assert!(
            matches!(tokens.redeem(method, &token).await, Err(UnlockError::NotPost)),
            "{method}"
        );
    }
    assert!(house.fail("ann", stranger(1)).await.is_err(), "still locked");
    for forged in ["", "x", &token[1..], &format!("{token}A"), &"A".repeat(10_000)] {
        assert!(matches!(tokens.redeem("POST", forged).await, Err(UnlockError::Invalid)));
    }
    let other = KeyRing::new(Key::random()).unwrap();
    let other = UnlockTokens::new(&house.lockout, &other, "club").unwrap().clock(clock.clone());
    assert!(matches!(other.redeem("POST", &token).await, Err(UnlockError::Invalid)));

    let redeemed = tokens.redeem("POST", &token).await.unwrap();
    assert_eq!((redeemed.account, redeemed.device_cookie), (ann.clone(), None));
    assert_eq!(house.lockout.peek(&ann).await.unwrap().account.locked, None);
    assert_eq!(house.count(EventName::AuthnUnlock), 1);
    assert!(matches!(tokens.redeem("POST", &token).await, Err(UnlockError::Used)));

    let old = tokens.issue(&ann).unwrap();
    clock.advance(minutes(60));
    assert!(matches!(tokens.redeem("POST", &old).await, Err(UnlockError::Invalid)));
    assert!(tokens.lifetime(Duration::ZERO).is_err());
}
