"""Ids that become unreadable as they are read: one keyed hash for each player, and the key nowhere."""

import hashlib
import hmac
import json
import re
from functools import partial

import boto3
import numpy as np
import pyarrow as pa
import pytest

from scarcegan.data.attributes import attributes_of
from scarcegan.data.ids import keyed, keyed_id
from scarcegan.data.populations import labelled_ids, load_populations
from scarcegan.preflight import inside_features, inside_run, inside_scoring
from scarcegan.preflight.checks import _check_key_of_jobs, run_checks
from scarcegan.problems import DataProblem, Problem, SettingsProblem
from scarcegan.settings import load
from scarcegan.storage import keys

KEY = "5d1f0a77c2b94e0c8a6e3b7d9f10a2b4"
ID_KEY = "env:SCARCEGAN_TEST_KEY"


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("SCARCEGAN_TEST_KEY", KEY)
    keys._from_secrets_manager.cache_clear()


def hashed(player, key=KEY):
    return "hmac-" + hmac.new(key.encode(), player.encode(), hashlib.sha256).hexdigest()[:32]


def column(*values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    "ids",
    [
        column(12, 7),
        column(12.0, 7.0),
        column("12", "7"),
        column("12.0", "7"),
        column(12, 7, kind=pa.uint64()),
    ],
    ids=lambda ids: str(ids.type),
)
def test_a_player_has_one_keyed_hash_however_a_file_stores_the_id(ids):
    assert keyed(ids, ID_KEY).to_pylist() == [hashed("12"), hashed("7")]


def test_leading_zeros_and_other_keys_make_other_players(monkeypatch):
    assert keyed_id("007", ID_KEY) != keyed_id("7", ID_KEY)
    before = keyed_id("7", ID_KEY)
    monkeypatch.setenv("SCARCEGAN_TEST_KEY", KEY[::-1])
    assert keyed_id("7", ID_KEY) == hashed("7", KEY[::-1]) != before


def test_a_missing_id_stays_missing_and_a_keyed_one_stays_itself():
    once = keyed(column("ada", None, "", "ada"), ID_KEY)
    assert once.to_pylist() == [hashed("ada"), None, "", hashed("ada")]
    assert keyed(once, ID_KEY).to_pylist() == once.to_pylist()
    assert keyed_id("hmac-ada", ID_KEY) == hashed("hmac-ada")


def test_who_hands_back_what_a_list_holds_does_without_the_key(monkeypatch):
    monkeypatch.setenv("SCARCEGAN_TEST_KEY", "")
    assert keyed_id(hashed("ada"), ID_KEY) == hashed("ada")
    with pytest.raises(DataProblem, match=r"data\.id_key names it, got none"):
        keyed_id("ada", ID_KEY)


def test_without_a_key_ids_stay_and_what_is_no_id_is_left_to_be_refused():
    assert keyed(column(12, 7), "").to_pylist() == [12, 7]
    assert keyed(column(1.5, 7.0), ID_KEY).to_pylist() == [1.5, 7.0]
    assert keyed(column(True, False), ID_KEY).to_pylist() == [True, False]


def test_tables_name_no_player_whatever_form_their_ids_have(settings, five_tables, folder_of):
    five_tables["risky"]["player_id"] = five_tables["risky"]["player_id"].astype(float)
    chosen = settings(data={"path": folder_of(five_tables), "id_key": ID_KEY}, folds={"k": 2})
    raw = {str(int(one)) for frame in five_tables.values() for one in frame["player_id"]}
    players = load_populations(chosen)
    assert set(players.ids) == {hashed(one) for one in raw}
    ids, _ = labelled_ids(chosen)
    assert set(ids["risky"]) == {hashed(str(int(one))) for one in five_tables["risky"]["player_id"]}


def test_the_same_player_twice_is_still_told(settings, five_tables, folder_of):
    five_tables["heavy"].loc[0, "player_id"] = five_tables["risky"].loc[0, "player_id"]
    with pytest.raises(DataProblem, match="got 1 more often"):
        load_populations(settings(data={"path": folder_of(five_tables), "id_key": ID_KEY}))


@pytest.mark.parametrize("start", [inside_run, inside_scoring, inside_features])
@pytest.mark.parametrize(("key", "got"), [("", "got none"), ("short", "got 5 characters")])
def test_a_key_that_is_missing_or_short_is_one_message_at_start(settings, folder_of, monkeypatch, start, key, got):
    monkeypatch.setenv("SCARCEGAN_TEST_KEY", key)
    with pytest.raises(Problem) as refused:
        start(settings(data={"path": folder_of({}), "id_key": ID_KEY}), {})
    assert got in str(refused.value)
    assert "env:SCARCEGAN_TEST_KEY" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_the_key_may_lie_in_secrets_manager(aws_account):
    found = boto3.client("secretsmanager", region_name="eu-west-1").create_secret(Name="ids", SecretString=KEY)
    assert keyed_id("12", f"secret:{found['ARN']}") == hashed("12")
    with pytest.raises(DataProblem, match="secretsmanager:GetSecretValue"):
        keyed_id("12", f"secret:{found['ARN']}x")


def test_jobs_get_no_variable_of_the_machine_that_launches_them():
    secret = "secret:arn:aws:secretsmanager:eu-west-1:123456789012:secret:ids-a1B2c3"
    named = [("id key", partial(_check_key_of_jobs, where)) for where in (ID_KEY, secret)]
    refused, taken = run_checks(named)
    assert (refused.state, taken.state) == ("failed", "ok")
    assert "Secrets Manager" in refused.advice


def test_settings_name_the_place_of_the_key_and_never_the_key(settings):
    chosen = settings(data={"id_key": ID_KEY})
    for told in (json.dumps(chosen.model_dump(mode="json")), repr(chosen), str(chosen)):
        assert KEY not in told
    for wrong in (KEY, "env:", "secret:ids", "file:/key"):
        with pytest.raises(SettingsProblem) as refused:
            load({"data": {"id_key": wrong}})
        assert "data.id_key" in str(refused.value)
        assert KEY not in str(refused.value)


def test_many_players_have_as_many_hashes_of_one_form():
    found = keyed(column(*range(20_000)), ID_KEY).to_pylist()
    assert len(set(found)) == 20_000
    assert all(re.fullmatch(r"hmac-[0-9a-f]{32}", one) for one in found)


def test_a_table_of_attributes_has_the_sources_ids(settings, tmp_path):
    (tmp_path / "attributes.csv").write_text("player_id,region\n12,north\n7,south\n")
    evaluate = {"attributes": str(tmp_path / "attributes.csv"), "attribute_columns": ["region"]}
    found = attributes_of(np.array([hashed("7"), hashed("12")]), settings(data={"id_key": ID_KEY}, evaluate=evaluate))
    assert found["region"].tolist() == ["south", "north"]
