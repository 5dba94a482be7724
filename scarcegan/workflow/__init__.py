"""The work of the flows' steps, put together from the rooms below; flows, the command line and benchmarks call it.

What cannot be used or read is refused by all of it with a Problem, which its callers print.
"""
