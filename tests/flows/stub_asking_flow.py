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
        from retrain_trigger import start_retraining

        from scarcegan.settings import load

        run = f"{current.flow_name}/{current.run_id}"
        self.retraining = start_retraining(
            {"causes": ["classifier", "recall"]},
            "players-2026-01-01",
            run,
            Path("tiny.toml").resolve(),
            load(self.config.to_dict()),
            HERE / "stub_retrain_flow.py",
        )


if __name__ == "__main__":
    StubAskingFlow()
