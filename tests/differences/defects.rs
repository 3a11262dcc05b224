//! What the reference does wrong, and which tests would notice if ours did.

pub(crate) struct Defect {
    pub(crate) what: &'static str,
    pub(crate) here: &'static str,
    /// File and name. None where there is nothing to test, as `here` says.
    pub(crate) tests: &'static [(&'static str, &'static str)],
}

const fn defect(what: &'static str, here: &'static str, tests: &'static [(&'static str, &'static str)]) -> Defect {
    Defect { what, here, tests }
}

const REGRESSIONS: &str = "tests/regressions.rs";

/// In the tables above.
pub(crate) const OF_TABLES: &[Defect] = &[
    defect(
        "ConnectToAddress, PENDING: Stop completes while an attempt is in flight; a later connection is orphaned (21).",
        "The attempt is below the member and ends first.",
        &[(REGRESSIONS, "who_is_stopped_while_connecting_leaves_no_connection")],
    ),
    defect(
        "ConnectToAddress, PENDING: no entry for ordinary messages.",
        "They are passed on.",
        &[(REGRESSIONS, "messages_that_come_while_connecting_are_passed_on")],
    ),
    defect(
        "ConnectToAddress, CLOSING: no time limit and no entry for a second Stop; a frozen peer blocks the end for ever.",
        "A peer that does not answer is cut.",
        &[(REGRESSIONS, "a_frozen_peer_does_not_hold_up_the_end")],
    ),
    defect(
        "ConnectToAddress: the delays begin anew after each connection, however short.",
        "Only after a stable one.",
        &[(REGRESSIONS, "a_server_that_accepts_and_drops_is_asked_ever_more_seldom")],
    ),
    defect(
        "ListenAtAddress, PENDING: Stop completes while the port is opened; the port is orphaned (21).",
        "The port is below the member and ends first.",
        &[(REGRESSIONS, "who_is_stopped_while_a_port_is_opened_leaves_no_port")],
    ),
    defect(
        "ListenAtAddress: never stops to listen (21).",
        "The port is below the member and ends first.",
        &[(REGRESSIONS, "a_port_that_was_stopped_can_be_opened_again")],
    ),
    defect(
        "ListenAtAddress, ACCEPTING: no entry for NotListening; a port that breaks is never opened again.",
        "It is, and its connections go on meanwhile.",
        &[
            (REGRESSIONS, "a_port_that_breaks_is_opened_again"),
            ("tests/groups/meddling.rs", "connections_outlive_the_port_they_came_by"),
        ],
    ),
    defect(
        "ListenAtAddress, ACCEPTING: no entry for NotAccepted.",
        "It is passed on.",
        &[(REGRESSIONS, "the_owner_hears_of_peers_for_whom_there_was_no_room")],
    ),
    defect(
        "ListenAtAddress, CLOSING: no entry for Accepted; who connects meanwhile is held for ever.",
        "The port ends before its connections do.",
        &[(REGRESSIONS, "who_connects_while_a_port_closes_is_not_held")],
    ),
    defect(
        "ListenAtAddress, CLOSING: completes on the first event of a session it does not know.",
        "It completes when nothing is left below it.",
        &[(REGRESSIONS, "a_port_ends_after_the_last_of_its_connections")],
    ),
    defect(
        "AddressGroup: GroupTimer is not cancelled when the group is ready, and has an entry in PENDING only.",
        "The time to get ready is over when the group is ready.",
        &[(REGRESSIONS, "the_time_to_get_ready_ends_when_the_group_is_ready")],
    ),
    defect(
        "AddressGroup, RESTARTING: no entry for what peers send.",
        "It is for the next session.",
        &[(REGRESSIONS, "messages_between_two_sessions_reach_the_next_one")],
    ),
    defect(
        "AddressGroup, RESTARTING, LATCHING, UNLATCHING: AttributeError on self.group_value (19).",
        "The group ends with the member's value.",
        &[(REGRESSIONS, "a_member_that_ends_while_the_session_stops_ends_the_group_with_its_value")],
    ),
    defect(
        "AddressGroup, READY: the end of somebody unknown leads to PENDING while the session runs on.",
        "It changes nothing.",
        &[(REGRESSIONS, "the_end_of_somebody_else_changes_nothing")],
    ),
    defect(
        "SocketProxy, CHECKING: Stop leaves the socket open (17).",
        "No such state. A peer that does not answer is cut.",
        &[("tests/network/unanswered.rs", "a_peer_that_never_answers_does_not_hold_the_controllers_end_up")],
    ),
    defect(
        "SubscribeToListing: a handler that no state leads to (18).",
        "The table is made of the handlers.",
        &[(REGRESSIONS, "every_handler_of_the_network_stands_in_a_cell")],
    ),
];

/// Elsewhere.
pub(crate) const ELSEWHERE: &[Defect] = &[
    defect(
        "One bad frame from anyone ends the networking of the process (1).",
        "It ends its connection, or is refused alone.",
        &[
            ("tests/bad_input/bytes.rs", "noise_ends_its_connection_and_no_other"),
            ("tests/bad_input/bodies.rs", "a_body_ten_thousand_deep"),
        ],
    ),
    defect(
        "About 1,010 connections are one too many for select() (2).",
        "There is no such bound.",
        &[("tests/network/crowd.rs", "a_thousand_connections_talk_at_once")],
    ),
    defect(
        "The sender of an encrypted connection's first message may send it in clear; sessions and encryption do not go together (3).",
        "Nothing is told of a connection before its link is open, and nothing is written but through the link.",
        &[
            ("net/src/wire/tests/output.rs", "frames_wait_until_the_link_is_open_and_come_behind_its_handshake"),
            ("net/src/link/tests/attacks.rs", "no_byte_of_a_sealed_frame_is_on_the_wire"),
        ],
    ),
    defect(
        "Encryption authenticates nobody, can be left out, has no protection of order and direction, and waits for ever (4).",
        "Four modes, of which each end says which it requires; see [security.md](security.md).",
        &[
            ("net/src/link/tests/attacks.rs", "a_man_in_the_middle_gets_through_only_where_the_documentation_says_so"),
            ("net/src/link/tests/matrix.rs", "ends_of_different_modes_say_at_once_which_end_asked_for_what"),
            ("net/src/link/tests/flips.rs", "every_flipped_bit_of_a_record_ends_the_link_before_anything_is_delivered"),
            ("tests/network/unopened.rs", "a_peer_that_never_opens_its_link_is_given_up"),
        ],
    ),
    defect(
        "Any peer may send any message to any object: a Stop, a Completed (5).",
        "A peer reaches only what it was given, and what is local cannot come from it.",
        &[
            ("tests/network/addresses.rs", "a_peer_reaches_only_what_it_was_given"),
            ("tests/network/addresses.rs", "a_peer_speaks_in_nobody_elses_name"),
            ("tests/bad_input/bounds.rs", "a_hundred_forged_stops"),
        ],
    ),
    defect(
        "Messages sent just before a close or an end are lost (6).",
        "They are written first.",
        &[
            ("tests/network/closing.rs", "what_was_sent_before_a_close_arrives"),
            ("tests/network/closing.rs", "what_was_sent_before_the_sender_ended_arrives"),
        ],
    ),
    defect(
        "Queues drop in silence at 8,192, all machines share one, and what waits for a slow peer grows without bound (7).",
        "Bounds for each point and each connection; senders are told.",
        &[
            ("fsm-core/tests/bounds.rs", "one_flooded_point_does_not_hinder_another"),
            ("fsm-core/tests/bounds.rs", "the_sender_is_told_once_in_an_episode"),
            ("tests/network/congestion.rs", "a_peer_that_never_reads_is_cut_before_it_costs_much"),
        ],
    ),
    defect(
        "Timers below 0.2 s fire at once, others up to half a second late (8).",
        "They fire at their millisecond.",
        &[("fsm-core/tests/timers.rs", "a_timer_comes_from_the_point_itself_at_its_time_and_not_before")],
    ),
    defect(
        "Five peers may wait to be accepted (9).",
        "As many as the system allows.",
        &[("net/src/reactor/socket_net/tests.rs", "more_peers_can_wait_than_the_system_libraries_let")],
    ),
    defect(
        "The sender of too large a message is not told; the receiver closes (10).",
        "The message is a dead letter of its sender, and the connection goes on.",
        &[("tests/network/talking.rs", "a_message_that_is_too_large_is_lost_alone")],
    ),
    defect(
        "The decoder works byte by byte and copies its buffer again and again (11).",
        "A whole frame is handed out where it lies.",
        &[("net/src/wire/tests/decoder.rs", "a_whole_frame_is_handed_out_without_a_copy")],
    ),
    defect(
        "Lines of the log are made also when nobody reads them (12).",
        "They are not.",
        &[("fsm-core/tests/trace.rs", "a_text_is_made_only_when_somebody_listens")],
    ),
    defect(
        "A negative time zone comes back positive; small time spans do not decode (13).",
        "There are no types of dates here: those of any package with serde can be sent.",
        &[],
    ),
    defect(
        "`-h` means whatever setting begins with h; `--help` fails without a doc comment (14).",
        "Flags have one spelling, and help is made of the settings.",
        &[("src/program/flags_tests.rs", "the_help_lists_every_flag_with_its_value_and_what_it_is_for")],
    ),
    defect(
        "A thread for each function object (15), a lock for all sends (16).",
        "A reactor is one thread without locks. A point costs its bytes and a few more.",
        &[("fsm-core/tests/sizes.rs", "an_idle_machine_costs_at_most_72_bytes_besides_its_own_struct")],
    ),
    defect(
        "Host names, `localhost` too, are judged to be far away; a look-up blocks all sockets (20).",
        "A name is judged by what it resolves to, elsewhere than on the reactor's thread.",
        &[
            (REGRESSIONS, "a_host_name_is_judged_by_what_it_resolves_to"),
            (REGRESSIONS, "a_name_that_is_not_answered_keeps_nobody_else_waiting"),
        ],
    ),
    defect(
        "Addresses grow with each hop, without bound; a proxy's address sent through itself points back to its sender (22).",
        "There are no paths of hops, an address that goes home is the original, and ends are told along the way.",
        &[
            ("tests/network/relaying.rs", "an_address_that_comes_home_through_a_relay_is_the_original"),
            ("tests/network/addresses.rs", "an_address_that_goes_home_is_the_original"),
            ("tests/network/relaying.rs", "the_end_of_a_point_is_told_through_a_relay"),
        ],
    ),
    defect(
        "HTTP: wrong content type, headers by case, no chunks (23).",
        "There is no HTTP here.",
        &[("tests/bad_input/bytes.rs", "a_web_browser_is_told_nothing_and_ended")],
    ),
    defect(
        "Versions never reach the wire (24); renaming a file breaks peers (26).",
        "Messages have names of their own, and former ones; unknown fields are skipped and missing ones may have defaults.",
        &[
            ("fsm-core/tests/bodies.rs", "a_former_name_is_understood_by_cells_selects_and_deferrals"),
            (
                "fsm-core/tests/encoding.rs",
                "fields_are_named_so_that_unknown_ones_are_skipped_and_missing_ones_may_have_defaults",
            ),
        ],
    ),
    defect(
        "Integers are not checked against their range; times have no zone (25).",
        "A body that does not fit its type is refused. Moments are those of one kernel and do not travel.",
        &[("tests/bad_input/bodies.rs", "a_body_of_another_shape")],
    ),
    defect(
        "IPv4 only, small messages wait for company, one peer is accepted in a turn (27).",
        "Both, at once, and up to 64.",
        &[
            ("net/src/reactor/socket_net/tests.rs", "a_listener_at_any_address_serves_ipv4_and_shows_it_so"),
            ("net/src/reactor/socket_net/tests.rs", "both_ends_send_at_once_instead_of_waiting_for_more"),
        ],
    ),
];
