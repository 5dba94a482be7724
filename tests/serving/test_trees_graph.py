import numpy as np
import pytest

from scarcegan.serving.wire import INT32, Graph, saved_model

ATOL = 1e-6


@pytest.fixture
def in_tensorflow(tmp_path):
    """Write a graph of one part as a SavedModel, and answer as TensorFlow does."""

    def answer(trees, rows):
        import tensorflow as tf

        graph = Graph()
        raw = graph.placeholder("features", (-1, rows.shape[1]))
        risk = trees.add_risk_to(graph, graph.floats("Transpose", raw, graph.constant([1, 0], INT32)))
        features, risks = {"features": (raw, (-1, rows.shape[1]))}, {"risk": (risk, (-1,))}
        (tmp_path / "saved_model.pb").write_bytes(saved_model(graph, features, risks))
        signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
        return signature(features=tf.constant(rows))["risk"].numpy()

    return answer


def scored(trees, rows):
    total = np.zeros(len(rows), dtype=np.float32)
    trees.add_risk(rows.T, total)
    return total


@pytest.mark.parametrize(("link", "count"), [("mean", 7), ("logit", 7), ("logit", 300)])
def test_tensorflow_gives_the_scorers_numbers(make_trees, tied, in_tensorflow, link, count):
    trees = make_trees(link, count)
    np.testing.assert_allclose(in_tensorflow(trees, tied), scored(trees, tied), atol=ATOL)


def test_a_model_of_one_leaf_is_served(make_trees, tied, in_tensorflow):
    trees = make_trees(count=1)
    assert len(trees.values) == 1
    np.testing.assert_allclose(in_tensorflow(trees, tied), scored(trees, tied), atol=ATOL)


def test_one_player_is_served(make_trees, tied, in_tensorflow):
    trees = make_trees()
    np.testing.assert_allclose(in_tensorflow(trees, tied[5:6]), scored(trees, tied[5:6]), atol=ATOL)


def test_equal_trees_give_equal_bytes(make_trees):
    graphs = [Graph(), Graph()]
    for graph in graphs:
        make_trees().add_risk_to(graph, graph.placeholder("columns", (6, -1)))
    assert graphs[0].nodes == graphs[1].nodes
