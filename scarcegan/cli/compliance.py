"""`scarcegan compliance`: the file of one release for the compliance officer, of what the project knows of it."""

import json
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from scarcegan import history
from scarcegan.cli.commands import Answer, answers, write_page
from scarcegan.cli.decisions import of_release
from scarcegan.history.records import Package, ReleaseFile
from scarcegan.problems import Problem, RegistryProblem, nearest
from scarcegan.project import project_root
from scarcegan.registry import Registry

app = typer.Typer()
LONGEST_LICENCE = 60  # some packages put the whole text there


@answers(app)
def compliance(
    registry: Registry,
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="As `scarcegan models show` names it.")],
    html: Annotated[
        str, typer.Option(metavar="FILE", help="File to write.", show_default="compliance-RELEASE.html")
    ] = "",
) -> Answer:
    """Write a release's compliance file, one page by the headings of the AI Act's Annex IV, with a model card.

    It says what the registry and the models' archives tell, and names what somebody else has to add.
    """
    from cards.compliance_page import compliance_page

    found = gather(registry, release)
    file = html or f"compliance-{release}.html"
    plain = {"release": release, "run": found.dossier.run, "previous": found.previous, "file": file}
    return Answer(plain, write_page(compliance_page(found), f"Technical documentation of {release}", file))


def gather(registry: Registry, release: str) -> ReleaseFile:
    """Return what registry and machine tell of a release; a `Problem` where there is none, or it cannot be read.

    None of its run's own artifacts is read, see `scarcegan.cli.decisions.collect`.
    """
    versions = registry.versions()
    releases = {one.release_id: [it for it in versions if it.release_id == one.release_id] for one in versions}
    known = list(releases)
    if release not in known:
        there = nearest(release, known) if known else "none is registered."
        raise RegistryProblem(f"expected a release of group '{registry.group}', got '{release}': {there}")
    earlier = known[: known.index(release)]
    approved = [one for one in earlier if any(it.status == "Approved" for it in releases[one])]
    previous = next(reversed(approved or earlier), "")
    dossier = of_release(registry, releases[release])
    changes, unread = None, ""
    # Two releases of one run, as a resume makes them, have the same data and settings.
    if previous and releases[previous][0].run_pathspec != releases[release][0].run_pathspec:
        try:
            changes = history.compare_releases(of_release(registry, releases[previous]), dossier)
        except Problem as problem:  # an older release must not hide this one
            unread = str(problem)
    software_from, software = packages(project_root())
    return ReleaseFile(
        group=registry.group,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        dossier=dossier,
        previous=previous,
        changes=changes,
        unread=unread,
        software=software,
        software_from=software_from,
    )


def packages(root: Path) -> tuple[str, list[Package]]:
    """Return what lists the project's packages, and the packages: its bill of materials, its lock, or this machine."""
    bill, lock = root / "build" / "sbom.json", root / "requirements.lock"
    if bill.is_file():
        try:
            listed = json.loads(bill.read_bytes())["components"]
            return "build/sbom.json", [Package(one["name"], one.get("version", ""), _stated(one)) for one in listed]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Problem(
                f"expected CycloneDX with components in {bill}, got {type(error).__name__}: `make scan` writes it anew"
            ) from error
    if lock.is_file():
        listed_in = "requirements.lock"
        found = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", lock.read_text(), re.MULTILINE)
    else:
        listed_in = "what is installed here"
        found = sorted({(one.metadata["Name"], one.version) for one in metadata.distributions()})
    return listed_in, [Package(name, version, _licence(name, version)) for name, version in found]


def _stated(component: dict[str, Any]) -> str:
    stated = [one.get("license", {"id": one.get("expression")}) for one in component.get("licenses", ())]
    names = dict.fromkeys(one.get("id") or one.get("name") or "" for one in stated)
    return ", ".join(name for name in names if 0 < len(name) <= LONGEST_LICENCE)


def _licence(name: str, version: str) -> str:
    """Return the licence that an installed package states; empty where that version is not installed or has none."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ""
    if found.version != version:
        return ""
    told = found.metadata
    stated = [text for key in ("License-Expression", "License") for text in told.get_all(key, [])]
    short = [text for text in stated if 0 < len(text) <= LONGEST_LICENCE and "\n" not in text]
    classifiers = [one for one in told.get_all("Classifier", []) if one.startswith("License :: ")]
    return ", ".join(short[:1] or dict.fromkeys(one.rpartition(" :: ")[2] for one in classifiers))
