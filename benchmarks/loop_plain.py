"""What a data scientist writes in an afternoon for the outcome of the whole loop; the rival of benchmarks/loop.py.

Telemetry is read once with pandas. Group-by aggregates over the last 60 days at both cut-offs are the features,
LightGBM learns risky players from the labels, everyone is scored at the later cut-off, the highest per cent gets the
three features that say most, and drift is the PSI of every feature. All on one thread.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COUNTERS = ["sessions", "bets", "losses", "deposits", "night_minutes"]
WINDOW, RECENT = 60, 14  # days
# The best of what was tried on the development seed, 7, at 30,000 and 100,000 players. With unlabelled players as
# negatives, all or 20,000 of them, PR-AUC was lower at 100,000 and training dearer.
TREES: Mapping[str, Any] = {
    "n_estimators": 300,
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_child_samples": 50,
    "subsample": 0.7,
    "subsample_freq": 1,
    "colsample_bytree": 0.5,
    "reg_lambda": 10,
    "class_weight": "balanced",
}
FLAGGED = 0.01
REASONS = 3


def plain_loop(telemetry: Path, labels: Path, cutoffs: Sequence[str], output: Path) -> dict[str, float]:
    """Go from telemetry to scores, written to `output`, and drift; return the CPU seconds of each part.

    The labels have `player_id` and `population`; players that are not in there are unlabelled.
    """
    seconds, started = {}, time.process_time()

    def lap(name: str) -> None:
        nonlocal started
        now = time.process_time()
        seconds[name], started = now - started, now

    rows = pd.read_parquet(telemetry, to_pandas_kwargs={"date_as_object": False})
    lap("read")
    before, now = (features(rows, pd.Timestamp(cutoff)) for cutoff in cutoffs)
    del rows
    lap("features")
    model = train(before, pd.read_parquet(labels, columns=["player_id", "population"]))
    lap("training")
    scores = pd.DataFrame({"player_id": now.index, "risk_score": model.predict_proba(now)[:, 1]})
    top = scores["risk_score"].nlargest(int(FLAGGED * len(scores))).index
    scores.loc[top, "reasons"] = reasons(model, now.iloc[top])
    scores.to_parquet(output, index=False)
    lap("scoring")
    drift = {name: psi(before[name].to_numpy(), now[name].to_numpy()) for name in now}
    pd.Series(drift).sort_values(ascending=False).to_csv(output.with_suffix(".drift.csv"))
    lap("drift")
    return seconds


def features(rows: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Aggregate the days before a cut-off; a day without a row is a day without activity."""
    inside = rows[(rows["date"] < cutoff) & (rows["date"] >= cutoff - pd.Timedelta(days=WINDOW))]
    players = inside.groupby("player_id")
    table = players[COUNTERS].agg(["sum", "mean", "std", "max"])
    table.columns = ["_".join(names) for names in table.columns]
    table["active_share"] = players.size() / WINDOW
    table["days_since_last"] = (cutoff - players["date"].max()).dt.days
    is_recent = inside["date"] >= cutoff - pd.Timedelta(days=RECENT)
    is_early = inside["date"] < cutoff - pd.Timedelta(days=WINDOW // 2)
    parts = {"recent": is_recent, "early": is_early, "weekend": inside["date"].dt.day_of_week >= 5}
    for part, chosen in parts.items():
        sums = inside[chosen].groupby("player_id")[COUNTERS].sum().reindex(table.index, fill_value=0)
        table = table.join(sums.add_suffix(f"_{part}"))
    for name in COUNTERS:
        total = table[f"{name}_sum"]
        table[f"{name}_trend"] = np.log1p(table[f"{name}_recent"] / RECENT) - np.log1p(
            table[f"{name}_early"] / (WINDOW // 2)
        )
        table[f"{name}_weekend"] /= total.where(total > 0)
        if name != "sessions":
            table[f"{name}_per_session"] = total / table["sessions_sum"].where(table["sessions_sum"] > 0)
            recent = table["sessions_recent"].where(table["sessions_recent"] > 0)
            table[f"{name}_per_session_recent"] = table[f"{name}_recent"] / recent
    return table.astype("float32")


def train(table: pd.DataFrame, labels: pd.DataFrame) -> Any:
    """Fit risky players against the other labelled ones; returns LightGBM's classifier."""
    from lightgbm import LGBMClassifier

    known = labels[labels["population"] != "test"].set_index("player_id")["population"]
    known = known[known.index.isin(table.index)]
    model = LGBMClassifier(**TREES, n_jobs=1, random_state=1, verbose=-1)
    return model.fit(table.loc[known.index], known == "risky")


def reasons(model: Any, table: pd.DataFrame) -> list[str]:
    """Name the features that raise each player's score most, by LightGBM's Shapley values."""
    values = model.predict_proba(table, pred_contrib=True)[:, :-1]
    return [", ".join(table.columns[row]) for row in np.argsort(-values, axis=1)[:, :REASONS]]


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """Return the population stability index over the deciles of the earlier values."""
    edges = np.unique(np.nanquantile(before, np.linspace(0.1, 0.9, 9)))
    shares = [
        np.bincount(np.searchsorted(edges, one[np.isfinite(one)]), minlength=len(edges) + 1) / len(one)
        for one in (before, now)
    ]
    old, new = (np.maximum(one, 1e-4) for one in shares)
    return float(np.sum((new - old) * np.log(new / old)))
