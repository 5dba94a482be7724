"""What a terminal shows of a run, and that nothing else is touched where there is none."""

import contextlib
import io
import re
import sys
from types import SimpleNamespace

import pytest

from live_training import how_far
from scarcegan import words
from scarcegan.gan.progress import Progress
from terminal import Screen, Shortened, moving_lines

HEAD = "[17/train/4 (pid 99)] "
METRICS = "Iteration=450; Generator_Loss=0.12; Accuracy_Supervised=93.7; "
HOW_FAR = "Iterations=1000; Fold=2/5; Recall=0.48; Healthy=7/8; Seconds_Left=40;"
MOVING = "fold 2/5 · 450/1,000 · 40 s left · recall .48 · 7/8 healthy"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def left_on(terminal):
    """Return the lines that a terminal shows after all that was written, moves up and erasures done."""
    lines = [""]
    for part in re.findall(r"\x1b\[\d*[A-Za-z]|\n|[^\x1b\n]+", terminal.getvalue().replace(words.GAP, " ")):
        if up := re.fullmatch(r"\x1b\[(\d+)F", part):
            lines[len(lines) - 1 - int(up[1]) :] = [""]  # with the erasure that follows each move
        elif part == "\n":
            lines.append("")
        elif not part.startswith("\x1b"):
            lines[-1] += part
    return lines


@pytest.fixture
def terminal():
    return Terminal()


@pytest.fixture
def screen(terminal):
    return Screen(terminal)


@pytest.fixture
def log(screen, monkeypatch, terminal):
    """Metaflow's logger as the terminal has it; what it prints goes above the moving lines."""
    monkeypatch.setattr("terminal.click.secho", lambda text, nl=True, **_: screen.write(terminal, text + "\n" * nl))
    return Shortened(screen, lambda body, **named: screen.write(terminal, f"{named['head']}{body}\n"))


def test_a_fold_is_one_line_that_moves_in_place_of_its_metrics(log, terminal, screen):
    log("Task is starting.", system_msg=True, head=HEAD)
    log(METRICS.replace("450", "400") + HOW_FAR, head=HEAD)
    log(METRICS + HOW_FAR, head=HEAD)
    screen.draw()
    assert left_on(terminal) == [MOVING, ""]


def test_a_fold_that_has_trained_its_members_says_how_long_it_has_taken(log, terminal, screen):
    log("Task is starting.", system_msg=True, head=HEAD)
    log(METRICS.replace("450", "1000") + HOW_FAR, head=HEAD)
    screen.draw()
    assert re.search(r"1,000/1,000 · \S+ s gone · recall .48", left_on(terminal)[-2])


def test_what_a_task_does_now_moves_with_it_until_there_are_figures(log, terminal, screen):
    def shown(line):
        log(line, head=HEAD)
        screen.draw()
        return left_on(terminal)[0]

    log("Task is starting.", system_msg=True, head=HEAD)
    assert re.fullmatch(r"train · \d+ s · Loading TensorFlow", shown("Loading TensorFlow ..."))
    assert shown(METRICS + HOW_FAR) == MOVING
    assert re.fullmatch(r"train fold 2/5 · \d+ s · Training family linear", shown("Training family linear ..."))


def test_messages_stay_above_the_moving_line_and_name_their_step(log, terminal):
    log("Task is starting.", system_msg=True, head=HEAD)
    log("Warning: few players", head=HEAD)
    assert left_on(terminal)[0].split() == ["train", "Warning:", "few", "players"]
    assert left_on(terminal)[1].startswith("train · ")
    log("Task finished successfully.", system_msg=True, head=HEAD)
    assert left_on(terminal)[1].strip().startswith("train  done in ")


def test_of_a_failed_task_the_whole_name_is_told(log, terminal):
    log("Task is starting.", system_msg=True, head=HEAD)
    log("Task failed.", system_msg=True, head=HEAD)
    assert left_on(terminal)[0] == f"{HEAD}Task failed."


def test_half_a_line_of_others_is_never_broken(screen, terminal):
    screen.write(terminal, "half a ")
    screen.draw()
    screen.write(terminal, "line\n")
    screen.close()
    assert left_on(terminal) == ["half a line", ""]


def test_a_low_terminal_counts_the_tasks_that_it_has_no_line_for(log, screen, terminal, monkeypatch):
    monkeypatch.setenv("LINES", "5")
    monkeypatch.setenv("COLUMNS", "40")
    for task in range(9):
        log("Task is starting.", system_msg=True, head=f"[17/train/{task} (pid 9)] ")
    screen.draw()
    assert left_on(terminal)[-2] == "and 7 more tasks"


def test_afterwards_the_streams_and_the_logger_are_as_before(monkeypatch, terminal):
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    cli = SimpleNamespace(logger=print)
    with contextlib.suppress(RuntimeError), moving_lines(cli):
        sys.stdout.write("begins\n")
        assert cli.logger is not print
        raise RuntimeError
    assert (sys.stdout, cli.logger) == (terminal, print)
    assert left_on(terminal) == ["begins", ""]


@pytest.mark.parametrize(("stream", "kind"), [(io.StringIO(), "xterm"), (Terminal(), "dumb")])
def test_without_a_terminal_nothing_is_touched(monkeypatch, stream, kind):
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", kind)
    cli = SimpleNamespace(logger=print)
    with moving_lines(cli):
        sys.stdout.write(METRICS)
        assert cli.logger is print
    assert stream.getvalue() == METRICS


def test_a_round_says_how_far_the_fold_is_by_its_healthy_members():
    series = {"validation_recall_at_budget": [[0.0, 0.0, 0.0], [0.4, 0.6, 0.0]]}
    progress = Progress(3, 100, [10, 20], [9.0, 10.0], [], series, [True, True, False], [])
    assert how_far(1, 5, progress) == "Iterations=100; Fold=2/5; Recall=0.50; Healthy=2/3; Seconds_Left=8;"


def test_a_line_that_only_looks_like_metrics_is_a_message(log, terminal):
    log("Task is starting.", system_msg=True, head=HEAD)
    log("Iteration=5; Fold=1;", head=HEAD)
    assert left_on(terminal)[0].split() == ["train", "Iteration=5;", "Fold=1;"]


def test_until_the_first_task_it_says_that_the_run_starts_and_nothing_between_steps(log, screen, terminal):
    screen.draw()
    assert left_on(terminal)[0].startswith("starting · ")
    log("Task is starting.", system_msg=True, head=HEAD)
    screen.draw()
    log("Task finished successfully.", system_msg=True, head=HEAD)
    screen.draw()
    assert [line.split()[:2] for line in left_on(terminal)] == [["train", "done"], []]
