"""Tells somebody what happened while nobody watched: a command, a webhook, an SNS topic, as `[notify]` names them."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Literal

from scarcegan.records import Record
from scarcegan.settings import Notify

TRIES, WAIT_SECONDS, PATIENCE_SECONDS = 3, 2.0, 20.0

Kind = Literal["release waits", "step refused", "drift", "decision"]


class Notice(Record):
    """What happened, in a sentence for people; `about` names a run, a release or a snapshot, never a player."""

    kind: Kind
    told: str
    about: str


def tell(chosen: Notify, notice: Notice, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Send a notice to each place that is named, and return what was tried in vain.

    A place is tried three times. That nobody could be told stops nothing: it is a warning for who looks at the log.
    """
    places = {"command": (_run, chosen.command), "webhook": (_post, chosen.webhook), "topic": (_publish, chosen.topic)}
    warnings = []
    for name, (send, place) in places.items():
        failed = place and _tried(partial(send, place, notice), pause)
        if failed:
            warnings.append(f"notify.{name} was not told of '{notice.kind}' ({notice.about}): {failed}")
    for warning in warnings:
        print("Warning:", warning, file=sys.stderr)  # noqa: T201
    return warnings


def _tried(send: Callable[[], None], pause: Callable[[float], None]) -> str:
    """Return why the last try failed, or nothing."""
    failed = ""
    for number in range(TRIES):
        if number:
            pause(WAIT_SECONDS * number)
        try:
            send()
        # Whatever a command, a proxy or AWS raises: the run that tells goes on.
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"
        else:
            return ""
    return failed


def _run(command: str, notice: Notice) -> None:
    """Give the notice to a shell command as JSON on its standard input."""
    subprocess.run(  # noqa: S602 - the command is the configuration's own
        command, shell=True, input=_json(notice), text=True, check=True, capture_output=True, timeout=PATIENCE_SECONDS
    )


def _post(url: str, notice: Notice) -> None:
    """Post the notice as JSON; `text` is what chat programs show."""
    body = _json(notice, text=notice.told).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - checked in settings
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):  # noqa: S310
        pass


def _publish(topic: str, notice: Notice) -> None:
    from scarcegan.aws.findings import patient_client

    subject = f"{notice.kind}: {notice.about}"
    # SNS takes no more in a subject than 100 characters.
    patient_client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=f"{notice.told}\n\n{_json(notice)}")


def _json(notice: Notice, **more: str) -> str:
    return json.dumps({**notice.to_plain(), **more})
