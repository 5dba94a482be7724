"""Questions to the Client API, asked in a process with the twin's environment; prints the answer as JSON."""

import json
import sys

from metaflow import Flow, Run, namespace
from metaflow.cards import get_cards

WITH_CARDS = ("preprocess", "train", "evaluate", "register")


def tasks(run_id):
    """Everything that is known about the tasks of a run."""
    run = Run(f"RetrainFlow/{run_id}")

    def cards(task):
        return [len(card.get()) for card in get_cards(task)] if task.successful else []

    return {
        "successful": run.successful,
        "tasks": [
            {
                "step": step.id,
                "pathspec": task.pathspec,
                "origin": task.origin_pathspec,
                "attempt": task.current_attempt,
                "successful": task.successful,
                "fold": task["fold"].data if step.id == "train" and task.successful else None,
                "rounds": task["progress"].data["iteration"] if step.id == "train" and task.successful else None,
                "job": task.metadata_dict.get("aws-batch-job-id"),
                "stdout": task.stdout,
                "cards": cards(task) if step.id in WITH_CARDS else [],
            }
            for step in run
            for task in step
        ],
    }


def memory(run_id):
    """The memory that the run's last tasks asked for by step, in MB, as their usage says."""
    return {task["step"]: task["memory_mb"] for task in Run(f"RetrainFlow/{run_id}")["end"].task["usage"].data}


def release(run_id):
    return Run(f"RetrainFlow/{run_id}")["register"].task["release"].data["versions"]


def runs_seen():
    """Runs in the own namespace, and all runs with who started them and their tags."""
    own = [run.id for run in Flow("RetrainFlow")]
    namespace(None)
    return {"own": own, "all": {run.id: sorted(run.tags) for run in Flow("RetrainFlow")}}


def tag(run_id, name):
    run = Run(f"RetrainFlow/{run_id}")
    run.add_tag(name)
    return sorted(run.user_tags)


if __name__ == "__main__":
    question, *arguments = sys.argv[1:]
    if question != "runs_seen":
        namespace(None)
    print(json.dumps(globals()[question](*arguments)))  # noqa: T201
