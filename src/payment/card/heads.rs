//! The heads of requests and responses alone.

use super::CardGuard;
use crate::adapters::adapt;
use crate::event::Reporter;
use crate::head::{RequestHead, ResponseHead};
use crate::middleware::Middleware;
use crate::refusal::Refusal;

impl CardGuard {
    /// What of it needs no body, for a [`Stack`](crate::middleware::Stack): path, query, headers and
    /// cookies. **Bodies pass unseen**, so it is for routes that read none. Of responses it only says what
    /// is in their headers, and blocks nothing.
    pub fn heads_only(&self) -> CardHeads {
        CardHeads(self.clone())
    }
}

/// See [`CardGuard::heads_only`].
#[derive(Clone, Debug)]
#[must_use = "it looks only at requests to a service that is behind it"]
pub struct CardHeads(CardGuard);

/// Who reports what is in the response.
#[derive(Debug, Default)]
pub struct HeadsMemo(Option<Reporter>);

impl Middleware for CardHeads {
    type Memo = HeadsMemo;
    type Refusal = Refusal;

    fn admit<R: RequestHead>(&self, request: &mut R, memo: &mut HeadsMemo) -> Result<(), Refusal> {
        self.0.admit(request)?;
        memo.0 = self.0.reporter(request);
        Ok(())
    }

    fn finish<H: ResponseHead>(&self, memo: &HeadsMemo, response: &mut H) {
        // It is an alarm, and whether it was to be more is nothing that can be done here.
        let _ = self.0.look_at_response(response, memo.0.as_ref());
    }
}

adapt!(CardHeads);
