//! What the targets share.
//!
//! `cargo +nightly fuzz run NAME -- -max_total_time=10` runs one of them; a file it leaves in
//! `artifacts/NAME/` is replayed with `cargo +nightly fuzz run NAME FILE`, and printed as the
//! operations it stands for with `cargo +nightly fuzz fmt NAME FILE`.

#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The outcome of a future that waits for nothing.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}
