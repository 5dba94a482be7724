"""Secret keys: settings say where one is kept; the key itself stays in memory and gets into no setting, file or log."""

import os
from functools import cache

from scarcegan.problems import DataProblem
from scarcegan.storage.s3 import errors, make_client

SHORTEST = 16


def secret_key(reference: str) -> bytes:
    """Return the key that `env:NAME` (a variable) or `secret:ARN` (of AWS Secrets Manager) names.

    Raises:
        DataProblem: there is none, it cannot be read, or it is shorter than 16 characters.
    """
    kind, _, name = reference.partition(":")
    key = os.environ.get(name, "").encode() if kind == "env" else _from_secrets_manager(name)
    if len(key) < SHORTEST:
        got = f"{len(key)} characters" if key else "none"
        raise DataProblem(
            f"expected a key of at least {SHORTEST} characters in {reference}, as data.id_key names it, got {got}: set "
            "it to the one that made the ids there are (a new one: `openssl rand -hex 32`), and keep it for good"
        )
    return key


@cache
def _from_secrets_manager(arn: str) -> bytes:
    try:
        # The secret's own region, whatever the environment's is.
        found = make_client("secretsmanager", region=arn.split(":")[3]).get_secret_value(SecretId=arn)
    except errors() as error:
        raise DataProblem(
            f"cannot read the key of the players' ids, data.id_key = 'secret:{arn}': {error}; check the ARN, and that "
            "this role may call secretsmanager:GetSecretValue"
        ) from error
    return bytes(found.get("SecretBinary") or found.get("SecretString", "").encode())
