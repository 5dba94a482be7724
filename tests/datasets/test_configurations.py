import tomllib
from pathlib import Path

import pytest

from scarcegan import settings

CONFIG = Path(__file__).parents[2] / "config"
FILES = sorted(CONFIG.glob("*.toml"))


def flat(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield prefix + key, value


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_configuration_is_valid_and_complete_after_parsing(file):
    tree = settings.parse(file.read_text())
    assert set(tree) == set(settings.Settings.model_fields)


def test_all_data_sets_have_a_configuration():
    sources = {file.stem: settings.parse(file.read_text())["data"]["source"] for file in FILES}
    expected = {"retrain": "simulated", "kdd99_r2l": "kdd99", "kdd99_u2r": "kdd99", "lootbox": "lootbox"}
    assert expected.items() <= sources.items()


def test_the_default_configuration_lists_every_key_with_the_default():
    # None (data.prevalence) cannot be written in TOML; definitions leave their own empty keys out.
    listed = dict(flat(tomllib.loads((CONFIG / "retrain.toml").read_text())))
    default = dict(flat(settings.Settings().model_dump(mode="json")))
    definitions = [dict(flat(definition)) for definition in default.pop("definitions")]
    assert listed.pop("definitions") == definitions
    # A list of one's own tables: the file shows how, in a comment.
    assert (default.pop("estimators"), default.pop("retention.holds")) == ([], [])
    assert listed == default


def test_every_section_of_the_default_configuration_is_commented():
    lines = (CONFIG / "retrain.toml").read_text().splitlines()
    headings = [number for number, line in enumerate(lines) if line.startswith("[")]
    uncommented = [lines[n] for n in headings if not lines[n - 1].startswith("#")]
    # Later parts of a section follow the first one's comment.
    assert set(uncommented) == {"[[definitions]]", "[resources.preprocess]", "[resources.train]"}
