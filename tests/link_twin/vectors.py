"""Frozen handshakes and records, for every mode: `name = hex` lines under `[mode]` headings."""

from link1 import (
    BATCH,
    CLEAR,
    CLOSE,
    DATA,
    MODES,
    MUTUAL,
    PING,
    PONG,
    READY,
    REKEY,
    SERVER,
    TO_CONNECTOR,
    TO_LISTENER,
    ConnectorHandshake,
    Direction,
    ListenerHandshake,
    Settings,
    batch,
    identity_text,
    key_text,
    public_of,
)

S_I, S_R, E_I, E_R = (bytes([byte] * 32) for byte in (0x11, 0x22, 0x33, 0x44))
REALM = b"vectors"
LIMIT_I, LIMIT_R = 1 << 20, 65_536


def handshake(mode):
    """Both ends of one handshake, each checking the other."""
    server, client = mode >= SERVER, mode == MUTUAL
    connector = ConnectorHandshake(
        Settings(mode, S_I if client else None, {public_of(S_R)}, REALM, LIMIT_I, E_I)
    )
    listener = ListenerHandshake(
        Settings(mode, S_R if server else None, {public_of(S_I)}, REALM, LIMIT_R, E_R)
    )
    hello = connector.hello()
    listener.look(hello[:16])
    welcome = listener.hello(hello)
    connector.look(welcome[:16])
    finish = connector.welcome(welcome)
    if mode != CLEAR:
        listener.finish(finish)
    ours, theirs = connector.agreed, listener.agreed
    assert (ours.to_listener, ours.to_connector) == (theirs.to_listener, theirs.to_connector)
    assert listener.admitted and (ours.peer_limit, theirs.peer_limit) == (LIMIT_R, LIMIT_I)
    return hello, welcome, finish, ours


# What each direction says, in order; None is the change of keys, which a clear link does not have.
SCRIPT = {
    TO_LISTENER: [
        (DATA, b"hello points"),
        (BATCH, batch([b"one", b"two", b"three"])),
        (PING, b"are you?"),
        None,
        (DATA, b"under the second key"),
        None,
        (DATA, b"under the third key"),
        (CLOSE, b"\0\0"),
    ],
    TO_CONNECTOR: [
        (READY, b""),
        (PONG, b"are you?"),
        None,
        (DATA, bytes(range(256)) * 5),
        (CLOSE, b"\0\0that is all"),
    ],
}


def lines():
    yield "# Checked by both implementations. Made by: python3 tests/link_twin/link_twin.py vectors"
    yield f"# identities 11*32 (connector), 22*32 (listener); ephemeral secrets 33*32, 44*32; realm {REALM.decode()!r}"
    for name, secret in (("connector", S_I), ("listener", S_R)):
        yield f"# {name}: {key_text(public_of(secret))}; its file: {identity_text(secret).strip()}"
    for name, mode in MODES.items():
        hello, welcome, finish, agreed = handshake(mode)
        yield ""
        yield f"[{name}]"
        yield f"hello = {hello.hex()}"
        yield f"welcome = {welcome.hex()}"
        if mode != CLEAR:
            yield f"finish = {finish.hex()}"
            yield f"key_to_listener = {agreed.to_listener.hex()}"
            yield f"key_to_connector = {agreed.to_connector.hex()}"
            yield f"binding = {agreed.binding.hex()}"
        for number, key, word in (
            (TO_LISTENER, agreed.to_listener, "to_listener"),
            (TO_CONNECTOR, agreed.to_connector, "to_connector"),
        ):
            direction = Direction(number, key)
            for at, record in enumerate(SCRIPT[number]):
                if record is not None:
                    yield f"{word}_{at} = {direction.seal(*record).hex()}"
                elif mode != CLEAR:
                    yield f"{word}_{at}_rekey = {direction.seal(REKEY, b'').hex()}"
                    direction.rekey()


def text():
    return "\n".join(lines()) + "\n"
