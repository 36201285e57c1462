//! A table of a fixed size: whatever is thrown at it, it takes no more memory and no more time.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ScopePolicy;
use super::record::{Changed, End, Kind, Record, Reserved, Saved, Ticks};

/// The records of one scope. A digest belongs to one bucket of eight slots, and nowhere else.
pub(super) struct Table {
    buckets: Box<[Bucket]>,
    generations: AtomicU32,
    shared: AtomicU64,
    evicted: AtomicU64,
}

/// Four cache lines.
#[repr(align(64))]
#[derive(Default)]
struct Bucket(Mutex<Slots>);

#[derive(Clone, Copy, Default)]
struct Slots {
    /// A quarter of the digest, beside what the bucket tells of it; 0 where a slot is empty.
    tags: [u32; WAYS],
    /// The last one is shared by those who found no slot.
    records: [Record; WAYS + 1],
}

/// What an attempt was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) generation: u32,
    /// It is counted in the record that is shared.
    pub(super) is_shared: bool,
}

impl Table {
    /// `capacity` is a power of two, and at least [`WAYS`].
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            buckets: (0..capacity / WAYS).map(|_| Bucket::default()).collect(),
            generations: AtomicU32::new(0),
            shared: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
        }
    }

    pub(super) const fn bytes(capacity: usize) -> usize {
        capacity / WAYS * size_of::<Bucket>()
    }

    pub(super) fn reserve(
        &self,
        digest: u128,
        now: Ticks,
        policy: &ScopePolicy,
    ) -> Result<Place, Reserved> {
        let tag = tag(digest);
        let mut slots = self.bucket(digest);
        let at = slots.find(tag).or_else(|| {
            // Whoever is turned away all the same needs no room of his own.
            if slots.records[WAYS].turns_away(now, policy) {
                return None;
            }
            let at = self.room(&slots, now)?;
            slots.tags[at] = tag;
            let (shared, generation) = (&slots.records[WAYS], self.next_generation());
            // What it was counted by so far, if it was.
            slots.records[at] = if shared.is_over(now) {
                Record::new(generation)
            } else {
                shared.apart(generation, now, policy)
            };
            Some(at)
        });
        let (at, kind) = at.map_or((WAYS, Kind::Shared), |at| (at, Kind::Own));
        if kind == Kind::Shared {
            self.shared.fetch_add(1, Ordering::Relaxed);
        }
        match slots.records[at].reserve(now, policy, kind) {
            Reserved::Admitted { generation } => {
                Ok(Place { generation, is_shared: kind == Kind::Shared })
            }
            denied => Err(denied),
        }
    }

    pub(super) fn settle(
        &self,
        digest: u128,
        place: Place,
        end: End,
        now: Ticks,
        policy: &ScopePolicy,
    ) -> Changed {
        let mut slots = self.bucket(digest);
        let (at, kind) = if place.is_shared {
            (Some(WAYS), Kind::Shared)
        } else {
            (slots.find(tag(digest)), Kind::Own)
        };
        match at {
            Some(at) => slots.records[at].settle(place.generation, end, now, policy, kind),
            None => Changed { stale: true, ..Changed::default() },
        }
    }

    /// The record as it is now, if there is one.
    pub(super) fn peek(&self, digest: u128, now: Ticks, policy: &ScopePolicy) -> Option<Record> {
        let slots = self.bucket(digest);
        let mut record = slots.records[slots.find(tag(digest))?];
        record.roll(now, policy, Kind::Own);
        Some(record)
    }

    pub(super) fn clear(&self, digest: u128) {
        let mut slots = self.bucket(digest);
        if let Some(at) = slots.find(tag(digest)) {
            slots.tags[at] = 0;
            slots.records[at] = Record::default();
        }
    }

    /// How many attempts were counted in shared records, and how many records have gone for others.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.shared.load(Ordering::Relaxed), self.evicted.load(Ordering::Relaxed))
    }

    /// Every record, with its bucket and tag; the shared ones have the tag 0.
    pub(super) fn for_each(&self, mut look: impl FnMut(usize, u32, &Record)) {
        for (index, bucket) in self.buckets.iter().enumerate() {
            let slots = *bucket.lock();
            for (at, record) in slots.records.iter().enumerate() {
                if *record != Record::default() {
                    look(index, slots.tags.get(at).copied().unwrap_or(0), record);
                }
            }
        }
    }

    /// Puts a record of another table of the same size back. `false` if there is no such bucket, or no
    /// room in it.
    pub(super) fn restore(
        &self,
        bucket: usize,
        tag: u32,
        saved: Saved,
        now: Ticks,
        later: Ticks,
    ) -> bool {
        let Some(bucket) = self.buckets.get(bucket) else { return false };
        let mut slots = bucket.lock();
        let at = if tag == 0 { Some(WAYS) } else { slots.find(tag).or_else(|| slots.find(0)) };
        let Some(at) = at else { return false };
        if let Some(place) = slots.tags.get_mut(at) {
            *place = tag;
        }
        slots.records[at] = Record::restored(saved, now, later, self.next_generation());
        true
    }

    fn bucket(&self, digest: u128) -> MutexGuard<'_, Slots> {
        // The table's size is a power of two, so that this is the digest's lower bits.
        let index = digest as usize & (self.buckets.len() - 1);
        self.buckets[index].lock()
    }

    /// A slot for a name that is not in the bucket: an empty one, or that of whoever has the fewest
    /// failures, and of those the oldest. `None` if nobody may go.
    fn room(&self, slots: &Slots, now: Ticks) -> Option<usize> {
        let mut best = None;
        for (at, (tag, record)) in slots.tags.iter().zip(&slots.records).enumerate() {
            if *tag == 0 || record.is_over(now) {
                return Some(at);
            }
            let candidate = (record.worth(), at);
            if record.may_go(now) && best.is_none_or(|best| candidate < best) {
                best = Some(candidate);
            }
        }
        let (_, at) = best?;
        self.evicted.fetch_add(1, Ordering::Relaxed);
        Some(at)
    }

    /// A record that has taken a place goes on from it, one for each half of a lease. 4096 of them are
    /// a day and a half of the usual lease without a rest; and a lease that had lived so long would
    /// have to be of the same key.
    fn next_generation(&self) -> u32 {
        self.generations.fetch_add(4096, Ordering::Relaxed)
    }
}

impl Bucket {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn find(&self, tag: u32) -> Option<usize> {
        self.tags.iter().position(|other| *other == tag)
    }
}

/// Two names of a bucket have one tag, and share a counter, once in four thousand million; the bucket is
/// one of a thousand or more. Nobody can choose with whom.
fn tag(digest: u128) -> u32 {
    let tag = (digest >> 96) as u32;
    tag.max(1)
}

pub(super) const WAYS: usize = 8;
