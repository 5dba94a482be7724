"""A record is a frozen dataclass by its class line."""

from dataclasses import FrozenInstanceError, field, replace

import pytest

from scarcegan.records import Record


class Known(Record):
    name: str
    figures: dict[str, float] = field(default_factory=dict)


class More(Known, kw_only=True):
    players: int


class Around(Record):
    known: Known


def test_the_class_line_makes_a_frozen_dataclass():
    known = Known("balanced", {"recall": 0.5})
    assert replace(known, name="first") == Known("first", {"recall": 0.5})
    with pytest.raises(FrozenInstanceError):
        known.name = "other"


def test_a_record_adds_its_own_fields_to_those_of_the_record_above_it():
    assert More("balanced", players=3).to_plain() == {"name": "balanced", "figures": {}, "players": 3}


def test_a_record_within_a_record_goes_to_plain_data_and_back():
    plain = {"known": {"name": "balanced", "figures": {"recall": 0.5}}}
    assert Around.from_plain(plain).to_plain() == plain
