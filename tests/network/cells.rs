//! Every cell of the network's machines is taken in some scenario on the simulated network.

use statepoint::{Connector, Coverage, Listener, Machine, Proxy};

use crate::simulated::Simulated;
use crate::{closing, connecting, crossing, exhaustion, listening, sessions, unanswered, unopened};

/// What no message can take. `Start` comes to every point before anything else, and nobody knows the address of a
/// connection before it is open.
const NEVER: [&str; 2] = ["INITIAL_Stop", "OPENING defers Close"];

/// Cells of `M` that should have been taken and were not.
fn missing<M: Machine>(coverage: &Coverage) -> Vec<String> {
    let mut missing = coverage.missing_cells::<M>();
    missing.retain(|cell| !NEVER.contains(&cell.as_str()));
    missing
}

#[test]
fn every_cell_is_taken() {
    let coverage = Coverage::collect(|| {
        crossing::a_client_stopped_at_any_moment_leaves_nothing(&mut Simulated::calm());
        crossing::a_listener_stopped_at_any_moment_leaves_who_was_accepted(&mut Simulated::calm());
        crossing::a_server_stopped_at_any_moment_leaves_nothing(&mut Simulated::calm());
        crossing::an_attempt_stopped_at_any_moment_leaves_nothing_or_a_connection(&mut Simulated::calm());
        crossing::an_attempt_stopped_at_its_deadline_ends_once();
        crossing::a_listener_stopped_while_it_turns_peers_away_ends();
        closing::a_connection_is_closed_once_however_often_one_asks(&mut Simulated::calm());
        connecting::an_attempt_that_is_stopped_at_once_leaves_nothing(&mut Simulated::calm());
        exhaustion::a_port_without_a_descriptor_is_told();
        listening::a_listener_that_is_stopped_before_it_is_bound_leaves_nothing(&mut Simulated::calm());
        listening::a_listener_that_is_stopped_twice_ends_once(&mut Simulated::calm());
        listening::a_port_that_breaks_is_told_and_ends();
        sessions::a_peer_that_goes_asks_the_session_to_end(&mut Simulated::calm());
        sessions::a_session_that_ends_while_its_connection_closes_still_gives_its_value();
        sessions::a_session_that_has_ended_leaves_a_peer_that_does_not_answer_to_the_deadline();
        sessions::a_session_whose_connection_is_lost_tidies_up_before_the_controller_is_told();
        unanswered::a_peer_in_the_middle_of_a_frame_gets_what_was_sent_before_the_close(&mut Simulated::calm());
        unanswered::a_peer_that_reads_slowly_and_then_no_more_is_cut();
        unanswered::a_peer_that_has_nothing_to_say_answers_for_hours();
        unanswered::a_close_in_the_moment_in_which_the_peer_is_asked_is_a_close();
        unopened::a_peer_that_never_opens_its_link_is_given_up(&mut Simulated::calm());
        unopened::a_controller_that_ends_while_a_link_is_opened_leaves_nothing(&mut Simulated::calm());
        unopened::a_link_that_opens_when_its_controller_has_ended_is_closed();
    });
    let all = [missing::<Listener>(&coverage), missing::<Connector>(&coverage), missing::<Proxy>(&coverage)];
    assert_eq!(
        all,
        [const { Vec::<String>::new() }; 3],
        "cells of Listener, Connector and Proxy that no scenario takes"
    );
}
