"""Where the checkpoints of a run are: a folder on this machine, or S3 where its tasks move between machines."""

from scarcegan.project import project_folder


def checkpoint_folder(flow: str, run: str, shared_prefix: str) -> str:
    """Return the folder of a run's checkpoints.

    Args:
        flow: its name.
        run: id of the first run of a chain of resumes.
        shared_prefix: where artifacts are on S3, as the next task may run on another machine; empty for this machine.
    """
    if shared_prefix:
        return f"{shared_prefix}/{flow}/checkpoints/{run}"
    return str(project_folder("checkpoints") / flow / run)
