import numpy as np
import pytest

from scarcegan.evaluation.groups import attribute_tables
from scarcegan.evaluation.intervals import difference_of, share_of
from scarcegan.evaluation.scored import Scored


@pytest.fixture
def population():
    """A thousand players, fifty of them risky; in the north the model finds none, elsewhere all."""
    at = np.arange(1_000)
    region = np.where(at % 4 == 0, "north", "south")
    is_risky = at % 20 < 1
    is_risky |= at % 20 == 5
    score = np.where(is_risky & (region == "south"), 0.9, 0.1)
    return Scored(score, is_risky, np.ones(1_000, bool)), {"region": region, "band": np.where(at < 500, "18-39", "40+")}


def test_each_attribute_and_each_crossing_of_two_has_its_figures(population):
    scored, attributes = population
    tables, _ = attribute_tables(scored, 0.5, attributes | {"sex": np.where(np.arange(1_000) % 2, "f", "m")}, 20)
    names = [table.attributes for table in tables]
    assert names == [("region",), ("band",), ("sex",), ("region", "band"), ("region", "sex"), ("band", "sex")]
    north, south = tables[0].groups
    assert (north.values, north.players, north.risky) == (("north",), 250, 50)
    assert (north.recall.value, south.recall.value) == (0, 1)
    assert south.flagged_share.value == pytest.approx(50 / 750)
    assert south.precision.value == 1
    assert north.precision is None, "nobody is flagged there"
    assert tables[3].groups[0].values == ("north", "18-39")
    assert sum(group.players for group in tables[3].groups) == 1_000


def test_differences_to_all_others_have_newcombes_interval_and_only_those_beyond_chance_are_clear(population):
    scored, attributes = population
    tables, compared = attribute_tables(scored, 0.5, attributes, 20)
    north, low = tables[0].groups[0], tables[1].groups[0]
    recall = north.to_rest["recall"]
    assert (recall.value, recall.is_clear) == (-1, True)
    assert recall.low == -1
    assert -1 < recall.high < -0.85
    assert low.to_rest["recall"].value == pytest.approx(0, abs=0.05)
    assert not low.to_rest["recall"].is_clear
    assert compared == sum(len(group.to_rest) for table in tables for group in table.groups)


def test_newcombes_interval_is_that_of_his_paper():
    # Table II of the paper, line (a): 56 of 70 beside 48 of 80.
    value, low, high = difference_of(share_of(56, 70), share_of(48, 80))
    assert (value, low, high) == (pytest.approx(0.2), pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_many_looks_at_nothing_find_nothing_in_nineteen_of_twenty_cases():
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        is_risky = rng.random(2_000) < 0.05
        scored = Scored(rng.random(2_000) + is_risky, is_risky, np.ones(2_000, bool))
        attributes = {name: rng.choice(list("abcd"), 2_000) for name in ("one", "other")}
        tables, _ = attribute_tables(scored, 1.2, attributes, 20)
        found += any(to.is_clear for table in tables for group in table.groups for to in group.to_rest.values())
    assert found <= 5


def test_a_small_group_has_no_figures_nor_has_what_would_give_it_away(population):
    scored, attributes = population
    attributes["region"] = np.where(np.arange(1_000) < 7, "islands", attributes["region"])
    single, _, crossed = attribute_tables(scored, 0.5, attributes, 20)[0]
    told = {group.values[0]: group.players for group in single.groups}
    assert told["islands"] is None
    assert sum(players is None for players in told.values()) == 2
    assert all(group.players is None for group in crossed.groups if "islands" in group.values)
    assert len(single.shown) == 1


def test_without_truth_precision_of_a_group_is_not_told(population):
    scored, attributes = population
    labeled = Scored(scored.score, scored.is_risky, ~scored.is_risky, prevalence=0.01)
    north = attribute_tables(labeled, 0.5, attributes, 20)[0][0].groups[0]
    assert north.precision is None
    assert (north.players, north.risky, north.recall.value) == (200, 50, 0)
