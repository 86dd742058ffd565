//! What the store promises, on every engine: each promise is a function, and each engine lists them once.
//!
//! On SQLite a promise is a test of its own. PostgreSQL, being a real server, is started once, and one test runs all
//! promises on it, each in a schema of its own.

mod blobs;
mod bus;
mod crash;
mod file;
mod jobs;
mod lost;
mod sql;
mod writer;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use store::testing::{Postgres, Scratch};

macro_rules! promises {
    ($($room:ident: $($promise:ident)*;)*) => {
        mod sqlite {
            use super::Scratch;

            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$room::$promise(super::Scratch::sqlite().await.unwrap()).await;
                })*
            })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_keeps_every_promise() {
            let server = Postgres::start();
            let mut broken = Vec::new();
            $($(
                let scratch = Scratch::postgres(&server).await.unwrap();
                let promise = AssertUnwindSafe(crate::$room::$promise(scratch));
                if promise.catch_unwind().await.is_err() {
                    broken.push(concat!(stringify!($room), "::", stringify!($promise)));
                }
            )*)*
            assert!(broken.is_empty(), "not on PostgreSQL: {broken:?}");
        }
    };
}

promises! {
    sql:
        every_type_comes_back_as_it_went_in
        nothing_keeps_its_type
        many_rows_go_in_and_out
        a_broken_constraint_is_a_conflict
        unreadable_data_names_its_table_and_column
        a_dropped_transaction_leaves_no_trace
        a_failed_attempt_undoes_only_itself
        migrations_are_applied_once_by_many
        migrations_are_listed_before_they_are_applied
        an_edited_migration_is_refused
        a_newer_database_is_refused
        a_failing_migration_changes_nothing;
    writer:
        an_answer_comes_after_the_commit
        a_failing_item_spares_its_neighbours
        a_lane_hears_of_a_failing_item_before_the_next_is_written
        a_failing_operation_spares_its_neighbours
        items_of_a_key_keep_their_order
        a_full_queue_says_busy
        closing_finishes_what_was_accepted
        a_panicking_lane_leaves_nobody_waiting;
    jobs:
        a_job_is_there_if_its_change_is
        a_job_is_done_once_and_gone
        a_failing_job_comes_back_and_dies
        a_lost_lease_is_taken_over
        a_running_job_keeps_its_lease
        a_job_that_was_taken_away_is_stopped
        a_job_may_not_run_for_ever
        a_future_job_waits
        a_key_admits_one_job
        a_lost_signal_costs_only_time;
}
