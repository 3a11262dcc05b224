//! The reference's state tables (ansar-connect 1.1.54: `networking.py`, `grouping.py`, `socketry.py`), each row with our cells
//! for it and the reason where ours does something else.

/// A row of the reference's table.
pub(crate) struct Row {
    pub(crate) state: &'static str,
    pub(crate) message: &'static str,
    /// What it does, and where it goes; `-` is its end.
    pub(crate) action: &'static str,
    pub(crate) next: &'static str,
    /// Our cells for it, as `STATE_Message`. `Unknown` is what has no cell of its own.
    pub(crate) here: &'static [&'static str],
    /// Why ours do something else. Nothing when they do the same.
    pub(crate) why: &'static str,
}

/// Cells of ours that the reference has no row for: the handler, and why it is there.
pub(crate) type Added = (&'static str, &'static str);

const fn row(
    [state, message, action, next]: [&'static str; 4],
    here: &'static [&'static str],
    why: &'static str,
) -> Row {
    Row { state, message, action, next, here, why }
}

const NO_CLOSING: &str = "No such state: what is below a machine ends before it does, within a time limit.";
const NO_LATCH: &str = "No such state: there is no latch.";
const NO_CHECKING: &str =
    "No such state: OPEN goes on while the answer is awaited, and anything that comes is the answer.";

pub(crate) const CONNECT: &[Row] = &[
    row(
        ["INITIAL", "Start", "group_address = given or parent; connect; attempts 1", "PENDING"],
        &["INITIAL_Start"],
        "Without room for another point the attempt has failed, like any other.",
    ),
    row(["PENDING", "Connected", "UseAddress(return) to parent", "CONNECTED"], &["PENDING_Connected"], ""),
    row(
        [
            "PENDING",
            "NotConnected",
            "start GlareTimer with next interval; none left: complete Exhausted",
            "GLARING or -",
        ],
        &["PENDING_NotConnected"],
        "Only of the present attempt. A server whose key is known and that does not admit this end ends it at once: asking again \
         cannot help.",
    ),
    row(
        ["PENDING", "Stop", "complete Aborted (a later connection is orphaned)", "-"],
        &["PENDING_Stop"],
        "The attempt is below this machine and ends first, so nothing is orphaned.",
    ),
    row(
        [
            "CONNECTED",
            "Abandoned",
            "keep_connected: reset retry, timer, NoAddress to parent; else complete",
            "GLARING or -",
        ],
        &["CONNECTED_Abandoned"],
        "Only of the present connection. The delays begin anew only when it was stable; else it counts as a failed attempt, so \
         that a server that accepts and drops is asked ever more seldom.",
    ),
    row(["CONNECTED", "Closed", "complete value", "-"], &["CONNECTED_Closed"], "Only of the present connection."),
    row(
        ["CONNECTED", "Stop", "Stop to session or Close(Aborted) to proxy", "CLOSING"],
        &["CONNECTED_Stop"],
        "It ends at once, and completes when the connection below it has ended: a frozen peer is cut, and a second Stop finds \
         nothing to do.",
    ),
    row(["CONNECTED", "Unknown", "forward to group_address with original return", "same"], &["CONNECTED_Unknown"], ""),
    row(
        ["GLARING", "GlareTimer", "connect, attempts+1", "PENDING"],
        &["GLARING_Glare"],
        "Without room for another point the attempt has failed, like any other.",
    ),
    row(["GLARING", "Stop", "complete Aborted", "-"], &["GLARING_Stop"], ""),
    row(["GLARING", "Unknown", "forward", "same"], &["GLARING_Unknown"], ""),
    row(["CLOSING", "Abandoned / Closed", "complete message / value", "-"], &[], NO_CLOSING),
    row(["CLOSING", "Unknown", "forward", "same"], &[], NO_CLOSING),
];

pub(crate) const CONNECT_ADDED: &[Added] = &[
    ("UP_Unknown", "PENDING has no entry for it in the reference, which drops such messages."),
    ("UP_Connected", "One connection is enough: whoever else is connected is told to close."),
    (
        "UP_NotConnected",
        "Of an earlier attempt. It must not pass for news, nor be passed on as if the server had sent it.",
    ),
    ("UP_Abandoned", "Of an earlier connection, likewise."),
    ("UP_Closed", "Of an earlier connection, likewise."),
];

pub(crate) const LISTEN: &[Row] = &[
    row(
        ["INITIAL", "Start", "listen", "PENDING"],
        &["INITIAL_Start"],
        "Without room for another point the attempt has failed, like any other.",
    ),
    row(
        ["PENDING", "Listening", "UseAddress(self) to parent", "ACCEPTING"],
        &["PENDING_Listening"],
        "Only of the present attempt; a port of an earlier one is closed.",
    ),
    row(
        ["PENDING", "NotListening", "timer 4-8 s", "GLARING"],
        &["PENDING_NotListening"],
        "Only of the present attempt. How often it tries can be limited, so it may end with Exhausted.",
    ),
    row(
        ["PENDING", "Stop", "complete Aborted (listen orphaned)", "-"],
        &["PENDING_Stop"],
        "The port is below this machine and ends first, so nothing is orphaned.",
    ),
    row(
        ["ACCEPTING", "Accepted", "record; forward to parent", "same"],
        &["ACCEPTING_Accepted"],
        "Forwarded. There are no records: the kernel knows what is below a machine.",
    ),
    row(
        ["ACCEPTING", "Abandoned, Closed", "drop record; forward to parent", "same"],
        &["ACCEPTING_Abandoned", "ACCEPTING_Closed"],
        "Forwarded. There are no records.",
    ),
    row(["ACCEPTING", "Unknown", "forward to group_address", "same"], &["ACCEPTING_Unknown"], ""),
    row(
        ["ACCEPTING", "Stop", "none accepted: complete Aborted; else Stop/Close to each", "CLOSING or -"],
        &["ACCEPTING_Stop"],
        "It ends at once, and completes when the port and the connections below it have ended. The reference leaves the port open.",
    ),
    row(
        ["GLARING", "GlareTimer", "listen again", "PENDING"],
        &["GLARING_Glare"],
        "Without room for another point the attempt has failed, like any other.",
    ),
    row(["GLARING", "Stop", "complete", "-"], &["GLARING_Stop"], ""),
    row(["GLARING", "Unknown", "forward", "same"], &["GLARING_Unknown"], ""),
    row(["CLOSING", "Abandoned, Closed", "last one: complete", "CLOSING or -"], &[], NO_CLOSING),
];

pub(crate) const LISTEN_ADDED: &[Added] = &[
    ("ACCEPTING_NotListening", "A port can break. The reference has no entry for it and never listens again."),
    ("UP_NotAccepted", "The reference has no entry for it."),
    ("UP_Listening", "One port is enough: whoever else listens is told to stop."),
    ("UP_NotListening", "Of an earlier port. It must not pass for news, nor be passed on as if a peer had sent it."),
    ("UP_Accepted", "Somebody whom a port has accepted just before it broke."),
    ("UP_Abandoned", "Connections outlive a port that has broken."),
    ("UP_Closed", "Likewise."),
    ("UP_Unknown", "Likewise."),
];

const ENDS: &str = "The members are below the group and end before it completes, so there is no CLEARING.";

pub(crate) const GROUP: &[Row] = &[
    row(
        [
            "INITIAL",
            "Start",
            "empty table: complete Faulted; GroupTimer; Latch if session; create members with group_address=latch",
            "PENDING or -",
        ],
        &["INITIAL_Start"],
        "No latch. Without room for every member it ends with Faulted too.",
    ),
    row(
        [
            "PENDING",
            "UseAddress",
            "store; no session: GroupUpdate (+Ready when full); session: create it, SwitchOver to latch",
            "PENDING / READY / LATCHING",
        ],
        &["PENDING_UseAddress"],
        "No latch: the session gets what came early at once, and the group is WORKING. Without room for the session it ends with \
         Faulted. When the group is full the time to get ready is over; in the reference it runs on.",
    ),
    row(["PENDING", "NoAddress", "clear, GroupUpdate(None)", "same"], &["PENDING_NoAddress"], ""),
    row(["PENDING", "Completed", "abort the rest, value of that member", "CLEARING"], &["PENDING_Completed"], ENDS),
    row(["PENDING", "GroupTimer", "abort with TimedOut", "CLEARING"], &["PENDING_Deadline"], ENDS),
    row(["PENDING", "Stop", "abort with Aborted", "CLEARING"], &["PENDING_Stop"], ENDS),
    row(
        ["PENDING", "Unknown", "forward to session or parent", "same"],
        &["PENDING_Unknown"],
        "What comes before there is a session waits for it in the group, as the reference's latch has it wait: the last 32. What \
         is dropped is told in the trace.",
    ),
    row(["LATCHING", "Unknown", "forward to session or parent", "same"], &[], NO_LATCH),
    row(["LATCHING", "NoAddress, Completed", "(saved)", "same"], &[], NO_LATCH),
    row(["LATCHING", "Ack", "re-key latch", "READY"], &[], NO_LATCH),
    row(["LATCHING", "Stop", "abort", "CLEARING"], &[], NO_LATCH),
    row(
        ["READY", "Unknown", "forward to session or parent", "same"],
        &["READY_Unknown", "WORKING_Unknown"],
        "Ready without a session is READY, with one WORKING. What the session sends goes to the parent.",
    ),
    row(
        [
            "READY",
            "NoAddress",
            "no session: NotReady, GroupUpdate; resident: Stop session; else abort Faulted",
            "PENDING / RESTARTING / CLEARING",
        ],
        &["READY_NoAddress", "WORKING_NoAddress"],
        "Only of a member that had an address. GroupUpdate comes before NotReady, so that who hears of it finds out who is missing.",
    ),
    row(
        ["READY", "Completed", "NotReady+GroupUpdate if member; abort rest", "CLEARING or done"],
        &["READY_Completed", "WORKING_Completed"],
        "GroupUpdate comes before NotReady. Only of members and of the session: the end of somebody else changes nothing. In the \
         reference it leads to PENDING while the session runs on.",
    ),
    row(
        ["READY", "Stop", "abort Aborted", "CLEARING"],
        &["READY_Stop", "WORKING_Stop"],
        "Until stopped, the session is told to stop and its value awaited in STOPPING, while the members stay.",
    ),
    row(
        ["RESTARTING", "Completed", "session: keep value, Reclaim latch; member: abort", "UNLATCHING / CLEARING"],
        &["RESTARTING_Completed"],
        "No latch to reclaim: the next session is created at once when all members are there. In the reference a member's end is \
         an AttributeError here.",
    ),
    row(
        ["RESTARTING", "NoAddress, UseAddress", "(saved)", "same"],
        &["RESTARTING_NoAddress", "RESTARTING_UseAddress"],
        "Noted at once; they matter when the session has stopped.",
    ),
    row(
        ["RESTARTING", "Stop", "abort", "CLEARING"],
        &["RESTARTING_Stop"],
        "Until stopped, the session's value is awaited in STOPPING.",
    ),
    row(["UNLATCHING", "Completed, NoAddress, UseAddress", "(saved)", "same"], &[], NO_LATCH),
    row(["UNLATCHING", "Ack", "re-key latch", "PENDING"], &[], NO_LATCH),
    row(["UNLATCHING", "Stop", "abort", "CLEARING"], &[], NO_LATCH),
    row(
        ["CLEARING", "Completed", "when none left complete(value)", "CLEARING / done"],
        &[],
        "No such state: the kernel waits for what is below a group, no longer than its grace time.",
    ),
];

pub(crate) const GROUP_ADDED: &[Added] = &[
    (
        "WORKING_UseAddress",
        "A member may have another address without having had none. The session has the old one, which leads nowhere.",
    ),
    (
        "RESTARTING_Unknown",
        "The reference has no entry for it and drops what comes between two sessions. It is for the next one.",
    ),
    ("RESTARTING_Timeout", "A session that takes no notice of Stop would keep the group from its work for ever."),
    ("STOPPING_Completed", "The session's value is the group's."),
    ("STOPPING_Stop", "Asked twice."),
    ("STOPPING_Timeout", "A session that takes no notice of Stop."),
    (
        "UP_UseAddress",
        "In READY a member may have another address without having had none. In STOPPING it is of no interest.",
    ),
    ("UP_NoAddress", "In STOPPING it is of no interest."),
    ("UP_Unknown", "In STOPPING the session gets what peers send to the last."),
];

pub(crate) const PROXY: &[Row] = &[
    row(
        ["INITIAL", "Start", "self_checking: create keeper, repeating 60 s tick", "NORMAL"],
        &["INITIAL_Start"],
        "The link has to be opened first, within a time limit: there is OPENING before OPEN, and nobody is told of a connection before.",
    ),
    row(
        ["NORMAL, CHECKING", "Unknown", "queue (message,to,return); wake the loop if queue was empty", "same"],
        &[],
        "Messages to far addresses do not pass through the machine: the driver writes them, in their order with Close.",
    ),
    row(
        ["NORMAL", "TransportTick", "idle since last tick: enquiry + 5 s timer; else mark idle", "CHECKING / NORMAL"],
        &["OPEN_Tick"],
        "`check_every` says how long a peer may be silent. It is asked when nothing has come for exactly that long; the driver knows \
         when something has come.",
    ),
    row(
        ["NORMAL", "Close", "Shutdown to loop (with value); keeper Stop if any", "done / CLEARING"],
        &["OPEN_Close"],
        "With a session that ends first, and its value is that of Closed. Then what was sent before is written, and CLOSING waits \
         for the peer's end. The reference loses what it has not written.",
    ),
    row(
        ["NORMAL", "Stop", "Shutdown to loop (with value); keeper Stop if any", "done / CLEARING"],
        &["OPEN_Stop"],
        "As with Close, but nobody is told, and a peer that reads slowly is not waited for.",
    ),
    row(["CHECKING", "TransportTick", "ignore", "same"], &[], NO_CHECKING),
    row(["CHECKING", "TransportAck", "cancel timer", "NORMAL"], &["OPEN_Checked"], NO_CHECKING),
    row(
        ["CHECKING", "TransportCheck", "Shutdown with TimedOut, keeper Stop", "CLEARING"],
        &["OPEN_Lost"],
        "The driver ends a connection whose peer does not answer, with `Ended::Silent`, as it does in every other way in which one is lost. \
         In the reference the socket loop tells the controller, here the machine: one of Closed and Abandoned, once.",
    ),
    row(["CHECKING", "Close", "Shutdown(value), keeper Stop", "CLEARING"], &[], NO_CHECKING),
    row(
        ["CHECKING", "Stop", "keeper Stop only, **no Shutdown**", "CLEARING"],
        &[],
        "No such state, and no way that leaves the socket open.",
    ),
    row(
        ["CLEARING", "Completed", "cancel tick", "done"],
        &["CLOSING_Completed"],
        "The end of a session that took its time: its value is still told. CLOSING itself ends when the socket is released.",
    ),
];

pub(crate) const PROXY_ADDED: &[Added] = &[
    ("OPENING_Opened", "The link is open: the session is created, and the controller told of the connection."),
    (
        "OPENING_Lost",
        "A peer that has gone before its link was open was never there: the controller gets NotConnected or NotAccepted.",
    ),
    ("OPENING_Unopened", "The link is not open in time. The reference waits for ever."),
    ("OPENING_GiveUp", "The attempt is stopped while the link is opened: nobody is told of a connection."),
    ("OPEN_GiveUp", "It was stopped too late: this is a connection now."),
    ("OPENING_Close", "It waits for OPEN."),
    ("OPEN_Completed", "The end of the session closes the connection; in the reference the socket loop sees to it."),
    ("OPEN_Stubborn", "A session that does not end does not keep its connection open."),
    (
        "OPEN_Filled",
        "Controller and session are told that the peer reads slowly. The reference's queue grows without bound.",
    ),
    ("ANY_Stop", "The controller ends while the link is opened."),
    ("OPEN_Released", "The socket of a lost connection is closed, and the session still ends."),
    ("CLOSING_Released", "The socket is closed; the controller is told."),
    (
        "CLOSING_Timeout",
        "A peer that does not close its end is cut. The reference waits for nobody, and loses what it has not written.",
    ),
    ("CLOSING_Slow", "But not one that still reads what was sent before the close."),
    ("CLOSING_Waited", "For which it has as long again, and again."),
    ("CLOSING_Stop", "The controller ends while the connection closes."),
    ("CLOSING_Close", "Asked twice, or both ends close at once."),
    ("CLOSING_Lost", "It has crossed the close."),
    ("CLOSING_Filled", "It has crossed the close."),
    ("CLOSING_Opened", "It has crossed the close."),
    ("CLOSING_Unopened", "It has crossed the close."),
    ("CLOSING_GiveUp", "It has crossed the close."),
    ("CLOSING_Checked", "It has crossed the close."),
    ("CLOSING_Stubborn", "It has crossed the end of the session."),
];
