"""The messages of the example programs, as frames."""

HELLO_NAME, WELCOME_NAME = b"hello_welcome.Hello", b"hello_welcome.Welcome"


def pack_text(text):
    data = text if isinstance(text, bytes) else text.encode()
    return (bytes([0xA0 | len(data)]) if len(data) < 32 else bytes([0xD9, len(data)])) + data


def greeting(name, **fields):
    """A message of the example programs: from this end's number 1 to the peer's default target."""
    body = bytes([0x80 | len(fields)]) + b"".join(pack_text(key) + pack_text(value) for key, value in fields.items())
    return bytes([0x94, 0xFF, 0x01]) + pack_text(name) + bytes([0x90]) + body
