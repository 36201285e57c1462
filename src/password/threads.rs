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
    make_way();
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

/// A flood of logins keeps every core busy. Whatever else the server does then has the cores first:
/// other pages are as quick as ever, and it is logins that wait.
#[cfg(target_os = "linux")]
fn make_way() {
    // Of this thread alone, as Linux has it. Where it is forbidden, hashing is as urgent as the rest.
    let _ = rustix::process::nice(NICE);
}

#[cfg(not(target_os = "linux"))]
fn make_way() {}

/// A tenth of a usual thread's share, when there is not enough for all.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test's failure is its message")]
mod tests {
    use super::*;

    /// `nice` of the thread that asks: what follows the 16th field after the name in parentheses.
    fn nice() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn hashing_makes_way_and_nothing_else_does() {
        let before = nice();
        let (tell, told) = mpsc::channel();
        let threads = start(2).unwrap();
        for _ in 0..4 {
            let tell = tell.clone();
            threads.send(Box::new(move || tell.send(nice()).unwrap())).unwrap();
        }
        for _ in 0..4 {
            assert_eq!(told.recv().unwrap(), (before + NICE).min(19));
        }
        assert_eq!(nice(), before);
    }
}
