"""A model: what is selected, registered and served; its parts say how players are scored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np

from scarcegan.data.calibration import Calibration, set_risk
from scarcegan.data.log_odds import pooled_log_odds, pooled_risk, slope_of_log_odds, slope_of_sigmoid
from scarcegan.problems import DataProblem, RegistryProblem
from scarcegan.records import Record
from scarcegan.serving.archive import content_digest, read_archive, write_archive
from scarcegan.serving.distribution import ReferenceScores
from scarcegan.serving.ensemble import Family
from scarcegan.serving.export import serving_files
from scarcegan.serving.forward import one_blas_thread
from scarcegan.serving.parts import AnyPart
from scarcegan.serving.reasons import Reason, strongest_reasons

# One layer's activations of so many rows stay in a core's cache; more rows per call only cost memory traffic.
CHUNK_ROWS = 1_024
SHARES_SUM_TO = 1e-6
_Network = tuple[AnyPart, AnyPart, int]  # the first part with this scaler, the first with this member, its number there


class Model(Record, eq=False):
    """A model of one business definition; its plain data are what RetrainFlow stores as an artifact.

    Attributes:
        class_names: labelled classes in index order; 'unknown' last if the model has that output.
        rare_index: the rare class's place among them.
        threshold: risk score from which a player is flagged, on the scale of `risk`.
        parts: ScarceGAN's; the mean of all their members tells the classes.
        share: ScarceGAN's weight in the risk, beside the shares of the families; it may be 0, all sum to 1.
        families: what else the risk is made of; see `scarcegan.serving.ensemble`.
        reference: how it scores unlabelled players that it was not trained on; None for older models.
        calibration: turns the risk into a probability; None where the prevalence was not known.

    Arrays that do not fit together, or are not finite, are a RegistryProblem.
    """

    class_names: tuple[str, ...]
    rare_index: int
    feature_names: tuple[str, ...]
    threshold: float
    definition: str
    parts: tuple[AnyPart, ...]
    reference: ReferenceScores | None = None
    calibration: Calibration | None = None
    share: float = 1.0
    families: tuple[Family, ...] = ()

    # Checked once, wherever the model comes from; scoring trusts its arrays.
    def __post_init__(self) -> None:
        if not self.parts:
            raise RegistryProblem("expected a model with at least one part, got none: select members first")
        if not 0 <= self.rare_index < len(self.class_names):
            raise RegistryProblem(
                f"expected a rare_index below {len(self.class_names)}, got {self.rare_index}: "
                "give the rare class's place in class_names"
            )
        if not np.isfinite(self.threshold):
            raise RegistryProblem(f"expected a finite threshold, got {self.threshold}: choose an operating point")
        if self.calibration is not None:
            self.calibration.check()
        for number, part in enumerate(self.parts):
            part.check(f"part {number}", len(self.feature_names), len(self.class_names))
        for family in self.families:
            family.check(len(self.feature_names))
        if not (self.share >= 0 and abs(sum(self.shares) - 1) < SHARES_SUM_TO):
            raise RegistryProblem(
                f"expected shares of ScarceGAN and other families that sum to 1, got {self.shares}: choose them again"
            )

    @property
    def score_kind(self) -> Literal["probability", "relative"]:
        """Whether a risk score is the probability of being risky, or only ranks players."""
        return "relative" if self.calibration is None else "probability"

    @property
    def fills_missing(self) -> bool:
        """Whether a player with a missing value can be scored."""
        return all(part.fills_missing for part in self.parts) and all(one.fills_missing for one in self.families)

    @property
    def shares(self) -> tuple[float, ...]:
        """ScarceGAN's share of the risk, then the other families'."""
        return (self.share, *(family.share for family in self.families))

    @property
    def members(self) -> int:
        """How many networks ScarceGAN's parts have together."""
        return sum(part.members for part in self.parts)

    def of_fold(self, number: int) -> Self:
        """Return the same model with the parts of one fold alone."""
        families = tuple(replace(one, parts=one.parts[number : number + 1]) for one in self.families)
        return replace(self, parts=self.parts[number : number + 1], families=families)

    def scarcegan_alone(self) -> Self:
        """Return ScarceGAN without the other families, not calibrated."""
        return replace(self, calibration=None, share=1.0, families=())

    def probabilities(self, raw_features: np.ndarray) -> np.ndarray:
        """Return each player's class probabilities, calibrated if they can be.

        ScarceGAN tells the classes apart. Where other families have a share of the risk, the rare class has the pooled
        one, and the other classes keep their proportions.

        Raw features are float [n, F], in the order of `feature_names`, NaN where missing; the transpose of an `[F, n]`
        array is quick to read. The result is float32 [n, classes], a view of a `[classes, n]` array. Those of a player
        with a missing value are NaN where the model does not `fills_missing`. Another number of features than the model
        was trained on is a DataProblem, here and below.
        """
        self._check_width(raw_features)
        return self.column_probabilities(raw_features.T).T

    def risk(self, raw_features: np.ndarray) -> np.ndarray:
        """Return each player's risk score, the rare class's probability: float32 [n]; see `probabilities`."""
        return self.probabilities(raw_features)[:, self.rare_index]

    def column_probabilities(self, columns: np.ndarray) -> np.ndarray:
        """Return class probabilities, float32 [classes, n], of raw columns [F, n], a player per column.

        Memory beside the result is one chunk's.
        """
        # Classes first: the scores of one class lie next to each other and are taken out without a copy.
        total = np.zeros((len(self.class_names), columns.shape[1]), dtype=np.float32)
        with one_blas_thread():
            for place, raw in _chunks(columns):
                chunk = total[:, place]
                for part in self.parts:
                    part.add_probabilities(raw, chunk)
                # Each part has added all its members: divided once, every member counts the same.
                chunk /= self.members
                # Trees walk along a player's row: turned here, once for all of them.
                turned = np.ascontiguousarray(raw.T).T if self.families else raw
                self.join(chunk, [family.risk(turned) for family in self.families])
        return total

    def join(self, own: np.ndarray, risks: Sequence[np.ndarray]) -> None:
        """Turn ScarceGAN's class probabilities, float32 [classes, n], into the model's, in place.

        Risks are those of the same players by each of `families`, float32 [n].
        """
        if self.families:
            set_risk(own, self.rare_index, pooled_risk([own[self.rare_index], *risks], self.shares))
        if self.calibration is not None:
            self.calibration.rescale(own, self.rare_index)

    def flags(self, scores: np.ndarray) -> np.ndarray:
        """Tell which risk scores [n] reach the threshold: bool [n]."""
        # Both as float32, as in training: the threshold often is the score of a player.
        return np.asarray(scores >= np.float32(self.threshold))

    def explain(self, rows: np.ndarray, typical: np.ndarray, steps: int = 16) -> np.ndarray:
        """Share the difference between each player's risk score and the typical player's out to the features.

        A player's row sums to risk(row) - risk(typical), but for the quadrature's error: at 16 steps about a percent
        of the scores' range. Rows [n, F] and the typical player [F], such as the medians of unlabelled players, are
        raw; the result is float32 [n, F], in units of risk score. The calibration stretches all of a player's shares
        alike, by the mean slope of its curve between the two raw scores.

        Source: Shrikumar, Greenside and Kundaje (2017), DeepLIFT, the rescale rule, for the calibration.
        """
        self._check_width(rows)
        self._check_width(typical[None, :])
        found = np.zeros(rows.shape, dtype=np.float32)
        if self.share:
            for part in self.parts:
                found += part.attributions(rows, typical, self.rare_index, steps)
            found /= np.float32(self.members)
        if self.families:
            found = self._pooled_attributions(found, rows, typical)
        if self.calibration is not None:
            uncalibrated = replace(self, calibration=None)
            start, end = uncalibrated.risk(typical[None, :]), uncalibrated.risk(rows)
            found *= self.calibration.slope(start, end).astype(np.float32)[:, None]
        return found

    def _pooled_attributions(self, own: np.ndarray, rows: np.ndarray, typical: np.ndarray) -> np.ndarray:
        """Add the families' attributions to ScarceGAN's: each stretched to log-odds, the sum back to risk."""
        both = np.ascontiguousarray(np.concatenate([typical[None, :], rows]).T, dtype=np.float32)
        attributions = [own, *(family.attributions(rows, typical) for family in self.families)]
        counted = [one for one, share in zip(attributions, self.shares, strict=True) if share]
        if len(counted) == 1:
            return counted[0]
        risks = [self.scarcegan_alone().risk(both.T), *(family.risk(both) for family in self.families)]
        found = np.zeros(rows.shape)
        for share, risk, of_family in zip(self.shares, risks, attributions, strict=True):
            found += share * slope_of_log_odds(risk[:1], risk[1:])[:, None] * of_family
        mixed = pooled_log_odds(risks, self.shares)
        return np.asarray(found * slope_of_sigmoid(mixed[:1], mixed[1:])[:, None], dtype=np.float32)

    def reasons(self, rows: np.ndarray, attributions: np.ndarray, typical: np.ndarray) -> list[list[Reason]]:
        """Name for each player the features that raised the risk score most; see `strongest_reasons`."""
        return strongest_reasons(self.feature_names, rows, attributions, typical)

    def save(
        self,
        destination: str | Path,
        evaluation: Mapping[str, Any],
        reports: Mapping[str, bytes] = MappingProxyType({}),
    ) -> str:
        """Write the model, its evaluation and what SageMaker serves as one archive, whole or not at all.

        The bytes depend on the content alone: no times, owners or names of machines get in. An older archive is
        replaced. Reports are further files by their path in the archive; an evaluation that is no JSON with finite
        numbers is a RegistryProblem. The archive's sha256, 64 hex digits, is returned.
        """
        return write_archive(self.to_plain(), evaluation, destination, {**serving_files(self), **reports})

    def digest(self, evaluation: Mapping[str, Any]) -> str:
        """Return the sha256 of what the model and its evaluation say; raises as `save` does."""
        # Without the files that are served: they follow from the model.
        return content_digest(self.to_plain(), evaluation)

    @classmethod
    def load(cls, path: str | Path, expect_sha256: str | None = None) -> Self:
        """Read the model of an archive; without the digest that the registry holds, the file is trusted.

        No such file, another digest, or an archive that is damaged or not ours is a RegistryProblem.
        """
        return read_archive(path, expect_sha256, cls.from_plain)

    def _check_width(self, raw_features: np.ndarray) -> None:
        features = len(self.feature_names)
        if raw_features.ndim != 2 or raw_features.shape[1] != features:
            raise DataProblem(
                f"expected an array [players, {features} features], got {list(raw_features.shape)}: "
                "give the features that the model was trained on, in their order"
            )


def _chunks(columns: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield raw columns [F, n] as float32 [F, up to 1,024], quick to read, each with its place among the players."""
    for start in range(0, columns.shape[1], CHUNK_ROWS):
        place = slice(start, start + CHUNK_ROWS)
        raw = np.asarray(columns[:, place], dtype=np.float32)
        # Rows of a larger array are read where they are; players next to each other are turned first.
        yield place, raw if raw.strides[1] == raw.itemsize else np.ascontiguousarray(raw)


def scarcegan_of_each(models: Mapping[str, Model], raw_features: np.ndarray) -> dict[str, np.ndarray]:
    """Return what `scarcegan_alone().probabilities` of each model returns, by name, to the last bit.

    Raw features, float [n, F], are the same for all models. Equal networks are run once, and so are equal scalers.
    """
    scalers: dict[tuple[bytes, ...], AnyPart] = {}
    networks: dict[tuple[AnyPart, tuple[bytes, ...]], _Network] = {}
    own: dict[str, list[_Network]] = {name: [] for name in models}
    for name, part in ((name, part) for name, model in models.items() for part in model.parts):
        scaled = scalers.setdefault(part.scaler_content(), part)
        for member in range(part.members):
            own[name].append(networks.setdefault((scaled, part.content(member)), (scaled, part, member)))
    totals = {name: np.zeros((len(model.class_names), len(raw_features)), np.float32) for name, model in models.items()}
    with one_blas_thread():
        for place, raw in _chunks(raw_features.T):
            inputs = {part: part.columns.apply(raw) for part in scalers.values()}
            told = {one: one[1].of_member(one[2], inputs[one[0]]) for one in networks.values()}
            for name, of_model in own.items():
                chunk = totals[name][:, place]
                # In the model's own order: in another one the sum's last bits differ.
                for network in of_model:
                    chunk += told[network]
                chunk /= len(of_model)
    return {name: total.T for name, total in totals.items()}
