"""HTTP/2 by hand, for what no gRPC client would do: stop in the middle of a message, or of a frame."""

import select
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
INITIAL_WINDOW = 65535
INITIAL_WINDOW_SIZE = 4  # a setting


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _field(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def request_headers(path):
    fields = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"x"),
              (b"content-type", b"application/grpc"), (b"te", b"trailers"))
    return b"".join(_field(*field) for field in fields)


class HalfMessage:
    """A call whose one message is announced as `announced` bytes; `size` of them are sent, the rest never."""

    def __init__(self, address, path, announced, size):
        self.socket = socket.create_connection(address)
        self.socket.sendall(PREFACE + frame(SETTINGS) + frame(HEADERS, 4, 1, request_headers(path)))
        self.socket.setblocking(False)
        self.connection_window = self.stream_window = INITIAL_WINDOW
        self.to_send = bytearray()
        self.received = b""
        self.prefix = b"\0" + struct.pack(">I", announced)
        self.remaining = size
        self.ended = None  # how, once the server has ended it

    def wants_to_write(self):
        return bool(self.to_send) or min(self.connection_window, self.stream_window, self.remaining) > len(self.prefix)

    def read(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self.ended = str(error)
            return
        if not data:
            self.ended = "closed"
        self.received += data
        while len(self.received) >= 9:
            length = int.from_bytes(self.received[:3], "big")
            if len(self.received) < 9 + length:
                return
            kind, flags, stream = struct.unpack(">BBI", self.received[3:9])
            payload, self.received = self.received[9:9 + length], self.received[9 + length:]
            self.take(kind, flags, stream, payload)

    def take(self, kind, flags, stream, payload):
        if kind == WINDOW_UPDATE and stream:
            self.stream_window += int.from_bytes(payload, "big")
        elif kind == WINDOW_UPDATE:
            self.connection_window += int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & 1:
            for setting, value in struct.iter_unpack(">HI", payload):
                if setting == INITIAL_WINDOW_SIZE:
                    self.stream_window += value - INITIAL_WINDOW
            self.to_send += frame(SETTINGS, 1)
        elif kind == PING and not flags & 1:
            self.to_send += frame(PING, 1, 0, payload)
        elif kind in (RESET, GOAWAY, HEADERS):
            self.ended = {RESET: "reset", GOAWAY: "goaway", HEADERS: "answered"}[kind]

    def write(self):
        size = min(16384, self.connection_window, self.stream_window, self.remaining)
        if not self.to_send and size > len(self.prefix):
            self.to_send += frame(DATA, 0, 1, self.prefix + b"x" * (size - len(self.prefix)))
            self.prefix = b""
            self.connection_window -= size
            self.stream_window -= size
            self.remaining -= size
        try:
            del self.to_send[:self.socket.send(self.to_send)]
        except BlockingIOError:
            pass
        except OSError as error:
            self.ended = str(error)


def send_halves(halves, seconds):
    """Sends for so long, or until each has sent its half or was ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        live = {half.socket.fileno(): half for half in halves if not half.ended and (half.remaining or half.to_send)}
        if not live:
            return
        poll = select.poll()
        for descriptor, half in live.items():
            poll.register(descriptor, select.POLLIN | (select.POLLOUT if half.wants_to_write() else 0))
        for descriptor, events in poll.poll(200):
            half = live[descriptor]
            if events & ~select.POLLOUT:
                half.read()
            for _ in range(8):
                if events & select.POLLOUT and not half.ended:
                    half.write()
