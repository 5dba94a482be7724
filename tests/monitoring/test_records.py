import pytest

from scarcegan.monitoring.records import Records
from scarcegan.problems import DataProblem


@pytest.fixture(params=["local", "s3"])
def records(request, tmp_path):
    if request.param == "local":
        return Records(str(tmp_path / "drift"))
    request.getfixturevalue("aws_account")
    return Records("s3://models/snapshots/_drift/group/review_budget")


def test_a_second_record_of_the_same_name_gets_the_first(records):
    assert records.keep("2026-01-01_a", {"action": "watch"}) == {"action": "watch"}
    assert records.keep("2026-01-01_a", {"action": "retrain"}) == {"action": "watch"}
    assert records.find("2026-01-01_a") == {"action": "watch"}


def test_of_two_claims_one_is_granted_until_it_is_withdrawn(records):
    assert [records.claim("a", {"by": 1}), records.claim("a", {"by": 2})] == [True, False]
    records.withdraw("a")
    assert records.claim("a", {"by": 2})


def test_earlier_periods_come_oldest_first(records):
    for cutoff in ("2026-03-01", "2026-01-01", "2026-02-01"):
        records.keep(f"{cutoff}_v1", {"cutoff": cutoff})
    assert [record["cutoff"] for record in records.before("2026-03-01")] == ["2026-01-01", "2026-02-01"]
    assert records.before("2026-01-01") == []


def test_before_the_first_record_there_is_none(records):
    assert records.before("2026-01-01") == []
    assert records.find("2026-01-01_a") is None


def test_a_number_that_is_no_json_is_refused_and_nothing_is_left(tmp_path):
    records = Records(str(tmp_path))
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.keep("a", {"auc": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_was_damaged_is_named(tmp_path):
    (tmp_path / "2026-01-01_a.json").write_text("{")
    with pytest.raises(DataProblem, match=r"2026-01-01_a.json.*remove the file"):
        Records(str(tmp_path)).before("2026-02-01")
