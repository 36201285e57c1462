//! Allocations, counted where they are asked for.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use super::group::{Entry, Group};

/// The system's allocator, counting. It adds less than 1 % to the instructions of any case.
#[global_allocator]
pub(crate) static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What one request makes a case allocate, or one round of other work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocated {
    pub(crate) calls: f64,
    pub(crate) bytes: f64,
}

/// For each case of a group, in order.
pub(crate) fn count(group: &mut Group) -> Vec<Allocated> {
    let count = |Entry { case, .. }: &mut Entry| {
        case.warm_up(REQUESTS);
        case.prepare(REQUESTS);
        per_round(|| case.serve())
    };
    group.entries.iter_mut().map(count).collect()
}

/// Of as many rounds as requests are prepared.
#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
pub(super) fn per_round(mut work: impl FnMut()) -> Allocated {
    let region = Region::new(ALLOCATOR);
    (0..REQUESTS).for_each(|_| work());
    let stats = region.change();
    let per_round = |count: usize| count as f64 / REQUESTS as f64;
    Allocated {
        calls: per_round(stats.allocations + stats.reallocations),
        bytes: per_round(stats.bytes_allocated),
    }
}

const REQUESTS: usize = 100;
