"""A listener that breaks the rules, towards a connector."""

import random
import socket as sockets
import struct

from bad_records import CUT, FRAME, bad_records, rekey_missing
from link1 import (
    CLEAR,
    CLOSE,
    DATA,
    ENCRYPTED,
    MODES,
    PING,
    READY,
    REFUSAL,
    REKEY,
    SERVER,
    SUITE,
    TO_CONNECTOR,
    TO_LISTENER,
    WELCOME,
    Broken,
    Direction,
    ListenerHandshake,
    Refused,
    Settings,
    box,
    hashed,
    labelled,
    preamble,
    public_of,
)
from misbehave import (
    BY_DEADLINE,
    LATE,
    LEFT,
    NOTICED,
    RESET,
    STALLED,
    Case,
    flipped,
    fresh,
    resetting,
    strangers,
    weak_keys,
)
from session import Session

NO = frozenset(("Refused",))
UNSEALED_READY = struct.pack(">IB", 1, READY)


class Earlier:
    """What was written over an earlier connection."""

    def __init__(self):
        self.welcome = self.ready = self.record = b""


def cases(settings):
    mode, limit, earlier = settings.mode, settings.limit, Earlier()
    yield remembered(settings, earlier)
    yield from strangers()

    def head(**fields):
        values = {"kind": WELCOME, "mode": mode, "limit": limit} | fields
        return answering(settings, lambda *_: preamble(**values) + bytes(96))

    yield Case("answers-nothing", lambda socket: socket.recv(48) and None, BY_DEADLINE, ends=LATE)
    for reason in (0, 1, 2, 3, 4, 5, 0xFFFF):
        ends = NOTICED if reason in (1, 2) else NO
        for other in (*MODES.values(), 255):
            refusal = preamble(REFUSAL, other, 0, reason=reason)
            yield Case(f"refusal-{reason}-{other}", answering(settings, lambda *_, it=refusal: it), ends=ends)
    yield Case("its-hello-back", answering(settings, lambda _, hello: hello))
    for version in (0, 2, 255):
        yield Case(f"version-{version}", head(version=version))
    for other in {0, 1, 2, 3, 4, 255} - {mode}:
        yield Case(f"mode-{other}", head(mode=other))
    for bad in (0, 1, 1_023, (64 << 20) + 1, 2**32 - 1):
        yield Case(f"limit-{bad}", head(limit=bad))
    yield Case("lowest", head(lowest=1))
    yield Case("reason", head(reason=1))
    for at in (14, 15):
        welcome = preamble(WELCOME, mode, limit) + bytes(96)
        zeros = welcome[:at] + b"\1" + welcome[at + 1 :]
        yield Case(f"zeros-{at}", answering(settings, lambda *_, it=zeros: it))
    yield from bad_welcomes(settings, earlier)
    if mode != CLEAR:
        yield from downgrades(settings)
        yield from bad_keys(settings)
    yield from cuts(settings)
    yield from bad_beginnings(settings, earlier)

    def opened(socket):
        return finished(waiting(socket, settings)[0])

    if mode != CLEAR:
        yield Case("record-of-another", late(opened, lambda _: earlier.record), opens=True)
        yield Case("its-record-back", late(opened, lambda it: it.first), opens=True)
    if mode == ENCRYPTED:
        yield Case("rekey-missing", late(opened, rekey_missing), 2 * STALLED, opens=True)
    # What the connector says on its own is no answer to anything, so it is not looked at.
    for case in bad_records(opened, mode):
        act = case.act
        yield Case(case.name, lambda socket, act=act: act(socket) and None, case.within, None, True, case.ends)


# --- ways to begin well -----------------------------------------------------------------------------------------------


def answering(settings, make):
    """Reads the hello, then says what `make` makes of it."""

    def act(socket):
        session = Session(socket, fresh(settings))
        hello = session.read(16 if settings.mode == CLEAR else 48)
        session.write(make(session, hello))

    return act


def honest(session, hello):
    """A handshake that has read a hello, and its welcome."""
    handshake = ListenerHandshake(session.settings)
    handshake.look(hello[:16])
    return handshake, handshake.hello(hello)


def waiting(socket, settings):
    """A session whose handshake is done, and ready not yet said; the welcome and the finish."""
    session = Session(socket, fresh(settings))
    handshake, welcome = honest(session, session.read(16 if settings.mode == CLEAR else 48))
    session.write(welcome)
    finish = session.read(handshake.finish_size())
    if finish:
        handshake.finish(finish)
    session.use(handshake.agreed, TO_CONNECTOR)
    return session, welcome, finish


def late(begin, make):
    """Begins well, then says what `make` makes of the session."""

    def act(socket):
        session = begin(socket)
        session.write(make(session))

    return act


def finished(session):
    """Opens the link, and waits until the connector has said its first words: its user knows by then."""
    session.write_record(READY, b"")
    start = session.read(4)
    session.first = start + session.read(struct.unpack(">I", start)[0])
    session.opening.open(session.first[4:])
    return session


def remembered(settings, earlier):
    """The connection from which others replay. It is cut, so that it can be told from an orderly one."""

    def act(socket):
        session, earlier.welcome, _ = waiting(socket, settings)
        key = session.sealing.key
        earlier.ready = Direction(TO_CONNECTOR, key).seal(READY, b"")
        finished(session)
        earlier.record = session.sealing.seal(DATA, FRAME)
        socket.shutdown(sockets.SHUT_WR)

    return Case("remembered", act, opens=True, ends=CUT)


# --- welcomes ---------------------------------------------------------------------------------------------------------


def bad_welcomes(settings, earlier):
    mode = settings.mode
    size = {CLEAR: 16, ENCRYPTED: 64}.get(mode, 112)

    def welcome(change):
        return answering(settings, lambda session, hello: change(honest(session, hello)[1]))

    for bit in range(8 * size):
        limit = settings.limit ^ 1 << 95 - bit if 64 <= bit < 96 else 0
        if mode != CLEAR or not 1024 <= limit <= 64 << 20:  # a clear link can be changed so
            yield Case(f"welcome-bit-{bit}", welcome(lambda it, bit=bit: flip_wire(it, bit)))
    yield Case("welcome-noise", welcome(lambda it: it[:16] + random.randbytes(max(len(it) - 16, 32))))
    yield Case("welcome-twice", welcome(lambda it: it + it))
    if mode != CLEAR:
        yield Case("welcome-replayed", answering(settings, lambda *_: earlier.welcome))
        replay = lambda *_: earlier.welcome + earlier.ready + earlier.record
        yield Case("all-replayed", answering(settings, replay))
        yield Case("welcome-of-two", welcome(lambda it: it[:48] + earlier.welcome[48:]))


def flip_wire(data, bit):
    """Bits counted as in the numbers: the highest of a byte first."""
    return flipped(data, bit // 8 * 8 + 7 - bit % 8)


def downgrades(settings):
    """An honest listener of another mode, which takes no notice of what the connector requires."""
    mode = settings.mode

    def of(other, told):
        def make(session, hello):
            it = session.settings
            identity = it.identity or bytes([0x66] * 32)
            session.settings = Settings(other, identity, None, it.realm, it.limit, it.ephemeral)
            handshake = ListenerHandshake(session.settings)
            try:
                handshake.look(hello[:16])
            except Refused:
                handshake.peer_limit = it.limit
            if told == other:
                return handshake.hello(hello) + (UNSEALED_READY if other == CLEAR else b"")
            return own_welcome(it, hello, told, own=None)

        return answering(settings, make)

    for other in set(MODES.values()) - {mode}:
        yield Case(f"downgrade-{other}", of(other, other))
    if mode > ENCRYPTED:
        yield Case("downgrade-untold", of(ENCRYPTED, mode))
    unsealed = preamble(WELCOME, mode, settings.limit) + UNSEALED_READY * 20
    yield Case("unsealed", answering(settings, lambda *_: unsealed))


def own_welcome(it, hello, mode, own, proof=None, spare=0):
    """A welcome put together by hand: `own` is shown, `proof` proves it; `spare` is added to the ephemeral key."""
    e, e_i = it.ephemeral, hello[16:48]
    public = public_of(e)
    start = preamble(WELCOME, mode, it.limit) + public[:31] + bytes([public[31] | spare])
    h2a = hashed(hashed(hashed(SUITE, it.realm), hello), start)
    text = b""
    if own is not None:
        text = own + (box(proof, e_i, labelled(0x03, h2a, own), b"") if proof else bytes(16))
    return (start + box(e, e_i, labelled(0x02, h2a), text)).ljust(112 if mode >= SERVER else 64, b"\0")


def bad_keys(settings):
    mode, identity = settings.mode, settings.identity
    own = public_of(identity) if mode >= SERVER else None

    def ephemeral(change):
        return answering(settings, lambda session, hello: change(honest(session, hello)[1], hello))

    for number, weak in enumerate(weak_keys()):
        yield Case(f"weak-{number}", ephemeral(lambda it, _, weak=weak: it[:16] + weak + it[48:]))
    for more in range(2, 19):
        number = (2**255 - 19 + more).to_bytes(32, "little")
        yield Case(f"spelt-otherwise-{more}", ephemeral(lambda it, _, key=number: it[:16] + key + it[48:]))
    spare = lambda session, hello: own_welcome(session.settings, hello, mode, own, identity, 0x80)
    yield Case("spare-bit", answering(settings, spare))
    yield Case("its-key-back", ephemeral(lambda it, hello: it[:16] + hello[16:48] + it[48:]))
    if mode >= SERVER:
        yield from bad_identities(settings, own)


def bad_identities(settings, own):
    """Long-term keys that are not the listener's, or are not proven."""
    mode, stranger = settings.mode, bytes([0x66] * 32)

    def shown(key, proof=None):
        return answering(settings, lambda session, hello: own_welcome(session.settings, hello, mode, key, proof))

    yield Case("proof-zeros", shown(own))
    yield Case("proof-of-another", shown(own, stranger))
    yield Case("identity-spare-bit", shown(own[:31] + bytes([own[31] | 0x80]), settings.identity))
    for number, weak in enumerate(weak_keys()):
        yield Case(f"identity-weak-{number}", shown(weak))

    def another(socket):
        """With a proof that is sound. The connector says that it does not trust the key, and proves nothing itself."""
        session = Session(socket, fresh(settings))
        session.settings.identity = stranger
        handshake, welcome = honest(session, session.read(48))
        session.write(welcome)
        try:
            handshake.finish(session.read(handshake.finish_size()))
        except Refused:
            return
        raise Broken("it proves who it is to somebody whom it does not trust")

    yield Case("another-identity", another, ends=frozenset(("WrongKey",)))


# --- beginnings -------------------------------------------------------------------------------------------------------


def cuts(settings):
    """Everything up to the open link, cut at each byte; then the end of the stream, a reset, or silence."""
    mode = settings.mode
    first, rest = ({CLEAR: 16, ENCRYPTED: 64}.get(mode, 112)), (5 if mode == CLEAR else 21)

    def begin(socket, length):
        if length <= first:
            answering(settings, lambda session, hello: honest(session, hello)[1][:length])(socket)
        else:
            session = waiting(socket, settings)[0]
            session.write(session.sealing.seal(READY, b"")[: length - first])

    def ending(length):
        def act(socket):
            begin(socket, length)
            socket.shutdown(sockets.SHUT_WR)

        return act

    def reset(length):
        def act(socket):
            begin(socket, length)
            resetting(socket)

        return act

    for length in range(first + rest):
        yield Case(f"end-behind-{length}", ending(length), ends=LEFT)
        yield Case(f"reset-behind-{length}", reset(length), ends=RESET)
        silence = lambda socket, length=length: begin(socket, length)
        yield Case(f"silence-behind-{length}", silence, BY_DEADLINE, ends=LATE)


def bad_beginnings(settings, earlier):
    """The handshake is as it should be, and what follows is not what says that the link is open."""
    mode = settings.mode

    def first(name, make, ends=NOTICED):
        def act(socket):
            session, welcome, finish = waiting(socket, settings)
            session.write(make(session, welcome, finish))

        return Case(f"first-{name}", act, ends=ends)

    def record(kind, body, ends=NOTICED):
        return first(f"{kind}-{len(body)}", lambda session, *_: session.sealing.seal(kind, body), ends)

    yield record(DATA, FRAME)
    yield record(PING, bytes(8))
    yield record(REKEY, b"")
    yield record(READY, b"x")
    yield record(6, b"")
    yield record(CLOSE, b"\0\0", NO)
    # Only a key that was known before turns an end away for good.
    yield record(CLOSE, b"\0\1go away", NO if mode < SERVER else frozenset(("NotAuthorised",)))
    yield record(CLOSE, b"\0\2never heard of")
    yield first("long", lambda session, *_: session.sealing.seal(READY, bytes(1_000)))
    yield first("refusal", lambda *_: preamble(REFUSAL, mode, 0, reason=3) + bytes(64))
    yield first("welcome", lambda _, welcome, *rest: welcome)
    yield Case("first-nothing", lambda socket: waiting(socket, settings) and None, BY_DEADLINE, ends=LATE)
    yield Case("first-end", lambda socket: waiting(socket, settings)[0].socket.shutdown(sockets.SHUT_WR), ends=LEFT)
    if mode == CLEAR:
        return

    def ready(number, key, epoch, count):
        direction = Direction(number, key)
        direction.epoch, direction.count = epoch, count
        return direction.seal(READY, b"")

    def unfinished(records):
        """Does not wait for the finish."""
        return answering(settings, lambda session, hello: honest(session, hello)[1] + records(session))

    for name, number, same, epoch, count in (
        ("of-the-other-direction", TO_LISTENER, False, 0, 0),
        ("under-the-other-key", TO_CONNECTOR, False, 0, 0),
        ("with-the-other-number", TO_LISTENER, True, 0, 0),
        ("of-another-epoch", TO_CONNECTOR, True, 1, 0),
        ("one-too-late", TO_CONNECTOR, True, 0, 1),
    ):
        key = lambda it, same=same: it.agreed.to_connector if same else it.agreed.to_listener
        make = lambda it, *_, key=key, rest=(epoch, count), number=number: ready(number, key(it), *rest)
        yield first(name, make)
    yield first("ready-of-another", lambda *_: earlier.ready)
    yield first("finish", lambda _, welcome, finish: finish.ljust(64, b"\0"))
    yield first("finish-as-a-record", lambda _, welcome, finish: struct.pack(">I", 21) + finish.ljust(21, b"\0"))
    yield first("unsealed-ready", lambda *_: UNSEALED_READY)
    yield first("unsealed-data", lambda *_: UNSEALED_READY + struct.pack(">IB", 1 + len(FRAME), DATA) + FRAME)
    yield first("zeros", lambda *_: struct.pack(">I", 17) + bytes(17))
    yield Case("unfinished-unsealed", unfinished(lambda _: UNSEALED_READY))
    yield Case("unfinished-of-another", unfinished(lambda _: earlier.ready + earlier.record))
    key = bytes([0x77] * 32)
    yield Case("unfinished-other-key", unfinished(lambda _: ready(TO_CONNECTOR, key, 0, 0)))
