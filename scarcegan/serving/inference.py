"""Handlers of SageMaker's TensorFlow Serving image: CSV or JSON in, risk scores out.

This file runs inside the image, as `code/inference.py` of the model's archive, without scarcegan: the standard
library alone. A refused request ends with its message in {"error": ...}; nothing is guessed. A missing value
is sent as an empty field, null or NaN; the model fills it, and the answer says how many of a player's it has filled.
"""

import csv
import io
import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CSV, JSON = "text/csv", "application/json"
SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text())
FEATURES = [feature["name"] for feature in SCHEMA["features"]]
# The largest float32: the model takes float32, in which a larger number is infinite.
LARGEST = 3.4028234663852886e38


def input_handler(data: Any, context: Any) -> str:
    """Turn a request into TensorFlow Serving's own form.

    CSV: one player per line, in the order of the schema; or below a header with the features' names, in any order.
    JSON: {"instances": [...]} or the list alone; each player a list in the order of the schema, or an object. Both are
    UTF-8. Beside the features' names other ones are ignored: ids, row numbers, columns that training left out.

    Raises:
        ValueError: naming row and feature of what is no finite number, or missing though the model fills no missing
            values; another number of columns; missing names.
    """
    kind = _media_type(context.request_content_type)
    if kind not in (CSV, JSON):
        raise ValueError(f"expected {CSV} or {JSON}, got content type '{kind}': set Content-Type")
    body = data.read()
    # Spreadsheets begin a CSV file with a byte order mark, which would become part of the first name.
    text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
    rows = _from_csv(text) if kind == CSV else _from_json(text)
    if not rows:
        raise ValueError("expected at least one player, got none: send a row of features")
    return json.dumps({"instances": [_player(row, number) for number, row in enumerate(rows, start=1)]})


def output_handler(response: Any, context: Any) -> tuple[str, str]:
    """Turn TensorFlow Serving's answer into scores, as JSON unless the Accept header asks for CSV.

    Returns:
        JSON: {"predictions": [{"risk_score", "is_flagged", "class_probabilities": {name: share}, "missing_values"}]};
        CSV: one line per player, without header: risk score, 1 if flagged or 0, the class probabilities in the
        schema's order.

    Raises:
        ValueError: TensorFlow Serving refused, or the Accept header asks for something else.
    """
    if response.status_code != 200:
        raise ValueError(f"TensorFlow Serving refused: {response.content.decode('utf-8', 'replace')}")
    kind = _media_type(context.accept_header) or JSON
    if kind not in (CSV, JSON, "*/*", "application/*"):
        raise ValueError(f"expected {CSV} or {JSON}, got '{kind}': set Accept")
    players = json.loads(response.content)["predictions"]
    if kind == CSV:
        return "".join(_line(player) for player in players), CSV
    return json.dumps({"predictions": [_prediction(player) for player in players]}), JSON


def _media_type(header: str | None) -> str:
    # A header may list several types with parameters: only the first one counts.
    return (header or "").partition(",")[0].partition(";")[0].strip().lower()


def _from_csv(text: str) -> list[Any]:
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if not rows or not _is_header(rows[0]):
        return rows
    names = [cell.strip() for cell in rows[0]]
    _check_names(names, "the header")
    for number, row in enumerate(rows[1:], start=1):
        _check_width(row, number, names)
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def _is_header(cells: Sequence[str]) -> bool:
    """Tell a header: all features' names, or a line without any number. One bad cell among numbers is a bad cell."""
    if set(FEATURES) <= {cell.strip() for cell in cells}:
        return True
    return any(cell.strip() for cell in cells) and not any(_is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _from_json(text: str) -> list[Any]:
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise ValueError(f"expected JSON, got: {error}") from error
    rows = tree.get("instances") if isinstance(tree, dict) else tree
    if not isinstance(rows, list):
        raise ValueError('expected {"instances": [...]} or a list of players: send one of them')
    # A list of numbers alone is one player, not many players with one feature each.
    is_one_player = bool(rows) and not any(isinstance(row, list | dict) for row in rows)
    return [rows] if is_one_player else rows


def _player(row: Any, number: int) -> list[float]:
    if isinstance(row, dict):
        _check_names(list(row), f"row {number}")
        row = [row[name] for name in FEATURES]
    if not isinstance(row, list):
        raise ValueError(f"expected row {number} as a list or an object of features, got {row!r}")
    _check_width(row, number)
    return [_number(value, number, name) for value, name in zip(row, FEATURES, strict=True)]


def _check_width(row: Sequence[Any], number: int, names: Sequence[str] = FEATURES) -> None:
    if len(row) != len(names):
        raise ValueError(
            f"expected {len(names)} columns, got {len(row)} in row {number}: send the features "
            f"{FEATURES[0]} to {FEATURES[-1]} of the schema, without id or label"
        )


def _check_names(names: Sequence[str], where: str) -> None:
    faults = {
        "missing": set(FEATURES) - set(names),
        "twice": {name for name in names if names.count(name) > 1},
    }
    if any(faults.values()):
        faults["unknown"] = set(names) - set(FEATURES)  # perhaps the missing ones, misspelt
        told = "; ".join(f"{what}: {', '.join(sorted(some)[:5])}" for what, some in faults.items() if some)
        raise ValueError(f"expected each of the {len(FEATURES)} features once in {where}, got {told}: see the schema")


def _number(value: Any, number: int, name: str) -> float:
    """Return a number that float32 can hold, or NaN for a missing value."""
    text = value.strip() if isinstance(value, str) else value
    try:
        # JSON's true and false would pass as 1 and 0.
        found = math.inf if isinstance(text, bool) else float(math.nan if text in (None, "") else text)
    except (TypeError, ValueError, OverflowError):
        found = math.inf
    if math.isnan(found):
        if not SCHEMA["fills_missing"]:
            raise ValueError(f"expected a number for '{name}' in row {number}, got a missing value: fill it in")
    elif abs(found) > LARGEST:
        raise ValueError(f"expected a finite number for '{name}' in row {number}, got {value!r}: mend it")
    return found


def _prediction(player: dict[str, Any]) -> dict[str, Any]:
    return {
        "risk_score": player["risk_score"],
        "is_flagged": _is_flagged(player["risk_score"]),
        "class_probabilities": dict(zip(SCHEMA["class_names"], player["class_probabilities"], strict=True)),
        "missing_values": int(player.get("missing_values", 0)),
    }


def _line(player: dict[str, Any]) -> str:
    figures = [player["risk_score"], int(_is_flagged(player["risk_score"])), *player["class_probabilities"]]
    return ",".join(str(figure) for figure in figures) + "\n"


def _is_flagged(score: float) -> bool:
    # Both as float32, as in training: the threshold often is the score of a player. The image may lack NumPy.
    rounded, threshold = struct.unpack("2f", struct.pack("2f", score, SCHEMA["threshold"]))
    return bool(rounded >= threshold)
