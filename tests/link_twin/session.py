"""A link of the twin over a socket: handshake, frames, goodbye. Blocking, with a deadline for everything."""

import socket as sockets
import struct

from link1 import (
    BATCH,
    CLEAR,
    CLOSE,
    DATA,
    NOT_AUTHORISED,
    ORDERLY,
    PING,
    PONG,
    READY,
    REKEY,
    TO_CONNECTOR,
    TO_LISTENER,
    Broken,
    ConnectorHandshake,
    Direction,
    ListenerHandshake,
    Refused,
    batch,
    check_magic,
    unbatch,
)

BATCH_BODY, BATCH_FRAMES = 16 * 1024, 256


class Session:
    """One open link."""

    def __init__(self, socket, settings):
        socket.settimeout(10)
        self.socket, self.settings, self.said_goodbye, self.rekeys = socket, settings, False, 0

    # The bytes.

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError(f"the end of the stream, {count - len(data)} bytes too early")
            data += more
        return data

    def read_preamble(self):
        head = b""
        while len(head) < 16:
            head += self.read(1 if len(head) < 4 else 12)
            check_magic(head)
        return head

    def write(self, data):
        self.socket.sendall(data)

    # The handshake.

    def connect(self):
        handshake = ConnectorHandshake(self.settings)
        self.write(handshake.hello())
        head = self.read_preamble()
        handshake.look(head)
        try:
            self.write(handshake.welcome(head + self.read(handshake.welcome_size())))
        except Refused:
            self.write(handshake.refusal)
            raise
        self.use(handshake.agreed, TO_LISTENER)
        kind, body = self.read_record()
        if kind == CLOSE:
            (reason,) = struct.unpack(">H", body[:2])
            raise Refused(f"goodbye {reason} instead of ready: {body[2:].decode()}")
        if (kind, body) != (READY, b""):
            raise Broken(f"a record of kind {kind} instead of ready")
        return self

    def accept(self):
        handshake = ListenerHandshake(self.settings)
        head = self.read_preamble()
        try:
            handshake.look(head)
        except Refused:
            self.write(handshake.refusal)
            raise
        self.write(handshake.hello(head + self.read(handshake.hello_size())))
        if self.settings.mode != CLEAR:
            handshake.finish(self.read(handshake.finish_size()))
        self.use(handshake.agreed, TO_CONNECTOR)
        if not handshake.admitted:
            self.goodbye(NOT_AUTHORISED, "this key is not allowed here")
            raise Refused("the peer's key is not allowed")
        self.write_record(READY, b"")
        return self

    def use(self, agreed, writes):
        self.agreed = agreed
        keys = {TO_LISTENER: agreed.to_listener, TO_CONNECTOR: agreed.to_connector}
        reads = TO_LISTENER + TO_CONNECTOR - writes
        self.sealing, self.opening = Direction(writes, keys[writes]), Direction(reads, keys[reads])

    # The records.

    def write_record(self, kind, body):
        sealing = self.sealing
        if sealing.key is not None and (sealing.count >= self.settings.rekey_after or sealing.bytes >= 1 << 30):
            self.write(self.sealing.seal(REKEY, b""))
            self.sealing.rekey()
        self.write(self.sealing.seal(kind, body))

    def read_record(self):
        (length,) = struct.unpack(">I", self.read(4))
        least = self.opening.overhead()
        if not least <= length <= least + self.settings.limit:
            raise Broken(f"a record of {length} bytes")
        return self.opening.open(self.read(length))

    # What a user has.

    def send(self, frames):
        """Sends frames, as many in one record as is allowed."""
        limit, waiting, size = min(BATCH_BODY, self.agreed.peer_limit), [], 0
        for frame in frames:
            if len(frame) > self.agreed.peer_limit:
                raise ValueError(f"the peer takes no frame of {len(frame)} bytes")
            if waiting and (size + 4 + len(frame) > limit or len(waiting) == BATCH_FRAMES):
                self.flush(waiting)
                waiting, size = [], 0
            waiting.append(frame)
            size += 4 + len(frame)
        self.flush(waiting)

    def flush(self, frames):
        if len(frames) == 1:
            self.write_record(DATA, frames[0])
        elif frames:
            self.write_record(BATCH, batch(frames))

    def receive(self):
        """The next frames; None after the peer's goodbye, which is answered."""
        while True:
            ripe = self.opening.is_ripe()
            kind, body = self.read_record()
            if kind == DATA and body:
                return [body]
            if kind == BATCH and len(body) <= BATCH_BODY:
                return unbatch(body)
            if kind == PING and len(body) == 8:
                self.write_record(PONG, body)
            elif kind == REKEY and not body and ripe:
                self.opening.rekey()
                self.rekeys += 1
            elif kind == CLOSE and body[:2] == b"\0\0" and len(body) <= 258:
                self.check_text(body[2:])
                self.goodbye()
                if self.socket.recv(1):
                    raise Broken("bytes behind a goodbye")
                return None
            else:
                raise Broken(f"a record of kind {kind} with {len(body)} bytes")

    @staticmethod
    def check_text(text):
        try:
            text.decode()
        except UnicodeDecodeError:
            raise Broken("a goodbye that is no text") from None

    def goodbye(self, reason=ORDERLY, text=""):
        if not self.said_goodbye:
            self.said_goodbye = True
            self.write_record(CLOSE, struct.pack(">H", reason) + text.encode())

    def close(self):
        """Says goodbye and waits for the peer's. Returns the frames that came in between."""
        self.goodbye()
        self.socket.shutdown(sockets.SHUT_WR)
        frames = []
        while (more := self.receive()) is not None:
            frames += more
        self.socket.close()
        return frames
