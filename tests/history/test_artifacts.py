import ast
import re
from pathlib import Path

import pytest

from scarcegan import history
from scarcegan.history.artifacts import MADE_IN
from scarcegan.problems import HistoryProblem

FLOW = Path(__file__).parents[2] / "flows" / "retrain_flow.py"
# What one step hands the next is not for those who look back; what every flow makes, its base makes.
PASSED_ON = {"fold_numbers", "evaluation_card", "training_card", "class_probabilities"}
OF_EVERY_FLOW = {"launch", "overrides", "usage", "cost"}


def steps(flow):
    """The steps of a flow, each with the names of the artifacts that it sets."""
    for step in flow.body:
        if isinstance(step, ast.FunctionDef) and any(ast.unparse(one) == "step" for one in step.decorator_list):
            targets = [node for node in ast.walk(step) if isinstance(node, ast.Attribute)]
            own = (node for node in targets if isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self")
            yield step.name, {node.attr for node in own} - PASSED_ON - OF_EVERY_FLOW


def test_every_artifact_that_a_step_makes_is_described_and_can_be_asked_for():
    [flow] = [node for node in ast.parse(FLOW.read_text()).body if isinstance(node, ast.ClassDef)]
    made = {name: step for step, names in steps(flow) for name in names}
    assert made == {name: step for name, step in MADE_IN.items() if name not in OF_EVERY_FLOW}
    assert MADE_IN.keys() - {"launch"} <= set(re.findall(r"\w+", ast.get_docstring(flow)))


def test_an_artifact_is_loaded_by_name(recorded):
    assert history.artifact("first", "settings")["train"]["members"] == 8
    assert history.artifact("third", "evaluation") is None
    with pytest.raises(HistoryProblem, match="got 'evaluations'"):
        history.artifact("first", "evaluations")


def test_what_each_fold_makes_comes_by_fold_and_what_every_step_makes_from_the_latest(recorded):
    progress = history.artifact("first", "progress")
    assert [(fold, made["members"]) for fold, made in progress.items()] == [(0, 3), (1, 3)]
    assert history.artifact("third", "progress") is None
    assert len(history.artifact("first", "usage")) == 2


def test_an_artifact_that_cannot_be_loaded_says_whose_it_is(recorded):
    with pytest.raises(HistoryProblem, match=r"artifact 'players' of RetrainFlow/first/preprocess/.*was loaded.*again"):
        history.artifact("first", "players")
