"""Scoring's last job: what the scores of all shards tell together, and the list that moderators work through."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from scarcegan.serving.distribution import LEVELS, counted_quantiles, lowest_of_top, top_order
from scarcegan.settings import Settings
from scarcegan.snapshots.store import ID
from scarcegan.storage import join, local_file, new_file, write_bytes

# Rows of the review list that go with the run as an artifact; the whole list is in its files.
SHOWN_ROWS = 10_000
# 29 % of 100 players are 29, not 28.
ROUNDING = 1e-9
REVIEW_COLUMNS = [ID, "risk_score", "class", "is_flagged", "reasons"]


def tell_scores(
    plan: Mapping[str, Any], model: Mapping[str, Any], tallies: Sequence[Mapping[str, Any]], settings: Settings
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Sum up the shards, and write the moderators' list and the report beside the scores.

    `report.json` is written last: where it is, all scores are.

    Returns:
        The report, a plain dict: the plan's keys, `files`, `players`, `flagged`, `flagged_share`, `unknown_share`,
        `classes`, `scores` (`levels`, `quantiles`, and the training run's `reference` or None), `review` (players,
        budget, lowest_score, flagged, files); and the review list's first 10,000 rows.

    Raises:
        DataProblem: the scores cannot be read or written.
    """
    players = sum(tally["players"] for tally in tallies)
    counts = np.sum([tally["counts"] for tally in tallies], axis=0)
    likeliest = np.sum([tally["classes"] for tally in tallies], axis=0)
    review = _review(plan, tallies, counts, wanted=int(settings.review_budget * players + ROUNDING))
    files = [_put_frame(plan, review, "review.parquet"), _put_frame(plan, review, "review.csv")]
    flagged = sum(tally["flagged"] for tally in tallies)
    labeled = model["rare_index"] + 1
    report = {
        **plan,
        "files": [tally["file"] for tally in tallies],
        "players": players,
        "flagged": flagged,
        "flagged_share": flagged / players,
        "unknown_share": int(likeliest[labeled:].sum()) / players,
        "classes": dict(zip(model["class_names"], likeliest.tolist(), strict=True)),
        "scores": {
            "levels": LEVELS.tolist(),
            "quantiles": counted_quantiles(counts),
            "reference": model.get("reference"),
        },
        "review": {
            "players": len(review),
            "budget": settings.review_budget,
            "lowest_score": float(review["risk_score"].min()) if len(review) else None,
            "flagged": int(review["is_flagged"].sum()),
            "files": files,
        },
    }
    write_bytes(join(plan["folder"], "report.json"), (json.dumps(report, indent=1, allow_nan=False) + "\n").encode())
    return report, review.head(SHOWN_ROWS)


def _review(
    plan: Mapping[str, Any], tallies: Sequence[Mapping[str, Any]], counts: np.ndarray, wanted: int
) -> pd.DataFrame:
    """Return the `wanted` players of the highest score; of each part only those that may be among them are read."""
    lowest = lowest_of_top(counts, wanted)
    frames = []
    for tally in tallies:
        with local_file(join(plan["folder"], tally["file"])) as path:
            found = pq.read_table(path, columns=REVIEW_COLUMNS, filters=[("risk_score", ">=", lowest)])
            frames.append(found.to_pandas())
    top = pd.concat(frames, ignore_index=True)
    order = top_order(top["risk_score"].to_numpy(), top[ID].to_numpy())[:wanted]
    chosen = top.iloc[order].reset_index(drop=True)
    chosen["reasons"] = [list(words) for words in chosen["reasons"]]
    return chosen


def _put_frame(plan: Mapping[str, Any], frame: pd.DataFrame, name: str) -> str:
    with new_file(join(plan["folder"], name)) as draft:
        if name.endswith(".csv"):
            frame.assign(reasons=["; ".join(words) for words in frame["reasons"]]).to_csv(draft, index=False)
        else:
            frame.to_parquet(draft, index=False)
    return name
