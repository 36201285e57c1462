//! The token by which PayPal is asked, got for the account's id and secret.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::super::super::http::HttpSend;
use super::super::super::url::Origin;
use super::super::api::{self, Failed};

/// Who asks, and the token of the last time.
pub(super) struct Access {
    id: Box<str>,
    secret: Zeroizing<String>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: Zeroizing<String>,
    until: SystemTime,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

impl Access {
    pub(super) fn new(id: &str, secret: &str) -> Self {
        let secret = Zeroizing::new(secret.to_owned());
        Self { id: id.into(), secret, kept: Mutex::default() }
    }

    /// Sends a request with the token. One that PayPal does not know any more is got anew, once.
    pub(super) async fn exchange(
        &self,
        (http, api): (&dyn HttpSend, &Origin),
        now: SystemTime,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Failed> {
        let mut is_again = false;
        loop {
            let token = self.token(http, api, now).await?;
            let mut request = request.clone();
            let value = api::secret_header(&format!("Bearer {}", *token))?;
            request.headers_mut().insert(AUTHORIZATION, value);
            let answer = api::exchange(http, request).await?;
            if answer.status() != StatusCode::UNAUTHORIZED || is_again {
                return Ok(answer);
            }
            self.forget(&token);
            is_again = true;
        }
    }

    async fn token(
        &self,
        http: &dyn HttpSend,
        api: &Origin,
        now: SystemTime,
    ) -> Result<Zeroizing<String>, Failed> {
        if let Some(kept) = &*self.kept.lock().unwrap_or_else(PoisonError::into_inner)
            && now < kept.until
        {
            return Ok(kept.token.clone());
        }
        let pair = Zeroizing::new(format!("{}:{}", self.id, *self.secret));
        let pair = Zeroizing::new(STANDARD.encode(&*pair));
        let request = Request::post(api.at("/v1/oauth2/token"))
            .header(AUTHORIZATION, api::secret_header(&format!("Basic {}", *pair))?)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"grant_type=client_credentials"));
        let answer = api::send(http, request.map_err(|_| Failed::Unsendable)?).await?;
        let granted: Granted = api::read(answer.body())?;
        let token = Zeroizing::new(granted.access_token);
        let is_token =
            (1..=8192).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token || !granted.token_type.eq_ignore_ascii_case("bearer") {
            return Err(Failed::Garbled);
        }
        // What is about to end would end on its way.
        let lifetime = Duration::from_secs(granted.expires_in.saturating_sub(60).min(86_400));
        let until = now.checked_add(lifetime).unwrap_or(now);
        let kept = Kept { token: token.clone(), until };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(token)
    }

    /// Unless somebody else has got a new one meanwhile.
    fn forget(&self, token: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|kept| *kept.token == token) {
            *kept = None;
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio_test::block_on;

    use super::super::super::api::tests::Canned;
    use super::*;

    fn ask(access: &Access, http: &Canned, seconds: u64) -> Result<StatusCode, Failed> {
        let api = "https://api-m.sandbox.paypal.com".parse().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let request =
            Request::get("https://api-m.sandbox.paypal.com/x").body(Bytes::new()).unwrap();
        block_on(access.exchange((http, &api), now, &request)).map(|answer| answer.status())
    }

    const TOKEN: &str = r#"{"scope":"","access_token":"A21.to-ken_1","token_type":"Bearer","app_id":"A","expires_in":32400}"#;

    #[test]
    fn a_token_is_kept_until_shortly_before_it_ends() {
        let access = Access::new("id", "s3cret");
        let http = Canned::new([(200, TOKEN), (200, ""), (200, ""), (200, TOKEN), (200, "")]);
        ask(&access, &http, 0).unwrap();
        let asked = http.asked();
        let header = |at: usize| asked[at].1.headers()[AUTHORIZATION].to_str().unwrap().to_owned();
        assert_eq!(asked[0].0, "POST https://api-m.sandbox.paypal.com/v1/oauth2/token");
        assert_eq!(asked[0].1.body(), "grant_type=client_credentials");
        assert_eq!(header(0), format!("Basic {}", STANDARD.encode("id:s3cret")));
        assert_eq!(header(1), "Bearer A21.to-ken_1");
        assert!(asked.iter().all(|(_, request)| request.headers()[AUTHORIZATION].is_sensitive()));

        ask(&access, &http, 32_339).unwrap();
        assert_eq!(http.lines().len(), 1);
        ask(&access, &http, 32_340).unwrap();
        assert_eq!(http.lines().len(), 2);
        assert_eq!(format!("{access:?}"), "Access { .. }");
    }

    #[test]
    fn a_token_that_is_not_known_any_more_is_got_anew_once() {
        let access = Access::new("id", "secret");
        let http = Canned::new([(200, TOKEN), (401, ""), (200, TOKEN), (200, "")]);
        assert_eq!(ask(&access, &http, 0).unwrap(), StatusCode::OK);
        assert_eq!(http.lines().len(), 4);
        let http = Canned::new([(401, ""), (200, TOKEN), (401, "")]);
        assert_eq!(ask(&access, &http, 0).unwrap(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn what_is_no_token_is_not_used() {
        for (status, answer) in [
            (401, TOKEN),
            (500, TOKEN),
            (200, "<html>"),
            (200, "{}"),
            (200, r#"{"access_token":"a","token_type":"Bearer"}"#),
            (200, r#"{"access_token":"a\r\nx: y","token_type":"Bearer","expires_in":9}"#),
            (200, r#"{"access_token":"","token_type":"Bearer","expires_in":9}"#),
            (200, r#"{"access_token":"a","token_type":"MAC","expires_in":9}"#),
        ] {
            let http = Canned::new([(status, answer)]);
            assert!(ask(&Access::new("id", "secret"), &http, 0).is_err(), "{answer}");
            assert_eq!(http.lines().len(), 1, "{answer}");
        }
    }
}
