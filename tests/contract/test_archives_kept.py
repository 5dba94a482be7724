"""Archives once registered: nobody writes over one, an approval reads what is kept, a damaged one is mended."""

import hashlib
from dataclasses import replace

import boto3
import pytest

from scarcegan.problems import DataProblem, Problem, RegistryProblem
from scarcegan.registry.local import LocalRegistry
from scarcegan.storage import write_bytes


@pytest.fixture
def swap(tmp_path):
    """Replace the archive of a version, or remove it, as somebody does who has come to the folder or the bucket."""

    def put(version, content):
        if not version.location.startswith("s3://"):
            place = tmp_path / "registry" / "archives" / f"{version.sha256}.tar.gz"
            return place.unlink() if content is None else place.write_bytes(content)
        bucket, _, key = version.location.removeprefix("s3://").partition("/")
        s3 = boto3.client("s3")
        return (
            s3.delete_object(Bucket=bucket, Key=key)
            if content is None
            else s3.put_object(Bucket=bucket, Key=key, Body=content)
        )

    return put


@pytest.mark.reliability(
    case="Somebody replaces a registered archive in the bucket or on the disk",
    sees="at the approval: which archive was changed, and how to put it back; no champion of it",
    resume="not needed",
)
@pytest.mark.parametrize("content", [b"another model", None])
def test_an_approval_reads_what_is_kept_and_not_what_was_fetched_before(
    registry, make_release, reviewer, swap, content
):
    [version] = registry.register_release(make_release(definitions=("balanced",)))
    registry.fetch(registry.show(1).sha256)
    swap(version, content)
    with pytest.raises(Problem) as refused:
        registry.approve(1, **reviewer)
    assert registry.champion("balanced") is None
    assert version.sha256 in str(refused.value)


@pytest.mark.parametrize("content", [b"another model", None])
def test_the_refusal_of_an_archive_says_how_it_comes_back(registry, make_release, swap, content):
    [version] = registry.register_release(make_release(definitions=("balanced",)))
    swap(version, content)
    with pytest.raises(RegistryProblem, match=r"expected .*archive .*`scarcegan models repair VERSION FILE`"):
        registry.fetch(version.sha256)


@pytest.mark.reliability(
    case="A registered archive is gone or damaged",
    sees="that it is; `scarcegan models repair` takes the same bytes back, and no others",
    resume="not needed",
)
@pytest.mark.parametrize("content", [b"another model", None])
def test_the_same_bytes_put_back_make_a_version_whole(registry, make_release, reviewer, swap, tmp_path, content):
    [model] = make_release(definitions=("balanced",))
    [version] = registry.register_release([model])
    swap(version, content)
    wrong = tmp_path / "wrong.tar.gz"
    wrong.write_bytes(b"weights of somebody else")
    with pytest.raises(RegistryProblem, match="it was changed"):
        registry.repair(1, wrong)
    assert registry.repair(1, model.archive).sha256 == version.sha256
    assert registry.approve(1, **reviewer)[0].is_champion
    # Once more changes nothing.
    registry.repair(1, model.archive)


def test_what_was_fetched_before_is_read_only_with_the_right_digest(open_sagemaker, make_release, tmp_path, swap):
    registry = open_sagemaker()
    [version] = registry.register_release(make_release(definitions=("balanced",)))
    kept = registry.fetch(version.sha256)
    kept.write_bytes(b"damaged")
    assert hashlib.sha256(registry.fetch(version.sha256).read_bytes()).hexdigest() == version.sha256
    swap(version, None)  # a copy with the digest is as good as the bucket's
    assert registry.fetch(version.sha256) == kept


def test_a_registration_writes_over_nothing_and_says_which_bytes_it_means(open_sagemaker, make_release, aws):
    requests = []
    aws_s3 = boto3.client("s3")

    def note(params, **_):
        requests.append(params["headers"].get("If-None-Match"))

    from scarcegan.storage import s3

    s3.client().meta.events.register("before-call.s3.PutObject", note)
    [version] = open_sagemaker().register_release(make_release(definitions=("balanced",)))
    assert requests[0] == "*"
    bucket, _, key = version.location.removeprefix("s3://").partition("/")
    package = aws("sagemaker").describe_model_package(ModelPackageName=version.arn)
    [container] = package["InferenceSpecification"]["Containers"]
    assert f'"{container["ModelDataETag"]}"' == aws_s3.head_object(Bucket=bucket, Key=key)["ETag"]


@pytest.mark.parametrize("content", [b"another model", None])
@pytest.mark.parametrize("mend", ["repair", "register"])
def test_what_is_mended_is_what_its_package_says(open_sagemaker, make_release, aws, swap, content, mend):
    """As a model is deployed: SageMaker takes the bytes with the package's ETag, and no others."""
    [model] = make_release(definitions=("balanced",))
    large = bytes(9 << 20)  # boto3 sends it in parts if it may
    model.archive.write_bytes(large)
    model = replace(model, sha256=hashlib.sha256(large).hexdigest())
    registry = open_sagemaker()
    [version] = registry.register_release([model])
    swap(version, content)
    registry.repair(1, model.archive) if mend == "repair" else registry.register_release([model])
    bucket, _, key = version.location.removeprefix("s3://").partition("/")
    [container] = aws("sagemaker").describe_model_package(ModelPackageName=version.arn)["InferenceSpecification"][
        "Containers"
    ]
    assert f'"{container["ModelDataETag"]}"' == boto3.client("s3").head_object(Bucket=bucket, Key=key)["ETag"]
    assert registry.approve(1, who="rita", why="good")[0].is_champion


def test_a_registration_does_not_take_what_is_there_for_its_archive(open_sagemaker, make_release, monkeypatch):
    [model] = make_release(definitions=("balanced",))
    registry = open_sagemaker()
    location = registry._bucket.uri(model.sha256)
    write_bytes(location, b"another model")

    def refused(location):
        raise DataProblem(f"cannot remove {location}: AccessDenied")

    with monkeypatch.context() as kept:
        kept.setattr("scarcegan.aws.bucket.remove", refused)
        with pytest.raises(RegistryProblem, match=r"it was changed; .*; first cannot remove s3://.*: AccessDenied"):
            registry.register_release([model])
    assert registry.versions() == []
    registry.register_release([model])
    registry.approve(1, who="rita", why="good")


def test_the_message_names_the_place_and_the_way_to_mend_it(make_release, tmp_path, reviewer):
    registry = LocalRegistry(tmp_path / "registry", "risky-players")
    [version] = registry.register_release(make_release(definitions=("balanced",)))
    (tmp_path / "registry" / "archives" / f"{version.sha256}.tar.gz").write_bytes(b"another")
    with pytest.raises(RegistryProblem, match="scarcegan models repair VERSION FILE"):
        registry.approve(1, **reviewer)
