"""Ids and attributes are planted in a retraining, a scoring and two refused runs; all that these wrote is searched.

Players, scores and the list for moderators are there to hold ids; the evaluation names groups. Nothing else may.
"""

import base64
import gzip
import io
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from scarcegan import settings
from scarcegan.backends import open_registry
from scarcegan.project import project_root
from scarcegan.snapshots import open_snapshots

pytestmark = pytest.mark.slow

MARK = "gambler7f3a"
# In UTF-8, and as NumPy stores text.
FORMS = [MARK.encode(), MARK.encode("utf-32-le"), MARK.encode("utf-16-le")]
BAND = "bandq93z"
# What an artifact that holds ids is for.
WITH_IDS = {
    "players": "who is trained and tested on",
    "flagged": "the list for moderators",
}
COUNTS = {"dormant": 40, "normal": 40, "heavy": 40, "risky": 30, "unlabeled": 600}
COLUMNS = ("stakes", "nights", "chases")


def table(name, first, rng):
    features = rng.normal({"dormant": -1, "heavy": 1, "risky": 2}.get(name, 0), 1, (COUNTS[name], 3)).round(4)
    ids = [f"{MARK}-{first + row}" for row in range(COUNTS[name])]
    return pd.DataFrame(features, columns=COLUMNS).assign(account=ids)


@pytest.fixture(scope="module")
def runs(flow_folder, publish_snapshot):
    """Runs by flow, and all that was printed."""
    folder, rng = flow_folder.path, np.random.default_rng(0)
    (folder / "tables").mkdir()
    tables = {name: table(name, 1000 * number, rng) for number, name in enumerate(COUNTS)}
    for name, rows in tables.items():
        rows.to_csv(folder / f"tables/{name}.csv", index=False)
    shutil.copytree(folder / "tables", folder / "twice")
    pd.concat([tables["heavy"], tables["risky"][:3]]).to_csv(folder / "twice/heavy.csv", index=False)
    shutil.copytree(folder / "tables", folder / "ragged")
    with (folder / "ragged/unlabeled.csv").open("a") as file:
        file.write(f"1,2,3,{MARK}-9,4\n")
    everyone = pd.concat(list(tables.values()))["account"]
    bands = pd.DataFrame({"account": everyone, "age_band": np.resize([f"{BAND}-young", f"{BAND}-old"], len(everyone))})
    (folder / "attributes").mkdir()
    bands.to_csv(folder / "attributes/part.csv", index=False)
    flow_folder.configure(
        {
            "evaluate": {"attributes": f"{folder}/attributes", "attribute_columns": ["age_band"]},
            "data": {"source": "tables", "id_column": "account"},
            "snapshots": {"folder": f"{folder}/snapshots"},
            "scoring": {"folder": f"{folder}/scores"},
        }
    )
    printed = [flow_folder.launch("run", "--data", str(folder / bad), expect=1)[0] for bad in ("twice", "ragged")]
    trained, train_id = flow_folder.launch("run", "--data", str(folder / "tables"))
    registry = open_registry(settings.Registry(path=str(folder / "registry")))
    for version in registry.versions():
        registry.approve(version.version, who="rita", why="good")
    store, players = open_snapshots(str(folder / "snapshots")), tables["unlabeled"]
    features = players[list(COLUMNS)].to_numpy(np.float32)
    ids = players["account"].to_numpy(str)
    publish_snapshot(store, "players-2026-01-01", "2026-01-01", features, COLUMNS, ids=ids, shards=2)
    scored, score_id = flow_folder.launch("run", flow="score_flow")
    found = {"RetrainFlow": flow_folder.run(train_id), "ScoreFlow": flow_folder.run(score_id, "ScoreFlow")}
    return found, [*printed, trained, scored]


def has_ids(content):
    return any(form in content for form in FORMS)


def has_bands(content):
    return any(BAND.encode(form) in content for form in ("utf-8", "utf-32-le", "utf-16-le"))


def inside(path):
    """What a file holds, unpacked."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pandas().to_csv().encode() + path.read_bytes()
    content = path.read_bytes()
    if path.suffix == ".html":  # a card has its figures and tables in base64
        texts = re.findall(rb"[A-Za-z0-9+/]{40,}", content)
        return content + b"".join(base64.b64decode(text[: len(text) // 4 * 4]) for text in texts)
    return unpacked(content)


def unpacked(content):
    if content[:2] == b"\x1f\x8b":
        return unpacked(gzip.decompress(content))
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return b"".join(unpacked(tar.extractfile(member).read()) for member in tar if member.isfile())
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return b"".join(unpacked(packed.read(name)) for name in packed.namelist())
    return content


def test_the_search_finds_what_is_there(runs, flow_folder):
    assert has_ids(inside(flow_folder.path / "tables" / "risky.csv"))
    assert has_ids(inside(next((flow_folder.path / "snapshots").rglob("*.parquet"))))
    archive = next((flow_folder.path / "registry").rglob("*.tar.gz"))
    assert b"risk_score" in inside(archive)


def test_nothing_that_was_printed_names_a_player(runs):
    for printed in runs[1]:
        assert MARK not in printed
    assert "got 3 more often (in 'heavy' and 'risky')" in runs[1][0]
    assert "Expected 4 columns, got 5" in runs[1][1]


def test_only_the_artifacts_that_are_there_for_it_hold_ids(runs, flow_folder):
    named = {
        artifact.sha: artifact.id
        for run in runs[0].values()
        for step in run
        for task in step
        for artifact in task.artifacts
    }
    with_ids = {
        named.get(path.name, str(path))
        for path in flow_folder.path.glob(".metaflow/*/data/*/*")
        if path.is_file() and has_ids(inside(path))
    }
    assert with_ids == set(WITH_IDS)


def test_only_scores_snapshots_and_the_moderators_card_hold_ids_among_the_other_files(runs, flow_folder):
    folder = flow_folder.path
    inputs = {"tables", "twice", "ragged", "attributes"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in inputs]
    checkpoints = project_root() / ".scarcegan/checkpoints/RetrainFlow" / runs[0]["RetrainFlow"].id
    files += [path for path in checkpoints.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert not any(MARK in str(path) for path in files)
    with_ids = {kind_of(path.relative_to(folder)) for path in files if has_ids(inside(path))}
    assert with_ids == {"artifact", "snapshot's part", "shard's scores", "review list", "moderators' card"}


def test_only_the_evaluation_its_card_and_the_reviewers_report_name_groups_by_attributes(runs, flow_folder):
    run, folder = runs[0]["RetrainFlow"], flow_folder.path
    named = {artifact.sha: artifact.id for step in run for task in step for artifact in task.artifacts}
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] != "attributes"]
    found = [path for path in files if has_bands(inside(path))]
    assert {named[path.name] for path in found if path.name in named} == {"evaluation"}
    others = [path.relative_to(folder) for path in found if path.name not in named]
    kept = [path for path in others if path.parts[0] == "registry"]
    assert [path.parent.name for path in kept] == ["reports"]
    cards = [path for path in others if path not in kept]
    assert all(path.parts[1] == "mf.cards" and "evaluate" in path.parts for path in cards), cards
    assert not any(BAND in printed for printed in runs[1])
    [table] = run["evaluate"].task["evaluation"].data["attribute_groups"]["tables"]
    assert [" ".join(group["values"]) for group in table["groups"]] == [f"{BAND}-old", f"{BAND}-young"]


def kind_of(path: Path) -> str:
    parts = path.parts
    if parts[0] == ".metaflow" and parts[2] == "data":
        return "artifact"
    if parts[0] == ".metaflow" and parts[1] == "mf.cards" and "report" in parts and "scores" in path.name:
        return "moderators' card"
    if parts[0] == "snapshots" and path.suffix == ".parquet":
        return "snapshot's part"
    if parts[0] == "scores" and path.name.startswith("part-"):
        return "shard's scores"
    return "review list" if parts[0] == "scores" and path.name in ("review.csv", "review.parquet") else str(path)
