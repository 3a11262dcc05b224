"""LINK/1 once more, independently: Python over libsodium (by ctypes), written from docs/security.md.

It shares no code with the Rust implementation. It is for tests only: nothing is wiped, nothing is constant-time.
"""

import base64
import ctypes
import ctypes.util
import os
import struct

CLEAR, ENCRYPTED, SERVER, MUTUAL = range(4)
MODES = {"clear": CLEAR, "encrypted": ENCRYPTED, "server": SERVER, "mutual": MUTUAL}

HELLO, WELCOME, REFUSAL = 0x01, 0x02, 0x7F
VERSION = 1
REASONS = {1: "version", 2: "mode", 3: "busy", 4: "limits"}

DATA, PING, PONG, READY, CLOSE, REKEY, BATCH = 0, 1, 2, 3, 4, 5, 7
ORDERLY, NOT_AUTHORISED = 0, 1

MAGIC = b"\xf5FSM"
SUITE = b"FSM-LINK/1 X25519 XChaCha20Poly1305 BLAKE2b"
TO_LISTENER, TO_CONNECTOR = 1, 2


class Broken(Exception):
    """The peer broke the rules, or somebody changed its bytes."""


class Refused(Exception):
    """The peer said no."""


# --- keys that come from outside ------------------------------------------------------------------------------------------

P = 2**255 - 19
ORDER_8 = ("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")  # fmt: skip


def checked(key):
    """Each key has one spelling, and none has a small order. libsodium lets the spare bit and large numbers pass."""
    if not 2 <= int.from_bytes(key, "little") < P - 1 or key.hex() in ORDER_8:
        raise Broken("no key")
    return key


# --- the primitives, from libsodium -----------------------------------------------------------------------------------

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
if _sodium.sodium_init() < 0:
    raise OSError("libsodium cannot be used")
_size = ctypes.c_ulonglong


def blake2b(data, size):
    out = ctypes.create_string_buffer(size)
    if _sodium.crypto_generichash(out, ctypes.c_size_t(size), data, _size(len(data)), None, ctypes.c_size_t(0)) != 0:
        raise OSError("crypto_generichash")
    return out.raw


def public_of(secret):
    out = ctypes.create_string_buffer(32)
    if _sodium.crypto_scalarmult_base(out, secret) != 0:
        raise OSError("crypto_scalarmult_base")
    return out.raw


def box(secret, public, nonce, text):
    out = ctypes.create_string_buffer(len(text) + 16)
    if _sodium.crypto_box_curve25519xchacha20poly1305_easy(out, text, _size(len(text)), nonce, public, secret) != 0:
        raise Broken("no key to agree with")
    return out.raw


def unbox(secret, public, nonce, sealed):
    out = ctypes.create_string_buffer(max(len(sealed) - 16, 1))
    done = _sodium.crypto_box_curve25519xchacha20poly1305_open_easy(
        out, sealed, _size(len(sealed)), nonce, public, secret
    )
    if done != 0:
        raise Broken("a box does not open")
    return out.raw[: len(sealed) - 16]


def secretbox(key, nonce, text):
    out = ctypes.create_string_buffer(len(text) + 16)
    if _sodium.crypto_secretbox_xchacha20poly1305_easy(out, text, _size(len(text)), nonce, key) != 0:
        raise OSError("crypto_secretbox")
    return out.raw


def open_secretbox(key, nonce, sealed):
    out = ctypes.create_string_buffer(max(len(sealed) - 16, 1))
    if _sodium.crypto_secretbox_xchacha20poly1305_open_easy(out, sealed, _size(len(sealed)), nonce, key) != 0:
        raise Broken("a record does not open")
    return out.raw[: len(sealed) - 16]


# --- keys as text -----------------------------------------------------------------------------------------------------


def to_text(purpose, key):
    checksum = hashed(purpose, key)[:3]
    return base64.b32encode(key + checksum).decode().lower()


def from_text(purpose, text):
    whole = base64.b32decode(text.upper())
    key, checksum = whole[:32], whole[32:]
    if len(whole) != 35 or hashed(purpose, key)[:3] != checksum:
        raise ValueError("the checksum of a key is wrong")
    return key


def key_text(key):
    return to_text(b"FSM-LINK public key", key)


def key_of_text(text):
    return from_text(b"FSM-LINK public key", text)


def identity_text(secret):
    return "statepoint-identity-1 " + to_text(b"FSM-LINK identity", secret) + "\n"


def identity_of_text(text):
    return from_text(b"FSM-LINK identity", text.removeprefix("statepoint-identity-1 ").strip())


# --- the handshake's formulas -----------------------------------------------------------------------------------------


def hashed(*parts):
    return blake2b(b"".join(struct.pack(">I", len(part)) + part for part in parts), 32)


def labelled(label, transcript, extra=b""):
    return bytes([label]) + hashed(bytes([label]), transcript, extra)[:23]


def stream_of(secret, public, label, transcript):
    """The last 32 bytes of a box around 32 zero bytes: the cipher's stream."""
    return box(secret, public, labelled(label, transcript), bytes(32))[16:]


def preamble(kind, mode, limit, version=VERSION, lowest=None, reason=0):
    if lowest is None:
        lowest = 0 if kind == WELCOME else VERSION
    return MAGIC + struct.pack(">BBBBIHH", kind, version, lowest, mode, limit, reason, 0)


def check_magic(data):
    """What cannot become a preamble is refused at once, however little has come."""
    if not MAGIC.startswith(data[:4]):
        raise Broken(f"no preamble: {data[:16].hex()}")


def parse_preamble(data):
    check_magic(data)
    kind, version, lowest, mode, limit, reason, zero = struct.unpack(">BBBBIHH", data[4:])
    if zero:
        raise Broken("the last two bytes of a preamble are not zero")
    return kind, version, lowest, mode, limit, reason


class Settings:
    """What one end is set to. `trust` is a set of keys, or None for any."""

    def __init__(self, mode, identity=None, trust=None, realm=b"", limit=1 << 20, ephemeral=None, rekey_after=1 << 20):
        self.mode, self.identity, self.trust, self.realm, self.limit = mode, identity, trust, realm, limit
        self.ephemeral = ephemeral or os.urandom(32)
        self.rekey_after = rekey_after

    def trusts(self, key):
        own = self.identity and public_of(self.identity)
        return key != own and (self.trust is None or key in self.trust)


class Agreed:
    """What a handshake leads to."""

    def __init__(self, transcript, secrets, peer_key, peer_limit, mode):
        self.peer_key, self.peer_limit, self.mode = peer_key, peer_limit, mode
        self.to_listener = self.to_connector = self.binding = None
        if mode != CLEAR:
            keys = blake2b(b"keys" + transcript + b"".join(secrets), 64)
            self.to_listener, self.to_connector = keys[:32], keys[32:]
            self.binding = hashed(b"bind", transcript)


class ConnectorHandshake:
    """hello() -> bytes; welcome(bytes) -> finish; then `agreed`."""

    def __init__(self, settings):
        self.settings, self.agreed = settings, None

    def hello(self):
        it = self.settings
        message = preamble(HELLO, it.mode, it.limit)
        if it.mode != CLEAR:
            message += public_of(it.ephemeral)
        self.h1 = hashed(hashed(SUITE, it.realm), message)
        return message

    def welcome_size(self):
        return {CLEAR: 0, ENCRYPTED: 48}.get(self.settings.mode, 96)

    def look(self, head):
        kind, version, lowest, mode, limit, reason = parse_preamble(head)
        if kind == REFUSAL:
            raise Refused(f"{REASONS.get(reason, reason)}: versions {lowest} to {version}, mode {mode}")
        if (kind, version, lowest, mode, reason) != (WELCOME, VERSION, 0, self.settings.mode, 0):
            raise Broken("no welcome to this hello")
        if not 1024 <= limit <= 64 << 20:
            raise Broken("a limit out of range")
        self.peer_limit = limit

    def welcome(self, message):
        it = self.settings
        if it.mode == CLEAR:
            self.agreed = Agreed(None, None, None, self.peer_limit, CLEAR)
            return b""
        e, e_r, sealed = it.ephemeral, checked(message[16:48]), message[48:]
        if e_r == public_of(e):
            raise Broken("this end's own key came back")
        h2a = hashed(self.h1, message[:48])
        text = unbox(e, e_r, labelled(0x02, h2a), sealed)
        server = None
        if it.mode >= SERVER:
            server, proof = checked(text[:32]), text[32:]
            unbox(e, server, labelled(0x03, h2a, server), proof)
        h2 = hashed(h2a, sealed)
        if server and not it.trusts(server):
            filler = bytes(48 if it.mode == MUTUAL else 0)
            self.refusal = box(e, e_r, labelled(0x06, h2), filler)
            raise Refused(f"the peer has the key {key_text(server)}")
        text = b""
        if it.mode == MUTUAL:
            own = public_of(it.identity)
            text = own + box(it.identity, e_r, labelled(0x05, h2, own), b"")
        finish = box(e, e_r, labelled(0x04, h2), text)
        h3 = hashed(h2, finish)
        secrets = [stream_of(e, e_r, 0x10, h3)]
        if server:
            secrets.append(stream_of(e, server, 0x11, h3))
        if it.mode == MUTUAL:
            secrets.append(stream_of(it.identity, e_r, 0x12, h3))
        self.agreed = Agreed(h3, secrets, server, self.peer_limit, it.mode)
        return finish


class ListenerHandshake:
    """look(preamble); hello(bytes) -> welcome; finish(bytes); then `agreed` and `admitted`."""

    def __init__(self, settings):
        self.settings, self.agreed, self.admitted = settings, None, True

    def look(self, head):
        kind, version, lowest, mode, limit, reason = parse_preamble(head)
        refuse = None
        if kind != HELLO:
            raise Broken("no hello")
        if not lowest <= VERSION <= version:
            refuse = 1
        elif mode != self.settings.mode:
            refuse = 2
        elif not 1024 <= limit <= 64 << 20:
            refuse = 4
        if refuse:
            self.refusal = preamble(REFUSAL, self.settings.mode, 0, reason=refuse)
            raise Refused(f"{REASONS[refuse]}: versions {lowest} to {version}, mode {mode}")
        self.peer_limit = limit

    def hello_size(self):
        return 0 if self.settings.mode == CLEAR else 32

    def hello(self, message):
        it = self.settings
        head = preamble(WELCOME, it.mode, it.limit)
        if it.mode == CLEAR:
            self.agreed = Agreed(None, None, None, self.peer_limit, CLEAR)
            return head
        self.e_i = checked(message[16:48])
        head += public_of(it.ephemeral)
        h2a = hashed(hashed(hashed(SUITE, it.realm), message), head)
        text = b""
        if it.mode >= SERVER:
            own = public_of(it.identity)
            text = own + box(it.identity, self.e_i, labelled(0x03, h2a, own), b"")
        sealed = box(it.ephemeral, self.e_i, labelled(0x02, h2a), text)
        self.h2 = hashed(h2a, sealed)
        return head + sealed

    def finish_size(self):
        return {CLEAR: 0, MUTUAL: 64}.get(self.settings.mode, 16)

    def finish(self, message):
        it = self.settings
        e = it.ephemeral
        try:
            text = unbox(e, self.e_i, labelled(0x04, self.h2), message)
        except Broken:
            unbox(e, self.e_i, labelled(0x06, self.h2), message)
            raise Refused("the peer does not trust this end's key") from None
        client = None
        if it.mode == MUTUAL:
            client, proof = checked(text[:32]), text[32:]
            unbox(e, client, labelled(0x05, self.h2, client), proof)
            self.admitted = it.trusts(client)
        h3 = hashed(self.h2, message)
        secrets = [stream_of(e, self.e_i, 0x10, h3)]
        if it.mode >= SERVER:
            secrets.append(stream_of(it.identity, self.e_i, 0x11, h3))
        if client:
            secrets.append(stream_of(e, client, 0x12, h3))
        self.agreed = Agreed(h3, secrets, client, self.peer_limit, it.mode)


# --- records ----------------------------------------------------------------------------------------------------------


class Direction:
    """One direction at one end. `key` is None in a clear link."""

    def __init__(self, number, key):
        self.number, self.key, self.epoch, self.count, self.bytes = number, key, 0, 0, 0

    def overhead(self):
        return 1 if self.key is None else 17

    def nonce(self, length):
        return struct.pack(">BBII6xQ", self.number, 0, self.epoch, length, self.count)

    def seal(self, kind, body):
        length = self.overhead() + len(body)
        text = bytes([kind]) + body
        if self.key is not None:
            text = secretbox(self.key, self.nonce(length), text)
        self.count += 1
        self.bytes += length
        return struct.pack(">I", length) + text

    def open(self, text):
        length = len(text)
        if self.key is not None:
            text = open_secretbox(self.key, self.nonce(length), text)
        spent = self.is_spent()
        self.count += 1
        self.bytes += length
        if spent and text[0] != REKEY:
            raise Broken("no new key for too long")
        return text[0], text[1:]

    def is_ripe(self):
        """Whether the reader takes a new key."""
        return self.has_reached(1 << 10, 16 << 20)

    def is_spent(self):
        """Whether the reader takes nothing but a new key."""
        return self.has_reached(1 << 21, 2 << 30)

    def has_reached(self, records, size):
        return self.key is not None and (self.count >= records or self.bytes >= size)

    def rekey(self):
        self.key, self.epoch, self.count, self.bytes = hashed(b"rekey", self.key), self.epoch + 1, 0, 0


def batch(frames):
    return b"".join(struct.pack(">I", len(frame)) + frame for frame in frames)


def unbatch(body):
    frames = []
    while body:
        (length,) = struct.unpack(">I", body[:4].rjust(4, b"\xff"))
        if not 0 < length <= len(body) - 4:
            raise Broken("a batch that is not filled exactly")
        frames.append(body[4 : 4 + length])
        body = body[4 + length :]
    if not 2 <= len(frames) <= 256:
        raise Broken(f"a batch of {len(frames)} frames")
    return frames
