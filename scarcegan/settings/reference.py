"""The page of all settings, docs/configuration.md: `make reference` writes it anew."""

import json
import sys
from collections.abc import Iterator
from itertools import groupby

from pydantic.json_schema import JsonSchemaValue

from scarcegan.settings import Settings, documented_keys

_HEAD = """# Configuration

Written by `make reference`; don't edit.

A configuration is a TOML file. A key that it leaves out keeps its default. Before anything starts, an unknown key is
refused with the nearest valid name, and a value out of range with that range. A dot in a key stands for a table:
`data.path` is `path` in `[data]`. Where the default is a dash, the key is left out.

In a path or an `s3://` address `~` and `$VARIABLES` are expanded. A relative path counts from the project's root; one
that you type at a prompt (`--data`, `--folder`) counts from the working directory.
"""
_LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def page() -> str:
    """Return the whole page: a table of key, values, default and meaning for each section."""
    schema = Settings.model_json_schema()
    sections = groupby(documented_keys(), key=lambda row: row[0].split(".")[0] if "." in row[0] else "")
    parts = [_HEAD]
    for name, rows in sections:
        parts.append(_heading(schema, name) if name else "## At the top of the file\n")
        parts.append("\n".join(_table(schema, list(rows))) + "\n")
    return "\n".join(parts)


def _heading(schema: JsonSchemaValue, name: str) -> str:
    table = f"[[{name}]]" if schema["properties"][name].get("type") == "array" else f"[{name}]"
    return f"## `{table}`\n\n{_at(schema, name)['description']}\n"


def _table(schema: JsonSchemaValue, rows: list[tuple[str, str]]) -> Iterator[str]:
    yield "| key | values | default | meaning |"
    yield "|---|---|---|---|"
    for key, meaning in rows:
        told = _at(schema, key)
        is_table = "properties" in told
        default = "" if is_table else _default(schema, key)
        yield f"| `{key}` | {'table' if is_table else _values(told)} | {default} | {meaning} |"


def _at(schema: JsonSchemaValue, key: str) -> JsonSchemaValue:
    """Return what the schema says of a dotted key: of a table what is in it, of a list of tables what is in each."""
    told = schema
    for part in key.split("."):
        told = told["properties"][part]
        reference = told.get("$ref") or told.get("items", {}).get("$ref")
        if reference:
            told = schema["$defs"][reference.split("/")[-1]]
    return told


def _default(schema: JsonSchemaValue, key: str) -> str:
    value = Settings().model_dump(mode="json")
    for part in key.split("."):
        if isinstance(value, list):  # a list of tables: each key of theirs has a default of its own
            return "-" if "default" in _at(schema, key) else "needed"
        value = value[part]
    return "-" if value is None else f"`{json.dumps(value)}`"


def _values(told: JsonSchemaValue) -> str:
    """Say in words what values a key takes."""
    if "anyOf" in told:  # the other one is null: left out
        return _values(told["anyOf"][0])
    if "enum" in told:
        return " or ".join(f"`{value}`" for value in told["enum"])
    if told["type"] == "array":
        fewest = " (at least one)" if told.get("minItems") else ""
        return f"list{fewest}: {_values(told['items'])}"
    if "pattern" in told:
        return f"text, `{told['pattern']}`"
    kind = {"string": "text", "boolean": "`true` or `false`"}.get(told["type"], str(told["type"]))
    limits = ", ".join(f"{sign} {told[limit]}" for limit, sign in _LIMITS.items() if limit in told)
    return f"{kind} {limits}".strip()


if __name__ == "__main__":
    sys.stdout.write(page())
