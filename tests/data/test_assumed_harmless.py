"""Where nobody has labelled harmless players, some unlabelled ones are taken for them."""

import numpy as np
import pandas as pd
import pytest

from scarcegan.data.folds import assume_harmless, hold_out, split
from scarcegan.data.populations import load_populations
from scarcegan.data.report import data_report
from scarcegan.preflight.players import check_players
from scarcegan.problems import DataProblem, SettingsProblem
from scarcegan.settings import load

SIZES = {"harmless": 0, "risky": 12, "unlabeled": 200}
NEGATIVES = {"populations": {"negatives": ["harmless"]}}


@pytest.fixture
def tables(tmp_path):
    """Write tables of risky and unlabelled players alone; return settings with so many taken for harmless."""

    def tables(assumed, **sizes):
        for name, size in (SIZES | sizes).items():
            if size:
                columns = {"player_id": 1000 * len(name) + np.arange(size), "bets": 1.5 * np.arange(size)}
                pd.DataFrame(columns).to_csv(tmp_path / f"{name}.csv", index=False)
        data = {"source": "tables", "path": str(tmp_path), "assumed_harmless": assumed}
        return load({"data": data, "folds": {"k": 2}, **NEGATIVES})

    return tables


def test_so_many_of_the_unlabelled_are_harmless_and_all_others_stay_what_they_are(players):
    before = players(SIZES)
    after = assume_harmless(before, 50, seed=7)
    assert np.count_nonzero(after.labels == 0) == 50
    assert set(before.labels[after.labels == 0]) == {-1}
    np.testing.assert_array_equal(after.labels[before.labels == 1], 1)
    assert after.labels.dtype == np.int8


def test_who_is_drawn_hangs_on_id_and_seed_alone(players):
    before = players(SIZES)
    order = np.random.default_rng(0).permutation(len(before))

    def drawn(some, seed):
        after = assume_harmless(some, 50, seed)
        return set(after.ids[after.labels == 0])

    assert drawn(before.take(order), 7) == drawn(before, 7)
    assert drawn(before, 8) != drawn(before, 7)


def test_test_players_are_not_drawn(players):
    before = hold_out(players(SIZES), 0.5)
    after = assume_harmless(before, 1_000, seed=7)
    np.testing.assert_array_equal(after.labels[before.test_set == 1], before.labels[before.test_set == 1])


def test_a_note_says_that_nobody_has_looked(players):
    assert assume_harmless(players(SIZES), 1_000, 7).notes == (
        "200 unlabelled players, drawn by lot, count as harmless; nobody has looked at them",
    )


def test_tables_of_risky_and_unlabelled_players_are_enough(tables):
    settings = tables(60)
    labels = load_populations(settings).labels
    assert [np.count_nonzero(labels == label) for label in (0, 1, -1)] == [60, 12, 140]
    assert check_players(settings).endswith("12 risky for 2 folds")


def test_without_it_they_are_not(tables):
    with pytest.raises(DataProblem, match=r"expected tables of \['harmless'\]"):
        load_populations(tables(0))


def test_harmless_players_who_are_known_stay(tables):
    labels = load_populations(tables(60, harmless=30)).labels
    assert np.count_nonzero(labels == 0) == 90


@pytest.mark.parametrize(
    "sections", [{"data": {"source": "simulated"}, **NEGATIVES}, {"data": {"source": "tables", "path": "x"}}]
)
def test_it_is_for_tables_with_one_negative_population(sections):
    sections["data"]["assumed_harmless"] = 5
    with pytest.raises(SettingsProblem, match=r"data\.assumed_harmless is for data.source 'tables' with one negative"):
        load(sections)


def test_the_note_is_a_warning_in_the_words_of_the_settings(players, settings):
    noted, chosen = assume_harmless(players(SIZES), 100, 7), settings(words={"row": "card"}, **NEGATIVES)
    kept, fold = split(noted, chosen)
    [told] = [one for one in data_report(kept, fold, chosen).warnings if "drawn by lot" in one]
    assert told.startswith("100 unlabelled cards, drawn by lot")
