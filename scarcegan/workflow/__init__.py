"""The work of the flows' steps, put together from the rooms below; flows, the command line and benchmarks call it."""
