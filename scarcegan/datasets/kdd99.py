"""KDD Cup 1999, the public intrusion data that the ScarceGAN paper reports on, as players.

A "player" is a connection. The protocol is the published one, with its label counts:

* 70 % of the normal and of the rare rows of the 10 % file are for training; the rest is test set `same`.
* Labels are drawn from the training rows with replacement: 5,000 normal and 1,000 rare draws for `r2l`, 2,500
  and 90 for `u2r`. A row drawn twice is one player: about 570 distinct R2L and 34 distinct U2R rows.
* Unlabelled are 92,000 draws of the other normal training rows (again distinct), and all other rare ones.
* Test set `shifted`, the first, is the official `corrected` file: normal rows and attack names that occur in
  training. Attack names that training lacks are left out, as published.

Exact copies of labelled rows stay in both test sets, as published; their number is noted for the data report.

Encoding of the 41 features: 38 numeric ones as they are; one column per protocol and per flag; one column for
each of the 20 most frequent services in the training rows and one for the rest. Constant over the training rows, and
left out later, are `num_outbound_cmds`, `is_host_login`, `wrong_fragment`, and by draw others that hardly vary (`land`,
`urgent`, flags `OTH` and `RSTOS0`).
"""

import numpy as np
import pandas as pd
import pooch

from scarcegan.data.players import UNLABELED, Players
from scarcegan.datasets.sources import DATA_VARIABLE, data_folder, find_file, require_populations, without_ignored
from scarcegan.problems import DataProblem
from scarcegan.settings import Data, Settings

ORIGIN = "http://kdd.ics.uci.edu/databases/kddcup99/"
TRAINING = "kddcup.data_10_percent.gz"
CORRECTED = "corrected.gz"
# The origin serves plain HTTP: the digests tell whether the files are the right ones.
SHA256 = {
    TRAINING: "7bfaa8cef1350f72842018c32893e2fa4539d57efbb22f998eb74ecefc3da3b4",
    CORRECTED: "74f0daef49b242badc09f2adbd457dea6a45b4f77177efbd11216d333651044b",
}

ATTACKS = {
    "r2l": ("ftp_write", "guess_passwd", "imap", "multihop", "phf", "spy", "warezclient", "warezmaster"),
    "u2r": ("buffer_overflow", "loadmodule", "perl", "rootkit"),
}
LABEL_DRAWS = {"r2l": (5_000, 1_000), "u2r": (2_500, 90)}  # (normal, rare), with replacement, as published
UNLABELED_DRAWS = 92_000
TRAINING_SHARE = 0.7
FREQUENT_SERVICES = 20
SHIFTED, SAME = 1, 2
TEST_SETS = ("shifted", "same")

CATEGORICAL = ("protocol_type", "service", "flag")
COLUMNS = """
duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins
logged_in num_compromised root_shell su_attempted num_root num_file_creations num_shells
num_access_files num_outbound_cmds is_host_login is_guest_login count srv_count serror_rate
srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate diff_srv_rate srv_diff_host_rate
dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate
dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate
dst_host_rerror_rate dst_host_srv_rerror_rate attack
""".split()  # noqa: SIM905 - a list literal would fill forty lines


def load(settings: Settings) -> Players:
    """Load one KDD99 task, with test sets `shifted` and `same` and no cut-off; the protocol is the module's.

    Ids are row numbers, those of `corrected` following those of the training file.

    Raises:
        SettingsProblem: `[populations]` is not negatives `normal` and the task's name as the rare one.
        DataProblem: the files are missing and cannot be fetched, or are not KDD99.
    """
    task = settings.kdd99.task
    require_populations(settings.populations, "kdd99", ["normal"], task)
    training, corrected = (_read(_locate(settings.data, name)) for name in (TRAINING, CORRECTED))
    corrected.index += len(training)
    rows = training[training["attack"].isin(["normal", *ATTACKS[task]])]
    shifted = corrected[corrected["attack"].isin(["normal", *ATTACKS[task]])]
    rare = (rows["attack"] != "normal").to_numpy()
    if not (rare.any() and len(shifted)):
        raise DataProblem(f"expected '{task}' rows in {TRAINING} and {CORRECTED}, found none: fetch the files anew")
    labels, test_set = _deal(rare, LABEL_DRAWS[task], np.random.default_rng([settings.seed, 99]))
    dealt = rows.assign(label=labels, test_set=test_set)[test_set >= 0]
    everything = pd.concat([dealt, shifted.assign(label=UNLABELED, test_set=SHIFTED)])
    return without_ignored(_assemble(everything), settings.data)


def _locate(data: Data, name: str) -> str:
    """Find a file in the source's folder; outside a folder the user chose in `data.path` a missing one is fetched."""
    folder = data_folder(data)
    if data.path or (folder and (folder / name).is_file()):
        return find_file(data, name, f"fetch it from {ORIGIN}{name}, or leave data.path empty to have it fetched")
    try:
        cache = pooch.os_cache("scarcegan")
        return str(pooch.retrieve(ORIGIN + name, f"sha256:{SHA256[name]}", fname=name, path=cache))
    except (OSError, ValueError) as error:
        raise DataProblem(
            f"{name} is in no data folder and could not be fetched from {ORIGIN} ({error}): set "
            f"{DATA_VARIABLE} to the folder that holds kdd99/{name}, or data.path to the folder of the file"
        ) from error


def _read(path: str) -> pd.DataFrame:
    """Read a file in full; attack names lose their trailing dot."""
    try:
        rows = pd.read_csv(path, header=None, engine="pyarrow", compression="gzip")
    except (OSError, EOFError, ValueError) as error:
        raise DataProblem(f"{path} is not a gzipped CSV ({error}): fetch it anew from {ORIGIN}") from error
    if rows.shape[1] != len(COLUMNS):
        raise DataProblem(
            f"{path} has {rows.shape[1]} columns, expected {len(COLUMNS)} (the label last): fetch it anew"
        )
    rows.columns = pd.Index(COLUMNS)
    return rows.assign(attack=rows["attack"].str.removesuffix("."))


def _deal(rare: np.ndarray, draws: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Deal the rows out: labels int8 [n], -1 unlabelled; test_set int8 [n]: 0 training, 2 held out, -1 never drawn."""
    labels = np.full(len(rare), UNLABELED, np.int8)
    test_set = np.full(len(rare), -1, np.int8)
    for index, is_member in enumerate((~rare, rare)):
        members = rng.permutation(np.flatnonzero(is_member))
        training, held_out = np.split(members, [round(TRAINING_SHARE * len(members))])
        labeled = np.unique(rng.choice(training, draws[index]))
        others = np.setdiff1d(training, labeled)
        unlabeled = others if index else rng.choice(others, UNLABELED_DRAWS if len(others) else 0)
        labels[labeled] = index
        test_set[labeled], test_set[unlabeled], test_set[held_out] = 0, 0, SAME
    return labels, test_set


def _assemble(rows: pd.DataFrame) -> Players:
    # Training rows alone say which services are frequent.
    frequent = rows.loc[rows["test_set"] == 0, "service"].value_counts().index[:FREQUENT_SERVICES]
    service = rows["service"].where(rows["service"].isin(frequent), "rest")
    one_hot = pd.get_dummies(rows[list(CATEGORICAL)].assign(service=service), dtype=np.float32)
    features = pd.concat([rows.drop(columns=[*CATEGORICAL, "attack", "label", "test_set"]), one_hot], axis=1)
    return Players(
        ids=rows.index.to_numpy(np.int64),
        features=features.to_numpy(np.float32),
        feature_names=tuple(features.columns),
        labels=rows["label"].to_numpy(np.int8),
        truth=(rows["attack"] != "normal").to_numpy(np.int8),
        test_set=rows["test_set"].to_numpy(np.int8),
        test_sets=TEST_SETS,
        notes=_copies(rows),
    )


def _copies(rows: pd.DataFrame) -> tuple[str, ...]:
    """Say for each test set how many rows are exact copies of labelled ones."""
    # Features alone: a row with the same features is a copy, whatever its attack is called.
    content = pd.util.hash_pandas_object(rows[COLUMNS[:-1]], index=False)
    is_copy = content.isin(content[rows["label"] != UNLABELED])
    notes = []
    for number, name in enumerate(TEST_SETS, start=1):
        within = rows["test_set"] == number
        attacks = rows.loc[within & is_copy, "attack"]
        notes.append(
            f"{len(attacks)} of {within.sum()} rows of test set '{name}' ({(attacks != 'normal').sum()} of them rare) "
            "are exact copies of labelled rows"
        )
    return tuple(notes)
