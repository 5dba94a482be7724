"""What a terminal shows of a run: Metaflow's lines, shortened, and below them one line per running task that moves.

Nothing here happens where stdout is no terminal: logs and pipes get Metaflow's own lines, metrics among them.
"""

import os
import re
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

from metaflow._vendor import click

from scarcegan import words

SECONDS_BETWEEN = 0.5
FIGURES = {"Iteration", "Iterations", "Fold", "Recall", "Healthy", "Seconds_Left"}  # of a fold's line
GOES_ON = " ..."  # ends a line that says what a task does now: it moves
TASK = re.compile(r"\[(?P<path>\S+/(?P<step>\w+)/\S+) ")  # how Metaflow begins a line of a task


@contextmanager
def moving_lines(cli):
    """While a run of Metaflow's command line goes on, show on a terminal what each of its tasks does now."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    screen, out, err, logger = Screen(sys.stdout), sys.stdout, sys.stderr, cli.logger
    sys.stdout, sys.stderr, cli.logger = Above(screen, out), Above(screen, err), Shortened(screen, logger)
    over = threading.Event()
    drawing = threading.Thread(target=keep_drawing, args=(screen, over), daemon=True)
    drawing.start()
    try:
        yield
    finally:
        over.set()
        drawing.join()
        screen.close()
        sys.stdout, sys.stderr, cli.logger = out, err, logger


def keep_drawing(screen, over):
    """Draw until it is over: the seconds tell that something goes on, whatever is silent."""
    while True:
        screen.draw()
        if over.wait(SECONDS_BETWEEN):
            return


@dataclass
class Doing:
    """What a task does: its step, when it began by the monotonic clock, its last figures, what it said since."""

    step: str
    began: float
    figures: dict
    said: str = ""

    def line(self):
        """Say it in one line."""
        gone = words.duration(time.monotonic() - self.began)
        if self.said or not self.figures:
            fold = f" fold {self.figures['Fold']}" if self.figures else ""
            return " · ".join(filter(None, [f"{self.step}{fold}", gone, self.said]))
        done, total = int(self.figures["Iteration"]), int(self.figures["Iterations"])
        left = f"{words.duration(float(self.figures['Seconds_Left']))} left" if done < total else f"{gone} gone"
        recall = self.figures["Recall"].removeprefix("0")
        return (
            f"fold {self.figures['Fold']} · {words.count(done)}/{words.count(total)} · {left} · recall {recall} · "
            f"{self.figures['Healthy']} healthy"
        )


class Screen:
    """The lines at the bottom of a terminal; what others write goes above them. Threads may share it."""

    def __init__(self, out):
        self._out, self._lock, self._drawn = out, threading.RLock(), 0
        self._at_start = True  # of a line: Metaflow writes one in pieces
        self._began, self._has_begun, self.tasks = time.monotonic(), False, {}

    def write(self, stream, text):
        """Write to a stream of this terminal, above the moving lines."""
        with self._lock:
            self._erase()
            stream.write(text)
            stream.flush()
            self._at_start = text.endswith("\n") if text else self._at_start
            self.draw()

    def draw(self):
        """Draw the lines as they are now, unless half a line of others stands there."""
        with self._lock:
            if not self._at_start:
                return
            self._erase()
            width, height = shutil.get_terminal_size()
            lines = [task.line() for task in list(self.tasks.values())]
            self._has_begun = self._has_begun or bool(lines)
            if not self._has_begun:
                lines = [f"starting · {words.duration(time.monotonic() - self._began)}"]
            most = max(height - 2, 1)
            lines = lines if len(lines) <= most else [*lines[: most - 1], f"and {len(lines) - most + 1} more tasks"]
            self._out.write("".join(f"\x1b[2m{line[: width - 1]}\x1b[0m\n" for line in lines))
            self._out.flush()
            self._drawn = len(lines)

    def close(self):
        """Take the lines away."""
        with self._lock:
            self._erase()
            self._out.flush()

    def _erase(self):
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}F\x1b[J")
            self._drawn = 0


class Above:
    """A stream whose text goes above the moving lines; all else is the stream's own."""

    def __init__(self, screen, stream):
        self._screen, self._stream = screen, stream

    def write(self, text):
        """Write text."""
        if not isinstance(text, str):  # click asks in this way whether a stream takes bytes
            raise TypeError(f"expected text, got {type(text).__name__}")
        self._screen.write(self._stream, text)
        return len(text)

    def writelines(self, lines):
        """Write lines."""
        self.write("".join(lines))

    def __getattr__(self, name):
        return getattr(self._stream, name)


class Shortened:
    """Metaflow's logger for a terminal: of a task's lines the step and the text, its metrics as a line that moves."""

    def __init__(self, screen, logger):
        self._screen, self._logger = screen, logger

    def __call__(self, body="", system_msg=False, head="", bad=False, **named):
        """Take one line as Metaflow's logger does."""
        found = TASK.match(head)
        if found is None:
            self._logger(body, system_msg=system_msg, head=head, bad=bad, **named)
            return
        path, step, tasks = found["path"], found["step"], self._screen.tasks
        figures = dict(re.findall(r"(\w+)=([^;]*);", body))
        if system_msg and body.startswith("Task is starting"):
            tasks[path] = Doing(step, time.monotonic(), {})
        elif path in tasks and figures.keys() >= FIGURES:
            tasks[path].figures, tasks[path].said = figures, ""
        elif path in tasks and body.endswith(GOES_ON):
            tasks[path].said = body.removesuffix(GOES_ON)
        elif system_msg and body == "Task finished successfully." and path in tasks:
            done = tasks.pop(path)
            fold = f" fold {done.figures['Fold']}" if done.figures else ""
            self._say(step, f"done{fold} in {words.duration(time.monotonic() - done.began)}", bold=True)
        elif system_msg and body.startswith("Task failed"):
            tasks.pop(path, None)
            self._logger(body, system_msg=True, head=head, bad=True, **named)
        else:
            self._say(step, body, bold=system_msg)

    def _say(self, step, body, *, bold):
        click.secho(f"{step:>10}  ", fg="green", nl=False)
        click.secho(body, bold=bold)
