import pytest

from scarcegan.monitoring.drift import SignalSize, StartedRetraining
from scarcegan.monitoring.records import Records


def started(by):
    return StartedRetraining("players", by)


@pytest.fixture(params=["local", "s3"])
def records(request, tmp_path):
    if request.param == "local":
        return Records(str(tmp_path / "drift"))
    request.getfixturevalue("aws_account")
    return Records("s3://models/snapshots/_drift/group/review_budget")


def test_a_record_is_found_once_it_is_there(records):
    assert records.find("2026-01-01_a", StartedRetraining) is None
    records.put("2026-01-01_a", started("1"))
    assert records.find("2026-01-01_a", StartedRetraining) == started("1")


def test_a_record_can_be_replaced_and_is_never_doubled(records):
    records.put("2026-01-01_a", started("1"))
    records.put("2026-01-01_a", started("2"))
    assert records.before("2026-02-01", StartedRetraining) == [started("2")]


def test_of_two_claims_one_is_granted_until_it_is_withdrawn(records):
    assert [records.claim("a", started("1")), records.claim("a", started("2"))] == [True, False]
    records.withdraw("a")
    assert records.claim("a", started("2"))


def test_earlier_periods_come_oldest_first(records):
    assert records.before("2026-01-01", StartedRetraining) == []
    for cutoff in ("2026-03-01", "2026-01-01", "2026-02-01"):
        records.put(f"{cutoff}_v1", started(cutoff))
    assert [record.by for record in records.before("2026-03-01", StartedRetraining)] == ["2026-01-01", "2026-02-01"]


def test_a_number_that_is_no_json_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        Records(str(tmp_path)).put("a", SignalSize(float("nan"), beyond=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["{", '{"snapshot": "players"}'])
def test_a_record_that_was_damaged_is_left_out_and_named(tmp_path, content):
    (tmp_path / "2026-01-01_a.json").write_text(content)
    records = Records(str(tmp_path))
    records.put("2026-01-02_a", started("1"))
    assert records.before("2026-02-01", StartedRetraining) == [started("1")]
    assert records.find("2026-01-01_a", StartedRetraining) is None
    [reason] = records.unreadable
    assert "2026-01-01_a.json cannot be read and is left out" in reason


@pytest.mark.reliability(
    case="A record of drift cannot be read",
    sees="the decision, with the record that it had to do without",
    resume="is not stopped by it",
)
@pytest.mark.parametrize("content", [b"", b"\xff", b"null", b"[1]", b"[" * 100_000, b'{"snapshot": 3}', b'"a"'])
def test_a_record_of_any_other_shape_is_left_out_and_named(tmp_path, content):
    records = Records(str(tmp_path))
    records.put("2026-01-01_a", started("1"))
    (tmp_path / "2026-01-02_a.json").write_bytes(content)
    assert records.before("2026-02-01", StartedRetraining) == [started("1")]
    [told] = records.unreadable
    assert "2026-01-02_a.json cannot be read and is left out" in told


def test_a_record_that_the_disk_does_not_give_is_left_out_and_named(tmp_path):
    records = Records(str(tmp_path))
    records.put("2026-01-01_a", started("1"))
    (tmp_path / "2026-01-02_a.json").mkdir()
    assert records.before("2026-02-01", StartedRetraining) == [started("1")]
    [told] = records.unreadable
    assert "Is a directory" in told
