from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scarcegan.data import folds, ids
from scarcegan.data.folds import assign_folds, few_unlabeled, held_out, hold_out, in_folds, sample, split
from scarcegan.data.ids import lots
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Populations

NEWCOMER = {"truth": np.int8(-1), "test_set": np.int8(0)}
any_case = hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@st.composite
def populations(draw):
    k = draw(st.integers(2, 8))
    sizes = draw(st.lists(st.integers(4 * k, 90), min_size=5, max_size=5))
    return k, dict(zip(("dormant", "normal", "heavy", "risky", "unlabeled"), sizes, strict=True))


@given(case=populations(), seed=st.integers(0, 2**31 - 1), most=st.integers(10, 60))
@any_case
def test_no_player_is_on_two_sides_and_every_class_is_in_every_fold(case, seed, most, players, settings):
    k, sizes = case
    chosen = settings(seed=seed, folds={"k": k}, data={"max_unlabeled": max(most, 4 * k)})
    before = players(sizes)
    kept, fold = split(before, chosen)

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


@given(case=populations(), seed=st.integers(0, 2**31 - 1))
@any_case
def test_folds_of_few_differ_by_one_player_and_those_of_many_by_a_fifth(case, seed, players):
    k, sizes = case
    everyone = players(sizes)
    fold = assign_folds(everyone, Populations(), k, seed)
    for label in (-1, 0, 1, 2, 3):
        inside = fold[(everyone.labels == label) & (fold < k)]
        counts = np.bincount(inside, minlength=k)
        assert counts.max() - counts.min() <= 1 + len(inside) // (5 * k)


@pytest.mark.parametrize("form", [str, lambda number: f"{number}.0"], ids=["text", "floats as text"])
def test_other_forms_of_the_same_ids_in_another_order_are_on_the_same_sides(players, settings, form):
    few = settings(data={"max_unlabeled": 100})
    numbers = players()
    texts = replace(numbers, ids=np.array([form(one) for one in numbers.ids])).take(rng().permutation(len(numbers)))
    (kept, fold), (again, same) = split(numbers, few), split(texts, few)
    where = dict(zip(kept.ids.tolist(), fold.tolist(), strict=True))
    assert {int(float(one)): side for one, side in zip(again.ids, same.tolist(), strict=True)} == where
    assert set(where.values()) == {-1, 0, 1, 2, 3, 4, 5}


@given(newcomer=st.integers(1_000, 2**62), label=st.sampled_from([-1, 0, 3]), seed=st.integers(0, 99))
@any_case
def test_a_new_player_moves_nobody_to_or_from_the_test_and_few_to_another_fold(
    players, settings, newcomer, label, seed
):
    chosen, sizes = settings(seed=seed), {"dormant": 30, "normal": 30, "heavy": 30, "risky": 25, "unlabeled": 300}
    before = players(sizes)
    columns = {name: np.append(getattr(before, name), value) for name, value in NEWCOMER.items()}
    columns |= {"ids": np.append(before.ids, newcomer), "labels": np.append(before.labels, np.int8(label))}
    after = replace(before, features=np.vstack([before.features, np.ones(3, np.float32)]), **columns)
    fold, now = split(before, chosen)[1], split(after, chosen)[1][:-1]
    np.testing.assert_array_equal(fold < 0, now < 0)
    moved = (fold != now) & (fold >= 0)
    assert not moved[before.labels != label].any()
    assert np.count_nonzero(moved) < 2 * 5
    assert not ((fold == 5) != (now == 5)).any()


def test_a_new_player_moves_about_one_of_twenty_risky_ones_to_another_fold(players):
    moved = []
    for seed in range(200):
        everyone = players({"dormant": 20, "normal": 20, "heavy": 20, "risky": 21, "unlabeled": 20})
        risky = np.flatnonzero(everyone.labels == 3)
        some = np.delete(np.arange(len(everyone)), risky[seed % 21])
        fold = assign_folds(everyone, Populations(), 5, seed)[some]
        moved.append(np.count_nonzero(fold != assign_folds(everyone.take(some), Populations(), 5, seed)))
    assert np.mean(moved) < 1.5
    assert max(moved) < 5


def test_a_fifth_of_the_unlabelled_players_and_nobody_else_is_set_apart_for_thresholds(players):
    everyone = players({"dormant": 20, "normal": 20, "heavy": 20, "risky": 20, "unlabeled": 10_000})
    fold = assign_folds(everyone, Populations(), 5, 0)
    [apart] = np.bincount(everyone.labels[fold == 5] + 1)
    assert apart == pytest.approx(2_000, abs=120)  # three standard deviations


def test_no_more_are_set_apart_than_thresholds_need(players, monkeypatch):
    monkeypatch.setattr(folds, "MAX_THRESHOLD_PLAYERS", 30)
    assert np.count_nonzero(assign_folds(players(), Populations(), 5, 0) == 5) == 30


def test_the_same_seed_gives_the_same_folds_and_another_seed_others(players):
    folds = [assign_folds(players(), Populations(), 5, seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(folds[0], folds[1])
    assert (folds[0] != folds[2]).any()


def test_hold_out_takes_about_its_share_of_each_population(players):
    held = hold_out(
        players({"dormant": 2_000, "normal": 2_000, "heavy": 2_000, "risky": 2_000, "unlabeled": 9_000}), 0.2
    )
    assert held.test_sets == ("test",)
    for label in (0, 1, 2, 3, -1):
        assert np.mean(held.test_set[held.labels == label]) == pytest.approx(0.2, abs=0.03)


def test_who_is_held_out_hangs_on_the_id_alone(players):
    everyone = players()
    tested = set(everyone.ids[hold_out(everyone, 0.2).test_set == 1])
    order = np.random.default_rng(3).permutation(len(everyone))[: len(everyone) * 9 // 10]
    fewer = everyone.take(order)
    again = set(fewer.ids[hold_out(fewer, 0.2).test_set == 1])
    assert again == tested & set(fewer.ids)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_somebody_of_each_population_is_held_out_and_somebody_stays(players, share):
    held = hold_out(players({"dormant": 9, "normal": 9, "heavy": 9, "risky": 2, "unlabeled": 9}), share)
    for label in (0, 1, 2, 3, -1):
        assert set(held.test_set[held.labels == label]) == {0, 1}
    assert not held_out(lots(np.array([4])), share).any()
    assert not held_out(lots(np.array([], int)), share).any()


def test_test_sets_of_the_source_are_kept(players, settings):
    everyone = players()
    everyone.test_set[-50:] = 2
    everyone.test_set[-100:-50] = 1
    with_tests = type(everyone)(**{**vars(everyone), "test_sets": ("corrected", "later")})
    kept, fold = split(with_tests, settings())
    assert kept.test_sets == ("corrected", "later")
    np.testing.assert_array_equal(fold[-100:], np.repeat([-1, -2], 50))
    assert (fold[:-100] >= 0).all()


def test_only_unlabelled_players_of_the_pool_are_sampled(players):
    everyone = hold_out(players(), 0.2)
    stay = sample(everyone, Data(max_unlabeled=100), 7)[1]
    may_go = (everyone.labels == -1) & (everyone.test_set == 0)
    assert np.count_nonzero(stay & may_go) == 100
    assert stay[~may_go].all()
    assert sample(everyone, Data(max_unlabeled=160), 7)[1].all()


def test_players_who_are_sampled_stand_for_those_left_out_too_however_often_they_are_sampled(players):
    everyone = hold_out(players(), 0.2)
    there = np.count_nonzero((everyone.labels == -1) & (everyone.test_set == 0))
    kept = everyone
    for most in (100, 100, 50):
        kept, _ = sample(kept, Data(max_unlabeled=most), 7)
        assert kept.each_unlabeled * most == pytest.approx(there)


def test_with_test_players_still_to_be_held_out_training_reads_about_as_many_as_were_stated(players, settings):
    kept, fold = split(players(), settings(data={"max_unlabeled": 80}))
    assert np.count_nonzero(kept.labels == -1) == 100
    assert np.count_nonzero((kept.labels == -1) & (fold >= 0)) == pytest.approx(80, abs=12)


def test_who_is_sampled_hangs_on_the_id_and_the_seed_alone(players):
    everyone, few = players(), Data(max_unlabeled=40)
    stay = sample(everyone, few, 7)[1]
    order = rng().permutation(len(everyone))
    np.testing.assert_array_equal(sample(everyone.take(order), few, 7)[1], stay[order])
    assert sample(everyone.take(stay), few, 7)[1].all()
    other = sample(everyone, few, 8)[1]
    assert (other != stay).any()


def test_the_sample_is_no_likelier_to_be_held_out_than_others(players):
    everyone = players({"dormant": 9, "normal": 9, "heavy": 9, "risky": 9, "unlabeled": 20_000})
    tested = hold_out(everyone, 0.2).test_set[36:] == 1
    stay = sample(everyone, Data(max_unlabeled=4_000), 7)[1][36:]
    assert np.mean(tested[stay]) == pytest.approx(0.2, abs=0.02)


def test_of_some_rows_all_labelled_players_stay_and_unlabelled_ones_by_id_and_seed_in_whatever_order(players):
    everyone = players()
    rows = np.arange(10, len(everyone))
    chosen = few_unlabeled(everyone, rows, 30, 5)
    labelled = rows[everyone.labels[rows] != -1]
    np.testing.assert_array_equal(chosen[:-30], labelled)
    assert (np.diff(chosen[-30:]) > 0).all()
    order = rng().permutation(len(everyone))
    turned = everyone.take(order)
    again = few_unlabeled(turned, np.flatnonzero(np.isin(turned.ids, everyone.ids[rows])), 30, 5)
    assert set(turned.ids[again]) == set(everyone.ids[chosen])
    assert set(few_unlabeled(everyone, rows, 30, 6)) != set(chosen)
    assert len(few_unlabeled(everyone, rows, 10_000, 5)) == len(rows)


def test_lots_of_text_are_those_of_each_alone_however_many_there_are(players, monkeypatch):
    names = np.array([f"p{number}" for number in range(100)])
    together = lots(names)
    monkeypatch.setattr(ids, "BLOCK_ROWS", 7)
    np.testing.assert_array_equal(lots(names), together)
    assert len(np.unique(together)) == 100


def test_fewer_players_than_folds_are_refused(players):
    few = players({"dormant": 9, "normal": 9, "heavy": 9, "risky": 4, "unlabeled": 9})
    with pytest.raises(DataProblem, match=r"at least 5 'risky' players for 5 folds .*, got 4: lower folds.k or add"):
        assign_folds(few, Populations(), 5, 0)


def rng():
    return np.random.default_rng(0)
