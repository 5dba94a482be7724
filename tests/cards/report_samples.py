"""What a run and the registry tell a reviewer, in the exact shape that the command line hands to the report."""

from typing import Any

import card_samples


def dossier() -> dict[str, Any]:
    card = {
        "intended_uses": {"purpose_of_model": "Finds the few.", "intended_uses": "Business definition <b>."},
        "training_details": {"training_observations": "Ensemble of 37 networks."},
    }
    event = {"status": "Approved", "who": "rita", "why": "beats <the> champion", "at": "2024-07-02T08:00:00"}
    return {
        "run": "1719824973",
        "created": "2024-07-01 09:14",
        "user": "ada",
        "settings": {"folds.k": 5, "train.members": 8},
        "data_report": card_samples.data_report(),
        "evaluation": card_samples.evaluation(),
        "release": card_samples.release(),
        "cards": dict.fromkeys(card_samples.DEFINITIONS, card),
        "versions": [
            {"version": 13, "definition": "recall_first", "decisions": [event | {"forced": True}]},
            {"version": 14, "definition": "precision_first", "decisions": []},
        ],
    }
