import json
import math
from types import SimpleNamespace

import pytest

NAMES = [f"feature_{number}" for number in range(6)]
ROW = "0,1,2.5,-3e2,4,5"
NUMBERS = [0, 1, 2.5, -300, 4, 5]
GAPS = [[0, None, 2.5, -300, 4, None], [None] * 6]


@pytest.fixture
def handlers(make_model, unpacked_handlers):
    return unpacked_handlers(make_model())


@pytest.fixture
def sent(handlers, passed_on):
    """What TensorFlow Serving gets for a request."""
    return lambda body, content_type="text/csv": passed_on(handlers, body, content_type)


@pytest.mark.parametrize(
    "body",
    [
        ROW,
        ROW + "\n",
        "\ufeff" + ROW + "\r\n\r\n",
        " 0 , 1, 2.5 ,-3e2,+4,5.",
        '"0","1","2.5","-3e2","4","5"',
        ",".join(NAMES) + "\n" + ROW,
        ",".join(reversed(NAMES)) + "\n" + ",".join(reversed(ROW.split(","))),
    ],
)
def test_csv_in_every_usual_form_is_the_same_player(sent, body):
    assert sent(body, "text/csv; charset=utf-8") == [NUMBERS]


@pytest.mark.parametrize(
    "tree",
    [
        {"instances": [NUMBERS]},
        [NUMBERS],
        NUMBERS,
        {"instances": [dict(zip(NAMES, NUMBERS, strict=True))]},
        [dict(zip(reversed(NAMES), reversed(NUMBERS), strict=True))],
        {"instances": [[str(number) for number in NUMBERS]]},
    ],
)
def test_json_in_every_usual_form_is_the_same_player(sent, tree):
    assert sent(json.dumps(tree), "application/json") == [NUMBERS]


@pytest.mark.parametrize("extra", ["", "Unnamed: 0", "player_id", "7"])
def test_columns_that_are_no_features_of_the_model_are_ignored_by_name(sent, extra):
    assert sent(",".join([extra, *NAMES]) + "\n17," + ROW) == [NUMBERS]
    assert sent(json.dumps([{extra: "x", **dict(zip(NAMES, NUMBERS, strict=True))}]), "application/json") == [NUMBERS]


def test_the_header_of_the_models_own_table_is_read_though_its_names_begin_with_blanks(handlers, sent, monkeypatch):
    # As of a CSV file with a blank behind each comma.
    blank = [NAMES[0], *(f" {name}" for name in NAMES[1:])]
    monkeypatch.setattr(handlers, "FEATURES", blank)
    assert sent(",".join(blank) + "\n" + ROW) == [NUMBERS]


def test_features_with_numbers_for_names_are_a_header(handlers, sent, monkeypatch):
    monkeypatch.setattr(handlers, "FEATURES", list("012345"))
    assert sent("5,4,3,2,1,0\n" + ROW) == [NUMBERS[::-1]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "at least one player"),
        (",".join(NAMES), "at least one player"),
        (ROW + "\n0,1,,3,4,5", r"'feature_2' in row 2, got a missing value"),
        (ROW + "\n0,1, ,3,4,5", r"'feature_2' in row 2, got a missing value"),
        ("0,1,NaN,3,4,5", r"'feature_2' in row 1, got a missing value"),
        ("0,1,-inf,3,4,5", "got text of 4 characters"),
        ("0,1,1e39,3,4,5", r"got a number beyond 3.4e\+38"),
        ("0,1,seven,3,4,5", "got text of 5 characters"),
        ("0,1,2,3,4", r"expected 6 columns, got 5 in row 1"),
        (ROW + ",6", r"expected 6 columns, got 7 in row 1.*without id or label"),
        (",".join(NAMES) + "\n0,1,2", r"expected 6 columns, got 3 in row 1"),
        (",".join([*NAMES[:5], "other"]) + "\n" + ROW, r"missing: feature_5; unknown: 1 not of the model"),
        (",".join([*NAMES, NAMES[0]]) + "\n" + ROW + ",0", r"twice: feature_0"),
    ],
)
def test_bad_csv_is_refused_by_row_and_feature(sent, body, message):
    with pytest.raises(ValueError, match=message):
        sent(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "expected JSON"),
        ('{"rows": []}', "instances"),
        ('"text"', "instances"),
        ('{"instances": []}', "at least one player"),
        ('{"instances": [[0, 1, null, 3, 4, 5]]}', "got a missing value"),
        ('{"instances": [[0, 1, NaN, 3, 4, 5]]}', "got a missing value"),
        ('{"instances": [[0, 1, true, 3, 4, 5]]}', "got true"),
        ('{"instances": [[0, 1, [2], 3, 4, 5]]}', "got a list"),
        ('{"instances": [[0, 1, 2, 3, 4, 1' + "0" * 400 + "]]}", "finite number"),
        ('{"instances": [[0, 1, 2]]}', "expected 6 columns, got 3"),
        ('{"instances": [[0, 1, 2, 3, 4, 5], 7]}', "row 2 as a list or an object"),
        ('{"instances": [{"feature_0": 1}]}', "missing: feature_1, feature_2"),
    ],
)
def test_bad_json_is_refused_by_row_and_feature(sent, body, message):
    with pytest.raises(ValueError, match=message):
        sent(body, "application/json")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("0,,2.5,-3e2,4, \n,,,,,", "text/csv"),
        ("0,NaN,2.5,-3e2,4,nan\n" + ",".join(["NaN"] * 6), "text/csv"),
        (",".join(NAMES) + "\n0,,2.5,-3e2,4,\n,,,,,", "text/csv"),
        ("[[0, null, 2.5, -300, 4, null], [null, null, null, null, null, null]]", "application/json"),
        ('[[0, NaN, 2.5, -300, 4, ""], [NaN, NaN, NaN, NaN, NaN, NaN]]', "application/json"),
        (json.dumps([dict(zip(NAMES, row, strict=True)) for row in GAPS]), "application/json"),
    ],
)
def test_a_missing_value_is_passed_on_to_a_model_that_fills_it(
    make_model, unpacked_handlers, passed_on, body, content_type
):
    """As NaN, which is how TensorFlow Serving reads it."""
    handlers = unpacked_handlers(make_model(indicators=(1,)))
    found = passed_on(handlers, body, content_type)
    assert [[None if math.isnan(value) else value for value in row] for row in found] == GAPS


@pytest.mark.parametrize(
    "body", ["0,inf,2,3,4,5", "0,seven,2,3,4,5", "[[0, true, 2, 3, 4, 5]]", "[[0, 1e39, 2, 3, 4, 5]]"]
)
def test_what_is_no_number_is_no_missing_value(make_model, unpacked_handlers, passed_on, body):
    handlers = unpacked_handlers(make_model(indicators=(1,)))
    with pytest.raises(ValueError, match="expected a finite number for 'feature_1' in row 1"):
        passed_on(handlers, body, "application/json" if body[0] == "[" else "text/csv")


def test_another_content_type_is_refused(sent):
    with pytest.raises(ValueError, match="got content type 'application/x-npy'"):
        sent(ROW, "application/x-npy")


def answered(handlers, accept, status=200, scores=(0.75, 0.25, 0.24)):
    players = [{"risk_score": score, "class_probabilities": [0.1, 0.2, score, 0.0]} for score in scores]
    content = json.dumps({"predictions": players}).encode() if status == 200 else b'{"error": "no such model"}'
    response = SimpleNamespace(status_code=status, content=content)
    return handlers.output_handler(response, SimpleNamespace(accept_header=accept))


def test_json_names_the_classes_and_flags_from_the_threshold(handlers):
    body, kind = answered(handlers, "application/json")
    first, second, third = json.loads(body)["predictions"]
    assert kind == "application/json"
    assert first["class_probabilities"] == {"dormant": 0.1, "normal": 0.2, "risky": 0.75, "unknown": 0.0}
    assert [player["is_flagged"] for player in (first, second, third)] == [True, True, False]


def test_csv_has_one_line_per_player_and_no_header(handlers):
    body, kind = answered(handlers, "text/csv")
    assert kind == "text/csv"
    assert body == "0.75,1,0.1,0.2,0.75,0.0\n0.25,1,0.1,0.2,0.25,0.0\n0.24,0,0.1,0.2,0.24,0.0\n"


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json;q=0.9, text/html"])
def test_json_is_the_answer_where_nothing_else_is_asked_for(handlers, accept):
    assert answered(handlers, accept)[1] == "application/json"


def test_a_threshold_that_is_a_players_score_flags_that_player(handlers, monkeypatch):
    """0.1 as float32 prints as 0.1, and is above 0.1 as a double."""
    monkeypatch.setitem(handlers.SCHEMA, "threshold", 0.10000000149011612)
    body, _ = answered(handlers, "text/csv", scores=[0.1])
    assert body.startswith("0.1,1,")


def test_another_accept_header_is_refused(handlers):
    with pytest.raises(ValueError, match="got 'image/png'"):
        answered(handlers, "image/png")


def test_what_tensorflow_serving_refuses_is_passed_on(handlers):
    with pytest.raises(ValueError, match="no such model"):
        answered(handlers, "application/json", status=404)
