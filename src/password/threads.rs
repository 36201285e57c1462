//! Threads of our own, for those who have no better ones.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::ConfigError;

/// What a thread is to do.
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// Starts so many threads. They end when what sends them work is dropped.
pub(super) fn start(threads: usize) -> Result<Sender<Work>, ConfigError> {
    let (sender, receiver) = mpsc::channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..threads {
        let receiver = Arc::clone(&receiver);
        let builder = thread::Builder::new().name("donjon-password".to_owned());
        builder
            .spawn(move || serve(&receiver))
            .map_err(|error| ConfigError::Thread { kind: error.kind() })?;
    }
    Ok(sender)
}

fn serve(receiver: &Mutex<Receiver<Work>>) {
    loop {
        // One waits for work, and the others for its place.
        let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match work {
            // Work catches its own panics. What is left, such as a subscriber's, ends no thread.
            Ok(work) => drop(catch_unwind(AssertUnwindSafe(work))),
            Err(mpsc::RecvError) => return,
        }
    }
}
