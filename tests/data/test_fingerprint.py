from dataclasses import replace

import numpy as np
import pytest

from scarcegan.data.players import fingerprint


def test_the_fingerprint_is_16_hexadecimal_digits_and_stable(players):
    assert fingerprint(players()) == fingerprint(players()) == "2fbec8ab998bc6d4"


def test_it_depends_on_content_and_not_on_how_arrays_lie_in_memory(players):
    everyone = players()
    turned = replace(everyone, features=np.asfortranarray(everyone.features), ids=everyone.ids.astype(np.int32))
    assert fingerprint(turned) == fingerprint(everyone)


@pytest.mark.parametrize("column", ["ids", "features", "labels", "test_set"])
def test_one_changed_value_changes_it(players, column):
    everyone = players()
    before = fingerprint(everyone)
    getattr(everyone, column).flat[7] += 1
    assert fingerprint(everyone) != before


@pytest.mark.parametrize(
    "change",
    [
        {"feature_names": ("opens", "night", "burst")},
        {"test_sets": ("test",)},
        {"ids": np.arange(317).astype(str)},
    ],
)
def test_other_names_or_ids_of_another_kind_change_it(players, change):
    assert fingerprint(replace(players(), **change)) != fingerprint(players())


def test_text_ids_count_by_content(players):
    ids = np.array([f"p{number}" for number in range(317)])
    wide = replace(players(), ids=ids.astype("U40"))
    assert fingerprint(replace(players(), ids=ids)) == fingerprint(wide)
    assert fingerprint(replace(players(), ids=ids.astype(object))) == fingerprint(wide)
    assert fingerprint(replace(players(), ids=ids[::-1])) != fingerprint(wide)


def test_the_known_truth_does_not_count(players):
    everyone = players()
    assert fingerprint(replace(everyone, truth=np.ones(317, dtype=np.int8))) == fingerprint(everyone)
