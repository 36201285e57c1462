//! The memory that passwords are hashed in, used again and again.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::Block;

use super::Unavailable;

/// What is not in use.
#[derive(Debug)]
pub(super) struct Arenas {
    /// The size of what is kept, in blocks of 1 KiB.
    size: usize,
    idle: Mutex<Vec<Vec<Block>>>,
}

impl Arenas {
    pub(super) const fn new(size: usize) -> Self {
        Self { size, idle: Mutex::new(Vec::new()) }
    }

    /// So many blocks. Those that are more than usual are not kept, and what lies idle is given up for
    /// them, so that never more is held than was let in at one time.
    pub(super) fn take(&self, blocks: usize) -> Result<Arena<'_>, Unavailable> {
        let mut memory = {
            let mut idle = self.idle();
            if blocks > self.size {
                idle.clear();
            }
            idle.pop().unwrap_or_default()
        };
        let size = blocks.max(self.size);
        if memory.try_reserve_exact(size.saturating_sub(memory.len())).is_err() {
            return Err(Unavailable::Memory);
        }
        memory.resize(size, Block::new());
        Ok(Arena { home: self, memory })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in use. It is wiped when it is given back, after a panic too.
pub(super) struct Arena<'a> {
    home: &'a Arenas,
    memory: Vec<Block>,
}

impl Deref for Arena<'_> {
    type Target = [Block];

    fn deref(&self) -> &[Block] {
        &self.memory
    }
}

impl DerefMut for Arena<'_> {
    fn deref_mut(&mut self) -> &mut [Block] {
        &mut self.memory
    }
}

impl Drop for Arena<'_> {
    fn drop(&mut self) {
        let mut memory = std::mem::take(&mut self.memory);
        memory.fill(Block::new());
        // Somebody may be looking, so it is not left out. One store for each word, as `zeroize` does
        // it, takes twice as long.
        std::hint::black_box(&mut memory);
        if memory.len() == self.home.size {
            self.home.idle().push(memory);
        }
    }
}
