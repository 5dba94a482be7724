"""Two runs side by side on Batch: a job is killed, a fold fails for good, S3 has a bad minute; then they recover."""

import re

import pytest

pytestmark = [pytest.mark.aws, pytest.mark.slow]
STEPS = ["start", "preprocess", "train", "select", "evaluate", "register", "end"]


@pytest.fixture(scope="module")
def bad_minute(account):
    """Run Ada's and Bob's retraining at once: her fold 1 is killed once, his fails for good while fold 2 hangs.

    Before that, Bob's fold 0 is told once that its spot instance goes.
    """
    ada = account.launch("ada", "run", fault=f"kill:1:{account.folder / 'killed'}")
    go = account.folder / "fold-0-is-done"
    bob = account.launch(
        "bob", "run", "--seed", "11", fault=f"crash:1:{go};hang:2;notice:0:{account.folder / 'notice'}", folds=3
    )
    for status in (503, 500):
        account.twin.s3.fail(status, share=0.04, seconds=30)
    bob.wait_for(lambda: re.search(r"/train/4 .*Task finished successfully", bob.printed))
    bob.wait_for(lambda: "fold_2.npz" in account.checkpoints(bob.run_id))
    go.touch()
    bob.finish(expect=1)
    left = account.left_running(bob.run_id)
    ada.finish()
    return {"ada": ada, "bob": bob, "refused": account.twin.s3.heal(), "left": left}


@pytest.fixture(scope="module")
def ada(account, bad_minute):
    return account.ask("ada", "tasks", bad_minute["ada"].run_id)


@pytest.fixture(scope="module")
def chain(account, bad_minute):
    """Resume Bob's run: interrupted by Ctrl-C, then into a broken evaluation, into a closed registry, to the end."""
    failed = bad_minute["bob"]
    interrupted = account.launch("bob", "resume", "--origin-run-id", failed.run_id, fault="hang:2")
    interrupted.wait_for(interrupted.id_file.exists)
    interrupted.wait_for(lambda: account.begun(interrupted.run_id, "train") == 3)
    interrupted.press_ctrl_c()
    interrupted.finish(expect=1)
    left = account.left_running(interrupted.run_id)
    crashed = account.launch("bob", "resume", "--origin-run-id", interrupted.run_id, fault="evaluate")
    crashed.finish(expect=1)
    account.twin.s3.fail(403, within="/registry/archives/")
    refused = account.launch("bob", "resume", "--origin-run-id", crashed.run_id)
    refused.finish(expect=1)
    account.twin.s3.heal()
    finished = account.launch("bob", "resume", "--origin-run-id", refused.run_id, on="batch:memory=6000")
    finished.finish()
    return {"failed": failed, "left": left, "crashed": crashed, "refused": refused, "finished": finished}


def of(found, step):
    return [task for task in found["tasks"] if task["step"] == step]


def test_the_whole_flow_runs_on_batch(ada):
    assert ada["successful"]
    assert {task["step"] for task in ada["tasks"]} == set(STEPS)
    assert [task["pathspec"] for task in ada["tasks"] if not task["job"]] == []


def test_cards_and_logs_are_read_from_s3(ada):
    assert all(task["cards"] for step in ("preprocess", "train", "evaluate", "register") for task in of(ada, step))
    assert "Registered versions 1, 2, 3, 4" in of(ada, "end")[0]["stdout"]


def test_four_packages_wait_in_sagemaker(account, ada):
    packages = account.client("sagemaker").list_model_packages(ModelPackageGroupName="players-of-ada")
    states = [package["ModelApprovalStatus"] for package in packages["ModelPackageSummaryList"]]
    assert states == ["PendingManualApproval"] * 4


def test_the_notice_of_a_spot_instance_costs_no_round(account, bad_minute):
    [warned] = [
        task for task in of(account.ask("bob", "tasks", bad_minute["bob"].run_id), "train") if task["successful"]
    ]
    assert (account.folder / "notice").exists()
    assert warned["attempt"] == 1
    assert warned["rounds"] == list(range(5, 41, 5))
    assert "Iteration=20;" not in warned["stdout"]


def test_a_killed_job_is_retried_from_its_checkpoint_on_s3(account, ada):
    [killed] = [task for task in of(ada, "train") if task["fold"] == 1]
    assert killed["attempt"] == 1
    assert killed["rounds"] == list(range(5, 41, 5))
    assert (account.folder / "killed").read_text() == "4"
    assert "Iteration=20;" not in killed["stdout"]
    assert "Iteration=25;" in killed["stdout"]


def test_its_sibling_is_not_disturbed(ada):
    [sibling] = [task for task in of(ada, "train") if task["fold"] == 0]
    assert sibling["attempt"] == 0


def test_the_books_of_batch_say_how_the_killed_job_ended(account, bad_minute, ada):
    [name] = [name for name in account.jobs(bad_minute["ada"].run_id, "FAILED") if "-train-" in name]
    batch = account.client("batch")
    queue = account.twin.outputs["GpuQueueName"]
    [listed] = [
        job for job in batch.list_jobs(jobQueue=queue, jobStatus="FAILED")["jobSummaryList"] if job["jobName"] == name
    ]
    [job] = batch.describe_jobs(jobs=[listed["jobId"]])["jobs"]
    assert job["container"]["exitCode"] == 137
    assert job["statusReason"] == "Essential container in task exited"
    logs = account.client("logs").get_log_events(
        logGroupName="/aws/batch/job", logStreamName=job["container"]["logStreamName"]
    )
    assert any("Task is starting." in event["message"] for event in logs["events"])


def test_s3_was_out_of_sorts_meanwhile(bad_minute):
    assert bad_minute["refused"] > 20


def test_a_fold_that_fails_for_good_is_the_one_first_cause(bad_minute):
    printed = bad_minute["bob"].printed
    assert "RuntimeError: fold 1 broken on purpose" in printed
    assert "Step train (task-id 5) failed." in printed
    assert printed.count("Killing AWS Batch job: bob-RetrainFlow-") == 1


def test_a_failed_run_leaves_no_job_running(bad_minute):
    assert bad_minute["left"] == []


def test_two_people_see_each_others_runs_and_tags(account, bad_minute, ada):
    by_ada, by_bob = bad_minute["ada"].run_id, bad_minute["bob"].run_id
    assert "looked-at-by:bob" in account.ask("bob", "tag", by_ada, "looked-at-by:bob")
    seen = account.ask("ada", "runs_seen")
    assert seen["own"] == [by_ada]
    assert {"looked-at-by:bob", "user:ada"} <= set(seen["all"][by_ada])
    assert "user:bob" in seen["all"][by_bob]


def test_a_run_stopped_with_ctrl_c_leaves_no_job_running(chain):
    assert chain["left"] == []


def test_resume_keeps_the_finished_fold_and_continues_the_others(account, bad_minute, chain):
    first = account.ask("bob", "tasks", bad_minute["bob"].run_id)
    crashed = account.ask("bob", "tasks", chain["crashed"].run_id)
    folds = {task["fold"]: task for task in of(crashed, "train")}
    [finished] = [task for task in of(first, "train") if task["successful"]]
    assert folds[0]["origin"]
    assert folds[0]["job"] == finished["job"]
    for fold in (1, 2):
        assert folds[fold]["origin"] is None
        assert folds[fold]["rounds"] == list(range(5, 41, 5))
        assert "Iteration=20;" not in folds[fold]["stdout"]


def test_after_a_failed_evaluation_only_what_follows_is_left(account, chain):
    refused = account.ask("bob", "tasks", chain["refused"].run_id)
    assert {task["step"] for task in refused["tasks"] if task["origin"]} == {"start", "preprocess", "train", "select"}


def test_an_access_denied_by_s3_is_told_with_what_to_do(chain):
    printed = chain["refused"].printed
    assert "DataProblem in step register:" in printed
    assert "AccessDenied, injected by the twin; check the address, the region and your AWS credentials" in printed


def test_memory_raised_for_a_resume_is_what_its_steps_are_billed_for(account, chain):
    asked = account.ask("bob", "memory", chain["finished"].run_id)
    assert (asked["register"], asked["end"]) == (6000, 6000)
    assert asked["select"] < 6000


def test_the_chain_registers_one_release(account, chain):
    versions = account.ask("bob", "release", chain["finished"].run_id)
    assert [version["version"] for version in versions] == [1, 2, 3, 4]
    packages = account.client("sagemaker").list_model_packages(ModelPackageGroupName="players-of-bob")
    assert len(packages["ModelPackageSummaryList"]) == 4


def test_checkpoints_are_dropped_when_nobody_needs_them(account, bad_minute, chain):
    assert account.checkpoints(bad_minute["bob"].run_id) == []


def test_a_closed_datastore_is_told_before_any_job_is_submitted(account):
    account.twin.s3.fail(403, within="/metaflow/")
    launch = account.launch("ada", "run")
    printed = launch.finish(expect=1)
    account.twin.s3.heal()
    assert "cannot write s3://" in printed
    assert "AccessDenied" in printed
    assert "Workflow starting" not in printed
    assert "Task is starting" not in printed
