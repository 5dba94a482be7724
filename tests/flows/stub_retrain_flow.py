"""Stands in for RetrainFlow: notes what it was asked for."""

from metaflow import Config, FlowSpec, Parameter, step


class StubRetrainFlow(FlowSpec):
    config = Config("config", default_value="{}", parser="tomllib.loads")
    snapshot = Parameter("snapshot", type=str, default=None)

    @step
    def start(self):
        self.trained_on = self.snapshot
        self.group = self.config.registry.group
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    StubRetrainFlow()
