"""Handlers of SageMaker's TensorFlow Serving image: CSV, JSON or JSON Lines in, risk scores out.

This file runs inside the image, as `code/inference.py` of the model's archive, without scarcegan: the standard
library alone. `docs/deploy.md` has the contract. A refused request ends with its message in {"error": ...}. Messages go
to logs: they name rows, the model's features and kinds of values, never what a request holds. Nothing is guessed, and
no request costs more than in proportion to its size.
"""

import csv
import io
import json
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
# In the order in which an answer is chosen where the caller has no preference.
KINDS = (JSON, LINES, CSV)
SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text())
FEATURES = [feature["name"] for feature in SCHEMA["features"]]
MOST_BYTES, MOST_PLAYERS = 25 * 2**20, 50_000
# The largest float32: the model takes float32, in which a larger number is infinite.
LARGEST = 3.4028234663852886e38
BLANKS = " \t"
MISSING = ("", "NaN", "nan")
# Python's `float` also takes 1_0, digits of other scripts, inf and other blanks.
_is_number = re.compile(r"[ \t]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*").fullmatch
# Without these characters it takes the same numbers.
_is_odd = re.compile(r"[^0-9+\-.eE, \t]").search
# Without a closing quote up to the end, so that no header is searched twice.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')


def input_handler(data: Any, context: Any) -> str:
    """Turn a request into TensorFlow Serving's own form.

    CSV: one player per line, in the order of the schema; or below a header with the features' names, in any order.
    JSON: {"instances": [...]} or the list alone; each player a list in the order of the schema, or an object. JSON
    Lines: one such player per line. All are UTF-8. Beside the features' names other ones are ignored: ids, row numbers,
    columns that training left out.

    Raises:
        ValueError: naming row and feature of what is no finite number, or missing though the model fills no missing
            values; another number of columns; missing names; a request of another kind, or too large.
    """
    kind = _content_type(context.request_content_type)
    players = []
    for number, row in enumerate({CSV: _from_csv, JSON: _from_json, LINES: _from_lines}[kind](_text(data)), start=1):
        if number > MOST_PLAYERS:
            raise ValueError(f"expected at most {MOST_PLAYERS:,} players, got more: send them in several requests")
        players.append(_player(row, number))
    if not players:
        raise ValueError("expected at least one player, got none: send a row of features")
    return json.dumps({"instances": players})


def output_handler(response: Any, context: Any) -> tuple[str, str]:
    """Turn TensorFlow Serving's answer into scores, in the form that the Accept header likes best.

    Returns:
        JSON: {"predictions": [{"risk_score", "is_flagged", "class_probabilities": {name: share}, "missing_values"}]};
        JSON Lines: one of these objects per line; CSV: one line per player, without header: risk score, 1 if flagged
        or 0, the class probabilities in the schema's order.

    Raises:
        ValueError: TensorFlow Serving refused, or the Accept header asks for something else.
    """
    if response.status_code != 200:
        raise ValueError(f"TensorFlow Serving refused: {response.content[:200].decode('utf-8', 'replace')}")
    kind = _answer_type(context.accept_header)
    players = json.loads(response.content)["predictions"]
    if kind == CSV:
        return "".join(_line(player) for player in players), CSV
    told = [_prediction(player) for player in players]
    if kind == LINES:
        return "".join(json.dumps(player) + "\n" for player in told), LINES
    return json.dumps({"predictions": told}), JSON


def _content_type(header: str | None) -> str:
    kind, parameters = _media_type(_unquoted(header))
    if kind not in KINDS:
        raise ValueError(f"expected {', '.join(KINDS[:-1])} or {CSV}, got content type {kind[:60]!a}: set Content-Type")
    charset = parameters.get("charset", "utf-8")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise ValueError(f"expected UTF-8, got charset {charset[:60]!a}: encode the request as UTF-8")
    return kind


def _answer_type(header: str | None) -> str:
    """Return the kind with the highest weight in an Accept header; of equal ones the one that it names first."""
    ranges = [_media_type(one) for one in _unquoted(header).split(",") if one.strip()] or [("*/*", {})]
    places: dict[str, tuple[float, int]] = {}
    for place, (pattern, parameters) in enumerate(ranges):
        places[pattern] = max(places.get(pattern, (0.0, 0)), (_weight(parameters.get("q", "1")), -place))

    def preference(kind: str) -> tuple[float, int]:
        # RFC 9110: the most specific range decides, so that `text/csv;q=0, */*` is no CSV.
        patterns = (kind, kind.partition("/")[0] + "/*", "*/*")
        return next((places[pattern] for pattern in patterns if pattern in places), (0.0, 0))

    best = max(KINDS, key=preference)
    if not preference(best)[0]:
        raise ValueError(f"expected {', '.join(KINDS[:-1])} or {CSV}, got {ranges[0][0][:60]!a}: set Accept")
    return best


def _weight(text: str) -> float:
    if not _is_number(text) or not 0 <= float(text) <= 1:
        raise ValueError("expected weights q from 0 to 1, got another one: set Accept")
    return float(text)


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    return kind, {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in parameters)}


def _unquoted(header: str | None) -> str:
    # A quoted parameter may hold the separators of the header.
    return _QUOTED.sub(lambda quoted: re.sub(r'["\\,;]', "", quoted[0]), header or "")


def _text(data: Any) -> str:
    body = data.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise ValueError(f"expected at most {MOST_BYTES:,} bytes, got more: send several requests")
    try:
        # Spreadsheets begin a CSV file with a byte order mark, which would become part of the first name.
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, got another byte at {error.start:,}: encode the request as UTF-8") from None


def _from_csv(text: str) -> Iterator[list[str]]:
    """Give the rows of features, in the order of the schema."""
    rows = _csv_rows(text)
    first = next(rows, [])
    if not _is_header(first):
        yield from filter(None, [first])
        yield from rows
        return
    names = _names(first)
    _check_names(names, "the header")
    place_of = {name: place for place, name in enumerate(names)}
    places = [place_of[name] for name in FEATURES]
    for number, row in enumerate(rows, start=1):
        _check_width(row, number, len(names))
        yield [row[place] for place in places]


def _csv_rows(text: str) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        yield from filter(None, rows)
    except csv.Error:
        raise ValueError(
            f"expected CSV, got a quote or a line end out of place, or a long field, near line {rows.line_num}: close "
            f"quotes, end lines with a newline, and keep fields below {csv.field_size_limit():,} characters"
        ) from None


def _names(cells: Sequence[str]) -> list[str]:
    """Return the names of a header; blanks around one count where the model's own feature has them."""
    known = set(FEATURES)
    return [cell if cell in known else cell.strip() for cell in cells]


def _is_header(cells: Sequence[str]) -> bool:
    """Tell a header: all features' names, or a line without any number. One bad cell among numbers is a bad cell."""
    if set(FEATURES) <= set(_names(cells)):
        return True
    return any(cell.strip() for cell in cells) and not any(_is_value(cell) for cell in cells if cell.strip())


def _is_value(cell: str) -> bool:
    return bool(_is_number(cell)) or cell.strip(BLANKS) in MISSING


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        told = _told(_twice(name for name, _ in pairs))
        raise ValueError(f"expected each name once in an object, got twice: {told}: mend it")
    return found


# Whole numbers become floats at once: an int of many digits costs more than in proportion.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=float)


def _decoded(text: str, where: str = "") -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        mend = "mend it" if where else f"mend it, or set Content-Type to {LINES} if each line is a player"
        raise ValueError(f"expected JSON{where}, got a fault at character {error.pos:,}: {mend}") from None
    except RecursionError:
        raise ValueError(f"expected players{where}, got lists or objects within one another: send numbers") from None


def _from_json(text: str) -> list[Any]:
    tree = _decoded(text)
    rows = tree.get("instances") if isinstance(tree, dict) else tree
    if not isinstance(rows, list):
        raise ValueError('expected {"instances": [...]} or a list of players: send one of them')
    # A list of numbers alone is one player, not many players with one feature each.
    is_one_player = bool(rows) and not any(isinstance(row, list | dict) for row in rows)
    return [rows] if is_one_player else rows


def _from_lines(text: str) -> Iterator[Any]:
    # Not `splitlines`: JSON's strings may hold the other line ends of Unicode.
    lines = (line for line in io.StringIO(text) if line.strip(" \t\r\n"))
    return (_decoded(line, f" in row {number}") for number, line in enumerate(lines, start=1))


def _player(row: Any, number: int) -> list[float]:
    if isinstance(row, dict):
        if not row.keys() >= set(FEATURES):
            _check_names(list(row), f"row {number}")
        row = [row[name] for name in FEATURES]
    if not isinstance(row, list):
        raise ValueError(f"expected row {number} as a list or an object of features, got {_kind(row)}")
    _check_width(row, number, len(FEATURES))
    numbers = _ordinary(row)
    # The sum is NaN if one number is, and then not below anything.
    if numbers and sum(map(abs, numbers)) <= LARGEST:
        return numbers
    return [_number(value, number, name) for value, name in zip(row, FEATURES, strict=True)]


def _ordinary(row: list[Any]) -> list[float]:
    """Return a row's numbers where a glance tells that all are, else none: half of the time of looking at each."""
    kinds = set(map(type, row))
    if kinds == {float}:
        return row
    if kinds == {str} and not _is_odd(",".join(row)):
        with suppress(ValueError):
            return list(map(float, row))
    return []


def _check_width(row: Sequence[Any], number: int, width: int) -> None:
    if len(row) != width:
        raise ValueError(
            f"expected {width} columns, got {len(row)} in row {number}: send the features "
            f"{FEATURES[0]} to {FEATURES[-1]} of the schema, without id or label"
        )


def _check_names(names: list[str], where: str) -> None:
    faults = {"missing": set(FEATURES).difference(names), "twice": _twice(names)}
    if any(faults.values()):
        faults["unknown"] = set(names).difference(FEATURES)  # perhaps the missing ones, misspelt
        told = "; ".join(f"{what}: {_told(some)}" for what, some in faults.items() if some)
        raise ValueError(f"expected each of the {len(FEATURES)} features once in {where}, got {told}: see the schema")


def _twice(names: Iterable[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def _told(names: set[str]) -> str:
    """Name up to five features. Other names are counted: where a header is missing they may be ids."""
    own = [name for name in FEATURES if name in names][:5]
    others = len(names) - len(own)
    rest = [f"{others:,} {'more' if own else 'not of the model'}"] if others else []
    return ", ".join(own + rest)


def _number(value: Any, number: int, name: str) -> float:
    """Return a number that float32 can hold, or NaN for a missing value."""
    found = value
    if isinstance(value, str):
        found = float(value) if _is_number(value) else math.nan if value.strip(BLANKS) in MISSING else value
    elif value is None:
        found = math.nan
    if isinstance(found, float):
        if abs(found) <= LARGEST:
            return found
        if math.isnan(found):
            if SCHEMA["fills_missing"]:
                return found
            raise ValueError(f"expected a number for '{name}' in row {number}, got a missing value: fill it in")
    raise ValueError(f"expected a finite number for '{name}' in row {number}, got {_kind(found)}: mend it")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"text of {len(value):,} characters"
    if isinstance(value, float):
        return f"a number beyond {LARGEST:.2g}"
    return {list: "a list", dict: "an object", bool: str(value).lower()}.get(type(value), "null")


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
