"""The whole flow in real containers of the image of config/aws/Dockerfile, one of which is killed."""

import subprocess

import pytest

pytestmark = [pytest.mark.aws, pytest.mark.slow]


@pytest.fixture(scope="module")
def run(container_account):
    """Run Ada's retraining and kill the container of fold 1, once, after a checkpoint."""
    launch = container_account.launch("ada", "run", iterations=400)
    launch.wait_for(launch.id_file.exists)
    launch.wait_for(lambda: "fold_1.npz" in container_account.checkpoints(launch.run_id))
    [name] = containers(f"-{launch.run_id}-train-5-0")
    subprocess.run(["podman", "kill", name], check=True, capture_output=True)
    launch.finish()
    return container_account.ask("ada", "tasks", launch.run_id)


def containers(name):
    listed = subprocess.run(
        ["podman", "ps", "--all", "--format={{.Names}}", f"--filter=name={name}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return listed.stdout.split()


def of(found, step):
    return [task for task in found["tasks"] if task["step"] == step]


def test_the_whole_flow_runs_in_containers(run):
    assert run["successful"]
    assert [task["pathspec"] for task in run["tasks"] if not task["job"]] == []
    assert all(task["cards"] for step in ("preprocess", "train", "evaluate", "register") for task in of(run, step))


def test_four_packages_are_registered(container_account, run):
    packages = container_account.client("sagemaker").list_model_packages(ModelPackageGroupName="players-of-ada")
    assert len(packages["ModelPackageSummaryList"]) == 4


def test_a_killed_container_is_followed_by_one_that_goes_on_from_its_checkpoint(run):
    [killed] = [task for task in of(run, "train") if task["fold"] == 1]
    assert killed["attempt"] == 1
    assert killed["rounds"] == list(range(5, 401, 5))
    assert "Iteration=20;" not in killed["stdout"]
    assert "Iteration=400;" in killed["stdout"]


def test_no_container_is_left(run):
    assert containers("RetrainFlow") == []


@pytest.mark.parametrize(
    ("podman", "told"),
    [
        (None, "expected podman, got none: `apt-get install podman"),
        ("#!/bin/sh\nexit 1\n", "expected podman to have the image localhost/scarcegan, got none: run `podman build"),
    ],
    ids=["podman", "image"],
)
def test_the_twin_says_what_containers_need(monkeypatch, tmp_path, podman, told):
    from localaws.twin import TwinProblem, local_aws

    if podman:
        (tmp_path / "podman").write_text(podman)
        (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TwinProblem, match=told), local_aws(containers=True):
        pass
