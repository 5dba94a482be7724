"""What the stack's bucket refuses everybody, its owner too: to write over an archive or remove one; who reads the key.

Condition keys as in S3's user guide, "Enforce conditional writes on Amazon S3 buckets"; the stand-in for AWS does not
evaluate bucket policies, so they are reasoned about here.
"""

from fnmatch import fnmatchcase

import pytest

ARCHIVE = "${Bucket.Arn}/registry/archives/0/model.tar.gz"
TLS = {"aws:SecureTransport": "true"}
UPLOAD = TLS | {"s3:ObjectCreationOperation": "true"}


@pytest.fixture(scope="module")
def refuses(resources):
    """Tell whether the bucket's policy denies a request whose keys of conditions are given."""
    statements = resources["OnlyWithTls"]["Properties"]["PolicyDocument"]["Statement"]

    def ask(action, key, context):
        return any(applies(one, action, key, context) for one in statements)

    return ask


def applies(statement, action, key, context):
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    actions, places = (one if isinstance(one, list) else [one] for one in (statement["Action"], statement["Resource"]))
    named = any(fnmatchcase(action, pattern) for pattern in actions)
    meant = any(fnmatchcase(key, place["Fn::Sub"]) for place in places if "Fn::Sub" in place)
    return named and meant and all(holds(*test, context) for test in statement.get("Condition", {}).items())


def holds(operator, wanted, context):
    if operator == "Null":  # whether the request lacks the key
        return all((key not in context) == (value == "true") for key, value in wanted.items())
    assert operator == "Bool"  # a key that the request lacks matches nothing
    return all(context.get(key) == value for key, value in wanted.items())


def test_an_archive_is_written_once(refuses):
    assert refuses("s3:PutObject", ARCHIVE, UPLOAD)
    assert not refuses("s3:PutObject", ARCHIVE, UPLOAD | {"s3:if-none-match": "*"})


def test_the_parts_of_a_large_upload_need_no_condition(refuses):
    assert not refuses("s3:PutObject", ARCHIVE, TLS | {"s3:ObjectCreationOperation": "false"})


@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_nobody_removes_an_archive(refuses, action):
    assert refuses(action, ARCHIVE, TLS)
    assert not refuses(action, "${Bucket.Arn}/metaflow/RetrainFlow/1", TLS)


def test_everything_else_is_written_as_ever(refuses):
    for key in ("registry/reports/0.json", "registry/decisions/players/1/0.json", "metaflow/a", "scores/b"):
        assert not refuses("s3:PutObject", f"${{Bucket.Arn}}/{key}", UPLOAD)


def test_jobs_read_the_key_of_the_ids_and_nothing_else_of_secrets_manager(resources):
    allowed = resources["JobsReadTheIdKey"]["Properties"]
    assert allowed["Roles"] == [{"Ref": "TrainingRole"}, {"Ref": "ScoringRole"}]
    [statement] = allowed["PolicyDocument"]["Statement"]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"] == {"Ref": "IdKeySecretArn"}
    assert resources["JobsReadTheIdKey"]["Condition"] == "HasIdKey"
