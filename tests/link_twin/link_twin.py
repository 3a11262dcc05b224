#!/usr/bin/env python3
"""The twin: LINK/1 as a second implementation, to be run against the real one. See README.md.

    link_twin.py vectors                    prints the frozen vectors
    link_twin.py check FILE                 compares them with a file
    link_twin.py selftest                   the twin against itself, in every mode and with every misbehaviour
    link_twin.py key SECRET                 the public key of a secret (64 hex digits or an identity file)
    link_twin.py listen HOST:PORT [options] serves one connection, or --count of them
    link_twin.py connect HOST:PORT [options]
    link_twin.py misbehave connect HOST:PORT [options] --case NAME|all
    link_twin.py misbehave listen PROGRAM [options] --case NAME|all
                                            against a connecting PROGRAM, with its flags but for the port: see connector.rs

Exit code 0: all went as it should. 1: it did not, the last line says why. 2: the peer refused, or was refused.
"""

import argparse
import random
import re
import socket
import struct
import sys

import bad_connector
import bad_listener
import misbehave
import real_connector
import vectors
from greetings import HELLO_NAME, WELCOME_NAME, greeting, pack_text
from link1 import MODES, MUTUAL, SERVER, Broken, Refused, Settings, identity_of_text, key_of_text, key_text, public_of
from session import Session


def secret_of(text):
    """64 hex digits, or the path of an identity file."""
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    with open(text, encoding="ascii") as file:
        return identity_of_text(file.read())


def settings_of(options):
    mode = MODES[options.mode]
    trust = {key_of_text(text) for text in options.trust} or None
    return Settings(
        mode,
        options.identity,
        trust,
        options.realm.encode(),
        options.limit,
        rekey_after=options.rekey_after,
    )


def address_of(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def report(session):
    agreed = session.agreed
    key = key_text(agreed.peer_key) if agreed.peer_key else "none"
    print(f"open: mode {session.settings.mode}, peer's key {key}, peer's limit {agreed.peer_limit}", flush=True)


# --- conversations ----------------------------------------------------------------------------------------------------


def echo_served(session):
    """Sends every frame back, until the peer says goodbye."""
    count = 0
    while (frames := session.receive()) is not None:
        count += len(frames)
        session.send(frames)
    print(f"echoed {count} frames, {session.rekeys} new keys from the peer")


def echo_asked(session, seed, count):
    """Sends frames of many sizes and expects them back, in order."""
    chance = random.Random(seed)
    limit = min(session.agreed.peer_limit, session.settings.limit)
    small, large = [1, 2, 16, 100, 1_000], [5_000, 16_379, 16_380, 16_384, 70_000, limit]
    sent = 0
    while sent < count:
        # Blocking ends: no more at once than the system keeps for both directions, or a single frame.
        if chance.random() < 0.1:
            sizes = [chance.choice(large)]
        else:
            sizes = [chance.randint(1, chance.choice(small)) for _ in range(min(chance.randint(1, 40), count - sent))]
        frames = [chance.randbytes(min(size, limit)) for size in sizes]
        session.send(frames)
        sent += len(frames)
        back = []
        while len(back) < len(frames):
            more = session.receive()
            if more is None:
                raise Broken("a goodbye in the middle of the echo")
            back += more
        if back != frames:
            raise Broken("other frames came back")
    rest = session.close()
    if rest:
        raise Broken("frames behind the last answer")
    print(f"{count} frames came back, {session.rekeys} new keys from the peer")


def hello_asked(session, name):
    """Says hello to the server of the examples, and expects its welcome."""
    session.send([greeting(HELLO_NAME, my_name=name)])
    frames = session.receive()
    if not frames or WELCOME_NAME not in frames[0] or name.encode() not in frames[0]:
        raise Broken(f"no welcome: {frames}")
    print(f"welcome: {frames[0]!r}")
    session.close()


def hello_served(session, name):
    """Answers the hello of the example client."""
    frames = session.receive()
    if not frames or HELLO_NAME not in frames[0]:
        raise Broken(f"no hello: {frames}")
    # From its number for itself, which is behind the target in the header: 94 to from ...
    sender = frames[0][2]
    if sender > 0x7F:
        raise Broken(f"an unexpected sender in {frames[0]!r}")
    asked = re.search(rb"my_name(.*)", frames[0], re.DOTALL).group(1)
    their_name = asked[1 : 1 + (asked[0] & 0x1F)]
    body = bytes([0x82]) + pack_text("your_name") + pack_text(their_name) + pack_text("my_name") + pack_text(name)
    session.send([bytes([0x94, 0xFF - sender, 0x01]) + pack_text(WELCOME_NAME) + bytes([0x90]) + body])
    while session.receive() is not None:
        pass


# --- the program ------------------------------------------------------------------------------------------------------


def connect(options):
    session = Session(socket.create_connection(address_of(options.at), 10), settings_of(options)).connect()
    report(session)
    if options.talk == "echo":
        echo_asked(session, options.seed, options.frames)
    else:
        hello_asked(session, options.name)


def listening(options):
    """A listening socket, whose port is told when it was left to the system."""
    server = socket.create_server(address_of(options.at))
    print("listening at {}:{}".format(*server.getsockname()[:2]), flush=True)
    return server


def listen(options):
    with listening(options) as server:
        for _ in range(options.count):
            session = Session(server.accept()[0], settings_of(options)).accept()
            report(session)
            if options.talk == "echo":
                echo_served(session)
            else:
                hello_served(session, options.name)


def run_misbehave(options):
    settings = settings_of(options)
    if options.end == "connect":
        open_socket = lambda: socket.create_connection(address_of(options.at), 10)
        wrong = misbehave.run(list(bad_connector.cases(settings)), open_socket, options.case, options.seed)
    else:
        wrong = real_connector.run(options.at, settings, bad_listener.cases, options.case, options.seed)
    if wrong:
        raise Broken(f"{len(wrong)} cases went wrong: {', '.join(wrong[:20])}")


def check(options):
    with open(options.file, encoding="ascii") as file:
        theirs, ours = file.read().splitlines(), vectors.text().splitlines()
    for number, (left, right) in enumerate(zip(theirs, ours), 1):
        if left != right:
            raise Broken(f"line {number} is {left!r}, expected {right!r}")
    if len(theirs) != len(ours):
        raise Broken(f"{len(theirs)} lines, expected {len(ours)}")
    print(f"{len(ours)} lines agree")


def parsed(arguments):
    parser = argparse.ArgumentParser(description="LINK/1, a second implementation")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("vectors")
    commands.add_parser("check").add_argument("file")
    commands.add_parser("selftest")
    commands.add_parser("key").add_argument("secret", type=secret_of)
    for name in ("listen", "connect", "misbehave"):
        command = commands.add_parser(name)
        if name == "misbehave":
            command.add_argument("end", choices=["listen", "connect"])
            command.add_argument("--case", default="all")
        command.add_argument("at")
        command.add_argument("--mode", choices=MODES, default="encrypted")
        command.add_argument("--identity", type=secret_of, help="64 hex digits, or an identity file")
        command.add_argument("--trust", action="append", default=[], help="a public key; none: any is trusted")
        command.add_argument("--realm", default="")
        command.add_argument("--limit", type=int, default=1 << 20)
        command.add_argument("--rekey-after", type=int, default=1 << 20)
        command.add_argument("--talk", choices=["echo", "hello"], default="echo")
        command.add_argument("--name", default="Twin")
        command.add_argument("--frames", type=int, default=500)
        command.add_argument("--count", type=int, default=1)
        command.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if "mode" in options:
        mode, is_listener = MODES[options.mode], "listen" in (options.command, getattr(options, "end", None))
        if options.identity is None and (mode == MUTUAL or (mode == SERVER and is_listener)):
            parser.error(f"the mode {options.mode} needs --identity at this end")
    return options


def main(arguments):
    options = parsed(arguments)
    try:
        if options.command == "vectors":
            sys.stdout.write(vectors.text())
        elif options.command == "check":
            check(options)
        elif options.command == "key":
            print(key_text(public_of(options.secret)))
        elif options.command == "selftest":
            import selftest

            selftest.run()
        else:
            {"listen": listen, "connect": connect, "misbehave": run_misbehave}[options.command](options)
    except Refused as refused:
        print(f"refused: {refused}")
        return 2
    except (Broken, EOFError, OSError, ValueError, AssertionError, struct.error) as error:
        print(f"failed: {type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
