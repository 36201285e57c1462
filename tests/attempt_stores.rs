//! What every store of attempts has to do, asked of each: the memory, Redis, Valkey, and behind a
//! `Fallback`. The attacks are bursts, abandoned attempts, late answers, and a store that goes away.

#![cfg(feature = "lockout")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's failure is its message"
)]

#[path = "attempt_stores/contract.rs"]
mod contract;
#[path = "attempt_stores/fallback.rs"]
mod fallback;
#[path = "attempt_stores/nodes.rs"]
mod nodes;
#[cfg(all(unix, feature = "redis"))]
#[path = "attempt_stores/redis/mod.rs"]
mod redis_server;
mod support;

/// A test of each case for each kind of store. Those of Redis have a server each.
macro_rules! each_case {
    ($($case:ident)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::contract::$case(&super::nodes::Memory::default()).await;
            })*
        }

        mod memory_behind_a_fallback {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::contract::$case(&super::nodes::MemoryBehindFallback::default()).await;
            })*
        }

        #[cfg(all(unix, feature = "redis"))]
        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(server) = super::redis_server::RedisServer::start().await {
                    super::contract::$case(&super::redis_server::Redis(server)).await;
                }
            })*
        }

        #[cfg(all(unix, feature = "redis"))]
        mod valkey {
            use super::redis_server::{Make, Redis, RedisServer};

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(server) = RedisServer::start_as(Make::Valkey, &[]).await {
                    super::contract::$case(&Redis(server)).await;
                }
            })*
        }

        #[cfg(all(unix, feature = "redis"))]
        mod redis_behind_a_fallback {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(server) = super::redis_server::RedisServer::start().await {
                    super::contract::$case(&super::redis_server::RedisBehindFallback(server)).await;
                }
            })*
        }
    };
}

each_case! {
    a_burst_of_wrong_guesses_evaluates_n
    a_burst_on_two_nodes_evaluates_n
    fifty_honest_ones_at_once_all_get_in
    the_limit_is_how_many_are_evaluated
    a_lock_ends_when_it_says
    what_is_denied_is_not_written
    locks_double_up_to_the_longest_and_start_anew_after_a_rest
    after_a_lock_there_are_fewer_guesses
    a_lease_that_is_over_changes_nothing
    abandoned_attempts_are_failures_from_when_their_leases_were_over
    what_is_given_back_is_of_the_present_count
    success_ends_no_lock
    what_is_settled_twice_counts_once
    a_stricter_policy_locks_what_the_one_before_had_let_in
    what_settles_after_it_was_cleared_changes_nothing
    failures_are_forgotten_one_by_one
    failures_are_forgotten_after_a_rest
    to_look_changes_nothing
    what_is_not_counted_leaves_nothing
    keys_count_apart
}
