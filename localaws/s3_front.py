"""The door to the twin's S3: a reverse proxy that can be told to misbehave as S3 does on a bad day."""

import http.client
import random
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO
from urllib.parse import unquote

CHUNK = 1 << 20
# They concern one connection, and the door has two.
NOT_FORWARDED = {"connection", "keep-alive", "transfer-encoding"}
CODES = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


@dataclass(frozen=True)
class Fault:
    """What to answer instead of S3: 403, 500 or 503, until a moment of the monotonic clock.

    It meets a share of the requests whose address, query included, contains `within`.
    """

    status: int
    share: float = 1.0
    within: str = ""
    until: float = float("inf")

    def meets(self, address: str, draw: float) -> bool:
        """Tell whether a request is to fail; `draw` is a random number in [0, 1)."""
        return draw < self.share and self.within in unquote(address) and time.monotonic() < self.until


class S3Front(ThreadingHTTPServer):
    """Listens on a port and forwards everything to `upstream`, the S3 server's port, unless a fault is injected."""

    daemon_threads = True
    # Jobs open many connections at once: Python's default, 5, would turn some away.
    request_queue_size = 128

    def __init__(self, port: int, upstream: int) -> None:
        super().__init__(("127.0.0.1", port), _Forward)
        self.upstream, self.faults, self.met = upstream, list[Fault](), 0
        # Seeded: every start draws the same numbers.
        self._random = random.Random(7)  # noqa: S311
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def fail(self, status: int, *, share: float = 1.0, within: str = "", seconds: float = float("inf")) -> None:
        """Answer a share of the requests with 503 (SlowDown), 500 or 403 (AccessDenied) for a while."""
        self.faults.append(Fault(status, share, within, time.monotonic() + seconds))

    def heal(self) -> int:
        """End all faults and return how many requests have met one."""
        self.faults.clear()
        met, self.met = self.met, 0
        return met

    def fault_of(self, address: str) -> Fault | None:
        """Return the fault that a request meets, if any."""
        met = next((fault for fault in list(self.faults) if fault.meets(address, self._random.random())), None)
        self.met += met is not None
        return met

    def stop(self) -> None:
        """Close the door."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: S3Front
    _upstream: http.client.HTTPConnection | None = None

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, http.client.HTTPException):
            self.close_connection = True  # a killed job hangs up in the middle of a transfer

    def finish(self) -> None:
        super().finish()
        if self._upstream is not None:
            self._upstream.close()

    def _answer(self) -> None:
        fault = self.server.fault_of(self.path)
        if fault:
            # Otherwise the rest of the body would be read as the next request.
            for _ in self._body():
                pass
            self._refuse(fault)
        else:
            self._forward()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

    def _refuse(self, fault: Fault) -> None:
        code = CODES[fault.status]
        text = f"<Error><Code>{code}</Code><Message>{code}, injected by the twin</Message></Error>".encode()
        self.send_response(fault.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def _forward(self) -> None:
        if self._upstream is None:
            self._upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=120)
        # The headers go along as they are, Host included: they are signed.
        self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            self._upstream.putheader(name, value)
        is_chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        self._upstream.endheaders(self._body(), encode_chunked=is_chunked)
        self._return(self._upstream.getresponse())

    def _return(self, response: http.client.HTTPResponse) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        ends_by_itself = response.length is not None or self.command == "HEAD"
        if not ends_by_itself:  # of unknown length: the end of the connection tells
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        while part := response.read(CHUNK):
            self.wfile.write(part)

    def _body(self):  # type: ignore[no-untyped-def]
        """Yield the request's body in parts, as it came."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            yield from _chunks(self.rfile)
            return
        left = int(self.headers.get("Content-Length", 0))
        while left and (part := self.rfile.read(min(left, CHUNK))):
            left -= len(part)
            yield part

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _chunks(stream: BinaryIO):  # type: ignore[no-untyped-def]
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    while stream.readline().strip():  # trailers
        pass
