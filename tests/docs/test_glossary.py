"""Words that were given up do not come back; docs/glossary.md has those that took their place."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERYWHERE = ("scarcegan", "cards", "flows", "localaws", "config", "docs", "README.md", "CONTRIBUTING.md")
TRAINING = ("scarcegan/gan", "scarcegan/evaluation", "scarcegan/workflow/retraining", "cards/train_card.py")
# Given up: what to say instead, where it may not be, and where it may all the same.
GIVEN_UP = {
    # AWS, Vega's text marks and scikit-learn's boosting have a word like it.
    r"base-?line(?!\": \"top|_prediction)": ("rival", EVERYWHERE, ("scarcegan/aws", "docs/replay", "docs/quality")),
    r"(?<!scarcegan\.)history": ("progress", TRAINING, ()),  # of a training; past runs are `scarcegan.history`
    r"snapshot": ("round", ("scarcegan/gan", "scarcegan/evaluation"), ()),  # of weights; a snapshot is a table
}


@pytest.mark.parametrize("word", GIVEN_UP)
def test_a_word_that_was_given_up_does_not_come_back(word):
    instead, rooms, allowed = GIVEN_UP[word]
    found = [
        f"{name}:{number}"
        for name, text in texts(rooms)
        if not name.startswith(("docs/glossary.md", *allowed))
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(word, line, re.IGNORECASE)
    ]
    assert found == [], f"say '{instead}'"


def test_the_glossary_has_each_word_once():
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = [word for word in rows if word != "word"]
    assert sorted(words) == sorted(set(words))


def texts(rooms):
    for room in rooms:
        path = ROOT / room
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".md", ".toml"):
                yield str(file.relative_to(ROOT)), file.read_text()
