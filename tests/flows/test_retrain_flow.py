"""One tiny retraining from start to end, in which the process of one fold is killed on the way."""

import json

import numpy as np
import pytest

from scarcegan.backends import open_registry
from scarcegan.project import project_root
from scarcegan.settings import load

DEFINITIONS = ["recall_first", "precision_first", "review_budget", "balanced"]


@pytest.fixture(scope="module")
def killed_at(flow_folder):
    return flow_folder.path / "killed-at-round"


@pytest.fixture(scope="module")
def finished(flow_folder, killed_at):
    printed, run_id = flow_folder.launch("run", "--seed", "11", fault=f"kill:1:{killed_at}")
    return printed, flow_folder.run(run_id)


@pytest.fixture(scope="module")
def end(finished):
    return finished[1]["end"].task


def test_the_terminal_says_where_to_look_next(finished):
    printed, run = finished
    assert "Registered versions 1, 2, 3, 4" in printed
    assert "scarcegan models compare 1 2 3 4" in printed
    assert f"card view {run['evaluate'].task.pathspec.split('/', 1)[1]}" in printed


def test_somebody_is_told_that_the_release_waits(flow_folder, finished, end):
    [notice] = flow_folder.notices("release waits")
    assert notice["about"] == finished[1]["register"].task["release"].data["release_id"]
    assert notice["told"].startswith("Registered versions 1, 2, 3, 4")


def test_each_long_part_of_select_and_evaluate_is_announced_in_the_plain_log(finished):
    steps = {step: finished[1][step].task.stdout for step in ("preprocess", "select", "evaluate")}
    assert "Loading players from source 'simulated' ..." in steps["preprocess"]
    for name in DEFINITIONS:
        assert f"Joining the folds' models of `{name}`, setting its threshold ..." in steps["select"]
        assert f"Measuring and comparing `{name}` on 50 resamples of the test players ..." in steps["evaluate"]
    assert "Scoring test players with ScarceGAN ..." in steps["select"]
    assert "Scoring test players" not in steps["evaluate"]
    for rival in ("logistic_regression", "gradient_boosting"):
        assert f"Training rival {rival} ..." in steps["select"]
        assert f"Measuring rival {rival} on 50 resamples of the test players ..." in steps["evaluate"]
    assert all("Training family small_boosting ..." in task.stdout for task in finished[1]["train"])


def test_the_teams_metric_expressions_find_the_metrics(finished):
    line = "Discriminator_Supervised_Loss=[0-9.e-]+; Discriminator_UnSupervised_Loss=[0-9.e-]+; Generator_Loss="
    import re

    assert re.search(f"Iteration=40; {line}[0-9.e-]+; Accuracy_Supervised=[0-9.]+;", finished[0])


def test_everything_resolved_is_stored(finished):
    settings = finished[1]["start"].task["settings"].data
    assert settings["seed"] == 11
    assert settings["train"]["members"] == 2
    assert load(settings).model_dump(mode="json") == settings


def test_players_are_plain_arrays_with_folds(end):
    players = end["players"].data
    assert players["features"].dtype == np.float32
    assert players["features"].shape == (len(players["ids"]), len(players["feature_names"]))
    assert set(np.unique(players["fold"])) == {-1, 0, 1, 2}


def test_a_killed_fold_goes_on_from_its_checkpoint(finished, killed_at):
    _, run = finished
    [killed] = [task for task in run["train"] if task["fold"].data == 1]
    assert killed.current_attempt == 1
    history = killed["progress"].data
    assert history["iteration"] == list(range(5, 41, 5))
    assert int(killed_at.read_text()) == 4
    # The second attempt prints only what it trained itself: the rounds before the kill were not done again.
    assert "Iteration=20;" not in killed.stdout
    assert "Iteration=25;" in killed.stdout


def test_the_other_fold_was_not_disturbed(finished):
    [other] = [task for task in finished[1]["train"] if task["fold"].data == 0]
    assert other.current_attempt == 0


def test_four_models_with_thresholds_come_out(end):
    models = end["models"].data
    assert list(models) == DEFINITIONS
    for model in models.values():
        assert 0 < model["threshold"] < 1
        assert len(model["parts"]) == 2
        assert model["class_names"][model["rare_index"]] == "risky"


def test_models_and_rivals_are_evaluated_in_one_table(end):
    evaluation = end["evaluation"].data
    assert list(evaluation["models"]) == DEFINITIONS
    assert set(evaluation["rivals"]) == {"logistic_regression", "gradient_boosting"}
    for name in DEFINITIONS:
        interval = evaluation["models"][name]["test"]["test"]["pr_auc"]
        assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1
        assert json.loads(end["model_quality"].data[name])["binary_classification_metrics"]


def test_the_release_waits_for_approval(flow_folder, end):
    settings = load({"registry": {"path": str(flow_folder.path / "registry")}})
    versions = open_registry(settings.registry).versions()
    assert [version.definition for version in versions] == DEFINITIONS
    assert {version.status for version in versions} == {"PendingManualApproval"}
    assert {version.release_id for version in versions} == {end["release"].data["release_id"]}


@pytest.mark.parametrize("step", ["preprocess", "train", "select", "evaluate", "register", "end"])
def test_each_telling_step_has_its_card_and_the_live_one_alone_is_drawn_more_than_once(finished, step):
    import metaflow

    cards = metaflow.cards.get_cards(finished[1][step].task)  # the killed try of a fold may have left its live card
    assert all("<html" in card.get() for card in cards)
    assert len(cards)
    # Metaflow keeps data of a card that may be drawn again, each time in a process of its own.
    assert any(card.get_data() for card in cards) == (step == "train")


def test_checkpoints_are_dropped_when_nobody_needs_them(finished):
    assert not (project_root() / ".scarcegan" / "checkpoints" / "RetrainFlow" / finished[1].id).exists()


def test_each_task_tells_what_it_used(end):
    usage = {(one["step"], one["index"]): one for one in end["usage"].data}
    before_the_end = [("start", None), ("preprocess", None), ("train", 0), ("train", 1)]
    assert list(usage) == [*before_the_end, ("select", None), ("evaluate", None), ("register", None), ("end", None)]
    assert usage["train", 1]["attempt"] == 1  # it was killed once
    assert usage["train", 0]["cpu"] == 4
    assert all(one["cpu_s"] > 0 and one["peak_memory_mb"] > 50 for one in usage.values())


def test_the_run_is_priced_at_its_end(end):
    cost = end["cost"].data
    assert [step["step"] for step in cost["steps"]] == [
        "start",
        "preprocess",
        "train",
        "select",
        "evaluate",
        "register",
    ]
    assert cost["money"] == pytest.approx(sum(step["money"] for step in cost["steps"]))
    assert (cost["rented"], cost["retries"]) == (False, 1)
