"""The manifest: what a snapshot is, and by which digests it is told from every other."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from scarcegan.data.columns import Column, merge
from scarcegan.problems import DataProblem, Problem
from scarcegan.records import Record, readable_json

# It is part of each fingerprint: another format gives other fingerprints.
FORMAT = 1


class Part(Record):
    """One file of a snapshot, beside the manifest, with a row per player.

    The id type is `int64` or `string`, empty without players; `content` is 16 hex digits over ids and features,
    whatever wrote the file, and `sha256` is of the file's bytes.
    """

    file: str
    players: int
    id_type: str
    content: str
    sha256: str


class Frame(Record):
    """What all parts of a snapshot share, known before any is written.

    The features, `columns`, see only the `window_days` days before the cut-off (ISO date). `days_column` tells a
    player's share of active days, empty if no feature does; `missing_days` are ISO dates that are missing for everyone.
    Notes say what the survey of the telemetry found to be odd; `code_version` is a git commit.
    """

    cutoff: str
    window_days: int
    columns: tuple[str, ...]
    days_column: str = ""
    missing_days: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""
    code_version: str = ""


class Manifest(Record):
    """A snapshot's description, stored as `manifest.json` beside its parts.

    Statistics are of each column, over the players of all parts; the fingerprint is 16 hex digits over cut-off,
    window, columns and the content of all parts. `forgotten` are those that it had before, the oldest first, one for
    each player who was forgotten since.
    """

    name: str
    frame: Frame
    parts: tuple[Part, ...]
    statistics: Mapping[str, Column]
    fingerprint: str
    forgotten: tuple[str, ...] = ()

    @property
    def players(self) -> int:
        """Rows of all parts together."""
        return sum(part.players for part in self.parts)

    @property
    def origin(self) -> str:
        """The fingerprint that it was published with: whoever was forgotten since, it is the same snapshot."""
        return self.forgotten[0] if self.forgotten else self.fingerprint

    @property
    def first_day(self) -> str:
        """ISO date of the window's first day."""
        return (date.fromisoformat(self.frame.cutoff) - timedelta(days=self.frame.window_days)).isoformat()

    def to_json(self) -> bytes:
        """Return the manifest's text; equal manifests give equal bytes."""
        plain = self.to_plain()
        frame, parts, statistics = (plain.pop(key) for key in ("frame", "parts", "statistics"))
        if not self.forgotten:
            del plain["forgotten"]
        # What is read by eye comes first, the long lists last.
        tree = {"format": FORMAT, **plain, "players": self.players, **frame, "parts": parts, "statistics": statistics}
        return readable_json(tree).encode()


def describe_snapshot(name: str, frame: Frame, parts: Sequence[tuple[Part, Sequence[Column]]]) -> Manifest:
    """Describe a snapshot from its written parts and their columns; `publish` makes it one.

    That no part has players, or their ids are of two types, is a DataProblem.
    """
    full = [(part, columns) for part, columns in parts if part.players]
    types = sorted({part.id_type for part, _ in full})
    if len(types) != 1:
        raise DataProblem(
            f"expected ids of one type in all parts of snapshot '{name}', got {types or 'no players at all'}: "
            "write all telemetry with one type of player_id"
        )
    players = [part.players for part, _ in full]
    merged = (merge(columns, players) for columns in zip(*(columns for _, columns in full), strict=True))
    statistics = dict(zip(frame.columns, merged, strict=True))
    draft = Manifest(name, frame, tuple(part for part, _ in full), statistics, "")
    return replace(draft, fingerprint=fingerprint_of(draft))


def fingerprint_of(manifest: Manifest) -> str:
    """Hash what the snapshot holds: neither its name nor the code that made it, nor how its files are packed."""
    frame = manifest.frame
    # Sorted: it does not matter in which order tasks have written the parts.
    held = [FORMAT, frame.cutoff, frame.window_days, frame.columns, sorted(part.content for part in manifest.parts)]
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()[:16]


def read_manifest(content: bytes, location: str, name: str) -> Manifest:
    """Read what `Manifest.to_json` wrote of the snapshot of a name; what is none, or was changed, is a DataProblem.

    A renamed or copied folder has the manifest of another snapshot: its parts would be read, and taken away, there.
    """
    try:
        tree = json.loads(content)
        version = tree["format"]
        # The file names the frame's keys beside its own; each record takes what it knows.
        manifest = Manifest.from_plain(tree | {"frame": tree}) if version == FORMAT else None
        if manifest:
            date.fromisoformat(manifest.frame.cutoff)
            [manifest.statistics[name] for name in manifest.frame.columns]  # a KeyError names one without statistics
    except (ValueError, KeyError, TypeError, RecursionError, Problem) as error:
        raise DataProblem(f"{location} is no snapshot's manifest ({error!r}): publish the snapshot anew") from error
    if manifest is None:
        raise DataProblem(f"expected a manifest of format {FORMAT} at {location}, got {version}: publish it anew")
    if manifest.name != name or any("/" in part.file for part in manifest.parts):
        raise DataProblem(
            f"expected the manifest of snapshot '{name}' with its parts beside it at {location}, got that of "
            f"'{manifest.name}': give the folder its name back, or publish the table under the new one"
        )
    if fingerprint_of(manifest) != manifest.fingerprint:
        raise DataProblem(
            f"expected fingerprint {fingerprint_of(manifest)} by what {location} lists, got {manifest.fingerprint}: "
            "the manifest was changed; publish the snapshot anew under another name"
        )
    return manifest
