"""The house's direction: nothing points back, heavy libraries stay in their rooms, start-up paths stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {"settings", "problems", "project", "machine", "records", "words", "storage"}
# Which rooms a room may import, beside itself.
ALLOWED = {
    "__init__": set(),
    "problems": set(),
    "project": {"problems", "machine"},
    "machine": {"problems"},
    "records": {"problems"},
    "words": {"records"},
    "settings": {"problems", "words"},
    "storage": {"problems", "project", "machine", "records"},
    "data": GROUND,
    "gan": GROUND,
    "costs": GROUND,
    "registry": GROUND,
    "features": GROUND | {"data"},
    "snapshots": GROUND | {"data"},
    "evaluation": GROUND | {"data"},
    "serving": GROUND | {"data"},
    "families": GROUND | {"data", "serving"},
    "starting": GROUND | {"data", "features"},
    "datasets": GROUND | {"data", "features", "snapshots"},
    "outcomes": GROUND | {"data", "snapshots", "evaluation"},
    "monitoring": GROUND | {"data", "snapshots", "evaluation", "registry", "serving"},
    "aws": GROUND | {"data", "snapshots", "evaluation", "registry", "monitoring"},
    "notices": GROUND | {"aws"},
    "backends": GROUND | {"snapshots", "registry", "aws"},
    "preflight": GROUND | {"data", "families", "snapshots", "aws", "backends"},
}
ALLOWED["history"] = GROUND | {"data", "gan", "evaluation", "registry", "costs"}
ALLOWED["workflow"] = ALLOWED.keys() - {"history"}
ALLOWED["cli"] = ALLOWED.keys() | {"history"}
# Cards take records and words; nothing is computed there.
RECORDS = {
    "scarcegan.words",
    "scarcegan.settings.words_section",
    "scarcegan.data.records",
    "scarcegan.evaluation.figures",
    "scarcegan.evaluation.records",
    "scarcegan.serving.reasons",
    "scarcegan.monitoring.drift",
    "scarcegan.outcomes.records",
    "scarcegan.registry.release",
    "scarcegan.gan.progress",
    "scarcegan.costs.records",
    "scarcegan.workflow.retraining.records",
    "scarcegan.workflow.scoring.records",
    "scarcegan.history.records",
}
AWS_ROOMS = (
    "scarcegan/aws/",
    "scarcegan/storage",
    "scarcegan/preflight/",
    "flows/deploy_preview.py",  # asks its own stand-in alone
)
# Where a library may be imported at all: folders or files under the root.
KEPT_IN = {
    "tensorflow": ("scarcegan/gan/",),
    "keras": ("scarcegan/gan/",),
    "metaflow": ("flows/", "cards/", "scarcegan/history"),
    "boto3": AWS_ROOMS,
    "botocore": AWS_ROOMS,
}


def sources(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path):
    """Dotted names of everything a file imports, at its top or inside its functions."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            # `from scarcegan import settings` names a room by its alias.
            yield from (f"{name}.{alias.name}" for alias in node.names)


def room_of(path):
    inside = path.relative_to(ROOT / "scarcegan").parts
    return inside[0].removesuffix(".py")


def own_rooms(path):
    parts = (name.split(".") for name in imported(path))
    return {part[1] for part in parts if part[0] == "scarcegan" and len(part) > 1} - {"__version__"}


@pytest.mark.parametrize("path", sources("scarcegan"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_what_it_builds_on(path):
    room = room_of(path)
    assert room in ALLOWED, f"say in this test what '{room}' builds on"
    assert own_rooms(path) <= ALLOWED[room] | {room}


def test_nothing_under_the_flows_imports_flows_and_only_the_command_line_cards():
    back = {
        path.name: name
        for path in sources("scarcegan")
        for name in imported(path)
        if name.split(".")[0] == "flows" or (name.split(".")[0] == "cards" and room_of(path) != "cli")
    }
    assert back == {}


def test_cards_take_records_and_words():
    taken = {
        name for path in sources("cards") for name in imported(path) if name.split(".")[0] in ("flows", "scarcegan")
    }
    assert {name for name in taken if not any(f"{name}.".startswith(f"{kind}.") for kind in RECORDS)} == set()


@pytest.mark.parametrize("library", KEPT_IN)
def test_a_heavy_library_stays_in_its_rooms(library):
    users = [
        str(path.relative_to(ROOT))
        for path in sources("scarcegan", "cards", "flows")
        if any(name.split(".")[0] == library for name in imported(path))
    ]
    assert [user for user in users if not user.startswith(KEPT_IN[library])] == []


def test_the_parser_sees_imports_in_every_form(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    folder = tmp_path / "scarcegan" / "gan"
    folder.mkdir(parents=True)
    lines = [
        "import scarcegan.cli",
        "from scarcegan import evaluation",
        "from ..registry import rules",
        "from .. import serving",
        "from . import losses",
        "def late():\n    from scarcegan.workflow.retraining.fit import fit_fold",
    ]
    (folder / "bad.py").write_text("\n".join(lines))
    assert own_rooms(folder / "bad.py") == {"cli", "evaluation", "registry", "serving", "gan", "workflow"}


def test_start_up_does_without_heavy_libraries():
    light = (
        "scarcegan.cli",
        "scarcegan.history.records",
        "scarcegan.evaluation.evaluate",
        "scarcegan.gan.progress",
        "scarcegan.registry",
        "scarcegan.serving.forward",
        "scarcegan.serving.trees",
        "scarcegan.families.arrays",
        "scarcegan.workflow.retraining.prepare",
        "scarcegan.workflow.retraining.select",
        "scarcegan.workflow.retraining.judge",
        "scarcegan.workflow.retraining.release",
        "scarcegan.workflow.features.telemetry",
        "scarcegan.monitoring.watch",
    )
    assert loaded_by(*light) == []


def test_training_loads_tensorflow_without_keras_and_what_that_brings_along():
    assert loaded_by("scarcegan.workflow.retraining.fit") == ["tensorflow by scarcegan.workflow.retraining.fit"]


def test_what_an_import_brings_along_is_seen():
    assert loaded_by("json", "boto3") == ["boto3 by boto3"]


def loaded_by(*modules):
    """Which module brings a heavy library to memory, where a fresh process imports one module after the other."""
    code = f"""
import importlib, sys
seen = set()
for module in {modules!r}:
    importlib.import_module(module)
    for name in ("tensorflow", "keras", "sklearn", "boto3", "metaflow"):
        if name in sys.modules and name not in seen:
            seen.add(name)
            print(name, "by", module)
"""
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()
