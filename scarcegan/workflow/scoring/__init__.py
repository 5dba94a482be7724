"""The jobs of ScoreFlow, one module a step, and the comparison of two scorings."""
