"""A project is the same whatever the machine's locale; what was damaged meanwhile is told in words."""

import os
import subprocess
import sys

import pytest

from scarcegan.problems import SettingsProblem
from scarcegan.starting.project import MARK, open_project

_WRITE = """
import sys, pathlib
from scarcegan.starting.project import open_project
project = open_project(pathlib.Path(sys.argv[1]))
tree = {"data": {"source": "tables", "path": "/data"}, "words": {"row": "K\\u00e4ufer", "rows": "K\\u00e4ufer"}}
print(project.write(tree, "/data"), open_project(project.folder).write(tree, "/data"))
"""


def test_names_beyond_ascii_are_written_where_the_locale_has_none(tmp_path):
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", _WRITE, str(tmp_path / "shop")]
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[] []\n"), done.stderr
    assert open_project(tmp_path / "shop").settings().words.row == "K\u00e4ufer"


@pytest.mark.parametrize("content", [b"", b'{"README.md": "12', b"\xff", b"[]", b'{"README.md": 3}'])
def test_a_damaged_mark_of_a_half_made_project_is_told_with_what_to_do(tmp_path, content):
    mark = tmp_path / MARK
    mark.parent.mkdir()
    mark.write_bytes(content)
    with pytest.raises(SettingsProblem, match=r"half-made\.json, got no such JSON: remove the project's folder"):
        open_project(tmp_path)
