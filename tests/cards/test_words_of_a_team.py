"""A team that looks for fraudulent cards reads its own words on every page, and nobody else's."""

import re
from dataclasses import replace

import card_samples
import outcomes_samples
import pytest
import screenshots

from scarcegan.settings import load
from scarcegan.settings.words_section import USUAL, Words

FRAUD = {"row": "card", "who": "which", "rare": "fraudulent", "reviewer": "analyst", "season": "quarter"}
CLASSES = {"negatives": ["travel", "corporate", "gift"], "rare": "fraud"}
CACHED = ("data_report", "evaluation")
# Names in files, of settings, of the sample's own features, snapshots and columns.
NAMES = re.compile(r"player_id|players-\d|scarcegan-risky-players|bonus_claims|night_play|night play")


@pytest.fixture
def theirs(monkeypatch):
    """The records of the cards, made by the product with settings of that team."""
    settings = load({"evaluate": {"bootstrap": 20}, "populations": CLASSES, "words": FRAUD | {"activity": "use"}})
    series = {name: ends for name, ends in card_samples.SERIES.items() if "recall_of" not in name}
    series |= {f"validation_recall_of_{name}": (0.1, 0.5) for name in settings.populations.classes}
    monkeypatch.setattr(card_samples, "SETTINGS", settings)
    monkeypatch.setattr(card_samples, "SERIES", series)
    for name in CACHED:
        getattr(card_samples, name).cache_clear()
    words = settings.words
    samples = {name: getattr(card_samples, name) for name in ("progress", "drift", "score_report", "comparison")}
    for name, sample in samples.items():
        told = lambda *args, sample=sample, **more: replace(sample(*args, **more), words=words)  # noqa: E731
        monkeypatch.setattr(card_samples, name, told)
    outcomes = outcomes_samples.outcomes
    monkeypatch.setattr(outcomes_samples, "outcomes", lambda: replace(outcomes(), words=words))
    quiet = {"travel": 51.2, "corporate": 40.0, "gift": 12.25, "fraud": 20.5, "unlabeled": 44.4}
    snapshot = card_samples.snapshot()
    monkeypatch.setattr(card_samples, "snapshot", lambda: replace(snapshot, quiet_days=quiet))
    rows = [row | {"class": "fraud"} for row in card_samples.first_rows()]
    monkeypatch.setattr(card_samples, "first_rows", lambda: rows)
    classes = dict(zip((*settings.populations.classes, "unknown"), range(5), strict=True))
    report = replace(card_samples.score_report(), classes=classes)
    monkeypatch.setattr(card_samples, "score_report", lambda: report)
    yield
    for name in CACHED:
        getattr(card_samples, name).cache_clear()


@pytest.mark.usefixtures("theirs")
def test_every_card_is_in_the_words_of_the_team(read):
    for name, components in screenshots.sample_cards().items():
        text = NAMES.sub("", read(components))
        found = re.findall(r"[^.\"]{0,60}(?:player|risky|moderator|season)[^.\"]{0,40}", text, re.IGNORECASE)
        assert found == [], name
        assert re.findall(r"\{(?:rows?|rare|who|whom|reviewers?|nobody|season)\}", text, re.IGNORECASE) == [], name


@pytest.mark.usefixtures("theirs")
def test_sentences_are_grammatical_for_things_as_for_persons(read):
    text = read(screenshots.sample_cards()["review"])
    assert "Harmless cards which are flagged" in text
    assert "an analyst looks at each" in text
    assert "from a quarter like the one" in text
    assert "finds" in text
    assert "of fraudulent cards where it flags" in text


def test_only_the_words_that_are_given_change():
    words = load({"words": {"row": "card", "reviewers": "fraud squads"}}).words
    assert words == Words(row="card", rows="cards", reviewers="fraud squads")
    assert words.rare == USUAL.rare
    assert words.fill("{Rows} for {a_reviewer}") == "Cards for a moderator"


def test_a_record_of_older_code_reads_with_the_words_of_its_time(evaluation):
    plain = evaluation.to_plain()
    del plain["words"]
    assert type(evaluation).from_plain(plain).words == USUAL
    assert type(evaluation).from_plain(evaluation.to_plain()) == evaluation
