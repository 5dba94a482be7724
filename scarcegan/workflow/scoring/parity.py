"""The question of every migration: does the new model show moderators other players than the old one, and why?"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.stats import spearmanr

from scarcegan.data.ids import keyed_rows, to_numpy
from scarcegan.data.tables import read_parts
from scarcegan.data.validation import checked_ids
from scarcegan.data.values import OddValues, Refusals, numbers
from scarcegan.problems import DataProblem
from scarcegan.records import Record
from scarcegan.registry import Registry
from scarcegan.serving.distribution import top_order
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import reasons_in_words
from scarcegan.settings import Settings
from scarcegan.settings.markers_section import patterns_of
from scarcegan.snapshots import Snapshot
from scarcegan.snapshots.store import ID
from scarcegan.storage import find_parts
from scarcegan.workflow.scoring.plan import background_of, check_features
from scarcegan.workflow.scoring.records import Mover, ParityReport

SHOWN = 20
SCORE = "risk_score"


class Scores(Record):
    """One side of a comparison: `version 3`, or a file by its location, which has no model.

    Scores are float [n] in the snapshot's order of players; NaN: the side does not know the player.
    """

    name: str
    score: np.ndarray
    model: Model | None


def parity(old: str, new: str, snapshot: Snapshot, registry: Registry, settings: Settings) -> ParityReport:
    """Compare two models, or a model and an older scores file, on one snapshot.

    `old` and `new` are each a version's number or ARN, approved or not, or the location of a parquet or CSV file with
    `player_id` and `risk_score`. The settings' review budget is the share of players that moderators can look at.

    Raises:
        RegistryProblem: no such version, or its archive was changed.
        DataProblem: the snapshot lacks features of a model; a file cannot be used, or shares no player with it.
    """
    sides = [_scores(side, snapshot, registry, settings.data.id_key) for side in (old, new)]
    known = np.isfinite(sides[0].score) & np.isfinite(sides[1].score)
    if not known.any():
        raise DataProblem(
            f"expected players of snapshot '{snapshot.manifest.name}' in {sides[0].name} and {sides[1].name}, got "
            "none: compare on the snapshot that the scores were made from"
        )
    rows = np.flatnonzero(known)
    old_score, new_score = (side.score[rows] for side in sides)
    ranks = [_ranks(score, snapshot.ids[rows]) for score in (old_score, new_score)]
    # 29 % of 100 players are 29, though 0.29 * 100 is a little less.
    budget = int(settings.review_budget * len(rows) + 1e-9)
    markers = patterns_of(settings.markers, settings.telemetry.roles)
    was_in, is_in = (rank <= budget for rank in ranks)
    # SciPy warns of scores that are the same for everyone.
    ranked = np.ptp(old_score) > 0 and np.ptp(new_score) > 0
    return ParityReport(
        old=sides[0].name,
        new=sides[1].name,
        snapshot=snapshot.manifest.name,
        players=len(rows),
        only_in_snapshot=len(snapshot.ids) - len(rows),
        budget_players=budget,
        agreement=float(np.mean(is_in[was_in])) if budget else 1.0,
        rank_correlation=float(spearmanr(old_score, new_score).statistic) if ranked else None,
        largest_difference=float(np.abs(old_score.astype(np.float64) - new_score).max()),
        moved_in_players=int(np.count_nonzero(is_in & ~was_in)),
        moved_in=_movers(is_in & ~was_in, 1, rows, ranks, sides, snapshot, markers),
        moved_out=_movers(was_in & ~is_in, 0, rows, ranks, sides, snapshot, markers),
    )


def _ranks(scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return each player's place in the order of the review, 1 for the first."""
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[top_order(scores, ids)] = np.arange(1, len(scores) + 1)
    return ranks


def _scores(side: str, snapshot: Snapshot, registry: Registry, id_key: str) -> Scores:
    if not re.fullmatch(r"v?\d+|arn:.*", side):
        return Scores(side, _from_file(side, snapshot.ids, id_key), None)
    version = registry.show(registry.number_of(side))
    model = Model.load(registry.fetch(version.sha256), version.sha256)
    check_features(model, version.version, snapshot.manifest)
    return Scores(f"version {version.version}", model.risk(_features(model, snapshot)), model)


def _features(model: Model, snapshot: Snapshot, rows: np.ndarray | None = None) -> np.ndarray:
    columns = [snapshot.manifest.frame.columns.index(name) for name in model.feature_names]
    return (snapshot.features if rows is None else snapshot.features[rows])[:, columns]


def _from_file(location: str, ids: np.ndarray, id_key: str) -> np.ndarray:
    """Return the scores of a file in the order of `ids`, NaN for players that it lacks."""
    # A folder that ScoreFlow has written holds the files of shards beside its reports.
    parts = [part for part in find_parts(location) if fnmatch(part, "*/part-*.parquet")] or [location]
    # Ids as text: as numbers, those of a CSV would lose leading zeros.
    pieces = [keyed_rows(rows, ID, id_key) for part in parts for _, rows in read_parts(part, text=[ID])]
    missing = {ID, SCORE} - set.intersection(*(set(rows.column_names) for rows in pieces))
    if missing:
        raise DataProblem(
            f"expected the columns {ID} and {SCORE} in {location}, got no {' and no '.join(sorted(missing))}: "
            "rename the file's own"
        )
    refusals, odd, names, scores = Refusals(), OddValues(), [np.empty(0, str)], [np.empty(0)]
    for rows in pieces:
        found = numbers(rows[SCORE])
        if found is None:
            odd.add(location, rows[SCORE])
        else:
            scores.append(found.cast(pa.float64()).to_numpy())
        with refusals.collecting():
            names.append(to_numpy([checked_ids(location, rows[ID], ID)]).astype(str))
    if odd.rows:
        refusals.add(f"{location}: column '{SCORE}': expected numbers, got {odd.kind} ({odd.counted}): make it numbers")
    if not odd.rows and np.isnan(np.concatenate(scores)).all():
        refusals.add(
            f"{location}: column '{SCORE}': expected scores, got none in {sum(map(len, pieces))} rows: fill it"
        )
    if infinite := np.count_nonzero(np.isinf(np.concatenate(scores))):
        refusals.add(f"{location}: column '{SCORE}': expected finite numbers, got {infinite} infinite: mend them")
    known = pd.Index(np.concatenate(names))
    if known.has_duplicates:
        again = np.flatnonzero(known.duplicated())
        refusals.add(
            f"expected each player once in {location}, got {len(again)} again, first in row {again[0] + 1}: mend it"
        )
    refusals.refuse()
    place = known.get_indexer(pd.Index(ids.astype(str)))
    return np.where(place >= 0, np.concatenate([*scores, [np.nan]])[place], np.nan)


def _movers(
    moved: np.ndarray,
    by: int,
    rows: np.ndarray,
    ranks: list[np.ndarray],
    sides: list[Scores],
    snapshot: Snapshot,
    markers: Mapping[str, Sequence[str]],
) -> list[Mover]:
    """Describe the first of the players that move, a bool array [n]; side `by` shows them to moderators and says why.

    The n players stand in these rows of the snapshot and have these ranks on each side.
    """
    places = np.flatnonzero(moved)
    places = places[np.argsort(ranks[by][places])][:SHOWN]
    why: list[list[str]] = [[] for _ in places]
    if (model := sides[by].model) is not None:
        background = background_of(model, snapshot.manifest, markers)
        features = _features(model, snapshot, rows[places])
        why = reasons_in_words(background, features, model.explain(features, background.typical))
    return [
        Mover(
            player_id=snapshot.ids[rows[place]].item(),
            old_score=float(sides[0].score[rows[place]]),
            new_score=float(sides[1].score[rows[place]]),
            old_rank=int(ranks[0][place]),
            new_rank=int(ranks[1][place]),
            why=words,
        )
        for place, words in zip(places, why, strict=True)
    ]
