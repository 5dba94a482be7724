"""docs/architecture.md knows every room and names artifacts as the flows do."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
BY_MUTATOR = {"usage", "cost"}  # added from outside, see flows/project_flow.py


def test_every_room_is_described():
    rooms = {path.stem for path in (ROOT / "scarcegan").iterdir() if path.suffix in ("", ".py")} - {
        "__pycache__",
        "__init__",
    }
    assert {room for room in rooms if f"`{room}`" not in PAGE} == set()


@pytest.mark.parametrize(
    ("flow", "file"), [("RetrainFlow", "retrain"), ("ScoreFlow", "score"), ("FeaturesFlow", "features")]
)
def test_artifacts_are_called_as_the_flow_calls_them(flow, file):
    [row] = re.findall(rf"^\| {flow} \| (.*) \|$", PAGE, re.MULTILINE)
    tree = ast.parse((ROOT / "flows" / f"{file}_flow.py").read_text())
    attributes = [
        node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    assigned = {node.attr for node in attributes if node.value.id == "self"}
    named = set(re.findall(r"`(\w+)`", row))
    assert named <= assigned | BY_MUTATOR
    assert {
        name for name in named & BY_MUTATOR if name not in (ROOT / "flows" / "project_flow.py").read_text()
    } == set()
