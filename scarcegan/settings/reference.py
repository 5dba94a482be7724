"""The page of all settings, docs/configuration.md: `make reference` writes it anew."""

import inspect
import json
import sys
from itertools import groupby

from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticUndefined

from scarcegan.settings import Settings
from scarcegan.settings.section import Key, Section, keys_of

_HEAD = """# Configuration

Written by `make reference`; don't edit.

A configuration is a TOML file. A key that it leaves out keeps its default. Before anything starts, an unknown key is
refused with the nearest valid name, and a value out of range with that range. A dot in a key stands for a table:
`data.path` is `path` in `[data]`. Where the default is a dash, the key is left out.

In a path or an `s3://` address `~` and `$VARIABLES` are expanded. What has a `$` of its own, as `US$sales`, cannot be
written: link to it under another name. A relative path counts from the project's root; one that you type at a prompt
(`--data`, `--folder`) counts from the working directory.
"""
_COLUMNS = "| key | values | default | meaning |\n|---|---|---|---|"
_LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def page() -> str:
    """Return the whole page: a table of key, values, default and meaning for each section."""
    parts = [_HEAD]
    for name, group in groupby(keys_of(Settings), key=lambda key: key.name.rpartition(".")[0].split(".")[0]):
        keys = list(group)
        parts.append(_heading(name, keys[0].section) if name else "## At the top of the file\n")
        parts.append("\n".join([_COLUMNS, *map(_row, keys)]) + "\n")
    return "\n".join(parts)


def _heading(name: str, section: type[Section]) -> str:
    is_list = isinstance(Settings.model_fields[name].default, tuple)
    return f"## `{f'[[{name}]]' if is_list else f'[{name}]'}`\n\n{inspect.getdoc(section)}\n"


def _row(key: Key) -> str:
    if key.is_table:
        return f"| `{key.name}` | table |  | {key.meaning} |"
    told = key.section.model_json_schema()["properties"][key.name.split(".")[-1]]
    given = "needed" if key.default is PydanticUndefined else f"`{json.dumps(key.default)}`"
    default = "-" if key.default is None else given
    return f"| `{key.name}` | {_values(told)} | {default} | {key.meaning} |"


def _values(told: JsonSchemaValue) -> str:
    """Say in words what values a key takes."""
    if "anyOf" in told:  # the other one is null: left out
        return _values(told["anyOf"][0])
    if "enum" in told:
        return " or ".join(f"`{value}`" for value in told["enum"])
    if told["type"] == "array":
        fewest = " (at least one)" if told.get("minItems") else ""
        return f"list{fewest}: {_values(told['items'])}"
    if told["type"] == "object":  # a table whose keys are not settings themselves
        named = "propertyNames" in told
        return (
            f"table: {_values(told['propertyNames'])} = {_values(told['additionalProperties'])}" if named else "table"
        )
    if "pattern" in told:
        return f"text, `{told['pattern']}`"
    kind = {"string": "text", "boolean": "`true` or `false`"}.get(told["type"], str(told["type"]))
    limits = ", ".join(f"{sign} {told[limit]}" for limit, sign in _LIMITS.items() if limit in told)
    return f"{kind} {limits}".strip()


if __name__ == "__main__":
    sys.stdout.write(page())
