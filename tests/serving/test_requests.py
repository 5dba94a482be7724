"""What callers of the served model rely on beyond its usual requests: `docs/deploy.md` states it."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

NAMES = [f"feature_{number}" for number in range(6)]
ROW = "0,1,2.5,-3e2,4,5"
NUMBERS = [0, 1, 2.5, -300, 4, 5]
PLAYER = json.dumps(dict(zip(NAMES, NUMBERS, strict=True)))
ID = "player-4711"
CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"


@pytest.fixture
def handlers(make_model, unpacked_handlers):
    """Of a model that fills missing values: it refuses no number because it is missing."""
    return unpacked_handlers(make_model(indicators=(1,)))


@pytest.fixture
def sent(handlers, passed_on):
    return lambda body, content_type=CSV: passed_on(handlers, body, content_type)


@pytest.fixture
def refused(sent):
    def why(body, content_type=CSV):
        with pytest.raises(ValueError, match=r"^expected ") as caught:
            sent(body, content_type)
        assert type(caught.value) is ValueError
        return str(caught.value)

    return why


@pytest.mark.parametrize(
    "cell",
    [
        *("1_0", "1__0", "١٢", "１", "0x1F", "1 0", "1\u00a0", "\u20071", "1\v", "1e", "e5", ".", "+", "--1", "1.2.3"),
        *(
            "inf",
            "-Infinity",
            "1e39",
            "-nan",
            "+NaN",
            "NAN",
            "Nan",
            "NA",
            "null",
            "None",
            "true",
            "-",
            "½",
            "1,5",
            "1d5",
        ),
    ],
)
def test_nothing_is_guessed_to_be_a_number(refused, cell):
    for body, kind in [
        (ROW + f'\n0,1,"{cell}",3,4,5', CSV),
        (json.dumps([NUMBERS, [0, 1, cell, 3, 4, 5]]), JSON),
    ]:
        assert "finite number for 'feature_2' in row 2" in refused(body, kind)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("007", 7), ("+1", 1), ("-0", 0), (".5", 0.5), ("5.", 5), ("1E+2", 100), (" 1\t", 1), ("1e-400", 0)],
)
def test_decimal_numbers_in_ascii_are_read(sent, cell, number):
    """Beside a missing value as well, where each one is looked at by itself."""
    for last, others in (("5", [0, 1, 3, 4, 5]), ("", [0, 1, 3, 4])):
        found = sent(f"0,1,{cell},3,4,{last}")[0]
        assert found.pop(2) == number
        assert found[: len(others)] == others


def test_a_name_twice_is_refused_in_every_form(refused):
    twice = PLAYER[:-1] + ', "feature_3": 7}'
    for body, kind in [(f"[{twice}]", JSON), (f'{{"instances": [{twice}]}}', JSON), (f"{PLAYER}\n{twice}", LINES)]:
        assert "got twice: feature_3" in refused(body, kind)
    assert "got twice: 1 not of the model" in refused('{"instances": [], "instances": []}', JSON)
    assert "twice: feature_3" in refused(",".join([*NAMES, "feature_3"]) + "\n" + ROW + ",7")


@pytest.mark.parametrize("body", [f"{PLAYER}\n{PLAYER}", f"{PLAYER}\n{PLAYER}\n", f"{PLAYER}\r\n{PLAYER}\r\n\r\n"])
def test_json_lines_are_a_player_each(sent, body):
    """As batch transform cuts them: by line, the last one with or without its end."""
    assert sent(body, LINES) == [NUMBERS, NUMBERS]


def test_json_lines_take_lists_and_objects_and_other_line_ends_within_text(sent):
    assert sent(f"[0,1,2.5,-3e2,4,5]\n{PLAYER}", LINES) == [NUMBERS, NUMBERS]
    assert sent(PLAYER[:-1] + ', "note": "a\u2028b\x85c"}', LINES) == [NUMBERS]


def test_a_bad_line_is_told_by_its_row(refused):
    assert "expected JSON in row 2, got a fault at character 1" in refused(f"{PLAYER}\n{{{PLAYER}", LINES)
    assert "row 2 as a list or an object" in refused(f"{PLAYER}\n17", LINES)
    assert f"set Content-Type to {LINES}" in refused(f"{PLAYER}\n{PLAYER}", JSON)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe0,1",
        '0,1,"2.5"3,3,4,5',
        '0,1,"2.5,3,4,5\n' + ROW,
        ROW + "\r" + ROW,
        f"{ROW},{'x' * 200_000}",
        "0,1,2\x00,3,4,5",
    ],
)
def test_what_is_no_csv_is_refused(refused, body):
    refused(body)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"instances":', "}"), ('[{"a":', "}]")])
def test_json_within_json_is_refused_however_deep(refused, opening, closing):
    for body in (opening * 100_000, opening * 100_000 + "1" + closing * 100_000):
        assert len(refused(body, JSON)) < 300
        assert len(refused(body, LINES)) < 300


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"{ID},0,1,2,3,4,5", CSV),
        (f"{ID},1,2,3,4,5", CSV),
        (f"{ID},,,,,,", CSV),
        (",".join([*NAMES, ID, ID]) + "\n" + ROW, CSV),
        (",".join([*NAMES[:5], ID]) + "\n" + ROW, CSV),
        (json.dumps([{ID: 1}]), JSON),
        (json.dumps({ID: [NUMBERS]}), JSON),
        (json.dumps([ID]), JSON),
        (json.dumps([[ID, 1, 2, 3, 4, 5]]), JSON),
        (json.dumps([[{ID: 1}, 1, 2, 3, 4, 5]]), JSON),
        (f'[{{"{ID}": 1, "{ID}": 1}}]', JSON),
        (f'"{ID}"\n', LINES),
        (f"{ID}\n", LINES),
    ],
)
def test_no_refusal_repeats_what_was_sent(refused, body, kind):
    """The image writes it to its log: neither ids nor megabytes belong there."""
    for size in (1, 10_000):
        message = refused(body.replace(ID, ID * size), kind)
        assert ID not in message
        assert len(message) < 300
        message.encode("ascii")


def test_a_megabyte_of_names_is_told_by_number(refused):
    message = refused(",".join(f"column_{number}" for number in range(60_000)) + "\n" + ROW)
    assert "missing: feature_0, feature_1, feature_2, feature_3, feature_4, 1 more" in message
    assert "unknown: 60,000 not of the model" in message
    assert len(message) < 300


def test_names_of_a_header_are_compared_in_proportion_to_their_number(handlers, sent, monkeypatch):
    compared = 0

    class Cell(str):
        __slots__ = ()

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

        def strip(self, *blanks):
            return Cell(str.strip(self, *blanks))

    class Rows:
        line_num = 1

        def __init__(self, lines, **options):
            self._cells = ([Cell(cell) for cell in line.split(",")] for line in lines)

        def __iter__(self):
            return self

        def __next__(self):
            return next(self._cells)

    monkeypatch.setattr(handlers.csv, "reader", Rows)
    with pytest.raises(ValueError, match="missing"):
        sent(",".join(f"column_{number}" for number in range(3_000)))
    assert compared < 20 * 3_000


def test_limits_are_kept_and_documented(handlers, sent, refused, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
    assert f"{handlers.MOST_PLAYERS:,} players" in page
    assert f"{handlers.MOST_BYTES:,} bytes" in page
    monkeypatch.setattr(handlers, "MOST_PLAYERS", 2)
    for many, kind in [("\n".join([ROW] * 3), CSV), (json.dumps([NUMBERS] * 3), JSON), (f"{PLAYER}\n" * 3, LINES)]:
        assert "at most 2 players" in refused(many, kind)
    assert len(sent(f"{PLAYER}\n" * 2, LINES)) == 2
    monkeypatch.setattr(handlers, "MOST_BYTES", len(ROW))
    assert sent(ROW) == [NUMBERS]
    assert f"at most {len(ROW)} bytes" in refused(ROW + " ")


@pytest.mark.parametrize("charset", ["utf-8", '"UTF-8"', "us-ascii"])
def test_utf_8_may_be_named(sent, charset):
    assert sent(ROW, f"Text/CSV ; header=absent; charset={charset}") == [NUMBERS]


def test_other_charsets_and_lists_of_content_types_are_refused(refused):
    assert "got charset 'latin-1'" in refused(ROW, "text/csv; charset=latin-1")
    assert "got content type 'text/csv, text/csv'" in refused(ROW, "text/csv, text/csv")
    assert "got content type ''" in refused(ROW, None)
    assert len(refused(ROW, "x" * 9_000)) < 300


def answered(handlers, accept):
    player = {"risk_score": 0.75, "class_probabilities": [0.1, 0.2, 0.7, 0.0], "missing_values": 2.0}
    response = SimpleNamespace(status_code=200, content=json.dumps({"predictions": [player] * 2}).encode())
    return handlers.output_handler(response, SimpleNamespace(accept_header=accept))


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html, text/csv", CSV),
        ("text/html;q=0.9, */*;q=0.1", JSON),
        ("text/csv;q=0.5, application/json;q=0.6", JSON),
        ("text/csv, application/json", CSV),
        ("application/json, text/csv", JSON),
        ("text/*", CSV),
        ("application/*", JSON),
        ("text/csv;q=0, */*", JSON),
        ("application/json;q=0, */*", LINES),
        ("application/json;q=0.1, application/*;q=0.2", LINES),
        ("*/*;q=0.5, text/csv;q=0.4", JSON),
        (" , Text/CSV ; Q=1.000 ,", CSV),
        ('text/html;x="a, text/csv;q=1", application/jsonlines;q=0.2', LINES),
        ("application/jsonlines; charset=utf-8", LINES),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
    ],
)
def test_an_accept_header_is_read_to_its_end(handlers, accept, kind):
    assert answered(handlers, accept)[1] == kind


@pytest.mark.parametrize(
    "accept", ["image/png, text/html", "text/csv;q=0", "*/*;q=0", "application/json;q=0, application/json;q=0.0", ";"]
)
def test_an_accept_header_without_any_answer_of_ours_is_refused(handlers, accept):
    with pytest.raises(ValueError, match=r"^expected application/json, application/jsonlines or text/csv, got"):
        answered(handlers, accept)


@pytest.mark.parametrize("weight", ["high", "2", "-1", "1_0", "nan", ""])
def test_a_weight_that_is_none_is_refused(handlers, weight):
    with pytest.raises(ValueError, match="expected weights q from 0 to 1"):
        answered(handlers, f"text/csv;q={weight}")


def test_json_lines_answer_a_line_for_each_player(handlers):
    body, _ = answered(handlers, LINES)
    whole = json.loads(answered(handlers, JSON)[0])["predictions"]
    assert body.endswith("}\n")
    assert [json.loads(line) for line in body.splitlines()] == whole


def test_a_long_answer_of_tensorflow_serving_is_cut(handlers):
    response = SimpleNamespace(status_code=400, content=b"\xffnot so" + b"x" * 10**6)
    with pytest.raises(ValueError, match=r"TensorFlow Serving refused: .not so") as caught:
        handlers.output_handler(response, SimpleNamespace(accept_header=JSON))
    assert len(str(caught.value)) < 300
