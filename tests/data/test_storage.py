import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto.server import ThreadedMotoServer

from scarcegan.data.populations import load_populations
from scarcegan.data.tables import read_table
from scarcegan.problems import DataProblem, StorageOutage
from scarcegan.storage import (
    draft_beside,
    find_parts,
    is_file,
    is_folder,
    list_names,
    put_file,
    read_bytes,
    remove,
    remove_folder,
    write_once,
)


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """An empty bucket `telemetry` that plain boto3 reaches by its environment alone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = boto3.resource("s3").Bucket("telemetry")
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()


def test_five_tables_on_s3_are_read_as_their_local_copies_are(bucket, five_tables, folder_of, settings):
    folder = folder_of(five_tables)
    half = len(five_tables["unlabeled"]) // 2
    for name, frame in five_tables.items():
        if name == "unlabeled":
            bucket.put_object(Key="in/unlabeled/part-0.parquet", Body=frame[:half].to_parquet(index=False))
            bucket.put_object(Key="in/unlabeled/part-1.parquet", Body=frame[half:].to_parquet(index=False))
            bucket.put_object(Key="in/unlabeled/_SUCCESS", Body=b"")
        else:
            bucket.upload_file(f"{folder}/{name}.parquet", f"in/{name}.parquet")
    local = load_populations(settings(data={"path": folder}))
    remote = load_populations(settings(data={"path": "s3://telemetry/in/"}))
    for column in ("ids", "features", "labels", "truth", "test_set"):
        assert (getattr(local, column) == getattr(remote, column)).all()


def test_a_prefix_is_a_folder_and_a_key_is_a_file(bucket):
    for key in ("in/a.csv", "in/a.csv.old", "in/b/2.csv", "in/b/1.csv", "in/b/_temporary/0.csv", "in/b/"):
        bucket.put_object(Key=key, Body=b"player_id,opens\n1,2\n")
    assert list_names("s3://telemetry/in") == ["a.csv", "a.csv.old", "b"]
    assert find_parts("s3://telemetry/in/a.csv") == ["s3://telemetry/in/a.csv"]
    assert find_parts("s3://telemetry/in/b") == ["s3://telemetry/in/b/1.csv", "s3://telemetry/in/b/2.csv"]
    assert read_table("s3://telemetry/in/b")["opens"].tolist() == [2, 2]


def test_a_corrupt_object_is_named_by_its_address(bucket):
    bucket.put_object(Key="risky.parquet", Body=b"PAR1 but no more")
    with pytest.raises(DataProblem, match=r"cannot read s3://telemetry/risky.parquet: .*; mend the file"):
        read_table("s3://telemetry/risky.parquet")


def test_nothing_at_an_address_is_refused(bucket):
    with pytest.raises(DataProblem, match="a folder of parts at s3://telemetry/in/risky, found nothing: check"):
        read_table("s3://telemetry/in/risky")
    with pytest.raises(DataProblem, match="expected a folder at s3://telemetry/in, found nothing: check the bucket"):
        list_names("s3://telemetry/in")


def test_an_unknown_bucket_is_refused(bucket):
    with pytest.raises(DataProblem, match=r"cannot read s3://nobodys-bucket/in: .*NoSuchBucket.*; check the address"):
        read_table("s3://nobodys-bucket/in")


def test_an_address_without_bucket_is_refused():
    with pytest.raises(DataProblem, match="expected s3://bucket/prefix, got 's3:///in': name the bucket"):
        read_table("s3:///in")


def test_a_server_that_does_not_answer_is_refused(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)  # between its tries
    with pytest.raises(StorageOutage, match=r"cannot read s3://telemetry/in: Could not connect.*; try again later"):
        read_table("s3://telemetry/in")


@pytest.fixture
def s3_answers(bucket, monkeypatch):
    """Let S3 answer each request with one error, after all of boto3's own tries."""

    def answer(status, code):
        parsed = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
        made = boto3.client

        def broken_client(*args, **options):
            client = made(*args, **options)
            client.meta.events.register("before-call.s3", lambda **_: (AWSResponse("", status, {}, None), parsed))
            return client

        monkeypatch.setattr(boto3, "client", broken_client)

    return answer


BUSY = [(500, "InternalError"), (503, "SlowDown"), (429, "TooManyRequests"), (400, "RequestTimeout")]
REFUSED = [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "ExpiredToken")]


@pytest.mark.parametrize(
    ("status", "code", "problem"), [(*one, StorageOutage) for one in BUSY] + [(*one, DataProblem) for one in REFUSED]
)
def test_an_outage_is_told_from_what_somebody_has_to_mend(s3_answers, tmp_path, status, code, problem):
    (tmp_path / "draft").write_bytes(b"x")
    s3_answers(status, code)
    with pytest.raises(problem, match=r"cannot read s3://telemetry/part: "):
        read_bytes("s3://telemetry/part")
    with pytest.raises(problem, match=r"cannot write s3://telemetry/part: .*" + code):
        put_file(tmp_path / "draft", "s3://telemetry/part")
    with pytest.raises(problem, match=r"cannot write s3://telemetry/part: .*" + code):
        write_once("s3://telemetry/part", b"x")


def test_missing_credentials_are_no_outage(bucket, monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(DataProblem, match=r"Unable to locate credentials; check .* your AWS credentials"):
        read_bytes("s3://telemetry/part")


def test_hidden_names_of_a_local_folder_are_left_out(tmp_path):
    for name in ("b.csv", "a", ".hidden", "_SUCCESS"):
        (tmp_path / name).touch()
    assert list_names(str(tmp_path)) == ["a", "b.csv"]
    with pytest.raises(DataProblem, match=r"cannot read .*/b.csv: Not a directory; check the path"):
        list_names(str(tmp_path / "b.csv"))


@pytest.fixture(params=["local", "home", "s3"])
def folder(request, tmp_path, monkeypatch):
    """A folder to write to: a local one, one in one's home, and a prefix of the bucket."""
    if request.param == "home":
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        return "~/out"
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return "s3://telemetry/out"
    return str(tmp_path / "out")


def test_a_draft_appears_when_it_is_put_and_not_before(folder):
    with draft_beside(folder) as draft:
        draft.write_bytes(b"half")
        assert not is_file(f"{folder}/part")
        draft.write_bytes(b"whole")
        put_file(draft, f"{folder}/part")
    assert read_bytes(f"{folder}/part") == b"whole"
    assert is_folder(folder)
    assert list_names(folder) == ["part"]


def test_a_draft_that_is_not_put_is_forgotten(folder):
    with draft_beside(folder) as draft:
        draft.write_bytes(b"half")
    assert not is_file(f"{folder}/part")


def test_what_is_written_once_stays(folder):
    assert write_once(f"{folder}/manifest", b"first")
    assert not write_once(f"{folder}/manifest", b"second")
    assert read_bytes(f"{folder}/manifest") == b"first"
    assert not is_file(f"{folder}/manif")


def test_a_removed_file_is_gone_and_may_be_gone_before(folder):
    write_once(f"{folder}/part", b"x")
    for _ in range(2):
        remove(f"{folder}/part")
    assert not is_file(f"{folder}/part")


def test_a_removed_folder_is_gone_and_may_be_gone_before(folder):
    write_once(f"{folder}/part", b"x")
    for _ in range(2):
        remove_folder(folder)
    assert not is_folder(folder)


def test_ones_home_is_the_same_for_all_that_is_done_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_once("~/out/first", b"x")
    with draft_beside("~/out") as draft:
        draft.write_bytes(b"y")
        put_file(draft, "~/out/second")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["first", "second"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # and no folder that is called `~`


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataProblem, match=r"cannot write .*/file/out: Not a directory; check the path"),
        draft_beside(str(tmp_path / "file" / "out")),
    ):
        pytest.fail("unreachable")


def test_a_bucket_that_refuses_is_named(bucket, tmp_path):
    (tmp_path / "draft").write_bytes(b"x")
    with pytest.raises(
        DataProblem, match=r"cannot write s3://nobodys-bucket/part: .*NoSuchBucket.*; check the address"
    ):
        put_file(tmp_path / "draft", "s3://nobodys-bucket/part")
    with pytest.raises(DataProblem, match=r"cannot write s3://nobodys-bucket/part: .*NoSuchBucket"):
        write_once("s3://nobodys-bucket/part", b"x")
