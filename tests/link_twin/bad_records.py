"""Records that break the rules, in a link that was opened well: the same for both ends.

All frames in them are sound, so that whoever takes one for a message is seen to do it.
"""

import random
import socket as sockets
import struct

from greetings import HELLO_NAME, greeting
from link1 import BATCH, CLEAR, CLOSE, DATA, PING, PONG, READY, REKEY, batch
from misbehave import LATE, NOTICED, STALLED, Case, flipped

FRAME = greeting(HELLO_NAME, my_name="Mallory")
CUT = frozenset(("CutShort", "CutOff"))


def come(socket):
    """What the other side has written by now, so that it does not wait for its reader."""
    try:
        return socket.recv(65_536, sockets.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


def pings(session, count):
    """So many sound records that nobody's user hears of."""
    session.early = getattr(session, "early", b"")
    while count:
        some = min(count, 50 if count < 5_000 else 2_000)
        session.write(b"".join(session.sealing.seal(PING, bytes(8)) for _ in range(some)))
        session.early += come(session.socket)
        count -= some


def bad_records(opened, mode):
    """`opened(socket)` gives a session; each case spoils it with one record or a few."""

    def case(name, act, within=None, ends=NOTICED):
        return Case(name, act, opens=True, ends=ends, **({"within": within} if within else {}))

    def raw(make):
        def act(socket):
            session = opened(socket)
            session.write(make(session))
            return session

        return act

    def record(kind, body):
        return raw(lambda session: session.sealing.seal(kind, body))

    least = 1 if mode == CLEAR else 17
    for length in (0, least - 1, least + (64 << 20) + 1, 2**32 - 1):
        yield case(f"length-{length}", raw(lambda session, length=length: struct.pack(">I", length) + bytes(8)))
    yield case("length-limit+1", raw(lambda it: struct.pack(">I", least + it.agreed.peer_limit + 1) + bytes(8)))
    for kind in (6, 8, 255):
        yield case(f"kind-{kind}", record(kind, bytes(4)))
    yield case("empty-data", record(DATA, b""))
    yield case("ping-7", record(PING, bytes(7)))
    yield case("ping-9", record(PING, bytes(9)))
    yield case("pong-unasked", record(PONG, bytes(8)))
    yield case("ready-again", record(READY, b""))
    yield case("rekey-early", record(REKEY, b""))
    yield case("close-1", record(CLOSE, b"\0"))
    yield case("close-not-admitted", record(CLOSE, b"\0\1go away"))
    yield case("close-unknown", record(CLOSE, b"\0\x07"))
    yield case("close-no-text", record(CLOSE, b"\0\0\xff\xfe"))
    yield case("close-long", record(CLOSE, b"\0\0" + b"a" * 257))
    yield case("batch-of-one", record(BATCH, batch([FRAME])))
    yield case("batch-of-257", record(BATCH, batch([FRAME] * 257)))
    yield case("batch-empty-frame", record(BATCH, batch([FRAME, b""])))
    yield case("batch-overfull", record(BATCH, batch([FRAME, FRAME]) + b"\0"))
    yield case("batch-cut", record(BATCH, batch([FRAME, FRAME])[:-1]))
    yield case("batch-too-long", record(BATCH, batch([FRAME, bytes((16 << 10) - 8 - len(FRAME) + 1)])))
    yield case(
        "data-behind-close",
        raw(lambda session: session.sealing.seal(CLOSE, b"\0\0") + session.sealing.seal(DATA, FRAME)),
    )
    yield case("half-a-record", raw(lambda session: session.sealing.seal(DATA, FRAME)[:-8]), STALLED, LATE)

    def cut(socket):
        session = opened(socket)
        session.write(session.sealing.seal(DATA, FRAME)[:-1])
        socket.shutdown(sockets.SHUT_WR)
        return session

    yield case("cut-in-a-record", cut, ends=CUT)
    if mode != CLEAR:
        yield from bad_seals(case, raw)


def rekey_missing(session):
    """Two million records take a debug build most of a minute, so this is for one end in one mode."""
    pings(session, (1 << 21) - session.sealing.count)
    return session.sealing.seal(DATA, FRAME)


def bad_seals(case, raw):
    """What only a sealed link can notice."""

    def replayed(session):
        first = session.sealing.seal(PING, bytes(8))
        return first + first

    def deleted(session):
        session.sealing.count += 1
        return session.sealing.seal(DATA, FRAME)

    def exchanged(session):
        first, second = session.sealing.seal(DATA, FRAME), session.sealing.seal(DATA, FRAME)
        return second + first

    def truncated(session):
        return session.sealing.seal(DATA, FRAME)[:-1] + session.sealing.seal(DATA, FRAME)

    def reflected(session):
        session.sealing, session.opening = session.opening, session.sealing
        record = session.sealing.seal(DATA, FRAME)
        session.sealing, session.opening = session.opening, session.sealing
        return record

    def unsealed(session):
        text = bytes([DATA]) + FRAME
        return struct.pack(">I", len(text)) + text

    def zeros(session):
        return struct.pack(">I", 17 + len(FRAME)) + bytes(17) + FRAME

    def old_key(session):
        pings(session, 1_100)
        old = session.sealing.key
        session.write(session.sealing.seal(REKEY, b""))
        session.sealing.rekey()
        session.sealing.key = old
        return session.sealing.seal(DATA, FRAME)

    def new_key_untold(session):
        pings(session, 1_100)
        session.sealing.rekey()
        return session.sealing.seal(DATA, FRAME)

    def rekey_twice(session):
        pings(session, 1_100)
        session.write(session.sealing.seal(REKEY, b""))
        session.sealing.rekey()
        return session.sealing.seal(REKEY, b"")

    def rekey_with_body(session):
        pings(session, 1_100)
        return session.sealing.seal(REKEY, b"\0")

    sealed = [replayed, deleted, exchanged, truncated, reflected, unsealed, zeros]
    for make in [*sealed, old_key, new_key_untold, rekey_twice, rekey_with_body]:
        yield case(make.__name__.replace("_", "-"), raw(make))
    for number in range(12):
        # Not the length: the other side would wait for more.
        at = lambda: 32 + random.randrange(8 * (17 + len(FRAME)))
        yield case(f"flipped-{number}", raw(lambda session: flipped(session.sealing.seal(DATA, FRAME), at())))
