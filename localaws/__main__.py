"""`python -m localaws`: start the twin, say what to export, stop it with Ctrl-C or SIGTERM."""

import argparse
import os
import shlex
import signal
import sys
import threading
from pathlib import Path

from localaws.twin import Twin, TwinProblem, local_aws


def main() -> None:
    """Run the twin until it is told to stop."""
    parser = argparse.ArgumentParser(prog="localaws", description="Start a local AWS twin.")
    parser.add_argument("--env", type=Path, help="Write the environment to this file too; removed at the end.")
    parser.add_argument("--config", type=Path, help="Write settings for the twin to this file; removed too.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="How many Batch jobs run at once.")
    parser.add_argument("--containers", action="store_true", help="Run jobs in podman's containers.")
    chosen = parser.parse_args()
    sys.stderr.write("Starting the twin of AWS; this takes some seconds ...\n")
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with local_aws(chosen.jobs, containers=chosen.containers) as twin:
            _tell(twin, chosen.env, chosen.config)
            stopped.wait()
    except TwinProblem as problem:
        sys.exit(f"The twin does not start. {problem}")
    finally:
        # Files that stay would lead later commands to ports where nobody answers.
        for file in filter(None, (chosen.env, chosen.config)):
            file.unlink(missing_ok=True)


def _tell(twin: Twin, env: Path | None, config: Path | None) -> None:
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(twin.environment.items()))
    kept = twin.outputs
    settings = (
        f'[registry]\nkind = "sagemaker"\narchives = "{kept["RegistryArchives"]}"\nimage = "scarcegan-serving"\n'
        f'[snapshots]\nfolder = "{kept["SnapshotsFolder"]}"\n[scoring]\nfolder = "{kept["ScoresFolder"]}"\n'
        f'[outcomes]\nfolder = "s3://{kept["BucketName"]}/outcomes"\n'
    )
    for file, text in ((env, lines), (config, settings)):
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    chosen = f"--config config {config} " if config else ""
    told = [
        "Ctrl-C stops the twin.",
        "It is ready. In another terminal:",
        f"  source {env}" if env else "  export the variables above",
        f"  python flows/retrain_flow.py {chosen}run --with batch",
    ]
    sys.stdout.write(lines + "".join(f"# {line}\n" for line in told))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
