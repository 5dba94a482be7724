"""Other ways to turn telemetry into features, to compare with in benchmarks/features.py; `make bench` installs them."""

import logging
import resource
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

PERIODS = 3


def prophet_published(frame: pd.DataFrame, counters: tuple[str, ...]) -> int:
    """Fit Prophet as the published feature step does: one fit per player and counter on the active days.

    Three seasonalities at the strongest periods of the periodogram (Fourier order 5), regressors for the weekend and
    for the days since the previous row; returns the number of fits.
    """
    from prophet import Prophet

    for chatty in ("cmdstanpy", "prophet"):
        logging.getLogger(chatty).disabled = True
    fits = 0
    for _, player in frame.sort_values("date").groupby("player_id"):
        for counter in counters:
            rows = player.loc[player[counter] > 0, ["date", counter]]
            if len(rows) <= 9:
                continue
            table = pd.DataFrame({"ds": rows["date"].to_numpy(), "y": rows[counter].to_numpy(float)})
            table["is_weekend"] = (table["ds"].dt.dayofweek >= 5).astype(float)
            table["gap"] = table["ds"].diff().dt.days.fillna(0).to_numpy(float)
            model = Prophet(
                changepoint_prior_scale=0.001,
                changepoint_range=0.5,
                seasonality_prior_scale=0.01,
                weekly_seasonality=False,
                daily_seasonality=False,
                seasonality_mode="additive",
            )
            for rank, period in enumerate(_strongest_periods(table["y"].to_numpy())):
                model.add_seasonality(name=f"period_{rank}", period=period, fourier_order=5)
            model.add_regressor("is_weekend")
            model.add_regressor("gap")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(table)
            fits += 1
    return fits


def tsfresh_minimal(frame: pd.DataFrame, counters: tuple[str, ...]) -> int:
    """Extract tsfresh's minimal set (10 per counter) in one process; returns the number of columns."""
    from tsfresh import extract_features
    from tsfresh.feature_extraction import MinimalFCParameters

    table = frame[["player_id", "date", *counters]]
    found = extract_features(
        table,
        column_id="player_id",
        column_sort="date",
        default_fc_parameters=MinimalFCParameters(),
        n_jobs=0,
        disable_progressbar=True,
    )
    return found.shape[1]


def catch24(frame: pd.DataFrame, counters: tuple[str, ...]) -> int:
    """Compute catch22 with mean and spread for each player and counter; returns the number of columns."""
    import pycatch22

    columns = 0
    for _, player in frame.sort_values("date").groupby("player_id"):
        columns = sum(
            len(pycatch22.catch22_all(player[counter].tolist(), catch24=True)["values"]) for counter in counters
        )
    return columns


# name -> (package to find, how many players are measured, work)
RIVALS: dict[str, tuple[str, int, Callable[[pd.DataFrame, tuple[str, ...]], int]]] = {
    "prophet": ("prophet", 4, prophet_published),
    "tsfresh_minimal": ("tsfresh", 200, tsfresh_minimal),
    "catch22": ("pycatch22", 200, catch24),
}


def cpu_of_all_processes() -> float:
    """Return the CPU seconds of this process and of the children it has waited for (Prophet's optimiser is one)."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _strongest_periods(values: np.ndarray) -> list[float]:
    power = np.abs(np.fft.rfft(values - values.mean())[1:]) ** 2
    return [len(values) / (place + 1) for place in np.argsort(power)[::-1][:PERIODS]]
