"""The jobs of RetrainFlow, one module a step."""
