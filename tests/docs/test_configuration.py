from pathlib import Path

from scarcegan.settings import Settings
from scarcegan.settings.reference import page
from scarcegan.settings.section import keys_of

WRITTEN = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_written_page_is_what_the_settings_say():
    assert WRITTEN.read_text() == page(), "the settings have changed: run `make reference`"


def test_the_page_has_a_row_for_each_key_and_a_sentence_for_each_section():
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(list(keys_of(Settings)))
    assert all(line.count("|") == 5 for line in rows), "a pipe in a cell would break the table"
    sections = [field for field in Settings.model_fields.values() if field.description is None]
    assert page().count("\n## `[") == len(sections)


def test_values_are_said_in_words():
    text = page()
    assert "| `folds.k` | integer ≥ 2, ≤ 50 | `5` |" in text
    assert '| `model.objective` | `corrected` or `published` | `"corrected"` |' in text
    assert "| `data.prevalence` | number > 0, < 1 | - |" in text
    assert "| `model.trunk` | list (at least one): integer ≥ 1, ≤ 16384 | `[200, 50]` |" in text
    assert "| `definitions.name` | text, `^[a-z][a-z0-9_]*$` | needed |" in text
    assert "## `[[definitions]]`" in text
