"""Drives a real connecting program, which comes back at once and says what its machine hears, through bad listeners."""

import queue
import shlex
import socket as sockets
import subprocess
import threading

import link_twin
from link1 import Broken
from misbehave import chosen, commit, fresh, tell, together
from session import Session

PATIENCE = 150  # of the program for whoever should be noticed at once: long, so that no clock does it
IMPATIENCE = 0.5  # for whoever is silent
SILENT_AT_ONCE = 6


class RealConnector:
    """The program, and the port that it connects to."""

    def __init__(self, command, within):
        self.server = sockets.create_server(("127.0.0.1", 0), backlog=1)
        self.server.settimeout(PATIENCE)
        port = self.server.getsockname()[1]
        flags = [f"--port={port}", f"--within={int(within * 1000)}", "--debug-level=CONSOLE"]
        self.program = subprocess.Popen(
            [*shlex.split(command), *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.said = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.kill()
        self.program.wait()
        self.server.close()

    def listen(self):
        for line in self.program.stderr:
            _, its_own, said = line.rstrip().partition(">Connector[")
            if its_own:
                self.said.put(said.partition(" - ")[2])
        self.said.put(None)

    def story(self, last):
        """What it says up to a line that begins so."""
        lines = []
        while not lines or not lines[-1].startswith(last):
            line = self.said.get(timeout=PATIENCE)
            if line is None:
                raise Broken(f"the program has ended: {lines}")
            lines.append(line)
        return lines

    def suffers(self, case, seed):
        """Treats it badly, once. Says what is wrong, or None."""
        flaw = commit(case, self.server.accept()[0], seed)
        told = self.story(("not connected", "abandoned"))
        begun, end = (["connected"], "abandoned") if case.opens else ([], "not connected")
        if told[:-1] != begun or told[-1] not in {f"{end}: {word}" for word in case.ends}:
            wanted = f"{begun + [end]} because of one of {sorted(case.ends)}"
            return f"{flaw or 'it closes'}, and its machine hears {told}, expected {wanted}"
        return flaw

    def is_served(self, settings):
        """It has suffered all of it, and gets through to who is honest."""
        with self.server.accept()[0] as socket:
            link_twin.hello_served(Session(socket, fresh(settings)).accept(), "Twin")
        told, code = self.story("welcome"), self.program.wait(PATIENCE)
        if told != ["connected", "welcome: Twin"] or code != 0:
            raise Broken(f"expected a welcome from an honest listener in the end, got {told} and the exit code {code}")


def run(command, settings, make, wanted, seed):
    """Commits all cases: those that are noticed at once one after the other, those that stall beside them, the silent
    ones several at once. The names of those that went wrong."""
    # What depends on an earlier connection is committed in one row with it.
    prompt = [case for case in make(fresh(settings)) if not case.is_slow()]
    slow = [case for case in make(fresh(settings)) if case.is_slow()]
    stalled, silent = [case for case in slow if case.opens], [case for case in slow if not case.opens]
    names = {case.name for case in chosen(prompt + slow, wanted)} | {prompt[0].name}
    wrong = []

    def row(cases, within):
        cases = [case for case in cases if case.name in names]
        if not cases:
            return
        with RealConnector(command, within) as connector:
            for case in cases:
                tell(case, connector.suffers(case, seed), wrong)
            connector.is_served(settings)

    rows = [(prompt, PATIENCE), *(([case], PATIENCE) for case in stalled)]
    rows += [(silent[start::SILENT_AT_ONCE], IMPATIENCE) for start in range(SILENT_AT_ONCE)]
    together([lambda it=it: row(*it) for it in rows])
    count = len(names)
    print(f"{count} ways to misbehave towards a connector, {len(wrong)} of them went wrong", flush=True)
    return wrong
