import gzip

import numpy as np
import pytest

from scarcegan import settings
from scarcegan.data.left_out import constant
from scarcegan.datasets import kdd99
from scarcegan.problems import DataProblem

SERVICES = ["http"] * 60 + ["smtp"] * 30 + [f"service{number}" for number in range(40)]


def configured(task="r2l", path="", seed=7):
    return settings.load(
        {
            "seed": seed,
            "data": {"source": "kdd99", "path": str(path)},
            "kdd99": {"task": task},
            "populations": {"negatives": ["normal"], "rare": task},
        }
    )


def connection(number, attack, service="http"):
    """One line in the files' form: `src_bytes` is `number`, all other numbers are 0."""
    return ",".join(["0", "tcp", service, "SF", str(number), *["0"] * 36, f"{attack}."])


def write(folder, training, corrected):
    folder.mkdir(exist_ok=True)
    for name, lines in ((kdd99.TRAINING, training), (kdd99.CORRECTED, corrected)):
        (folder / name).write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    return folder


@pytest.fixture
def small_files(tmp_path):
    """130 normal rows of 42 services, 20 rare ones, 5 of other attacks; `corrected` has a new attack name."""
    training = [connection(number, "normal", service) for number, service in enumerate(SERVICES)]
    training += [connection(1_000 + number, "warezclient", "ftp") for number in range(20)]
    training += [connection(2_000 + number, "smurf") for number in range(5)]
    corrected = [connection(number, "normal", "icmp") for number in range(3)]
    corrected += [connection(1_000, "guess_passwd"), connection(0, "snmpguess"), connection(0, "smurf")]
    return write(tmp_path / "small", training, corrected)


@pytest.fixture
def small(small_files):
    return kdd99.load(configured(path=small_files))


def test_the_training_file_is_split_seventy_to_thirty_and_nobody_is_on_two_sides(small):
    assert small.test_sets == ("shifted", "same")
    same = small.test_set == 2
    assert [same.sum(), small.truth[same].sum()] == [39 + 6, 6]
    assert len(np.unique(small.ids)) == len(small)
    assert (small.labels[small.test_set > 0] == -1).all()


def test_the_shifted_set_has_normal_rows_and_known_attack_names_only(small):
    shifted = small.test_set == 1
    assert small.truth[shifted].tolist() == [0, 0, 0, 1]
    assert small.ids[shifted].tolist() == [155, 156, 157, 158]


def test_a_row_drawn_twice_is_one_player(small):
    pool = small.test_set == 0
    # 5,000 draws of 91 rows meet every one of them, 1,000 draws of 14 as well.
    assert [(small.labels[pool] == label).sum() for label in (0, 1, -1)] == [91, 14, 0]
    assert np.array_equal(small.labels[pool] == 1, small.truth[pool] == 1)


def test_rare_services_share_a_column(small):
    services = [name for name in small.feature_names if name.startswith("service_")]
    assert len(services) == kdd99.FREQUENT_SERVICES + 1
    assert {"service_http", "service_smtp", "service_ftp", "service_rest"} <= set(services)
    assert {"src_bytes", "duration", *services} <= set(small.feature_names)
    rest = small.features[:, small.feature_names.index("service_rest")]
    assert rest[small.test_set == 1].tolist() == [1, 1, 1, 0]
    one_hot = small.features[:, [name.startswith("service_") for name in small.feature_names]]
    assert (one_hot.sum(axis=1) == 1).all()


def test_exact_copies_of_labelled_rows_are_counted_in_a_note(tmp_path):
    training = [connection(number % 2, "normal") for number in range(20)] + [connection(7, "phf")] * 10
    corrected = [connection(0, "normal"), connection(7, "phf"), connection(8, "phf")]
    notes = kdd99.load(configured(path=write(tmp_path / "copies", training, corrected))).notes
    assert [text.split(" are ")[0] for text in notes[:2]] == [
        "2 of 3 rows of test set 'shifted' (1 of them rare)",
        "9 of 9 rows of test set 'same' (3 of them rare)",
    ]


def test_the_seed_decides_the_draws(small_files):
    one, again, other = (kdd99.load(configured(path=small_files, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.test_set, again.test_set)
    assert not np.array_equal(one.test_set, other.test_set)


def test_a_chosen_folder_without_the_files_is_a_problem(tmp_path):
    with pytest.raises(DataProblem, match=r"kddcup\.data_10_percent\.gz, found none: fetch it from http://kdd"):
        kdd99.load(configured(path=tmp_path))


def test_missing_files_are_fetched_with_their_checksum(no_data, small_files, monkeypatch):
    asked = {}

    def retrieve(url, known_hash, fname, path):
        asked[url] = known_hash
        return str(small_files / fname)

    monkeypatch.setattr(kdd99.pooch, "retrieve", retrieve)
    assert len(kdd99.load(configured())) == 154
    assert asked == {kdd99.ORIGIN + name: f"sha256:{digest}" for name, digest in kdd99.SHA256.items()}


@pytest.mark.parametrize("failure", [OSError("no route to host"), ValueError("hash does not match")])
def test_a_failed_fetch_says_what_to_set(no_data, monkeypatch, failure):
    def retrieve(*_, **__):
        raise failure

    monkeypatch.setattr(kdd99.pooch, "retrieve", retrieve)
    with pytest.raises(DataProblem, match=rf"{failure}.*set SCARCEGAN_DATA to the folder that holds kdd99"):
        kdd99.load(configured())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "is not a gzipped CSV"),
        (gzip.compress(b"1,2,3\n4,5\n"), "is not a gzipped CSV"),
        (gzip.compress(b"1,2,3\n"), "has 3 columns, expected 42"),
        (gzip.compress(b"\n".join([connection(1, "normal").encode()] * 3)), "expected 'r2l' rows"),
    ],
)
def test_broken_files_are_refused(small_files, content, message):
    (small_files / kdd99.TRAINING).write_bytes(content)
    with pytest.raises(DataProblem, match=message):
        kdd99.load(configured(path=small_files))


@pytest.fixture(scope="module", params=["r2l", "u2r"])
def real(request, real_data):
    return request.param, kdd99.load(configured(request.param, path=real_data / "kdd99"))


def test_the_real_tasks_have_the_published_counts(real):
    task, players = real
    shifted, same = (players.test_set == number for number in (1, 2))
    rare = {"r2l": (5_993, 338), "u2r": (39, 16)}[task]
    assert [shifted.sum(), players.truth[shifted].sum()] == [60_593 + rare[0], rare[0]]
    assert [same.sum(), players.truth[same].sum()] == [29_183 + rare[1], rare[1]]
    labeled = np.bincount(players.labels[players.labels >= 0])
    low, high = {"r2l": ((4_780, 540), (4_860, 590)), "u2r": ((2_420, 30), (2_480, 36))}[task]
    assert (labeled >= low).all()
    assert (labeled <= high).all()
    unlabeled = (players.test_set == 0) & (players.labels == -1)
    assert players.truth[unlabeled].sum() == {"r2l": 788, "u2r": 36}[task] - labeled[1]
    assert 48_000 < unlabeled.sum() < 50_000


def test_the_real_features_are_finite_and_nearly_all_vary(real):
    _, players = real
    assert np.isfinite(players.features).all()
    flat = set(constant(players))
    assert {"num_outbound_cmds", "is_host_login", "wrong_fragment"} <= flat
    assert flat <= {"num_outbound_cmds", "is_host_login", "wrong_fragment", "land", "urgent", "flag_OTH", "flag_RSTOS0"}
    assert len(players.feature_names) - len(flat) > 60
    assert not {"service", "flag"} & set(players.feature_names)
