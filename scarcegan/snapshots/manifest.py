"""The manifest: what a snapshot is, and by which digests it is told from every other."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from scarcegan.problems import DataProblem
from scarcegan.snapshots.statistics import Statistics, merge

FORMAT = 1


@dataclass(frozen=True)
class Part:
    """One file of a snapshot.

    Attributes:
        file: its name beside the manifest.
        players: its rows.
        id_type: `int64` or `string`; empty for a part without players.
        content: 16 hex digits over ids and features, whatever wrote the file.
        sha256: of the file's bytes.
    """

    file: str
    players: int
    id_type: str
    content: str
    sha256: str


@dataclass(frozen=True)
class Frame:
    """What all parts of a snapshot share, known before any is written.

    Attributes:
        cutoff: ISO date; features see only earlier days.
        window_days: days before the cut-off that they see.
        columns: the features' names, in order.
        days_column: the feature that tells a player's share of active days; empty if there is none.
        missing_days: ISO dates in the window that are missing for everyone.
        notes: what the telemetry's survey found worth telling.
        source: where the telemetry is.
        code_version: git commit of the code.
    """

    cutoff: str
    window_days: int
    columns: tuple[str, ...]
    days_column: str = ""
    missing_days: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""
    code_version: str = ""


@dataclass(frozen=True)
class Manifest:
    """A snapshot's description, stored as `manifest.json` beside its parts.

    Attributes:
        name: the snapshot's name.
        frame: cut-off, window, columns and where they come from.
        parts: the files.
        statistics: column -> mean, std, low, high, zero_share, quantiles (see `statistics.LEVELS`).
        fingerprint: 16 hex digits over cut-off, window, columns and the content of all parts.
    """

    name: str
    frame: Frame
    parts: tuple[Part, ...]
    statistics: Mapping[str, Mapping[str, Any]]
    fingerprint: str

    @property
    def players(self) -> int:
        """Rows of all parts together."""
        return sum(part.players for part in self.parts)

    @property
    def first_day(self) -> str:
        """ISO date of the window's first day."""
        return date.fromordinal(date.fromisoformat(self.frame.cutoff).toordinal() - self.frame.window_days).isoformat()

    def to_json(self) -> bytes:
        """Return the manifest's text; equal manifests give equal bytes."""
        tree = {"format": FORMAT, "name": self.name, "fingerprint": self.fingerprint, "players": self.players}
        tree |= asdict(self.frame) | {"parts": [asdict(part) for part in self.parts], "statistics": self.statistics}
        return (json.dumps(tree, indent=1, allow_nan=False) + "\n").encode()


def describe_snapshot(name: str, frame: Frame, parts: Sequence[tuple[Part, Statistics | None]]) -> Manifest:
    """Describe a snapshot from what its written parts tell; `publish` makes it one.

    Raises:
        DataProblem: no part has players, or their ids are of two types.
    """
    full = [(part, statistics) for part, statistics in parts if statistics is not None]
    types = sorted({part.id_type for part, _ in full})
    if len(types) != 1:
        raise DataProblem(
            f"expected ids of one type in all parts of snapshot '{name}', got {types or 'no players at all'}: "
            "write all telemetry with one type of player_id"
        )
    merged = merge([statistics for _, statistics in full])
    columns = {column: merged.column(number) for number, column in enumerate(frame.columns)}
    draft = Manifest(name, frame, tuple(part for part, _ in full), columns, "")
    return replace(draft, fingerprint=fingerprint_of(draft))


def fingerprint_of(manifest: Manifest) -> str:
    """Hash what the snapshot holds: neither its name nor the code that made it, nor how its files are packed."""
    frame = manifest.frame
    held = [FORMAT, frame.cutoff, frame.window_days, frame.columns, sorted(part.content for part in manifest.parts)]
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()[:16]


def read_manifest(content: bytes, location: str) -> Manifest:
    """Read what `Manifest.to_json` wrote.

    Raises:
        DataProblem: it is no manifest of this format, or was changed by hand.
    """
    try:
        tree = json.loads(content)
        version = tree.pop("format")
        lists = ("columns", "missing_days", "notes")
        frame = Frame(
            **{key: tree[key] for key in Frame.__dataclass_fields__} | {key: tuple(tree[key]) for key in lists}
        )
        parts = tuple(Part(**part) for part in tree["parts"])
        manifest = Manifest(tree["name"], frame, parts, tree["statistics"], tree["fingerprint"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataProblem(f"{location} is no snapshot's manifest ({error!r}): publish the snapshot anew") from error
    if version != FORMAT:
        raise DataProblem(f"expected a manifest of format {FORMAT} at {location}, got {version}: publish it anew")
    if fingerprint_of(manifest) != manifest.fingerprint:
        raise DataProblem(
            f"expected fingerprint {fingerprint_of(manifest)} by what {location} lists, got {manifest.fingerprint}: "
            "the manifest was changed; publish the snapshot anew under another name"
        )
    return manifest
