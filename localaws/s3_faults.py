"""The twin's S3 on a bad day: a layer over moto's S3 that refuses requests when it is told to."""

import json
import random
import threading
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import requests
from werkzeug.wrappers import Request, Response

FAULTS = "/-faults"  # no name of a bucket starts so
CODES = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


@dataclass(frozen=True)
class Fault:
    """What to answer instead of S3: 403, 500 or 503, until a moment of the monotonic clock.

    It meets a share of the requests whose address, query included, contains `within`.
    """

    status: int
    share: float
    within: str
    until: float

    def meets(self, address: str, draw: float) -> bool:
        """Tell whether a request is to fail; `draw` is a random number in [0, 1)."""
        return draw < self.share and self.within in address and time.monotonic() < self.until


class FaultyS3:
    """A WSGI application over moto's S3; it takes faults at the address FAULTS (POST), and ends them (DELETE).

    Writes on condition that no object is there pass one by one: moto looks for the object, and then writes it.
    """

    def __init__(self, moto: WSGIApplication) -> None:
        self._moto, self._faults, self._met = moto, list[Fault](), 0
        # Seeded: every start draws the same numbers.
        self._random = random.Random(7)  # noqa: S311
        self._conditional = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.path == FAULTS:
            return self._told(request)(environ, start_response)
        address = unquote(request.full_path)
        fault = next((fault for fault in list(self._faults) if fault.meets(address, self._random.random())), None)
        if fault:
            self._met += 1
            request.get_data()  # otherwise the rest of the body would be read as the next request
            code = CODES[fault.status]
            text = f"<Error><Code>{code}</Code><Message>{code}, injected by the twin</Message></Error>"
            return Response(text, fault.status, content_type="application/xml")(environ, start_response)
        with self._conditional if "If-None-Match" in request.headers else nullcontext():
            return self._moto(environ, start_response)

    def _told(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
            met, self._met = self._met, 0
            return Response(str(met))
        self._faults.append(Fault(**json.loads(request.get_data())))
        return Response("")


@dataclass(frozen=True)
class S3Faults:
    """The twin's S3 as tests tell it to fail; `endpoint` is the URL of the twin's AWS."""

    endpoint: str

    def fail(self, status: int, *, share: float = 1.0, within: str = "", seconds: float = float("inf")) -> None:
        """Answer a share of the requests with 503 (SlowDown), 500 or 403 (AccessDenied) for a while."""
        self._tell("POST", json.dumps(asdict(Fault(status, share, within, time.monotonic() + seconds))))

    def heal(self) -> int:
        """End all faults and return how many requests have met one."""
        return int(self._tell("DELETE"))

    def _tell(self, method: str, body: str = "") -> str:
        answer = requests.request(method, self.endpoint + FAULTS, data=body, timeout=10)
        answer.raise_for_status()
        return answer.text
