"""What travels to AWS Batch: the code that the steps import, and nothing private, large or unneeded."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package of RetrainFlow, as `run --with batch` uploads it."""
    folder = tmp_path_factory.mktemp("package")
    saved = subprocess.run(
        [sys.executable, str(ROOT / "flows" / "retrain_flow.py"), "package", "save", "package.tgz"],
        cwd=folder,
        env=os.environ | {"METAFLOW_USER": "ada"},
        capture_output=True,
        text=True,
    )
    assert saved.returncode == 0, saved.stdout + saved.stderr
    return folder / "package.tgz"


@pytest.fixture(scope="module")
def names(package):
    with tarfile.open(package) as archive:
        return set(archive.getnames())


@pytest.mark.parametrize("package_name", ["scarcegan", "cards"])
def test_every_module_of_the_project_goes_along(names, package_name):
    ours = {path.relative_to(ROOT) for path in (ROOT / package_name).rglob("*.py")}
    assert {f".mf_code/{path}" for path in ours} <= names


def test_what_stands_beside_the_flow_goes_along(names):
    assert {path.name for path in (ROOT / "flows").glob("*.py")} <= names


def test_nothing_else_of_the_repository_goes_along(names):
    tops = {name.removeprefix(".mf_code/").split("/")[0] for name in names}
    beside_the_flow = {path.name for path in (ROOT / "flows").glob("*.py")}
    assert tops - beside_the_flow == {"scarcegan", "cards", "metaflow", ".mf_meta", ".mf_install"}


def test_only_code_goes_along(names):
    ours = [name for name in names if name.startswith((".mf_code/scarcegan/", ".mf_code/cards/"))]
    assert {Path(name).suffix for name in ours} == {".py"}


def test_it_is_small(package):
    assert package.stat().st_size < 4_000_000
