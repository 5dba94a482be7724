"""The record of one decision: what a model made of one player, why, and what people found out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from scarcegan import words
from scarcegan.data.one_player import are_theirs
from scarcegan.data.tables import read_parts
from scarcegan.outcomes.consensus import LABEL, settled
from scarcegan.outcomes.lists import read_report, review_lists
from scarcegan.outcomes.records import Outcome
from scarcegan.outcomes.store import as_records, open_outcomes
from scarcegan.problems import DataProblem
from scarcegan.registry import Registry
from scarcegan.serving.counterfactual import nearest_counterfactual
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import contributions
from scarcegan.settings import Settings
from scarcegan.settings.markers_section import patterns_of
from scarcegan.settings.model_sections import headline_of
from scarcegan.snapshots import Manifest, SnapshotStore, open_snapshots
from scarcegan.snapshots.store import ID
from scarcegan.storage import is_file, join
from scarcegan.workflow.scoring.plan import background_of, plan_scoring, planned_model
from scarcegan.workflow.scoring.records import DecisionRecord, ScoringPlan


def explain_player(
    player: str, snapshot: str, settings: Settings, registry: Registry, version: int | None = None
) -> DecisionRecord:
    """Tell the decision on one player of a snapshot, by the version that has scored it, or this one of several.

    Of several versions, that of the definition which stands out in the settings is taken, of several runs the last. Of
    a snapshot that nobody has scored, the champion tells what it would decide.

    Raises:
        DataProblem: no such snapshot or player, or the snapshot was replaced since it was scored.
        RegistryProblem: no such version, or its archive was changed.
    """
    store = open_snapshots(settings.own_snapshots.folder)
    manifest = store.describe(snapshot)
    plan, files = _scored(manifest, settings, version)
    if plan is None:
        plan = replace(plan_scoring(settings, registry, None, version, snapshot, run=""), folder="")
    model = planned_model(plan, registry)
    plan = replace(plan, markers=plan.markers or patterns_of(settings.markers, settings.telemetry.roles))
    row = _row(store, manifest, model, player)
    background = background_of(model, manifest, plan.markers)
    [attributions] = model.explain(row[None, :], background.typical)
    score, typical_score = (model.risk(one[None, :]) for one in (row, background.typical))
    outcomes, label = _outcomes(player, snapshot, settings)
    return DecisionRecord(
        player_id=player,
        plan=plan,
        score=float(score[0]),
        score_kind=model.score_kind,
        threshold=plan.model.threshold,
        is_flagged=bool(model.flags(score)[0]),
        recorded_score=_recorded(plan, files, player),
        typical_score=float(typical_score[0]),
        markers=contributions(background, row, attributions),
        counterfactual=nearest_counterfactual(model, background, row, attributions),
        outcomes=outcomes,
        label=label,
        words=settings.words,
    )


def _scored(manifest: Manifest, settings: Settings, version: int | None) -> tuple[ScoringPlan | None, Sequence[str]]:
    """Return the plan of the scoring to explain, and its files; none where nobody has scored the snapshot."""
    found = review_lists(settings.own_scoring, settings.registry.group, [manifest.name])
    found = [one for one in found if version in (None, one.model.version)]
    if not found:
        return None, []
    headline = headline_of(settings.definitions)
    # Names of runs end with their number: of equal length they compare as numbers.
    last = max(
        found, key=lambda one: (one.model.definition == headline, one.model.version, len(one.folder), one.folder)
    )
    # The report has the plan's keys beside its own.
    plan = read_report(last.folder, ScoringPlan)
    if plan.snapshot.fingerprint != manifest.origin:
        raise DataProblem(
            f"expected snapshot '{manifest.name}' with fingerprint {plan.snapshot.fingerprint}, which {plan.run} has "
            f"scored, got {manifest.origin}: it was replaced since; restore it, or score it again"
        )
    return plan, last.files


def _row(store: SnapshotStore, manifest: Manifest, model: Model, player: str) -> np.ndarray:
    """Read a player's features, float32 [F] in the model's order."""
    for part in manifest.parts:
        own = _of_player(store.read_part(manifest, part, model.feature_names), player)
        if len(own):
            return np.array([own[name][0].as_py() for name in model.feature_names], dtype=np.float32)
    raise DataProblem(
        f"expected a player of snapshot '{manifest.name}' ({words.plural(manifest.players, 'player')}), got an id that "
        "none of them has: check the id and --snapshot"
    )


def _recorded(plan: ScoringPlan, files: Sequence[str], player: str) -> float | None:
    """Return the score that the run has written for a player; None where its files are gone."""
    for location in (join(plan.folder, file) for file in files):
        for _, rows in read_parts(location, [ID, "risk_score"]) if is_file(location) else ():
            if len(own := _of_player(rows, player)):
                return float(own["risk_score"][0].as_py())
    return None


def _of_player(table: pa.Table, player: str) -> pa.Table:
    return table.filter(are_theirs(table[ID], player))


def _outcomes(player: str, snapshot: str, settings: Settings) -> tuple[list[Outcome], str]:
    table = open_outcomes(settings.outcomes, settings.registry.group).table()
    own = table[(table[ID] == player) & (table["snapshot"] == snapshot)]
    labels = settled(own, settings.outcomes)[LABEL].tolist()
    return as_records(own), labels[0] if labels else ""
