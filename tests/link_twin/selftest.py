"""The twin against itself: every mode, every kind of trust, every misbehaviour."""

import contextlib
import io
import socket
import threading

import bad_connector
import bad_listener
import link_twin
import misbehave
from link1 import CLEAR, DATA, MODES, MUTUAL, REKEY, SERVER, Broken, Direction, Refused, Settings, box, public_of
from session import Session

ANN, BOB, EVE = (bytes([byte] * 32) for byte in (1, 2, 66))


def settings(mode, end, trust=None, realm=b"", limit=1 << 20):
    identity = {"ann": ANN if mode == MUTUAL else None, "bob": BOB if mode >= SERVER else None}[end]
    trust = trust or {public_of(BOB if end == "ann" else ANN)}
    return Settings(mode, identity, trust, realm, limit, rekey_after=1_024)


def outcome(act):
    try:
        return act() or "fine"
    except (Refused, Broken, EOFError, ConnectionError) as error:
        return type(error).__name__


def meet(ann, bob, talk):
    """Both ends over a pair of sockets. What each comes to."""
    left, right = socket.socketpair()
    ends = {}

    def serve():
        with right:
            ends["bob"] = outcome(lambda: link_twin.echo_served(Session(right, bob).accept()))

    thread = threading.Thread(target=serve)
    thread.start()
    with left:
        ends["ann"] = outcome(lambda: talk(Session(left, ann).connect()))
    thread.join(30)
    return ends["ann"], ends["bob"]


def expect(what, got, wanted):
    if got != wanted:
        raise Broken(f"{what}: {got}, expected {wanted}")


def conversations():
    for name, mode in MODES.items():
        for limit in (1_024, 1 << 20):
            talk = lambda session: link_twin.echo_asked(session, 1, 3_000)
            got = meet(settings(mode, "ann", limit=limit), settings(mode, "bob"), talk)
            expect(name, got, ("fine", "fine"))
        stranger = {public_of(EVE)}
        if mode >= SERVER:
            expect("wrong server", meet(settings(mode, "ann", stranger), settings(mode, "bob"), None), ("Refused",) * 2)
        if mode == MUTUAL:
            expect("wrong client", meet(settings(mode, "ann"), settings(mode, "bob", stranger), None), ("Refused",) * 2)
        if mode != CLEAR:
            got = meet(settings(mode, "ann", realm=b"a"), settings(mode, "bob", realm=b"b"), None)
            expect("wrong realm", got, ("Broken", "EOFError"))
        for other in set(MODES.values()) - {mode}:
            got = meet(settings(mode, "ann"), settings(other, "bob"), None)
            expect(f"{mode} to {other}", got, ("Refused", "Refused"))


def weak_keys_are_refused_by_libsodium_too():
    for key in misbehave.weak_keys():
        expect("a weak key", outcome(lambda key=key: box(ANN, key, bytes(24), b"") and "taken"), "Broken")


def spent_keys_are_replaced():
    """Behind 2^21 records or 2 GiB nothing but a new key is taken; one before, anything."""
    for count, size, spent in (((1 << 21) - 1, 0, False), (1 << 21, 0, True), (0, (2 << 30) - 1, False), (0, 2 << 30, True)):
        for kind, wanted in ((DATA, "Broken" if spent else "fine"), (REKEY, "fine")):
            sealing, opening = Direction(1, bytes(32)), Direction(1, bytes(32))
            for end in (sealing, opening):
                end.count, end.bytes = count, size
            record = sealing.seal(kind, b"")[4:]
            expect(f"{kind} behind {count} records, {size} bytes", outcome(lambda: opening.open(record) and "fine"), wanted)


def misbehaviours():
    """Each case, as a listener and as a connector, against an honest end of the twin. Silence is left out: it is slow."""
    for name, mode in MODES.items():
        for end in ("connect", "listen"):
            connecting, honest = (settings(mode, "ann"), settings(mode, "bob"))
            if end == "listen":
                connecting, honest = honest, connecting
            make = bad_connector.cases if end == "connect" else bad_listener.cases
            cases = [case for case in make(connecting) if not case.is_slow()]

            def opened():
                ours, theirs = socket.socketpair()
                threading.Thread(target=suffer, args=(theirs, honest, end), daemon=True).start()
                return ours

            with contextlib.redirect_stdout(io.StringIO()) as told:
                wrong = misbehave.run(cases, opened, "all", 1)
            if wrong:
                raise Broken(f"{name}, {end}: " + "; ".join(told.getvalue().splitlines()))
            print(f"{name}: {len(cases)} misbehaviours of a {'connector' if end == 'connect' else 'listener'}")


def suffer(theirs, honest, end):
    """An honest end that is treated badly: it closes as soon as it notices."""
    with theirs:
        session = Session(theirs, misbehave.fresh(honest))
        if end == "connect":
            outcome(lambda: link_twin.echo_served(session.accept()))
        else:
            outcome(lambda: greets(session.connect()))


def greets(session):
    """Speaks first, as the example programs do."""
    session.send([b"hello"])
    session.receive()


def run():
    with contextlib.redirect_stdout(io.StringIO()):
        conversations()
    print("all modes, all kinds of trust: as they should")
    weak_keys_are_refused_by_libsodium_too()
    print("libsodium refuses all weak keys")
    spent_keys_are_replaced()
    print("keys that are spent are replaced")
    misbehaviours()
