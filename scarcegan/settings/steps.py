"""Which section of `[resources]` each step of each flow runs on: flows, estimate, bill and preflight read it here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scarcegan.settings.machine_sections import Resources, StepResources

ResourceSection = Literal["small", "preprocess", "train"]

RETRAIN_FLOW, SCORE_FLOW, FEATURES_FLOW = "RetrainFlow", "ScoreFlow", "FeaturesFlow"
STEPS: Mapping[str, Mapping[str, ResourceSection]] = {
    RETRAIN_FLOW: {
        "start": "small",
        "preprocess": "preprocess",
        "train": "train",
        "select": "small",
        "evaluate": "preprocess",
        "register": "small",
        "end": "small",
    },
    SCORE_FLOW: {"start": "small", "score": "small", "report": "small", "end": "small"},
    FEATURES_FLOW: {"start": "preprocess", "extract": "preprocess", "publish": "small", "end": "small"},
}


@dataclass(frozen=True)
class Request:
    """What a task asks of its machine; `section` is where, under `[resources]`."""

    section: ResourceSection
    cpu: int
    memory_mb: int
    gpu: int = 0

    def __str__(self) -> str:
        return f"{self.cpu} vCPU, {self.memory_mb:,} MB, {self.gpu} GPU"


def request_of(resources: Resources, section: ResourceSection) -> Request:
    """Return what the steps of one section ask for."""
    # Training alone has a key for GPUs.
    asked: StepResources = getattr(resources, section)
    return Request(section, asked.cpu, asked.memory_mb, getattr(asked, "gpu", 0))
