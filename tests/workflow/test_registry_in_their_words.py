from dataclasses import replace

import pytest
from rich.console import Console

from scarcegan.cli import tables
from scarcegan.registry.release import Lineage
from scarcegan.registry.versions import compare
from scarcegan.settings.words_section import USUAL, Words
from scarcegan.workflow.retraining.release import register_models

LINEAGE = Lineage("RetrainFlow/12", "11", "0a1b2c3", "d" * 16, "5" * 16, "config/retrain.toml", "RetrainFlow/12/e/7")
FRAUD = Words(row="card", rare="fraudulent", reviewer="analyst")


@pytest.fixture
def shown(selected, evaluation, registry):
    """What `models show` and `models compare` print of a release that is registered with such words."""

    def shown(words):
        versions = register_models(selected[0], replace(evaluation, words=words), LINEAGE, registry)
        console = Console(width=200)
        with console.capture() as captured:
            console.print(tables.facts(versions[0]), tables.side_by_side(compare(versions, versions)))
        return captured.get()

    return shown


def test_the_terminal_calls_registered_players_what_they_were_called_at_registration(shown):
    text = shown(FRAUD)
    assert "kept on test cards" in text or "missed on test cards" in text or "from this test" in text
    assert "fraudulent test cards" in text
    assert "test players" not in text


def test_without_words_nothing_is_added_to_the_registry(shown):
    text = shown(USUAL)
    assert "risky test players" in text
    assert "rows " not in text


def test_purpose_and_training_are_in_words_too(evaluation):
    theirs = replace(evaluation, words=FRAUD)
    assert theirs.purpose == (
        "Finds the few fraudulent cards among many, for analysts to look at. "
        "No card is to be restricted on the score alone."
    )
    assert "share of fraudulent cards" in theirs.training("balanced")
    assert theirs.on_first_test_set("balanced").counted(FRAUD).endswith("known fraudulent")
