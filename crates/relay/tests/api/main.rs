//! What the relay's HTTP API promises, on both engines, over real connections: each promise is a function, and each
//! engine lists them once. The clock is turned by hand.
//!
//! PostgreSQL, being a real server, is started once, and one test runs all promises on it, each in a schema of its own.
#![expect(clippy::tests_outside_test_module, reason = "this whole crate is tests")]

mod accounts;
mod blobs;
#[path = "../../../store/tests/contract/blobs/bucket.rs"]
mod bucket;
mod business;
mod businesses;
mod devices;
mod door;
mod erasure;
mod hosting;
mod keys;
mod operator;
mod raced;
mod registration;
mod secrets;
mod sending;
mod stage;
mod strangers;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use store::testing::Postgres;

use self::stage::Site;

macro_rules! promises {
    ($($room:ident: $($promise:ident)*;)*) => {
        mod sqlite {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$room::$promise(crate::Site::sqlite()).await;
                })*
            })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_keeps_every_promise() {
            let server = std::sync::Arc::new(Postgres::start());
            let mut broken = Vec::new();
            $($({
                let promise = AssertUnwindSafe(crate::$room::$promise(Site::postgres(server.clone())));
                if promise.catch_unwind().await.is_err() {
                    broken.push(concat!(stringify!($room), "::", stringify!($promise)));
                }
            })*)*
            assert!(broken.is_empty(), "not on PostgreSQL: {broken:?}");
        }
    };
}

promises! {
    registration:
        a_code_makes_an_account
        a_wrong_code_is_tried_five_times_and_no_more
        guesses_at_the_same_time_are_counted_too
        a_code_is_good_for_ten_minutes_and_once
        codes_for_a_number_are_limited
        a_known_number_answers_like_an_unknown_one
        registering_again_sets_the_account_up_anew
        a_lock_asks_for_its_pin
        a_pin_is_tried_five_times_a_day
        a_lock_lapses_when_nobody_was_online_for_a_week
        two_who_register_at_once_do_not_both_succeed
        what_is_not_signed_is_refused_and_the_code_stays_good
        a_gateway_is_posted_to_until_it_takes_the_code;
    accounts:
        an_account_knows_itself
        numbers_are_looked_up_if_they_want_to_be_found
        a_profile_is_kept_for_others
        blocks_are_listed_and_end
        a_recipient_changes_at_once
        a_change_on_another_node_is_heard;
    devices:
        a_device_is_linked_by_way_of_the_relay
        a_linking_code_is_good_once
        a_linked_device_needs_the_identity_of_the_account
        an_account_has_ten_devices
        removing_a_device_ends_its_credential
        a_linked_device_removes_only_itself
        a_meeting_gives_its_message_once
        a_question_waits_for_its_answer
        the_day_of_the_last_visit_is_noted;
    keys:
        a_bundle_has_one_key_of_each_kind
        each_key_is_given_out_once
        the_last_resort_stays
        uploads_replace_and_add
        at_most_two_hundred_are_kept
        bad_keys_are_refused_and_nothing_is_stored
        fetches_are_limited;
    blobs:
        a_blob_goes_in_in_parts_and_out_in_ranges
        a_broken_upload_goes_on_where_it_stopped
        a_blob_has_a_limit
        others_read_but_do_not_touch
        a_blob_expires
        an_unfinished_upload_expires_sooner
        a_deleted_blob_is_gone
        two_uploads_of_one_blob_do_not_mix;
    sending:
        a_send_for_other_devices_than_there_are_says_which
        a_send_for_a_device_that_was_set_up_anew_says_which;
    erasure:
        deleting_an_account_leaves_nothing_of_it
        registering_again_leaves_no_old_device_behind;
    businesses:
        a_draft_is_filled_in_and_submitted
        documents_are_few_and_small_and_go
        only_the_next_step_can_be_taken
        a_number_is_bound_with_its_code
        before_approval_only_testers_are_written_to
        the_trail_shows_what_was_done_to_it;
    hosting:
        a_business_that_hosts_itself_is_declared_so
        no_other_credential_registers_a_device
        a_device_of_a_business_brings_it_a_further_number
        another_host_begins_anew
        a_suspended_vendor_hosts_nothing
        a_label_key_certifies_the_next
        a_person_is_another_one_to_every_business;
    raced:
        a_removed_device_writes_nothing_any_more
        an_erased_account_writes_nothing_any_more
        an_upload_under_way_ends_with_its_account;
    strangers:
        no_credential_opens_the_doors_of_another_kind
        no_route_opens_without_a_credential
        no_route_opens_with_garbage
        the_primary_s_routes_are_closed_to_linked_devices
        a_stranger_reaches_nothing_of_others
        a_removed_device_is_a_stranger;
    operator:
        the_document_describes_every_route
        health_says_whether_the_store_answers
        figures_name_routes_and_no_numbers
        what_is_not_there_is_said_in_the_same_form
        unknown_fields_are_refused
        limits_say_when_to_come_back
        whoever_talks_nonsense_is_heard_slowly_then_not_at_all;
}

/// What does not depend on how blobs are kept, with blobs in a bucket.
macro_rules! promises_on_s3 {
    ($($room:ident: $($promise:ident)*;)*) => {
        mod s3 {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$room::$promise(crate::Site::s3()).await;
                })*
            })*
        }
    };
}

promises_on_s3! {
    blobs:
        a_blob_has_a_limit
        others_read_but_do_not_touch
        a_blob_expires
        an_unfinished_upload_expires_sooner
        a_deleted_blob_is_gone;
    raced:
        an_erased_account_writes_nothing_any_more
        an_upload_under_way_ends_with_its_account;
}
