"""docs/configuration.md is what the settings say: `python tests/docs/test_configuration.py > docs/configuration.md`."""

import inspect
import json
import sys
from itertools import groupby
from pathlib import Path

from pydantic_core import PydanticUndefined

from scarcegan.settings import Settings
from scarcegan.settings.section import keys_of

WRITTEN = Path(__file__).parents[2] / "docs" / "configuration.md"
BEGINNING = """# Configuration

Written by `make reference`; don't edit.

A configuration is a TOML file. A key that it leaves out keeps its default. Before anything starts, an unknown key is
refused with the nearest valid name, and a value out of range with that range. A dot in a key stands for a table:
`data.path` is `path` in `[data]`. Where the default is a dash, the key is left out.

In a path or an `s3://` address `~` and `$VARIABLES` are expanded. What has a `$` of its own, as `US$sales`, cannot be
written: link to it under another name. A relative path counts from the project's root; one that you type at a prompt
(`--data`, `--folder`) counts from the working directory.
"""
COLUMNS = "| key | values | default | meaning |\n|---|---|---|---|"
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def page():
    """Return the whole page: a table of key, values, default and meaning for each section."""
    parts = [BEGINNING]
    for name, group in groupby(keys_of(Settings), key=lambda key: key.name.rpartition(".")[0].split(".")[0]):
        keys = list(group)
        parts.append(heading(name, keys[0].section) if name else "## At the top of the file\n")
        parts.append("\n".join([COLUMNS, *map(row, keys)]) + "\n")
    return "\n".join(parts)


def heading(name, section):
    is_list = isinstance(Settings.model_fields[name].default, tuple)
    return f"## `{f'[[{name}]]' if is_list else f'[{name}]'}`\n\n{inspect.getdoc(section)}\n"


def row(key):
    if key.is_table:
        return f"| `{key.name}` | table |  | {key.meaning} |"
    told = key.section.model_json_schema()["properties"][key.name.split(".")[-1]]
    given = "needed" if key.default is PydanticUndefined else f"`{json.dumps(key.default)}`"
    default = "-" if key.default is None else given
    return f"| `{key.name}` | {values(told)} | {default} | {key.meaning} |"


def values(told):
    """Say in words what values a key takes."""
    if "anyOf" in told:  # the other one is null: left out
        return values(told["anyOf"][0])
    if "enum" in told:
        return " or ".join(f"`{value}`" for value in told["enum"])
    if told["type"] == "array":
        fewest = " (at least one)" if told.get("minItems") else ""
        return f"list{fewest}: {values(told['items'])}"
    if told["type"] == "object":  # a table whose keys are not settings themselves
        named = "propertyNames" in told
        return f"table: {values(told['propertyNames'])} = {values(told['additionalProperties'])}" if named else "table"
    if "pattern" in told:
        return f"text, `{told['pattern']}`"
    kind = {"string": "text", "boolean": "`true` or `false`"}.get(told["type"], str(told["type"]))
    limits = ", ".join(f"{sign} {told[limit]}" for limit, sign in LIMITS.items() if limit in told)
    return f"{kind} {limits}".strip()


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


if __name__ == "__main__":
    sys.stdout.write(page())
