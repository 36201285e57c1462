//! What does not wait for longer than it was told to, whatever the runtime.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_timer::Delay;

/// What the work gives, if it is done in time. Work that is done at once sets no timer, and work that is
/// done counts even when this is looked at too late: a busy server is not the store's fault.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer = None;
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        let timer = timer.get_or_insert_with(|| Delay::new(limit));
        Pin::new(timer).poll(context).map(|()| None)
    })
    .await
}
