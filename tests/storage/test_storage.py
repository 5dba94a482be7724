import errno
import os
import stat
import threading
from contextlib import nullcontext

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from scarcegan.problems import DataProblem, StorageOutage
from scarcegan.storage import (
    draft_beside,
    find_bytes,
    find_parts,
    is_file,
    list_names,
    local_file,
    new_file,
    put_file,
    remove,
    remove_folder,
    s3,
    write_bytes,
)


@pytest.fixture(params=["local", "s3"])
def folder(request, tmp_path):
    """A folder that is not there yet: on this machine, and in the bucket `models`."""
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return "s3://models/out"
    return str(tmp_path / "out")


def test_what_is_written_is_read_back_and_replaced(folder):
    assert (find_bytes(f"{folder}/deep/part"), is_file(f"{folder}/deep/part"), list_names(folder)) == (None, False, [])
    with pytest.raises(DataProblem, match=f"(expected a file or a folder of parts at|cannot read) {folder}"):
        find_parts(folder)
    for content in (b"first", b"second"):
        write_bytes(f"{folder}/deep/part", content)
        assert find_bytes(f"{folder}/deep/part") == content
    with local_file(f"{folder}/deep/part") as path:
        assert path.read_bytes() == b"second"


def test_a_draft_appears_when_it_is_put_and_not_before(folder):
    with draft_beside(folder) as draft:
        draft.write_bytes(b"half")
        assert list_names(folder) == []
        draft.write_bytes(b"whole")
        put_file(draft, f"{folder}/part")
    assert find_bytes(f"{folder}/part") == b"whole"
    assert list_names(folder) == ["part"]


@pytest.mark.parametrize("written", [draft_beside, lambda folder: new_file(f"{folder}/part")])
def test_what_is_not_written_to_its_end_leaves_nothing(folder, tmp_path, written):
    def interrupted():
        with written(folder) as draft:
            draft.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not is_file(f"{folder}/part")
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "out"])


def is_folder(descriptor):
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(tmp_path, monkeypatch):
    done = []
    for name in ("replace", "link"):
        monkeypatch.setattr(f"os.{name}", lambda *_, name=name: done.append(name))
    monkeypatch.setattr(
        "os.fsync", lambda number: done.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
    )
    write_bytes(str(tmp_path / "replaced"), b"x")
    write_bytes(str(tmp_path / "linked"), b"x", once=True)
    assert done == ["file", "replace", "folder", "file", "link", "folder"]


@pytest.mark.parametrize(("number", "is_told"), [(errno.EINVAL, False), (errno.EACCES, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_synced_is_passed_over_and_a_broken_disk_is_not(tmp_path, monkeypatch, number, is_told):
    def sync(descriptor):
        if is_folder(descriptor):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", sync)
    with pytest.raises(DataProblem, match=r"cannot write .*: Input/output error") if is_told else nullcontext():
        write_bytes(str(tmp_path / "part"), b"x")


def at_once(function, arguments):
    writers = [threading.Thread(target=function, args=(one,)) for one in arguments]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


def test_writers_at_once_do_not_disturb_each_other(folder):
    contents = [bytes([number]) * 200_000 for number in range(6)]
    at_once(lambda content: write_bytes(f"{folder}/page", content), contents)
    assert find_bytes(f"{folder}/page") in contents
    won = []
    at_once(lambda content: write_bytes(f"{folder}/claim", content, once=True) and won.append(content), contents)
    assert won == [find_bytes(f"{folder}/claim")]


def test_who_wins_is_told_so_even_if_the_answer_is_lost(bucket):
    client = s3.client()
    # boto3 asks again, as after an answer that did not arrive.
    client.meta.events.register_first("needs-retry.s3.PutObject", lambda attempts, **_: 0 if attempts == 1 else None)
    assert write_bytes("s3://models/claim", b"ours", once=True)
    assert not write_bytes("s3://models/claim", b"ours", once=True)


def test_what_is_removed_while_somebody_asks_who_wrote_it_is_written_then(bucket):
    """Two runs that start at once both try whether they may write to the registry's archives."""
    assert write_bytes("s3://models/claim", b"theirs", once=True)
    s3.client().meta.events.register_first("before-call.s3.HeadObject", lambda **_: remove("s3://models/claim"))
    assert write_bytes("s3://models/claim", b"ours", once=True)
    assert find_bytes("s3://models/claim") == b"ours"


@pytest.mark.reliability(
    case="S3 refuses to write a file once, as another writer is at it, who then fails",
    sees="nothing: it is asked again",
    resume="not needed",
)
def test_a_conflict_with_a_writer_who_leaves_nothing_is_asked_again(bucket):
    parsed = {"Error": {"Code": "ConditionalRequestConflict"}, "ResponseMetadata": {"HTTPStatusCode": 409}}
    conflicts = [(AWSResponse("", 409, {}, None), parsed)]
    s3.client().meta.events.register("before-call.s3.PutObject", lambda **_: conflicts.pop() if conflicts else None)
    assert write_bytes("s3://models/claim", b"ours", once=True)
    assert find_bytes("s3://models/claim") == b"ours"


def test_hidden_names_are_not_listed_and_can_be_read(folder):
    for name in ("b.csv", "a/2.csv", "a/1.csv", "a/_temporary/0.csv", ".hidden/x", "_SUCCESS"):
        write_bytes(f"{folder}/{name}", b"x")
    assert list_names(folder) == ["a", "b.csv"]
    assert find_parts(folder) == [f"{folder}/{name}" for name in ("a/1.csv", "a/2.csv", "b.csv")]
    assert find_bytes(f"{folder}/_SUCCESS") == b"x"


def test_a_name_that_another_one_begins_with_is_a_file_of_its_own(folder):
    for name in ("a.csv.old", "a.csv"):
        write_bytes(f"{folder}/{name}", b"x")
        assert is_file(f"{folder}/a.csv") == (name == "a.csv")
    assert find_parts(f"{folder}/a.csv") == [f"{folder}/a.csv"]


def test_links_are_followed_once_and_lead_somewhere(tmp_path):
    table, elsewhere = tmp_path / "table", tmp_path / "elsewhere"
    for part in (table / "2026-11" / "a.csv", elsewhere / "b.csv"):
        part.parent.mkdir(parents=True)
        part.write_text("x")
    (table / "2026-12").symlink_to(elsewhere)
    (table / "latest").symlink_to(table / "2026-11")  # which is looked at anyhow
    (elsewhere / "again").symlink_to(elsewhere)
    (elsewhere / "up").symlink_to(tmp_path)
    (table / ".#lock").symlink_to("nobody@nowhere")
    assert find_parts(str(table)) == [f"{table}/2026-11/a.csv", f"{table}/2026-12/b.csv"]
    (table / "2026-11" / "c.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataProblem, match=f"cannot read {table}/2026-11/c.csv: No such file"):
        find_parts(str(table))


def test_a_removed_file_is_gone_and_may_be_gone_before(folder):
    write_bytes(f"{folder}/part", b"x")
    for _ in range(2):
        remove(f"{folder}/part")
    assert not is_file(f"{folder}/part")


def test_a_removed_folder_is_gone_with_all_that_is_in_it(folder, tmp_path, request, monkeypatch):
    monkeypatch.setattr(s3, "DELETED_AT_ONCE", 2)
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")  # a page of the list
    for name in ("a/1", "a/2", "a/.hidden/3", "_SUCCESS", "4", "5"):
        write_bytes(f"{folder}/{name}", b"x")
    write_bytes(f"{folder}-of-another/6", b"x")
    if folder.startswith("s3"):
        for marker in ("out/", "out/a/"):  # as a console makes for an empty folder
            request.getfixturevalue("bucket").put_object(Key=marker)
    for _ in range(2):
        remove_folder(folder)
    left = request.getfixturevalue("bucket").objects.all() if folder.startswith("s3") else tmp_path.rglob("*/*")
    assert [getattr(one, "key", "out-of-another/6") for one in left] == ["out-of-another/6"]


def test_what_s3_does_not_remove_is_named(bucket, monkeypatch):
    write_bytes("s3://models/out/part", b"x")
    refused = {"Errors": [{"Key": "out/part", "Code": "AccessDenied", "Message": ""}]}
    monkeypatch.setattr(s3.client(), "delete_objects", lambda **_: refused)
    with pytest.raises(DataProblem, match="cannot remove s3://models/out: out/part is left, AccessDenied"):
        remove_folder("s3://models/out")


def test_what_a_disk_refuses_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(DataProblem, match=r"cannot read .*/file: Not a directory; check the path"):
        list_names(str(tmp_path / "file"))
    with pytest.raises(DataProblem, match=r"cannot write .*/file/out: Not a directory; check the path"):
        write_bytes(str(tmp_path / "file" / "out" / "part"), b"x")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(DataProblem, match=r"cannot remove \S+: Permission denied; check the path"):
        remove_folder(str(tmp_path))


ALL = {
    "read": [list_names, find_parts, find_bytes, is_file, lambda location: local_file(location).__enter__()],
    "write": [lambda location: write_bytes(location, b"x"), lambda location: write_bytes(location, b"x", once=True)],
    "remove": [remove],
}
BUSY = [(500, "InternalError"), (503, "SlowDown"), (429, "TooManyRequests"), (400, "RequestTimeout")]
REFUSED = [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "ExpiredToken")]


@pytest.mark.reliability(
    case="S3 is down or busy",
    sees="after ten tries, to try again later; every step is retried twice, then comes the command that resumes",
    resume="goes on where it was",
)
@pytest.mark.parametrize(
    ("status", "code", "problem"), [(*one, StorageOutage) for one in BUSY] + [(*one, DataProblem) for one in REFUSED]
)
def test_an_outage_is_told_from_what_somebody_has_to_mend(bucket, status, code, problem):
    parsed = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    answer = (AWSResponse("", status, {}, None), parsed)  # the last one, after all of boto3's own tries
    s3.client().meta.events.register("before-call.s3", lambda **_: answer)
    for verb, functions in ALL.items():
        for function in functions:
            with pytest.raises(problem, match=rf"cannot {verb} s3://models/part: .*{code}"):
                function("s3://models/part")


def test_a_bucket_that_is_not_there_is_named(bucket):
    for verb, functions in ALL.items():
        for function in functions[:4]:
            with pytest.raises(
                DataProblem, match=rf"cannot {verb} s3://nobodys/in: .*NoSuchBucket.*; check the address"
            ):
                function("s3://nobodys/in")
    with pytest.raises(DataProblem, match="expected s3://bucket/prefix, got 's3:///in': name the bucket"):
        find_parts("s3:///in")


def test_a_server_that_does_not_answer_is_an_outage(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    waits = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", waits.append)
    with pytest.raises(StorageOutage, match=r"cannot read s3://models/in: Could not connect.*; try again later"):
        find_parts("s3://models/in")
    assert len(waits) == 10


@pytest.mark.reliability(
    case="AWS takes a request and never answers: a wrong address, a lost way to it",
    sees="after two tries, within half a minute, to try again later",
    resume="goes on where it was",
)
def test_a_server_that_takes_requests_and_says_nothing_is_an_outage_after_two_tries(bucket):
    asked = []

    def silent(request, **_):
        asked.append(request.url)
        raise ReadTimeoutError(endpoint_url=request.url)

    s3.client().meta.events.register("before-send.s3", silent)
    for verb, functions in ALL.items():
        for function in functions:
            asked.clear()
            with pytest.raises(StorageOutage, match=rf"cannot {verb} s3://models/part: Read timeout.*; try again"):
                function("s3://models/part")
            assert len(asked) == 2
    assert s3.client().meta.config.read_timeout * 2 < 30


def test_a_large_file_on_a_slow_line_has_longer_than_a_question(bucket, monkeypatch):
    made, make = [], s3.make_client
    monkeypatch.setattr(s3, "make_client", lambda *named, **given: made.append(make(*named, **given)) or made[-1])
    for size in (1, (1 << 16) + 1):
        write_bytes("s3://models/part", bytes(size))
    assert [client.meta.config.read_timeout for client in made] == [10, 60]
    assert [client.meta.config.connect_timeout for client in made] == [10, 60]


def test_missing_credentials_are_no_outage(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(DataProblem, match=r"Unable to locate credentials; check .* your AWS credentials"):
        find_bytes("s3://models/part")


def test_a_process_has_one_client(bucket):
    for number in range(3):
        write_bytes(f"s3://models/{number}", b"x")
    assert s3.client.cache_info().misses == 1


def test_a_folder_whose_key_begins_with_a_slash_is_another_than_the_one_without(bucket):
    """As `s3://models/` and `/x` make it, put together."""
    for folder in ("s3://models//x", "s3://models/x"):
        write_bytes(f"{folder}/a", b"1")
    assert find_parts("s3://models//x") == ["s3://models//x/a"]
    remove_folder("s3://models//x")
    assert [item.key for item in bucket.objects.all()] == ["x/a"]
