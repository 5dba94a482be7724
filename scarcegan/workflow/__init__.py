"""The jobs of a retraining, put together from the rooms; flows, the command line and benchmarks call them."""
