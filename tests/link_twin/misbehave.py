"""Peers that break the rules. Whoever is on the other side must close, in time, and take nothing for a message.

A case is a function that is given a fresh socket and leaves it in a bad state; then the other side is watched. Cases that
only stay silent are given more time: the deadlines of the real program decide.
"""

import random
import socket as sockets
import struct
import time

from link1 import (
    BATCH,
    CLEAR,
    CLOSE,
    DATA,
    ENCRYPTED,
    HELLO,
    MUTUAL,
    PING,
    PONG,
    READY,
    REFUSAL,
    REKEY,
    SERVER,
    TO_CONNECTOR,
    TO_LISTENER,
    WELCOME,
    Broken,
    ConnectorHandshake,
    ListenerHandshake,
    Settings,
    batch,
    box,
    hashed,
    labelled,
    parse_preamble,
    preamble,
    public_of,
)
from session import Session

AT_ONCE, BY_DEADLINE = 2.0, 15.0

P = 2**255 - 19
ORDER_8 = ("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")  # fmt: skip


def weak_keys():
    """All points of small order, in every spelling that 32 bytes allow."""
    numbers = [0, 1, P - 1, P, P + 1] + [int.from_bytes(bytes.fromhex(text), "little") for text in ORDER_8]
    return [(number | spare << 255).to_bytes(32, "little") for number in numbers for spare in (0, 1)]


def flipped(data, bit):
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


class Case:
    """One way to misbehave. `answer`: what must come back, if anything."""

    def __init__(self, name, act, within=AT_ONCE, refusal=None):
        self.name, self.act, self.within, self.refusal = name, act, within, refusal


def watch(socket, case, session):
    """Reads until the other side closes. Says what is wrong, or None."""
    socket.settimeout(case.within)
    came, begun = b"", time.monotonic()
    try:
        while more := socket.recv(65_536):
            came += more
            if time.monotonic() - begun > case.within:
                return "it goes on and on"
    except TimeoutError:
        return f"it does not close within {case.within} s"
    except (ConnectionResetError, BrokenPipeError):
        pass
    if case.refusal is not None:
        if len(came) != 16 or parse_preamble(came)[0] != REFUSAL or parse_preamble(came)[5] != case.refusal:
            return f"it answers {came.hex()} instead of refusal {case.refusal}"
    if session is not None:
        return frames_in(getattr(session, "early", b"") + came, session)
    return None


def come(socket):
    """What the other side has written by now, so that it does not wait for its reader."""
    try:
        return socket.recv(65_536, sockets.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


def frames_in(came, session):
    """Behind a bad record nothing may be answered that could be the answer to a frame."""
    while len(came) >= 4:
        (length,) = struct.unpack(">I", came[:4])
        try:
            kind, _ = session.opening.open(came[4 : 4 + length])
        except (Broken, IndexError):
            return "it sends a record that does not open"
        if kind in (DATA, BATCH):
            return "it answers a frame"
        if kind == REKEY:
            session.opening.rekey()
        came = came[4 + length :]
    return None


def run(cases, open_socket, wanted, seed):
    wrong = []
    for case in cases:
        if wanted not in ("all", case.name):
            continue
        random.seed(f"{seed} {case.name}")
        with open_socket() as socket:
            socket.settimeout(BY_DEADLINE)
            try:
                session = case.act(socket)
                flaw = watch(socket, case, session)
            except (ConnectionResetError, BrokenPipeError):
                flaw = None  # it has closed already
        print(f"{case.name}: {flaw or 'as it should'}", flush=True)
        if flaw:
            wrong.append(case.name)
    if wanted != "all" and not any(case.name == wanted for case in cases):
        raise ValueError(f"there is no case {wanted}: {', '.join(case.name for case in cases)}")
    return wrong


# --- before any link ----------------------------------------------------------------------------------------------


def sending(data):
    def act(socket):
        socket.sendall(data)

    return act


def leaving(data):
    def act(socket):
        socket.sendall(data)
        socket.shutdown(sockets.SHUT_WR)

    return act


def resetting(socket):
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    socket.close()
    raise ConnectionResetError


def strangers():
    yield Case("silence", sending(b""), BY_DEADLINE)
    yield Case("nothing-at-all", leaving(b""))
    yield Case("reset", resetting)
    yield Case("tls", sending(bytes.fromhex("16030100c8010000c40303")))
    yield Case("http", sending(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    yield Case("zeros", sending(bytes(64)))
    yield Case("noise", lambda socket: socket.sendall(b"\0" + random.randbytes(200)))


# --- records, the same for both ends --------------------------------------------------------------------------------


def bad_records(opened, mode):
    """`opened(socket)` gives a session; each case spoils it with one record or a few."""

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
        yield Case(f"length-{length}", raw(lambda session, length=length: struct.pack(">I", length) + bytes(8)))
    for kind in (6, 8, 255):
        yield Case(f"kind-{kind}", record(kind, bytes(4)))
    yield Case("empty-data", record(DATA, b""))
    yield Case("ping-7", record(PING, bytes(7)))
    yield Case("ping-9", record(PING, bytes(9)))
    yield Case("pong-unasked", record(PONG, bytes(8)))
    yield Case("ready-again", record(READY, b""))
    yield Case("rekey-early", record(REKEY, b""))
    yield Case("close-1", record(CLOSE, b"\0"))
    yield Case("close-unknown", record(CLOSE, b"\0\x07"))
    yield Case("close-no-text", record(CLOSE, b"\0\0\xff\xfe"))
    yield Case("close-long", record(CLOSE, b"\0\0" + b"a" * 257))
    yield Case("batch-of-one", record(BATCH, batch([b"one"])))
    yield Case("batch-of-257", record(BATCH, batch([b"x"] * 257)))
    yield Case("batch-empty-frame", record(BATCH, struct.pack(">II", 0, 0)))
    yield Case("batch-overfull", record(BATCH, batch([b"one", b"two"]) + b"\0"))
    yield Case("batch-cut", record(BATCH, batch([b"one", b"two"])[:-1]))
    yield Case("batch-too-long", record(BATCH, batch([bytes(8_191)] * 2)))
    yield Case(
        "data-behind-close",
        raw(lambda session: session.sealing.seal(CLOSE, b"\0\0") + session.sealing.seal(DATA, b"more")),
    )
    yield Case("half-a-record", raw(lambda session: session.sealing.seal(DATA, bytes(100))[:50]), 60)

    def cut(socket):
        session = opened(socket)
        session.write(session.sealing.seal(DATA, bytes(100))[:50])
        socket.shutdown(sockets.SHUT_WR)
        return session

    yield Case("cut-in-a-record", cut)
    if mode == CLEAR:
        return

    def replayed(session):
        first = session.sealing.seal(PING, bytes(8))
        return first + first

    def skipped(session):
        session.sealing.count += 1
        return session.sealing.seal(DATA, b"the one before is missing")

    def exchanged(session):
        first, second = session.sealing.seal(DATA, b"first"), session.sealing.seal(DATA, b"second")
        return second + first

    def reflected(session):
        session.sealing, session.opening = session.opening, session.sealing
        record = session.sealing.seal(DATA, b"the other direction")
        session.sealing, session.opening = session.opening, session.sealing
        return record

    def old_key(session):
        session.early = b""
        for number in range(1_100):
            session.write(session.sealing.seal(PING, bytes(8)))
            if number % 50 == 0:
                session.early += come(session.socket)
        old = session.sealing.key
        session.write(session.sealing.seal(REKEY, b""))
        session.sealing.rekey()
        session.sealing.key = old
        return session.sealing.seal(DATA, b"under the old key")

    yield Case("replayed", raw(replayed))
    yield Case("skipped", raw(skipped))
    yield Case("exchanged", raw(exchanged))
    yield Case("reflected", raw(reflected))
    yield Case("old-key", raw(old_key))
    for number in range(12):
        at = lambda: 32 + random.randrange(8 * 117)
        yield Case(
            f"flipped-{number}", raw(lambda session: flipped(session.sealing.seal(DATA, bytes(100)), at()))
        )


# --- a bad connector --------------------------------------------------------------------------------------------------


def as_connector(open_socket, settings, wanted, seed):
    return run(list(connector_cases(settings)), open_socket, wanted, seed)


def fresh(settings):
    """The same settings, with another ephemeral key: never the same twice."""
    it = settings
    return Settings(it.mode, it.identity, it.trust, it.realm, it.limit, rekey_after=it.rekey_after)


def connector_cases(settings):
    mode, limit = settings.mode, settings.limit
    key = b"" if mode == CLEAR else public_of(fresh(settings).ephemeral)
    hello = preamble(HELLO, mode, limit) + key
    yield from strangers()
    for length in sorted({1, 15, 16, 17, 47} & set(range(len(hello)))):
        yield Case(f"hello-cut-{length}", leaving(hello[:length]))
    yield Case("hello-half", sending(hello[:10]), BY_DEADLINE)
    for other in {0, 1, 2, 3, 4, 255} - {mode}:
        yield Case(f"mode-{other}", sending(preamble(HELLO, other, limit) + key), refusal=2)
    for high, low in ((2, 2), (255, 2)):
        yield Case(f"versions-{low}-{high}", sending(preamble(HELLO, mode, limit, high, low) + key), refusal=1)
    for bad in (0, 1_023, (64 << 20) + 1, 2**32 - 1):
        yield Case(f"limit-{bad}", sending(preamble(HELLO, mode, bad) + key), refusal=4)
    yield Case("a-welcome", sending(preamble(WELCOME, mode, limit) + key))
    yield Case("a-refusal", sending(preamble(REFUSAL, mode, 0, reason=2) + key))
    yield Case("reserved", sending(hello[:15] + b"\1" + key))
    if mode != CLEAR:
        yield from connector_handshakes(settings)

    def opened(socket):
        return Session(socket, fresh(settings)).connect()

    yield from bad_records(opened, mode)


def connector_handshakes(settings):
    mode = settings.mode
    for number, weak in enumerate(weak_keys()):
        yield Case(f"weak-{number}", sending(preamble(HELLO, mode, settings.limit) + weak))

    def until_welcome(socket, change=lambda hello: hello):
        handshake = ConnectorHandshake(fresh(settings))
        session = Session(socket, handshake.settings)
        session.write(change(handshake.hello()))
        head = session.read_preamble()
        handshake.look(head)
        welcome = head + session.read(handshake.welcome_size())
        return session, handshake, welcome

    def finish(change):
        def act(socket):
            session, handshake, welcome = until_welcome(socket)
            session.write(change(handshake.welcome(welcome)))

        return act

    for number in range(8):
        yield Case(f"finish-flipped-{number}", finish(lambda it: flipped(it, random.randrange(8 * len(it)))))
    yield Case("finish-noise", finish(lambda it: random.randbytes(len(it))))
    yield Case("finish-zeros", finish(lambda it: bytes(len(it))))
    yield Case("finish-late-refusal", finish(lambda it: preamble(REFUSAL, mode, 0, reason=3).ljust(len(it), b"\0")))
    yield Case("finish-none", lambda socket: until_welcome(socket) and None, BY_DEADLINE)

    def hello_changed(socket):
        """The limit is changed on the way: the listener must see that it is not what the connector meant."""
        changed = lambda hello: flipped(hello, 8 * 10 + random.randrange(8))
        session, handshake, welcome = until_welcome(socket, changed)
        try:
            handshake.welcome(welcome)
        except Broken:
            session.write(bytes(64 if mode == MUTUAL else 16))
            return
        raise ValueError("the welcome fits to a hello that was never sent")

    yield Case("hello-changed", hello_changed)
    if mode == MUTUAL:
        yield from bad_proofs(settings, until_welcome)


def bad_proofs(settings, until_welcome):
    """Long-term keys that the connector does not own."""

    def shown(key, proof):
        def act(socket):
            session, handshake, welcome = until_welcome(socket)
            e, e_r = handshake.settings.ephemeral, welcome[16:48]
            h2 = hashed(hashed(handshake.h1, welcome[:48]), welcome[48:])
            session.write(box(e, e_r, labelled(0x04, h2), key + proof(e_r, h2, key)))

        return act

    own = public_of(settings.identity)
    other = bytes([0x66] * 32)
    yield Case("proof-zeros", shown(own, lambda *_: bytes(16)))
    yield Case("proof-of-another", shown(own, lambda e_r, h2, key: box(other, e_r, labelled(0x05, h2, key), b"")))
    yield Case("proof-of-nothing", shown(own, lambda e_r, h2, key: box(settings.identity, e_r, labelled(0x05, h2), b"")))
    for number, weak in enumerate(weak_keys()):
        yield Case(f"identity-weak-{number}", shown(weak, lambda *_: bytes(16)))


# --- a bad listener ---------------------------------------------------------------------------------------------------


def as_listener(open_socket, settings, wanted, seed):
    return run(list(listener_cases(settings)), open_socket, wanted, seed)


def listener_cases(settings):
    mode, limit = settings.mode, settings.limit
    yield from strangers()

    def answering(make):
        """Reads the hello, then says what `make` makes of it."""

        def act(socket):
            session = Session(socket, fresh(settings))
            hello = session.read(16 if mode == CLEAR else 48)
            session.write(make(session, hello))

        return act

    def head(**fields):
        values = {"kind": WELCOME, "mode": mode, "limit": limit} | fields
        return answering(lambda *_: preamble(**values) + bytes(96))

    yield Case("answers-nothing", lambda socket: socket.recv(48) and None, BY_DEADLINE)
    for reason in range(6):
        yield Case(f"refusal-{reason}", answering(lambda *_, it=reason: preamble(REFUSAL, 3, 0, reason=it)))
    yield Case("its-hello-back", answering(lambda _, hello: hello))
    for version in (0, 2, 255):
        yield Case(f"version-{version}", head(version=version))
    for other in {0, 1, 2, 3, 4} - {mode}:
        yield Case(f"mode-{other}", head(mode=other))
    for bad in (0, 1_023, (64 << 20) + 1):
        yield Case(f"limit-{bad}", head(limit=bad))
    yield Case("lowest", head(lowest=1))
    yield Case("reason", head(reason=1))
    if mode != CLEAR:
        yield from listener_handshakes(settings, answering)

    def waiting(socket):
        """The handshake is done, and ready not yet said."""
        session = Session(socket, fresh(settings))
        handshake = ListenerHandshake(session.settings)
        start = session.read_preamble()
        handshake.look(start)
        session.write(handshake.hello(start + session.read(handshake.hello_size())))
        if mode != CLEAR:
            handshake.finish(session.read(handshake.finish_size()))
        session.use(handshake.agreed, TO_CONNECTOR)
        return session

    def first(kind, body):
        def act(socket):
            session = waiting(socket)
            session.write(session.sealing.seal(kind, body))

        return act

    for kind, body in ((DATA, b"too early"), (PING, bytes(8)), (REKEY, b""), (READY, b"x"), (CLOSE, b"\0\0"), (6, b"")):
        yield Case(f"first-{kind}-{len(body)}", first(kind, body))
    yield Case("first-nothing", lambda socket: waiting(socket) and None, BY_DEADLINE)

    def opened(socket):
        session = waiting(socket)
        session.write_record(READY, b"")
        return session

    # What the connector says on its own is no answer to anything, so it is not looked at.
    for case in bad_records(opened, mode):
        act = case.act
        yield Case(case.name, lambda socket, act=act: act(socket) and None, case.within)


def listener_handshakes(settings, answering):
    mode = settings.mode

    def welcome(change):
        def make(session, hello):
            handshake = ListenerHandshake(session.settings)
            handshake.look(hello[:16])
            return change(handshake.hello(hello))

        return answering(make)

    for number in range(12):
        # Not the four bytes of the magic: those are a stranger's.
        yield Case(f"welcome-flipped-{number}", welcome(lambda it: flipped(it, random.randrange(32, 8 * len(it)))))
    yield Case("welcome-noise", welcome(lambda it: it[:16] + random.randbytes(len(it) - 16)))
    for number, weak in enumerate(weak_keys()):
        yield Case(f"weak-{number}", welcome(lambda it, weak=weak: it[:16] + weak + it[48:]))

    def its_key_back(session, hello):
        return preamble(WELCOME, mode, settings.limit) + hello[16:48] + bytes(16 if mode == ENCRYPTED else 64)

    yield Case("its-key-back", answering(its_key_back))
    if mode < SERVER:
        return

    def shown(key, secret):
        """The listener's own key, or a weak one, with somebody else's proof."""

        def make(session, hello):
            e, e_i = session.settings.ephemeral, hello[16:48]
            start = preamble(WELCOME, mode, settings.limit) + public_of(e)
            h2a = hashed(hashed(hashed(b"FSM-LINK/1 X25519 XChaCha20Poly1305 BLAKE2b", settings.realm), hello), start)
            proof = box(secret, e_i, labelled(0x03, h2a, key), b"") if secret else bytes(16)
            return start + box(e, e_i, labelled(0x02, h2a), key + proof)

        return answering(make)

    own = public_of(settings.identity)
    yield Case("proof-zeros", shown(own, None))
    yield Case("proof-of-another", shown(own, bytes([0x66] * 32)))
    yield Case("another-identity", shown(public_of(bytes([0x66] * 32)), bytes([0x66] * 32)))
    for number, weak in enumerate(weak_keys()):
        yield Case(f"identity-weak-{number}", shown(weak, None))


__all__ = ["as_connector", "as_listener", "weak_keys", "TO_LISTENER"]
