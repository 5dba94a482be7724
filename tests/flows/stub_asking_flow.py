"""Stands in for ScoreFlow: its end starts a retraining from inside a task."""

import sys
from pathlib import Path

from metaflow import Config, FlowSpec, current, step

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "flows"))


class StubAskingFlow(FlowSpec):
    config = Config("config", default_value="{}", parser="tomllib.loads")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        from retrain_trigger import Retraining

        from scarcegan.settings import load

        wanted = Retraining(
            snapshot="players-2026-01-01",
            causes=("classifier", "recall"),
            asked_by=f"{current.flow_name}/{current.run_id}",
            config=str(Path("tiny.toml").resolve()),
            flow=HERE / "stub_retrain_flow.py",
        )
        self.retraining = wanted.start(load(self.config.to_dict()))


if __name__ == "__main__":
    StubAskingFlow()
