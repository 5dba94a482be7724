"""The door to the twin's S3: it passes on what it gets, unless told to fail."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from localaws.processes import free_ports
from localaws.s3_front import S3Front


class Echo(BaseHTTPRequestHandler):
    """Answers with the host asked for, the method, the address and the body."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = (
            self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else self.pieces()
        )
        said = f"{self.headers['Host']} {self.command} {self.path} ".encode() + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.send_header("ETag", "mark")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    def do_GET(self):
        self.headers["Content-Length"] = "0"
        self.do_PUT()

    do_HEAD = do_GET  # noqa: N815

    def pieces(self):
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def front():
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=upstream.serve_forever)
    thread.start()
    front = S3Front(free_ports(1)[0], upstream.server_port)
    yield front
    front.stop()
    upstream.shutdown()
    upstream.server_close()
    thread.join()


@pytest.fixture
def ask(front):
    """Ask over one connection and return status, body and the `ETag` header."""
    connection = http.client.HTTPConnection("127.0.0.1", front.server_port)

    def ask(method, path, body=None, **headers):
        connection.request(method, path, body, headers={"Host": "s3.test"} | headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag")

    yield ask
    connection.close()
    front.heal()


def test_requests_and_answers_pass_as_they_are(ask):
    assert ask("PUT", "/models/a?x=%20", b"weights") == (200, b"s3.test PUT /models/a?x=%20 weights", "mark")
    assert ask("GET", "/models/a")[1] == b"s3.test GET /models/a "
    assert ask("HEAD", "/models/a") == (200, b"", "mark")


def test_a_body_in_pieces_arrives_whole(ask):
    assert ask("PUT", "/models/a", iter([b"wei", b"ghts"]))[1] == b"s3.test PUT /models/a weights"


@pytest.mark.parametrize(("status", "code"), [(503, b"SlowDown"), (500, b"InternalError"), (403, b"AccessDenied")])
def test_a_fault_is_told_as_s3_tells_it(front, ask, status, code):
    front.fail(status)
    found, text, _ = ask("PUT", "/models/a", b"weights")
    assert found == status
    assert b"<Code>" + code + b"</Code>" in text
    assert front.heal() == 1
    assert ask("PUT", "/models/a", b"weights")[0] == 200


def test_a_fault_meets_only_what_it_is_meant_for(front, ask):
    front.fail(403, within="/registry/archives/")
    assert ask("GET", "/bucket/registry/archives/1")[0] == 403
    assert ask("GET", "/bucket?prefix=registry%2Farchives%2F")[0] == 200
    assert ask("GET", "/bucket?prefix=%2Fregistry%2Farchives%2F")[0] == 403


def test_a_share_of_the_requests_fails(front, ask):
    front.fail(503, share=0.3)
    failed = [ask("GET", "/models/a")[0] == 503 for _ in range(100)]
    assert 15 < sum(failed) < 45


def test_a_fault_is_over_after_its_time(front, ask):
    front.fail(503, seconds=0)
    assert ask("GET", "/models/a")[0] == 200
