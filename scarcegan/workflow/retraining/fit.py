"""The step `train`: one fold's rows scaled, its members and other families trained, a candidate for each definition."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from scarcegan.data import scaling
from scarcegan.data.folds import few_unlabeled, in_folds
from scarcegan.data.players import UNLABELED
from scarcegan.data.scaling import Scaler, fit_scaler
from scarcegan.evaluation.metrics import average_precision, curve, precision_of, recall_at_shares
from scarcegan.evaluation.prevalence import prevalence_of
from scarcegan.evaluation.scored import HeldOut, Scored, held_by_label
from scarcegan.evaluation.selection import choose
from scarcegan.families.estimators import MOST_UNLABELED, fit_estimator
from scarcegan.gan.checkpoints import CheckpointFile, training_fingerprint
from scarcegan.gan.devices import prepare_devices
from scarcegan.gan.networks import SLOPE, STEEPNESS, THRESHOLDS
from scarcegan.gan.program import Program, TrainingRows
from scarcegan.gan.trainer import OnRound, TrainedMembers, train_members
from scarcegan.serving.forward import Layer, member_logits
from scarcegan.serving.networks import Networks
from scarcegan.settings import Definition, Settings
from scarcegan.settings.estimators import BUILT_IN
from scarcegan.words import Say, unsaid
from scarcegan.workflow.retraining.families import train_families
from scarcegan.workflow.retraining.prepare import Prepared
from scarcegan.workflow.retraining.records import Candidate, FoldOffer

VALIDATION_UNLABELED = 10_000  # enough to measure a flagged share of 1 % to a tenth of it
FEW_RISKY = 50  # labelled risky players of a fold with whom half of what the teacher thinks is taught
CLASS_RECALL = "validation_recall_of_"  # begins a series of the progress; the class's name follows


def fit_fold(
    prepared: Prepared,
    number: int,
    settings: Settings,
    threads: int,
    checkpoint: str | Path | None = None,
    on_round: OnRound | None = None,
    say: Say = unsaid,
    *,
    spend: bool = False,
) -> FoldOffer:
    """Train fold `number`, which validates while the others train, on so many CPU threads, and return what it offers.

    It saves to the checkpoint, a file or `s3://` address, and continues from it; `on_round` sees each round's progress,
    `say` what is done after the rounds.
    With `spend`, the features of `prepared` are nobody else's and may be lost: the fold's unlabelled rows are scaled
    where they lie, so that at ten million players they are in memory once.

    Raises:
        TrainingCollapsed: no member survived.
        CheckpointProblem: the checkpoint is unreadable or of another training.
    """
    prepare_devices(threads)
    fold_seed, member_seeds = seeds(settings.seed, number, settings.train.members)
    train_rows = np.flatnonzero(in_folds(prepared.fold, settings.folds.k) & (prepared.fold != number))
    # By the fold's seed: a resume validates on the same players. The labelled are few: recall is measured on them.
    validation_rows = np.flatnonzero(prepared.fold == number)
    validation_rows = few_unlabeled(prepared.players, validation_rows, VALIDATION_UNLABELED, fold_seed)
    # Fitted on training rows alone: validation players stay unseen.
    scaler = fit_scaler(prepared.players.features, settings.scaling, train_rows)
    # Before the training rows, which may be scaled over the raw features.
    scaled = scaler.apply(prepared.players.features, validation_rows)
    rows = training_rows(prepared, train_rows, scaler, settings, spend=spend)
    rows = replace(rows, taught=_taught(rows, settings, fold_seed))
    rare = len(settings.populations.negatives)
    labels = prepared.players.labels[validation_rows]
    # A k-th of the labelled players validates here, beside a k-th of all others.
    unlabeled = prepared.unlabeled / settings.folds.k
    held = held_by_label(labels, rare, settings.assumed_share, unlabeled)
    their = settings.words
    trained = train_members(
        Program(rows, settings.model, settings.train, fold_seed, member_seeds),
        scaled,
        _Measure(scaled, held, settings),
        CheckpointFile(str(checkpoint), fold_fingerprint(prepared, settings, number)) if checkpoint else None,
        on_round and (lambda progress: on_round(replace(progress, words=their))),
    )
    mean_score = trained.scores[trained.healthy].mean(axis=0)
    prevalence = prevalence_of(mean_score, labels, unlabeled, settings)
    validation = replace(held, prevalence=prevalence.value).scored(mean_score)
    candidates = {one.name: _candidate(one, validation, trained, scaler, settings) for one in settings.definitions}
    families, left_out = train_families(
        *_family_rows(prepared, train_rows, rows, fold_seed), scaler, scaled, settings, fold_seed, say
    )
    progress = replace(trained.progress, words=their)
    return FoldOffer(number, candidates, validation_rows, progress, prevalence, families, left_out)


def seeds(seed: int, fold: int, members: int) -> tuple[int, tuple[int, ...]]:
    """Derive the fold's own seed and one seed per member (31 bits each) from the settings' one seed."""
    # 31 bits, as the program's seeds are int32.
    state = np.random.SeedSequence((seed, fold)).generate_state(members + 1) >> 1
    return int(state[0]), tuple(int(value) for value in state[1:])


def fold_fingerprint(prepared: Prepared, settings: Settings, number: int) -> str:
    """Name exactly this training: data, settings, fold and code."""
    # Beside the code of networks and losses, this file and the scaler's decide what is trained.
    return training_fingerprint(
        prepared.fingerprint, settings.fingerprint(), number, Path(__file__), Path(scaling.__file__)
    )


def training_rows(
    prepared: Prepared, rows: np.ndarray, scaler: Scaler, settings: Settings, *, spend: bool = False
) -> TrainingRows:
    """Scale the training rows of a fold, the unlabelled ones over the raw features if those may be spent."""
    labels = prepared.players.labels[rows]
    labeled, unlabeled = rows[labels != UNLABELED], rows[labels == UNLABELED]
    features = prepared.players.features
    low, high = (-scaling.CLIP, scaling.CLIP) if scaler.kind == "quantile_normal" else (0.0, 1.0)
    return TrainingRows(
        labeled=scaler.apply(features, labeled),
        labels=labels[labels != UNLABELED].astype(np.int64),
        # The last to be read: it may write over what is above.
        unlabeled=scaler.apply(features, unlabeled, out=features if spend else None),
        classes=len(settings.populations.classes),
        low=low,
        high=high,
    )


def _taught(rows: TrainingRows, settings: Settings, seed: int) -> np.ndarray | None:
    """Return what the networks are taught of the fold's unlabelled rows: float [m].

    It is the risk that a teacher, trained on the labelled rows, gives them, and the less of it the more labelled risky
    players there are: with many of them the networks know better (PR-AUC -.02 on simulated players, measured).
    """
    if not settings.model.teacher or settings.model.objective == "published":
        return None
    teacher, rare = BUILT_IN[settings.model.teacher], len(settings.populations.negatives)
    trust = FEW_RISKY / (FEW_RISKY + np.count_nonzero(rows.labels == rare))
    return trust * fit_estimator(teacher, rows.labeled, rows.labels, rare, seed).risk(rows.unlabeled)


def _family_rows(
    prepared: Prepared, train_rows: np.ndarray, rows: TrainingRows, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of the labelled rows and, by lot, of some unlabelled ones."""
    unlabeled = train_rows[prepared.players.labels[train_rows] == UNLABELED]
    drawn = np.searchsorted(unlabeled, np.sort(few_unlabeled(prepared.players, unlabeled, MOST_UNLABELED, seed)))
    labels = np.concatenate([rows.labels, np.full(len(drawn), UNLABELED)])
    return np.concatenate([rows.labeled, rows.unlabeled[drawn]]), labels


class _Measure:
    """How well each member ranks and names the validation rows, for the live card."""

    def __init__(self, scaled: np.ndarray, held: HeldOut, settings: Settings) -> None:
        is_labeled = held.labels != UNLABELED
        self.held, self.budget, self.share = held, settings.review_budget, settings.assumed_share
        self.labeled, self.labels = scaled[is_labeled], held.labels[is_labeled]
        self.classes = settings.populations.classes

    def __call__(self, scores: np.ndarray, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Measure scores [P, n] and the weights behind them; a member with broken numbers gets 0.

        Precision takes the prevalence that is configured, or the review budget: the card says so.
        """
        usable = np.where(np.isfinite(scores).all(axis=1)[:, None], scores, 0.0)
        curves = [curve(self.held.scored(row)) for row in usable]
        recall = np.array([recall_at_shares(one, np.array([self.budget])).item() for one in curves])
        right = _most_probable(_layers(weights), self.labeled) == self.labels
        return {
            "validation_recall_at_budget": recall,
            "validation_precision_at_budget": precision_of(recall, np.full(len(recall), self.budget), self.share),
            "validation_average_precision": np.array([average_precision(one).item() for one in curves]),
            **{
                f"{CLASS_RECALL}{name}": right[:, self.labels == number].mean(axis=1)
                for number, name in enumerate(self.classes)
            },
        }


def _layers(weights: dict[str, np.ndarray]) -> tuple[Layer, ...]:
    """Set inference weights, which are named in the order in which they act, out as layers."""
    names = [name.removesuffix("/weights") for name in weights if name.endswith("/weights")]
    # The networks keep a bias as a column, [P, width, 1].
    layers = [Layer(weights[f"{name}/weights"], weights[f"{name}/bias"][..., 0]) for name in names]
    if THRESHOLDS in weights:
        thresholds = weights[THRESHOLDS][:, 0]
        steepness = np.full(len(thresholds), STEEPNESS, dtype=np.float32)
        layers[0] = replace(layers[0], thresholds=thresholds, steepness=steepness)
    return tuple(layers)


def _most_probable(layers: Sequence[Layer], scaled: np.ndarray) -> np.ndarray:
    """Return each member's most probable class of scaled rows [n, F]: int [P, n], -1 where its numbers are broken."""
    inputs, members = np.ascontiguousarray(scaled.T), range(len(layers[0].weights))
    # Broken members overflow here: they get -1 and no warning.
    with np.errstate(invalid="ignore", over="ignore"):
        logits = np.stack([member_logits(layers, member, SLOPE, inputs) for member in members])
    return np.where(np.isfinite(logits).all(axis=1), logits.argmax(axis=1), -1)


def _candidate(
    definition: Definition, validation: Scored, trained: TrainedMembers, scaler: Scaler, settings: Settings
) -> Candidate:
    choice = choose(trained.scores, trained.healthy, validation, definition, settings.review_budget)
    chosen = list(zip(choice.rounds, choice.members, strict=True))
    weights = {
        name: np.stack([trained.weights[at][name][member] for at, member in chosen]) for name in trained.weights[0]
    }
    return Candidate(
        part=Networks(scaler, _layers(weights), SLOPE),
        members=choice.members,
        iterations=[trained.iterations[at] for at in choice.rounds],
        measure=choice.measure,
        scores=trained.scores[choice.rounds, choice.members].mean(axis=0),
    )
