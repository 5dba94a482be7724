"""Somebody is told of what happened while nobody watched, and a run never fails because nobody could be told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from scarcegan.notices import Notice, tell
from scarcegan.settings import Notify

NOTICE = Notice("drift", "players-2026-02-01 has drifted: retrain", "players-2026-02-01")


@pytest.fixture
def hook():
    """A server that keeps what is posted, and refuses so many requests first."""

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            refused = server.refuse > 0
            server.refuse -= refused
            server.posted.append(None if refused else json.loads(body))
            self.send_response(503 if refused else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Keep)
    server.posted, server.refuse = [], 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_command_reads_the_notice(tmp_path):
    kept = tmp_path / "it's kept.json"
    assert tell(Notify(command=f'cat > "{kept}"'), NOTICE) == []
    assert json.loads(kept.read_text()) == NOTICE.to_plain()


def test_a_webhook_gets_the_notice_and_what_chat_programs_show(hook):
    assert tell(Notify(webhook=f"http://127.0.0.1:{hook.server_port}/"), NOTICE) == []
    assert hook.posted == [NOTICE.to_plain() | {"text": NOTICE.told}]


def test_a_place_that_is_busy_is_tried_again(hook):
    hook.refuse = 2
    waited = []
    assert tell(Notify(webhook=f"http://127.0.0.1:{hook.server_port}/"), NOTICE, waited.append) == []
    assert (hook.posted[:2], hook.posted[2]["kind"]) == ([None, None], "drift")
    assert waited == [2.0, 4.0]


def test_a_topic_is_published_to(aws_account):
    topic = aws_account("sns").create_topic(Name="alarms")["TopicArn"]
    queue = aws_account("sqs").create_queue(QueueName="heard")["QueueUrl"]
    arn = aws_account("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws_account("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    assert tell(Notify(topic=topic), NOTICE) == []
    [heard] = aws_account("sqs").receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(heard["Body"])
    assert told["Subject"] == "drift: players-2026-02-01"
    assert told["Message"].startswith(NOTICE.told)


def test_nobody_told_is_a_warning_that_names_the_place(capsys):
    chosen = Notify(command="exit 3", webhook="http://127.0.0.1:9/")
    warnings = tell(chosen, NOTICE, lambda _: None)
    assert [warning.split(" was not told")[0] for warning in warnings] == ["notify.command", "notify.webhook"]
    assert capsys.readouterr().err.count("Warning: notify.") == 2


def test_where_nobody_is_named_nothing_is_sent():
    assert tell(Notify(), NOTICE) == []
