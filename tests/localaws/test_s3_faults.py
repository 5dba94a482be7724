"""The twin's S3: it passes on what it gets, unless told to fail."""

import threading

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request

from localaws.s3_faults import FaultyS3, S3Faults


def echo(environ, start_response):
    start_response("200 OK", [])
    return [Request(environ).get_data()]


@pytest.fixture(scope="module")
def s3():
    server = make_server("127.0.0.1", 0, FaultyS3(echo), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield S3Faults(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    thread.join()


@pytest.fixture
def ask(s3):
    """Ask and return status and body."""

    def ask(address):
        answer = requests.put(s3.endpoint + address, b"weights", timeout=10)
        return answer.status_code, answer.content

    yield ask
    s3.heal()


@pytest.mark.parametrize(("status", "code"), [(503, b"SlowDown"), (500, b"InternalError"), (403, b"AccessDenied")])
def test_a_fault_is_told_as_s3_tells_it(s3, ask, status, code):
    s3.fail(status)
    found, text = ask("/models/a")
    assert found == status
    assert b"<Code>" + code + b"</Code>" in text
    assert s3.heal() == 1
    assert ask("/models/a") == (200, b"weights")


def test_a_fault_meets_only_what_it_is_meant_for(s3, ask):
    s3.fail(403, within="/registry/archives/")
    assert ask("/bucket/registry/archives/1")[0] == 403
    assert ask("/bucket?prefix=registry%2Farchives%2F")[0] == 200
    assert ask("/bucket?prefix=%2Fregistry%2Farchives%2F")[0] == 403


def test_a_share_of_the_requests_fails(s3, ask):
    s3.fail(503, share=0.3)
    failed = [ask("/models/a")[0] == 503 for _ in range(100)]
    assert 15 < sum(failed) < 45


def test_a_fault_is_over_after_its_time(s3, ask):
    s3.fail(503, seconds=0)
    assert ask("/models/a")[0] == 200
