"""What a fold shows while it trains, and the notice that its spot instance is taken away."""

from pathlib import Path

from metaflow import current

from cards.train_card import seconds_left, train_card
from scarcegan.machine import MachineTakenAway

# As the team's regexes know them; in lower case they are the names of the progress's series.
METRIC_NAMES = ("Discriminator_Supervised_Loss", "Discriminator_UnSupervised_Loss", "Generator_Loss")


def show_round(fold, folds, progress):
    """Print a round in the form that the team's metric regexes read, and refresh the live card."""
    last = {name: sum(by_round[-1]) / progress.members for name, by_round in progress.series.items()}
    words = "; ".join(f"{name}={last[name.lower()]:.4g}" for name in METRIC_NAMES)
    metrics = f"{words}; Accuracy_Supervised={100 * last['accuracy_supervised']:.1f};"
    print(f"Iteration={progress.iteration[-1]}; {metrics} {how_far(fold, folds, progress)}")
    current.card.clear()
    current.card.extend(train_card(progress, fold))
    current.card.refresh()
    stop_if_taken_away()


def how_far(fold, folds, progress):
    """Say what the terminal makes a moving line of; recall is the healthy members' mean at the review budget."""
    healthy = sum(progress.healthy)
    recalls = zip(progress.series["validation_recall_at_budget"][-1], progress.healthy, strict=True)
    recall = sum(value for value, is_healthy in recalls if is_healthy) / healthy
    told = {
        "Iterations": progress.iterations,
        "Fold": f"{fold + 1}/{folds}",
        "Recall": f"{recall:.2f}",
        "Healthy": f"{healthy}/{progress.members}",
        "Seconds_Left": f"{seconds_left(progress):.0f}",
    }
    return " ".join(f"{name}={value};" for name, value in told.items())


def stop_if_taken_away():
    """Raise MachineTakenAway if AWS has announced that it takes the spot instance away, while there is time to save.

    Metaflow watches the instance's metadata in every Batch job and writes the notice to a file.
    """
    notice = current.get("spot_termination_notice")
    if notice and Path(notice).exists():
        raise MachineTakenAway(
            f"AWS takes this spot instance away at {Path(notice).read_text()}: the last round is saved, and a retry "
            "goes on from there"
        )
