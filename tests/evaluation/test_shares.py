import numpy as np
import pytest

from scarcegan.evaluation.scored import Scored
from scarcegan.evaluation.shares import choose_shares
from scarcegan.problems import DataProblem
from scarcegan.settings import Settings, load

DEFINITIONS = Settings().definitions
REVIEW_BUDGET = next(one for one in DEFINITIONS if one.name == "review_budget")


@pytest.fixture
def choose():
    """Choose shares of families that tell so many labelled risky players apart from unlabelled ones by so much."""

    def choose(separations, risky=60, definition=REVIEW_BUDGET, seed=11, players=1_500, estimators=()):
        rng = np.random.default_rng(5)
        is_risky = np.arange(players) < risky
        risks = {}
        for name, separation in separations.items():
            # A name that begins like another one is the same family once more.
            same = next((risk for one, risk in risks.items() if name.startswith(one)), None)
            logits = rng.normal(size=players) + separation * is_risky - 4
            risks[name] = 1 / (1 + np.exp(-logits)) if same is None else same
        validation = Scored(next(iter(risks.values())), is_risky, ~is_risky, 0.01)
        names = [name for name, _ in estimators]
        own = [{"name": name, "path": "a:B", "least_share": least} for name, least in estimators]
        settings = load({"review_budget": 0.05, "seed": seed, "train": {"families": names}, "estimators": own})
        return choose_shares(risks, validation, definition, settings)

    return choose


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.name)
def test_shares_sum_to_one_and_are_in_the_families_order(choose, definition):
    shares = choose({"scarcegan": 2.0, "forest": 2.2, "linear": 1.0}, definition=definition)
    assert list(shares) == ["scarcegan", "forest", "linear"]
    assert sum(shares.values()) == pytest.approx(1)
    assert all(type(share) is float and 0 <= share <= 1 for share in shares.values())


def test_a_family_alone_has_everything(choose):
    assert choose({"scarcegan": 1.0}) == {"scarcegan": 1.0}


def test_a_family_that_is_clearly_best_gets_most(choose):
    shares = choose({"scarcegan": 1.0, "forest": 3.0, "linear": 1.0}, risky=200)
    assert shares["forest"] > 0.7
    assert choose({"forest": 3.0, "scarcegan": 1.0, "linear": 1.0}, risky=200)["forest"] > 0.7


def test_equal_families_share_evenly(choose):
    shares = choose({"forest": 2.0, "forest_again": 2.0, "forest_once_more": 2.0})
    assert shares == pytest.approx(dict.fromkeys(shares, 1 / 3))


def test_families_that_find_everybody_share_evenly(choose):
    shares = choose({"scarcegan": 30.0, "forest": 40.0})
    assert shares == pytest.approx({"scarcegan": 0.5, "forest": 0.5})


@pytest.mark.parametrize(("risky", "share"), [(5, 0.5), (20, 0.5), (80, 0.3), (180, 0.15)])
def test_the_fewer_labelled_risky_players_the_nearer_to_even(choose, risky, share):
    """A family that never wins keeps its part of the doubt, and what the winner lends: three times that at most."""
    shares = choose({"scarcegan": 6.0, "forest": 0.0}, risky=risky)
    assert shares["forest"] == pytest.approx(share) == pytest.approx(min(0.5, 3 * 0.5 * 20 / (20 + risky)))


def test_a_winner_of_several_keeps_one_half_and_the_others_share_the_rest_as_before(choose):
    shares = choose({"scarcegan": 8.0, "forest": 0.0, "linear": 0.0, "boosting": 0.0, "trees": 0.0}, risky=40)
    assert shares["scarcegan"] == pytest.approx(0.5)
    assert sorted(shares.values())[:4] == pytest.approx([0.125] * 4)


def test_others_that_find_nearly_as_many_keep_a_share_though_one_always_wins(choose):
    """With many labels no doubt is left between two that differ by little; a third one finds far less."""
    shares = choose({"boosting": 5.0, "scarcegan": 4.2, "linear": 1.0}, risky=700)
    assert shares["boosting"] < 0.75
    assert shares["scarcegan"] > 0.2
    assert shares["linear"] == 0


def test_a_family_for_which_next_to_nothing_is_left_is_dropped(choose):
    shares = choose({"scarcegan": 6.0, "forest": 0.0}, risky=600)
    assert shares == {"scarcegan": 1.0, "forest": 0.0}


def test_of_so_many_families_that_all_are_small_some_stay(choose):
    shares = choose({f"family{number:02d}": 1.0 for number in range(60)}, risky=10)
    assert sum(shares.values()) == pytest.approx(1)


def test_the_same_seed_gives_the_same_shares_and_another_one_nearly_so(choose):
    separations = {"scarcegan": 2.0, "forest": 2.1, "linear": 1.9}
    first = choose(separations)
    assert choose(separations) == first
    other = choose(separations, seed=12)
    assert other != first
    assert other == pytest.approx(first, abs=0.15)


def test_a_family_that_wins_too_little_gets_nothing_and_the_others_share_as_without_it(choose):
    separations = {"scarcegan": 2.0, "forest": 2.1, "straight": 1.9}
    free, held_back = (choose(separations, estimators=[("straight", least)]) for least in (0.0, 0.4))
    assert 0 < free["straight"] < 0.4
    assert held_back == {**choose({"scarcegan": 2.0, "forest": 2.1}), "straight": 0.0}


@pytest.mark.parametrize("risky", [8, 60])
def test_a_family_that_wins_enough_takes_part_however_few_the_labels(choose, risky):
    """With eight labels an even mix is seven tenths of all shares: winning them all gives a third of them."""
    separations = {"scarcegan": 1.0, "forest": 0.5, "boosting": 0.5, "trees": 0.5, "straight": 6.0}
    shares = choose(separations, risky, estimators=[("straight", 0.6)])
    assert shares == choose(separations, risky)
    assert shares["straight"] > 0.4


def test_a_risk_that_is_not_finite_is_refused(choose):
    with pytest.raises(DataProblem, match="NaN or infinite"):
        choose({"scarcegan": 1.0, "forest": np.nan})
