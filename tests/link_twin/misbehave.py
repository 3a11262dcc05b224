"""Peers that break the rules. Whoever is on the other side must close, in time, and take nothing for a message.

A case is a function that is given a fresh socket and leaves it in a bad state; then the other side is watched. Cases that
only stay silent are given more time: the deadlines of the real program decide.
"""

import queue
import random
import socket as sockets
import struct
import threading
import time

from link1 import BATCH, DATA, ORDER_8, P, REFUSAL, REKEY, Broken, Settings, parse_preamble

# A real listener gives a peer 5 seconds to open its link: what takes as long was noticed by nobody but the clock.
AT_ONCE, BY_DEADLINE, STALLED = 4.0, 15.0, 60.0

# What a link has to say of a peer that breaks the rules; none of it is an orderly end, and none of it is final.
NOTICED = frozenset(("Tampered", "Malformed", "Mismatch"))
LEFT = frozenset(("Left",))
RESET = frozenset(("Left", "ConnectionAborted", "ConnectionReset", "BrokenPipe"))
LATE = frozenset(("TimedOut",))


def weak_keys():
    """All points of small order, in every spelling that 32 bytes allow."""
    numbers = [0, 1, P - 1, P, P + 1] + [int.from_bytes(bytes.fromhex(text), "little") for text in ORDER_8]
    return [(number | spare << 255).to_bytes(32, "little") for number in numbers for spare in (0, 1)]


def flipped(data, bit):
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


class Case:
    """One way to misbehave. `refusal`: what must come back, if anything. For a real connector: whether its link opens all
    the same, since the misbehaviour comes later, and what it may say of the end."""

    def __init__(self, name, act, within=AT_ONCE, refusal=None, opens=False, ends=NOTICED):
        self.name, self.act, self.within, self.refusal, self.opens, self.ends = name, act, within, refusal, opens, ends

    def is_slow(self):
        return self.within > AT_ONCE


def fresh(settings):
    """The same settings, with another ephemeral key: never the same twice."""
    it = settings
    return Settings(it.mode, it.identity, it.trust, it.realm, it.limit, rekey_after=it.rekey_after)


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


def commit(case, socket, seed):
    """Misbehaves over a socket. Says what is wrong, or None."""
    if not case.is_slow():
        random.seed(f"{seed} {case.name}")  # those that are slow leave nothing to chance
    with socket:
        socket.settimeout(BY_DEADLINE)
        try:
            return watch(socket, case, case.act(socket))
        except (ConnectionResetError, BrokenPipeError):
            return None  # it has closed already
        except Broken as error:
            return str(error)
        except EOFError as error:
            return None if case.is_slow() and not case.opens else f"it leaves too early: {error}"


def chosen(cases, wanted):
    """The cases with this name."""
    some = [case for case in cases if wanted in ("all", case.name)]
    if not some:
        raise ValueError(f"there is no case {wanted}: {', '.join(case.name for case in cases)}")
    return some


def tell(case, flaw, wrong):
    if flaw:
        print(f"{case.name}: {flaw}", flush=True)
        wrong.append(case.name)


def together(tasks):
    """Does all of them at once. The first error of any is raised."""
    done = queue.Queue()

    def guarded(task):
        try:
            done.put(task())
        except Exception as error:
            done.put(error)

    for task in tasks:
        threading.Thread(target=guarded, args=(task,), daemon=True).start()
    for _ in tasks:
        if isinstance(error := done.get(), Exception):
            raise error


def run(cases, open_socket, wanted, seed):
    """Commits the cases, the slow ones beside the others. The names of those that went wrong."""
    cases, wrong = chosen(cases, wanted), []

    def some(those):
        for case in those:
            tell(case, commit(case, open_socket(), seed), wrong)

    slow = [[case] for case in cases if case.is_slow()]
    together([lambda those=those: some(those) for those in [[case for case in cases if not case.is_slow()], *slow]])
    print(f"{len(cases)} ways to misbehave, {len(wrong)} of them went wrong", flush=True)
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
    yield Case("silence", sending(b""), BY_DEADLINE, ends=LATE)
    yield Case("nothing-at-all", leaving(b""), ends=LEFT)
    yield Case("reset", resetting, ends=RESET)
    yield Case("tls", sending(bytes.fromhex("16030100c8010000c40303")))
    yield Case("http", sending(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    yield Case("zeros", sending(bytes(64)))
    yield Case("noise", lambda socket: socket.sendall(b"\0" + random.randbytes(200)))
