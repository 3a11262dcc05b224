"""A connector that breaks the rules, towards a listener."""

import random

from bad_records import bad_records
from link1 import (
    CLEAR,
    HELLO,
    MUTUAL,
    REFUSAL,
    WELCOME,
    Broken,
    ConnectorHandshake,
    box,
    hashed,
    labelled,
    preamble,
    public_of,
)
from misbehave import BY_DEADLINE, Case, flipped, fresh, leaving, sending, strangers, weak_keys
from session import Session


def cases(settings):
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
        yield from bad_handshakes(settings)

    def opened(socket):
        return Session(socket, fresh(settings)).connect()

    yield from bad_records(opened, mode)


def bad_handshakes(settings):
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
