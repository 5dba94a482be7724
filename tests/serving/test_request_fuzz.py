"""Requests nobody thought of: whatever comes in, either rows of numbers go on, or a short message goes back."""

import csv
import io
import json
import math
import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

LARGEST = 3.4028234663852886e38
FEATURES = 6
NAMES = [f"feature_{number}" for number in range(FEATURES)]
ROW = "0,1.5,-3e2,,4,5"
KINDS = ("text/csv", "application/json", "application/jsonlines")
SECRET = "player-4711"
# Together 100,000: each row of cells and each tree is sent in two forms.
MANY = pytest.mark.slow


@pytest.fixture
def outcome(make_model, unpacked_handlers):
    """Send a request: the rows that go on to TensorFlow Serving, or None where it is refused as documented."""
    handlers = unpacked_handlers(make_model(indicators=(1,)))

    def send(body, kind):
        try:
            passed_on = handlers.input_handler(io.BytesIO(body), SimpleNamespace(request_content_type=kind))
        except ValueError as error:
            assert_short(error)
            return None
        rows = json.loads(passed_on)["instances"]
        assert rows
        for row in rows:
            assert len(row) == FEATURES
            assert all(type(one) is float and (math.isnan(one) or abs(one) <= LARGEST) for one in row)
        return rows

    return send


def assert_short(error):
    """A refusal as documented: no library's own error, no text of the request."""
    message = str(error)
    assert type(error) is ValueError
    assert message.startswith("expected ")
    assert len(message) < 300
    assert message.isascii()
    assert SECRET not in message


def run(check, count, *strategies):
    """The same examples each time: a failure is one for everybody."""
    settings(max_examples=count, derandomize=True, deadline=None, database=None)(given(*strategies)(check))()


def read(cell):
    """The page's words for a number, told another way than by the handlers."""
    bare = cell.strip(" \t")
    if bare in ("", "NaN", "nan"):
        return math.nan
    if set(bare) - set("0123456789+-.eE"):
        return None
    try:
        found = float(bare)
    except ValueError:
        return None
    return found if abs(found) <= LARGEST else None


ODD_CELLS = st.sampled_from(
    [
        SECRET,
        "",
        " ",
        "1_0",
        "١",
        "inf",
        "-nan",
        "NAN",
        "0x1",
        "1e39",
        "1 2",
        '"',
        "1\n",
        "\t7",
        "+.5e-1",
        "e",
        "1,5",
        "\0",
    ]
)
CELLS = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.integers().map(str),
    st.text(max_size=6),
    st.text("0123456789+-.eE_ \t"),
    ODD_CELLS,
)
JSON_LEAVES = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), CELLS)
JSON_TREES = st.recursive(
    st.one_of(JSON_LEAVES, st.lists(st.floats(-9, 9), min_size=FEATURES, max_size=FEATURES)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=FEATURES + 1),
        st.dictionaries(st.sampled_from([*NAMES, "instances", SECRET]), inner, max_size=FEATURES + 2),
        st.fixed_dictionaries(dict.fromkeys(NAMES, JSON_LEAVES)),
        inner.map(lambda rows: {"instances": rows}),
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("count", [100, pytest.param(4_000, marks=MANY)])
def test_a_row_of_any_cells_is_read_as_the_page_says_or_refused(outcome, count):
    def check(rows):
        lines = io.StringIO()
        csv.writer(lines).writerows([ROW.split(","), *rows])
        wanted = [[read(cell) for cell in row] for row in ([ROW.split(","), *rows])]
        bad = any(one is None for row in wanted for one in row)
        for body, kind in [(lines.getvalue(), KINDS[0]), (json.dumps([ROW.split(","), *rows]), KINDS[1])]:
            found = outcome(body.encode("utf-8", "surrogatepass"), kind)
            assert repr(found) == repr(None if bad else wanted)

    run(check, count, st.lists(st.lists(CELLS, min_size=FEATURES, max_size=FEATURES), max_size=3))


@pytest.mark.parametrize("count", [100, pytest.param(4_000, marks=MANY)])
def test_any_json_is_passed_on_as_numbers_or_refused(outcome, count):
    def check(tree, others):
        outcome(json.dumps(tree).encode(), KINDS[1])
        outcome("\n".join(json.dumps(one) for one in [tree, *others]).encode(), KINDS[2])

    run(check, count, JSON_TREES, st.lists(JSON_TREES, max_size=2))


@pytest.mark.parametrize("count", [100, pytest.param(4_000, marks=MANY)])
def test_any_accept_header_is_answered_in_a_form_of_ours_or_refused(make_model, unpacked_handlers, count):
    handlers = unpacked_handlers(make_model())
    player = {"risk_score": 0.5, "class_probabilities": [0.1, 0.2, 0.5, 0.2]}
    response = SimpleNamespace(status_code=200, content=json.dumps({"predictions": [player]}).encode())

    def check(pieces):
        try:
            _, kind = handlers.output_handler(response, SimpleNamespace(accept_header="".join(pieces)))
        except ValueError as error:
            assert_short(error)
        else:
            assert kind in KINDS

    pieces = st.sampled_from(
        [*KINDS, "*/*", "text/*", "image/png", ",", ";", "q=", "0", "0.5", "1", '"', "\\", "=", " "]
    )
    run(check, count, st.lists(st.one_of(pieces, st.characters(max_codepoint=255)), max_size=12))


PLAYER = json.dumps(dict(zip(NAMES, [0, 1.5, -300, None, "4", 5], strict=True)))
BODIES = [
    f"{ROW}\n{ROW}\r\n",
    f"id,{','.join(NAMES)}\n{SECRET},{ROW}\n",
    ",".join(f'"{cell}"' for cell in ROW.split(",")),
    f'{{"instances": [{PLAYER}, [0, 1, 2, 3, 4, NaN]]}}',
    f"[{PLAYER}, {PLAYER}]",
    f"{PLAYER}\n{PLAYER}\n",
    "[0, 1, 2, null, -4e0, 5]\n[0, 1, 2, 3, 4, 5]",
]
TOKENS = [
    b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\n", b'"', b'""', b",", b"{", b"}", b"[", b"]", b":",
    b"\\ud800", b"\\", b"NaN", b"-Infinity", b"1e999", b"_", b"'", b"true", b"\xd9\xa1", b"\xe2\x80\xa8",
    SECRET.encode(), b"[" * 2_000, b'{"a":' * 2_000, b"9" * 5_000, b"," * 3_000, b'"' * 1_001, b"x" * 140_000,
]  # fmt: skip


def mangled(rng):
    """A usual request after some accidents: bytes changed, cut out, doubled, or replaced by what parsers stumble on."""
    body = bytearray(rng.choice(BODIES).encode())
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        start = rng.randrange(len(body) + 1)
        end = start + rng.choice((0, 1, 1, 5, 40))
        # Long tokens are dear to make, and one of them shows what many do.
        token = rng.choice(TOKENS if rng.random() < 0.02 else TOKENS[:-6])
        body[start:end] = rng.choice((token, b"", body[start:end] * 2, rng.randbytes(2)))
    return bytes(body)


@pytest.mark.parametrize("count", [2_000, pytest.param(80_000, marks=MANY)])
def test_any_bytes_are_passed_on_as_numbers_or_refused(outcome, count):
    rng = random.Random(0)  # noqa: S311
    passed_on = 0
    for _ in range(count):
        body = rng.randbytes(rng.randrange(60)) if rng.random() < 0.2 else mangled(rng)
        passed_on += outcome(body, rng.choice(KINDS)) is not None
    # Neither everything nor nothing: these requests reach both ends.
    assert 0.05 < passed_on / count < 0.5
