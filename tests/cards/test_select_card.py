"""The card of `select`."""

import card_samples
import pytest

from cards.select_card import select_card

HEADLINE, COMMANDS = "review_budget", card_samples.training_cards()


@pytest.fixture
def selected():
    return card_samples.selected()


@pytest.fixture
def best(selected):
    """The fold that does best for the headline model."""
    f2 = [point.f2 for point in selected[HEADLINE].folds]
    return f2.index(max(f2))


def test_the_best_fold_is_named_first_with_how_to_open_its_training_card(selected, best, read):
    text = read(select_card(selected, HEADLINE, COMMANDS))
    assert f"### Fold {best} does best, by F2 of `{HEADLINE}`" in text
    assert f"How it was trained: `{COMMANDS[best]}`" in text
    assert [command for command in COMMANDS if command in text] == [COMMANDS[best]]
    assert text.index("Best fold") < text.index("How it was trained") < text.index("What was chosen")


def test_what_the_best_fold_finds_is_counted(selected, best, read):
    text = read(select_card(selected, HEADLINE, COMMANDS))
    assert f"{round(16 * selected[HEADLINE].folds[best].recall)} of 16, where" in text


def test_the_chart_has_what_every_fold_finds_with_every_model(selected, drawn):
    [rows] = drawn(select_card(selected, HEADLINE, COMMANDS)).values()
    found = {(row["name"], row["series"]): row["value"] for row in rows}
    assert found.keys() == {(f"fold {fold}", name) for fold in range(5) for name in selected}
    assert found["fold 2", "balanced"] == pytest.approx(selected["balanced"].folds[2].recall, rel=1e-4)


def test_each_model_has_its_members_shares_threshold_and_bound(selected, read):
    text = read(select_card(selected, HEADLINE, COMMANDS))
    for known in selected.values():
        assert known.bound_in_words().replace("\N{NO-BREAK SPACE}", " ") in text
    assert "small extra trees 62 %, small boosting 30 %" in text
    assert "37" in text
