//! What a thread has to say to a future, once, whatever runs the future.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub(super) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Arc::new(Mutex::new(Slot::Empty));
    (Sender(Arc::clone(&slot)), Receiver(slot))
}

/// Dropped without a word, it says so.
pub(super) struct Sender<T>(Arc<Mutex<Slot<T>>>);

/// `None` if nothing will come.
pub(super) struct Receiver<T>(Arc<Mutex<Slot<T>>>);

enum Slot<T> {
    Empty,
    Waited(Waker),
    Said(T),
    Over,
}

impl<T> Sender<T> {
    pub(super) fn send(self, word: T) {
        self.put(Slot::Said(word));
    }

    fn put(&self, slot: Slot<T>) {
        let before = std::mem::replace(&mut *lock(&self.0), slot);
        if let Slot::Waited(waker) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let was_said = matches!(*lock(&self.0), Slot::Said(_) | Slot::Over);
        if !was_said {
            self.put(Slot::Over);
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut slot = lock(&self.0);
        match std::mem::replace(&mut *slot, Slot::Over) {
            Slot::Said(word) => Poll::Ready(Some(word)),
            Slot::Over => Poll::Ready(None),
            Slot::Empty => {
                *slot = Slot::Waited(context.waker().clone());
                Poll::Pending
            }
            Slot::Waited(mut waker) => {
                waker.clone_from(context.waker());
                *slot = Slot::Waited(waker);
                Poll::Pending
            }
        }
    }
}

fn lock<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
