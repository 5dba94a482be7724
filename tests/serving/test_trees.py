import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

from scarcegan.problems import RegistryProblem
from scarcegan.serving.archive import read_archive, write_archive
from scarcegan.serving.trees import Trees


def paths(trees, row):
    """The nodes that a player passes in each tree, in plain Python."""
    for node in trees.roots:
        path = [node]
        while trees.feature[node] >= 0:
            value = row[trees.feature[node]]
            goes_left = trees.missing_left[node] if np.isnan(value) else value <= trees.threshold[node]
            node = trees.left[node] if goes_left else trees.right[node]
            path.append(node)
        yield path


def expected_risk(trees, rows):
    sums = np.array([sum(float(trees.values[path[-1]]) for path in paths(trees, row)) for row in rows])
    return sums / len(trees.roots) if trees.link == "mean" else 1 / (1 + np.exp(-sums))


def risk(trees, rows):
    total = np.zeros(len(rows))
    trees.add_risk(rows.T, total)
    return total


@pytest.mark.parametrize("link", ["mean", "logit"])
def test_the_risk_is_what_the_leaves_say(make_trees, tied, link):
    trees = make_trees(link)
    np.testing.assert_allclose(risk(trees, tied), expected_risk(trees, tied), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_risk_is_added_to_what_is_there(make_trees, tied, dtype):
    trees, total = make_trees(), np.full(len(tied), 0.5, dtype=dtype)
    trees.add_risk(tied.T, total)
    np.testing.assert_allclose(total, 0.5 + risk(trees, tied), atol=1e-6)
    assert total.dtype == dtype


def test_nobody_is_scored_where_nobody_is(make_trees, tied):
    assert risk(make_trees(), tied[:0]).shape == (0,)


def test_sure_sums_stay_probabilities(make_trees, tied):
    trees = make_trees("logit")
    for value, sure in ((-1e4, 0.0), (1e4, 1.0)):
        extreme = replace(trees, values=np.full_like(trees.values, value))
        assert np.abs(risk(extreme, tied) - sure).max() < 1e-30


def test_two_threads_score_at_once(make_trees, tied):
    trees, many = make_trees(count=30), np.tile(tied, (20, 1))
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda _: risk(trees, many), range(8)))
    expected = risk(make_trees(count=30), many)
    assert all((one == expected).all() for one in found)


@pytest.mark.parametrize("link", ["mean", "logit"])
def test_trees_come_back_from_plain_data(make_trees, tied, link):
    trees = make_trees(link)
    expected = risk(trees, tied)
    plain = trees.to_plain()
    assert plain.keys() == {field.name for field in fields(Trees)}
    back = Trees.from_plain(plain)
    back.check("part 0", 6)
    assert back.link == link
    assert (risk(back, tied) == expected).all()


def test_trees_come_back_from_an_archive(make_trees, tied, tmp_path):
    trees = make_trees()
    write_archive(trees.to_plain(), {}, tmp_path / "model.tar.gz", {})
    back = read_archive(tmp_path / "model.tar.gz", None, Trees.from_plain)
    back.check("part 0", 6)
    assert (risk(back, tied) == risk(trees, tied)).all()


def test_trees_know_a_way_for_missing_values(make_trees):
    assert make_trees().fills_missing


@pytest.mark.parametrize("link", ["mean", "logit"])
def test_shares_add_up_to_the_difference_from_the_typical_player(make_trees, tied, link):
    trees, typical = make_trees(link), tied[7]
    shares = trees.attributions(tied, typical)
    assert (shares.shape, shares.dtype) == (tied.shape, np.float32)
    difference = risk(trees, tied) - risk(trees, typical[None, :])
    np.testing.assert_allclose(shares.sum(axis=1), difference, atol=1e-6)
    assert (shares[7] == 0).all()


def test_a_split_is_credited_with_what_it_changes(make_trees, tied):
    trees, typical = make_trees("mean"), tied[7]

    def credits(row):
        found = np.zeros(len(row))
        for path in paths(trees, row):
            for node, child in itertools.pairwise(path):
                found[trees.feature[node]] += float(trees.values[child]) - float(trees.values[node])
        return found / len(trees.roots)

    expected = [credits(row) - credits(typical) for row in tied]
    np.testing.assert_allclose(trees.attributions(tied, typical), expected, atol=1e-6)


def test_shares_of_equal_risks_are_stretched_by_the_slope_there():
    """Two features move the log-odds, by plus and minus one: the risk is the same, its shares are not nothing."""
    values = np.array([0, -0.5, 0.5, 0, 0.5, -0.5], dtype=np.float32)
    feature, left, right = (
        np.array(one, dtype=np.int32) for one in ([0, -1, -1, 1, -1, -1], [1, 1, 2, 4, 4, 5], [2, 1, 2, 5, 4, 5])
    )
    roots, flat = np.array([0, 3], dtype=np.int32), np.zeros(6, dtype=np.float32)
    trees = Trees(feature, flat, flat > 0, left, right, values, roots, "logit")
    trees.check("part 0", 2)
    shares = trees.attributions(np.ones((1, 2), np.float32), -np.ones(2, np.float32))
    np.testing.assert_allclose(shares, [[0.25, -0.25]], atol=1e-6)


def test_shares_are_the_same_in_chunks(make_trees, tied, monkeypatch):
    trees = make_trees("logit")
    expected = trees.attributions(tied, tied[7])
    monkeypatch.setattr("scarcegan.serving.trees.CHUNK_PATHS", 3)
    assert (trees.attributions(tied, tied[7]) == expected).all()


def changed(array, place, value):
    found = array.copy()
    found[place] = value
    return found


@pytest.mark.parametrize(
    ("field", "change", "words"),
    [
        ("values", lambda array: changed(array, 3, np.nan), "finite numbers in part 0's values"),
        ("values", lambda array: array.astype(np.float64), "part 0's values as float32"),
        ("threshold", lambda array: changed(array, 3, np.nan), "part 0's thresholds below infinity"),
        ("threshold", lambda array: changed(array, 3, np.inf), "part 0's thresholds below infinity"),
        ("threshold", lambda array: array[1:], "part 0's threshold as float32"),
        ("missing_left", lambda array: array.astype(np.int8), "part 0's missing_left as bool"),
        ("feature", lambda array: array.astype(np.int64), "part 0's feature as int32"),
        ("feature", lambda array: np.where(array == 5, 6, array).astype(np.int32), "from -1 to 5, got -1 to 6"),
        ("feature", lambda array: changed(array, 0, -2), "from -1 to 5, got -2 to 5"),
        ("left", lambda array: array[:, None], "part 0's left as int32"),
        ("left", lambda array: changed(array, 0, 0), "children behind their parent"),
        ("right", lambda array: changed(array, 0, 41), "children behind their parent in the same tree"),
        ("right", lambda array: changed(array, -1, 0), "leaves as their own children"),
        ("right", lambda array: changed(array, 0, -1), "children behind their parent"),
        ("roots", lambda array: array[1:], "roots ascending from 0"),
        ("roots", lambda array: array[:0], "roots ascending from 0"),
        ("roots", lambda array: changed(array, 1, 0), "roots ascending from 0"),
        ("roots", lambda array: changed(array, -1, 10_000), "roots ascending from 0"),
        ("roots", lambda array: array.astype(np.int64), "part 0's roots as int32"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(make_trees, field, change, words):
    trees = make_trees()
    trees.check("part 0", 6)
    with pytest.raises(RegistryProblem, match=words):
        replace(trees, **{field: change(getattr(trees, field))}).check("part 0", 6)
