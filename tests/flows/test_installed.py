"""The package as pip installs it: flows and cards come along, and a project needs a configuration alone."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("scarcegan", "cards", "flows")


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory):
    """A folder into which the wheel is unpacked."""
    sources, folder = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("site-packages")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", build, str(folder)]
    built = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder, "zip")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny):
    folder = tmp_path_factory.mktemp("project")
    (folder / "config").mkdir()
    (folder / "config" / "retrain.toml").write_text(tiny({}))
    start = 'import sys\nfrom scarcegan.project import start_flow\nstart_flow("retrain", sys.argv[1:])\n'
    (folder / "retrain_flow.py").write_text(start)
    return folder


@pytest.fixture(scope="module")
def in_project(project, site_packages):
    """Run a Python command in the project."""

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(site_packages), "METAFLOW_USER": "ada"}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", FOLDERS)
def test_every_module_comes_with_the_package(site_packages, name):
    ours = {path.relative_to(ROOT) for path in (ROOT / name).rglob("*.py")}
    assert {path for path in ours if not (site_packages / path).is_file()} == set()


def test_a_job_gets_the_same_code_from_the_package_as_from_the_repository(in_project, project):
    in_project("retrain_flow.py", "package", "save", "package.tgz")
    with tarfile.open(project / "package.tgz") as archive:
        names = set(archive.getnames())
    assert {path.name for path in (ROOT / "flows").glob("*.py")} <= names
    carried = {path.relative_to(ROOT) for name in ("scarcegan", "cards") for path in (ROOT / name).rglob("*.py")}
    assert {f".mf_code/{path}" for path in carried} <= names


@pytest.mark.slow
def test_a_project_keeps_its_runs_and_its_models_in_its_own_folder(in_project, project):
    printed = in_project("retrain_flow.py", "run")
    assert "python retrain_flow.py card view" in printed
    assert (project / ".metaflow" / "RetrainFlow").is_dir()
    assert (project / ".scarcegan" / "registry" / "registry.sqlite").is_file()
    assert "finished" in in_project("-c", "from scarcegan.cli import app; app()", "runs", "list")
