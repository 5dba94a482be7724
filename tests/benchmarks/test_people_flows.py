"""The loop closed three times with the flows and commands, as by a team."""

import people_flows
import people_replay
import pytest
from people_flows import TINY, beside_truth, close_the_loop


@pytest.mark.slow
def test_three_rounds_go_through_flows_and_commands_and_tell_production_beside_the_truth(monkeypatch):
    monkeypatch.setattr(people_replay, "PLAYERS", 3_000)
    monkeypatch.setattr(people_replay, "FRESH", 3_000)
    typed = []
    command = people_flows.Team.command

    def noted(team, *arguments):
        typed.append(" ".join(arguments[:2]) if arguments[0] in ("models", "outcomes") else arguments[0])
        return command(team, *arguments)

    monkeypatch.setattr(people_flows.Team, "command", noted)
    found = close_the_loop(1, TINY)
    retrained = ["run", "models list", "models approve", "score"]
    assert typed == [*retrained, *(["score", "outcomes add", "outcomes report", *retrained] * 3), "outcomes report"]
    assert len(found["people.recall_at_budget"]) == 4
    assert all(0 < recall < 1 for recall in found["people.recall_at_budget"])
    for told in found["people.rounds"]:
        assert all(low <= value <= high for _, value, low, high in told.values())
        # All of the top is reviewed: only reviewers' mistakes are between the estimate and the truth.
        truth, value, *_ = told["precision"]
        assert abs(value - truth) < 0.2


def test_a_figure_that_cannot_be_told_is_none_beside_those_that_can():
    told = {"recall": None, "prevalence": {"value": 0.01, "low": 0.005, "high": 0.02}, "precision": None}
    truth = {"recall": 0.3, "prevalence": 0.011, "precision": 0.5}
    found = beside_truth(told, truth)
    assert found == {"recall": None, "prevalence": [0.011, 0.01, 0.005, 0.02], "precision": None}
