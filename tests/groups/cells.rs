//! Every cell of the group's machines is taken in some scenario on the simulated network.

use statepoint::{AddressGroup, ConnectToAddress, Coverage, ListenAtAddress};

use crate::{meddling, scenarios, slow};

#[test]
fn every_cell_is_taken() {
    let coverage = Coverage::collect(|| {
        meddling::what_others_say_of_connections_is_no_news_to_a_member();
        meddling::what_others_say_of_ports_is_no_news_to_a_member();
        meddling::a_port_that_waits_for_its_next_attempt_can_be_stopped();
        scenarios::a_group_that_is_not_ready_in_time_leaves_nothing();
        scenarios::a_server_that_is_killed_and_comes_back_makes_the_group_ready_again();
        scenarios::a_port_that_is_stopped_at_any_moment_leaves_nothing();
        scenarios::a_resident_group_that_is_stopped_at_any_moment_leaves_nothing();
        slow::without_a_session_the_parent_hears_what_servers_say();
        slow::a_group_ends_with_a_member_that_gives_up();
        slow::a_group_that_is_ready_ends_with_a_member_that_was_to_connect_once();
        slow::a_member_that_moves_leaves_the_group_ready();
        slow::a_member_that_moves_ends_the_session_that_has_its_address();
        slow::a_group_ends_with_the_session_that_has_heard_enough();
        slow::what_changes_while_a_session_stops_is_for_the_next_one();
        slow::a_group_that_is_stopped_while_its_session_stops_is_aborted();
        slow::a_session_that_takes_longer_than_10_seconds_to_stop_ends_its_group();
        slow::until_stopped_members_come_and_go_and_the_session_has_the_last_word();
        slow::until_stopped_a_group_waits_for_its_session_10_seconds();
    });
    let all = [
        coverage.missing_cells::<ConnectToAddress>(),
        coverage.missing_cells::<ListenAtAddress>(),
        coverage.missing_cells::<AddressGroup>(),
    ];
    assert_eq!(
        all,
        [const { Vec::<String>::new() }; 3],
        "cells of ConnectToAddress, ListenAtAddress and AddressGroup that no scenario takes"
    );
}
