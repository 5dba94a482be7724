"""Facts as flat text: whatever SageMaker takes comes back to the last digit, and nothing else is sent."""

import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scarcegan.aws.metadata import OURS, OWN_KEYS, from_metadata, to_metadata
from scarcegan.problems import RegistryProblem
from scarcegan.records import Bound
from scarcegan.registry import AgainstChampion, ModelToRegister

# SageMaker's own pattern of keys and values, in Python's words (no underscore: it is in the second part).
TAKEN = re.compile(r"(?:[^\W_]|[\s_.:/=+\-@])+")
MODEL = ModelToRegister(
    definition="balanced",
    archive=Path("model.tar.gz"),
    sha256="0" * 64,
    threshold=0.25,
    release_id="release-11",
    origin_run_id="11",
    run_pathspec="RetrainFlow/11",
)
allowed = st.text(st.characters(categories=["L", "N", "Zs"], include_characters="_.:/=+-@"), min_size=1, max_size=256)
keys = allowed.filter(lambda key: len(key) <= 128 and key not in OWN_KEYS and not key.startswith((*OURS, "decision.")))
numbers = st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[a-z_]{1,20}", fullmatch=True)


@settings(max_examples=50)  # long texts take long to make
@given(
    # With the registry's own 8 entries and a bound's 8 there is room for 34.
    metadata=st.dictionaries(keys, allowed, max_size=17),
    metrics=st.dictionaries(names, numbers, max_size=17),
    threshold=numbers,
    bound=st.sampled_from([None, Bound("cannot be told", "precision", 0.9, 0.95, 1.0, 0.7012345678901234, 1.0, False)]),
    size=st.integers(1, 9),
)
def test_allowed_facts_come_back_to_the_last_digit(metadata, metrics, threshold, bound, size):
    model = replace(MODEL, metadata=metadata, metrics=metrics, threshold=threshold, bound=bound)
    back = from_metadata(to_metadata(model, size))
    assert (back["metadata"], back["metrics"], back["threshold"]) == (metadata, metrics, threshold)
    assert (back["bound"], back["release_size"], back["token"]) == (bound, size, model.token)


@given(metadata=st.dictionaries(st.text(max_size=140), st.text(max_size=300), max_size=60), size=st.integers(1, 9))
def test_what_is_not_refused_is_what_sagemaker_takes(metadata, size):
    try:
        entries = to_metadata(replace(MODEL, metadata=metadata), size)
    except RegistryProblem:
        return
    assert len(entries) <= 50
    for key, value in entries.items():
        assert 1 <= len(key) <= 128
        assert 1 <= len(value) <= 256
        assert TAKEN.fullmatch(key)
        assert TAKEN.fullmatch(value)


@pytest.mark.parametrize(
    "against",
    [None, AgainstChampion("no rival", version=3), AgainstChampion("worse", -0.1 - 0.2, -0.5, -1e-9, version=3)],
)
def test_what_is_known_against_the_champion_comes_back(against):
    back = from_metadata(to_metadata(replace(MODEL, against_champion=against), 1))
    assert (back["against_champion"], back["metadata"]) == (against, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": {"{}": "y"}}, "1 to 128 letters"),
        ({"metadata": {"x" * 129: "y"}}, "1 to 128 letters"),
        ({"definition": "a(b)"}, "1 to 256 letters"),
        ({"metadata": {"token": "mine"}}, "reserved"),
        ({"metadata": {f"k{n}": "v" for n in range(50)}}, "at most 50"),
        ({"description": "x" * 1025}, "description"),
    ],
)
def test_what_sagemaker_would_not_take_is_refused(change, message):
    with pytest.raises(RegistryProblem, match=message):
        to_metadata(replace(MODEL, **change), 4)


@pytest.mark.reliability(
    case="The configuration's path has characters that SageMaker does not take",
    sees="nothing: they are escaped",
    resume="registers what older code refused",
)
@pytest.mark.parametrize(
    "path",
    [
        *("/home/jo/our (v2)/c.toml", "/home/o'brien/c.toml", "/data/a,b/c.toml", "/data/R&D/#7/~x/[old]/50%/c.toml"),
        *(unicodedata.normalize("NFD", "/home/jörg/c.toml"), "/data/🎲/c=1.toml", "\tc.toml"),
    ],
)
def test_a_path_with_any_characters_comes_back(path):
    entries = to_metadata(replace(MODEL, metadata={"config": path, "note": ""}), 1)
    assert all(TAKEN.fullmatch(value) for value in entries.values())
    assert from_metadata(entries)["metadata"] == {"config": path}


@pytest.mark.reliability(
    case="The configuration's path is too long for SageMaker",
    sees="the path, cut in its middle",
    resume="registers what older code refused",
)
@pytest.mark.parametrize("folder", ["x", "é", "(", "\udcff"])
def test_a_path_beyond_the_room_keeps_its_beginning_and_its_end(folder):
    entries = to_metadata(replace(MODEL, metadata={"config": f"/data/{folder * 4000}/c.toml"}), 1)
    assert all(TAKEN.fullmatch(value) and len(value) <= 256 for value in entries.values())
    kept = from_metadata(entries)["metadata"]["config"]
    assert kept.startswith("/data/")
    assert "..." in kept
    assert kept.endswith("/c.toml")


@given(warnings=st.lists(st.text(min_size=1, max_size=60).filter(lambda text: len(text.encode()) < 80), max_size=10))
def test_warnings_come_back_whatever_characters_they_have(warnings):
    entries = to_metadata(replace(MODEL, warnings=warnings), 1)
    assert all(TAKEN.fullmatch(value) for value in entries.values())
    back = from_metadata(entries)
    assert (back["warnings"], back["metadata"]) == (tuple(warnings), {})


def test_long_warnings_are_cut_and_those_beyond_the_room_are_counted():
    crowded = replace(MODEL, metadata={f"fact {number}": "x" for number in range(36)}, warnings=["né (" * 200] * 30)
    entries = to_metadata(crowded, 1)
    assert len(entries) == 50
    assert max(map(len, entries.values())) <= 256
    *cut, last = from_metadata(entries)["warnings"]
    assert all(text.startswith("né (né (") and text.endswith("...") for text in cut)
    assert last == f"and {30 - len(cut)} more, see the card of the run's step preprocess"


def test_tokens_tell_run_definition_and_archive_apart():
    others = [replace(MODEL, **{name: "other"}) for name in ("origin_run_id", "definition", "sha256")]
    assert len({model.token for model in (MODEL, *others)}) == 4
    assert replace(MODEL, run_pathspec="RetrainFlow/99", release_id="release-99").token == MODEL.token
