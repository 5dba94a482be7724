import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scarcegan.data import folds
from scarcegan.data.folds import assign_folds, hold_out, in_folds, lots, sampled, split
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Populations

any_case = hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@st.composite
def populations(draw):
    k = draw(st.integers(2, 8))
    sizes = draw(st.lists(st.integers(2 * k, 60), min_size=5, max_size=5))
    return k, dict(zip(("dormant", "normal", "heavy", "risky", "unlabeled"), sizes, strict=True))


@given(case=populations(), seed=st.integers(0, 2**31), most=st.integers(10, 60))
@any_case
def test_no_player_is_on_two_sides_and_every_class_is_in_every_fold(case, seed, most, players, settings):
    k, sizes = case
    chosen = settings(folds={"k": k}, data={"max_unlabeled": most})
    before = players(sizes)
    kept, fold = split(before, chosen, np.random.default_rng(seed))

    assert len(np.unique(kept.ids)) == len(kept) == len(fold)
    assert fold.dtype == np.int8
    np.testing.assert_array_equal(kept.features, before.features[kept.ids])
    np.testing.assert_array_equal(kept.labels, before.labels[kept.ids])
    np.testing.assert_array_equal(fold < 0, kept.test_set == 1)
    assert fold.max() == k
    for number in range(k):
        train, validation = kept.ids[in_folds(fold, k) & (fold != number)], kept.ids[fold == number]
        sides = [set(train), set(validation), set(kept.ids[fold < 0]), set(kept.ids[fold == k])]
        assert sum(map(len, sides)) == len(set.union(*sides)) == len(kept)
        assert set(kept.labels[fold == number]) == set(kept.labels)


@given(case=populations(), seed=st.integers(0, 2**31))
@any_case
def test_folds_are_balanced_within_one_player(case, seed, players):
    k, sizes = case
    everyone = players(sizes)
    fold = assign_folds(everyone, Populations(), k, np.random.default_rng(seed))
    for rows in (fold, *(fold[everyone.labels == label] for label in (-1, 0, 1, 2, 3))):
        counts = np.bincount(rows[rows < k], minlength=k)
        assert counts.max() - counts.min() <= 1


def test_a_fifth_of_the_unlabelled_players_and_nobody_else_is_set_apart_for_thresholds(players):
    everyone = players({"dormant": 20, "normal": 20, "heavy": 20, "risky": 20, "unlabeled": 100})
    fold = assign_folds(everyone, Populations(), 5, np.random.default_rng(0))
    assert np.bincount(everyone.labels[fold == 5] + 1).tolist() == [20]


def test_the_same_seed_gives_the_same_folds_and_another_seed_others(players):
    folds = [assign_folds(players(), Populations(), 5, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(folds[0], folds[1])
    assert (folds[0] != folds[2]).any()


def test_hold_out_takes_its_share_of_each_population(players):
    held = hold_out(players(), 0.2)
    assert held.test_sets == ("test",)
    counts = [np.count_nonzero(held.test_set[held.labels == label]) for label in (0, 1, 2, 3, -1)]
    assert counts == [6, 8, 7, 2, 40]


def test_who_is_held_out_hangs_on_the_id_alone(players):
    everyone = players()
    tested = set(everyone.ids[hold_out(everyone, 0.2).test_set == 1])
    order = np.random.default_rng(3).permutation(len(everyone))[: len(everyone) * 9 // 10]
    fewer = everyone.take(order)
    again = set(fewer.ids[hold_out(fewer, 0.2).test_set == 1])
    assert len(again - tested) <= 5  # one in ten is gone: the next in line moves up in each population


def test_hold_out_takes_one_of_a_population_too_small_for_its_share(players):
    held = hold_out(players({"dormant": 9, "normal": 9, "heavy": 9, "risky": 2, "unlabeled": 9}), 0.01)
    assert np.count_nonzero(held.test_set[held.labels == 3]) == 1


def test_test_sets_of_the_source_are_kept(players, settings):
    everyone = players()
    everyone.test_set[-50:] = 2
    everyone.test_set[-100:-50] = 1
    with_tests = type(everyone)(**{**vars(everyone), "test_sets": ("corrected", "later")})
    kept, fold = split(with_tests, settings(), rng())
    assert kept.test_sets == ("corrected", "later")
    np.testing.assert_array_equal(fold[-100:], np.repeat([-1, -2], 50))
    assert (fold[:-100] >= 0).all()


def test_only_unlabelled_players_of_the_pool_are_sampled(players):
    everyone = hold_out(players(), 0.2)
    stay = sampled(everyone, Data(max_unlabeled=100), 7)
    may_go = (everyone.labels == -1) & (everyone.test_set == 0)
    assert np.count_nonzero(stay & may_go) == 100
    assert stay[~may_go].all()
    assert sampled(everyone, Data(max_unlabeled=160), 7).all()


def test_with_test_players_still_to_be_held_out_training_reads_as_many_as_were_stated(players, settings):
    kept, fold = split(players(), settings(data={"max_unlabeled": 80}), rng())
    assert np.count_nonzero((kept.labels == -1) & (fold >= 0)) == 80
    assert np.count_nonzero((kept.labels == -1) & (fold == -1)) == 20


def test_who_is_sampled_hangs_on_the_id_and_the_seed_alone(players):
    everyone, few = players(), Data(max_unlabeled=40)
    stay = sampled(everyone, few, 7)
    order = rng().permutation(len(everyone))
    np.testing.assert_array_equal(sampled(everyone.take(order), few, 7), stay[order])
    assert sampled(everyone.take(stay), few, 7).all()
    other = sampled(everyone, few, 8)
    assert (other != stay).any()


def test_the_sample_is_no_likelier_to_be_held_out_than_others(players):
    everyone = players({"dormant": 9, "normal": 9, "heavy": 9, "risky": 9, "unlabeled": 20_000})
    tested = hold_out(everyone, 0.2).test_set[36:] == 1
    stay = sampled(everyone, Data(max_unlabeled=4_000), 7)[36:]
    assert np.mean(tested[stay]) == pytest.approx(0.2, abs=0.02)


def test_lots_of_text_are_those_of_each_alone_however_many_there_are(players, monkeypatch):
    ids = np.array([f"p{number}" for number in range(100)])
    together = lots(ids)
    monkeypatch.setattr(folds, "BLOCK_ROWS", 7)
    np.testing.assert_array_equal(lots(ids), together)
    assert len(np.unique(together)) == 100


def test_fewer_players_than_folds_are_refused(players):
    few = players({"dormant": 9, "normal": 9, "heavy": 9, "risky": 4, "unlabeled": 9})
    with pytest.raises(DataProblem, match=r"at least 5 'risky' players for 5 folds .*, got 4: lower folds.k or add"):
        assign_folds(few, Populations(), 5, rng())


def rng():
    return np.random.default_rng(0)
