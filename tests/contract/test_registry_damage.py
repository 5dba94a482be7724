"""What the registries do with what somebody else has written, and with clocks that are set back."""

import json
import sqlite3
from contextlib import closing

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from scarcegan.cli.tables import facts as facts_of
from scarcegan.problems import RegistryProblem

GROUP = "risky-players"
DAMAGES = {
    "a key removed": lambda facts: {key: text for key, text in facts.items() if key != "release_size"},
    "the token removed": lambda facts: {key: text for key, text in facts.items() if key != "token"},
    "a metric that is no number": lambda facts: facts | {"metric.recall": "n/a"},
    "a metric that is not finite": lambda facts: facts | {"metric.recall": "nan"},
    "a bound of another shape": lambda facts: facts | {"bound.state": "perhaps"},
}


@pytest.mark.reliability(
    case="Somebody has edited a package in SageMaker's console",
    sees="the others; which one is left out and why",
    resume="is not stopped by it",
)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_package_that_was_edited_in_the_console_is_left_out_and_named(
    aws, open_sagemaker, make_release, reviewer, damage
):
    registry = open_sagemaker()
    registry.register_release(make_release(definitions=("balanced",)))
    registry.approve(1, **reviewer)
    _, facts = package(aws, 1)
    put(aws, DAMAGES[damage](facts | {"token": "another"}))
    assert [version.version for version in registry.versions()] == [1]
    [told] = registry.left_out
    assert "package" in told
    assert "Approved, of group 'risky-players' cannot be read and is left out (" in told
    assert registry.champion("balanced").version == 1
    with pytest.raises(RegistryProblem, match="expected a former champion"):
        registry.rollback(**reviewer)


def test_a_package_of_others_is_left_alone(aws, open_sagemaker, make_release):
    registry = open_sagemaker()
    registry.register_release(make_release(definitions=("balanced",)))
    for facts in ({"token": "abc", "owner": "y"}, {"owner": "y"}):
        put(aws, facts)
    assert [version.version for version in registry.versions()] == [1]
    assert list(registry.left_out) == []


def test_a_package_of_ours_without_any_metadata_is_named(aws, open_sagemaker, make_release):
    registry = open_sagemaker()
    [version] = registry.register_release(make_release(definitions=("balanced",)))
    put(aws, {}, version.location)
    assert [version.version for version in registry.versions()] == [1]
    [told] = registry.left_out
    assert "package 2, Approved, of group 'risky-players' cannot be read and is left out (no definition" in told


@pytest.mark.reliability(
    case="A package is approved in SageMaker's console",
    sees="it as champion, with what was written there",
    resume="takes it as any other",
)
@pytest.mark.parametrize(
    "said",
    [
        '{"who": null, "why": 3, "at": null}',
        '{"who": "a", "why": "b", "at": "yesterday"}',
        '{"who": "a", "why": "b", "at": "2026-01-01", "until": "soon"}',
        '{"who": "a", "why": "b", "at": "2026-01-01", "identity": [1]}',
        "[1]",
        "null",
        '{"who": "a"}',
        '{"who": "a", "why": "b", "at": "9999-12-31T23:59:59.999999+00:00"}',
        "[" * 1024,
        "fine",
    ],
)
def test_an_approval_in_words_of_the_console_counts_as_one_given_there(
    aws, open_sagemaker, make_release, reviewer, said
):
    registry = open_sagemaker()
    registry.register_release(make_release())
    registry.approve(1, **reviewer)
    arn, facts = package(aws, 2)
    aws("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription=said, CustomerMetadataProperties=facts
    )
    assert [version.reason for version in registry.versions()] == ["finds more at the same budget", said, "", ""]
    assert registry.champion("precision_first").version == 2
    registry.reject(2, **reviewer)


def test_a_damaged_record_of_a_decision_does_not_hide_the_others(aws, open_sagemaker, make_release, reviewer):
    registry = open_sagemaker()
    registry.register_release(make_release())
    registry.approve(1, **reviewer)
    for name, text in (("0", b"{}"), ("1", b"\xff"), ("2", b"[1]")):
        aws("s3").put_object(Bucket="models", Key=f"risky/decisions/{GROUP}/1/{name}.json", Body=text)
    assert [event.who for event in registry.events(1)] == ["rita"]
    assert [told.split(" of group")[0] for told in registry.left_out] == [
        f"the decision s3://models/risky/decisions/{GROUP}/1/{name}.json" for name in "012"
    ]


def test_a_version_whose_words_somebody_has_edited_is_shown_in_the_usual_ones(aws, open_sagemaker, make_release):
    registry = open_sagemaker()
    registry.register_release(make_release(definitions=("balanced",)))
    _, facts = package(aws, 1)
    put(aws, facts | {"token": "another", "rows": "]["})
    shown = Console(record=True, width=200)
    shown.print(facts_of(registry.show(2)))
    assert "balanced" in shown.export_text()


def test_a_package_that_is_removed_while_it_is_listed_does_not_hide_the_others(
    aws, open_sagemaker, make_release, monkeypatch
):
    registry = open_sagemaker()
    registry.register_release(make_release())
    client, gone = aws("sagemaker"), package(aws, 2)[0]
    describe = client.describe_model_package

    def removed(ModelPackageName):
        if ModelPackageName == gone:
            error = {"Code": "ValidationException", "Message": f"ModelPackage {gone} does not exist."}
            raise ClientError({"Error": error}, "DescribeModelPackage")
        return describe(ModelPackageName=ModelPackageName)

    monkeypatch.setattr(client, "describe_model_package", removed)
    assert [version.version for version in registry.versions()] == [1, 3, 4]
    with pytest.raises(RegistryProblem, match=r"expected a registered version \(1, 3 to 4\), got 2"):
        registry.show(2)


def package(aws, number):
    [one] = [
        found
        for item in aws("sagemaker").list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
        if (found := aws("sagemaker").describe_model_package(ModelPackageName=item["ModelPackageArn"]))
        and found["ModelPackageVersion"] == number
    ]
    return one["ModelPackageArn"], one["CustomerMetadataProperties"]


def put(aws, facts, archive="s3://theirs/model.tar.gz"):
    """Make a package with these facts: the stand-in can neither remove one nor take metadata away."""
    served = {"Containers": [{"Image": "theirs", "ModelDataUrl": archive}]}
    served |= {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    aws("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties=facts,
        InferenceSpecification=served,
    )


def overwrite(folder, table, change):
    """Change rows of the local registry's file, which its own triggers refuse."""
    with closing(sqlite3.connect(folder / "registry" / "registry.sqlite", isolation_level=None)) as connection:
        connection.execute(f"DROP TRIGGER {table}_stays")
        connection.execute(f"UPDATE {table} SET {change}")  # noqa: S608


@pytest.mark.reliability(
    case="A row of the local registry has another shape",
    sees="the others; which one is left out and why",
    resume="is not stopped by it",
)
@pytest.mark.parametrize(
    "damage",
    ["metrics = 'not json'", 'metrics = \'{"recall": "n/a"}\'', "metadata = '[1]'", "bound = '{}'"],
)
def test_a_row_of_another_shape_is_left_out_and_named(tmp_path, make_release, reviewer, damage):
    from scarcegan.registry.local import LocalRegistry

    registry = LocalRegistry(tmp_path / "registry", GROUP)
    registry.register_release(make_release())
    registry.approve(1, **reviewer)
    overwrite(tmp_path, "version", f"{damage} WHERE version = 2")
    assert [version.version for version in registry.versions()] == [1, 3, 4]
    [told] = registry.left_out
    assert told.startswith("version 2, PendingManualApproval, of group 'risky-players' cannot be read and is left out")
    registry.approve(3, force=True, **reviewer)
    with pytest.raises(
        RegistryProblem, match=r"read the registered versions of precision_first back, got none \(versi"
    ):
        registry.register_release(make_release())


@pytest.mark.parametrize("damage", ["at = 'yesterday'", "until = 'soon'"])
def test_a_decision_of_another_shape_leaves_its_version_out_and_no_other(tmp_path, make_release, reviewer, damage):
    from scarcegan.registry.local import LocalRegistry

    registry = LocalRegistry(tmp_path / "registry", GROUP)
    registry.register_release(make_release())
    registry.approve(1, **reviewer)
    registry.approve(2, **reviewer)
    overwrite(tmp_path, "approval_event", f"{damage} WHERE version = 2")
    assert [version.version for version in registry.versions()] == [1, 3, 4]
    assert registry.left_out[0].startswith("version 2, Approved, of group 'risky-players' cannot be read")
    assert [one.version for one in registry.decisions()] == [1]


def test_a_decision_of_another_shape_before_the_last_one_is_left_out_and_named(tmp_path, make_release, reviewer):
    from scarcegan.registry.local import LocalRegistry

    registry = LocalRegistry(tmp_path / "registry", GROUP)
    registry.register_release(make_release())
    registry.approve(1, **reviewer)
    registry.reject(1, **reviewer)
    overwrite(tmp_path, "approval_event", "at = 'yesterday' WHERE status = 'Approved'")
    assert [one.decision for one in registry.decisions()] == ["Rejected"]
    assert registry.left_out[0].startswith("a decision about version 1 of group 'risky-players' cannot be read")
    registry.events(2)
    assert len(registry.left_out) == 1  # a command that asks about several names it all the same


@pytest.mark.reliability(
    case="A clock is set back between two approvals",
    sees="a rollback of the release that was approved last",
    resume="not needed",
)
def test_the_release_that_was_approved_last_is_rolled_back_whatever_the_clock_said(
    registry, make_release, reviewer, monkeypatch
):
    for run in ("11", "12"):
        registry.register_release(make_release(run))
    registry.approve(1, 2, 3, 4, **reviewer)
    monkeypatch.setattr("scarcegan.registry.rules.now", lambda: "1999-12-31T00:00:00.000000+00:00")
    registry.approve(5, 6, 7, 8, **reviewer)
    assert [version.version for version in registry.rollback(**reviewer)] == [1, 2, 3, 4]
    assert [event.status for event in registry.events(5)] == ["Approved", "Rejected"]


def test_the_command_names_what_it_leaves_out(tmp_path, make_release, reviewer):
    from typer.testing import CliRunner

    from scarcegan.cli import app
    from scarcegan.registry.local import LocalRegistry

    LocalRegistry(tmp_path / "registry", "scarcegan-risky-players").register_release(make_release())
    overwrite(tmp_path, "version", "metrics = '' WHERE version = 2")
    command = ["models", "list", "--json", "--registry-folder", str(tmp_path / "registry")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert [one["version"] for one in json.loads(done.stdout)] == [1, 3, 4]
    assert "version 2, PendingManualApproval," in done.stderr
