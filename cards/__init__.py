"""Metaflow cards as pure functions: plain data in, a list of card components out."""

METAFLOW_PACKAGE_POLICY = "include"  # Metaflow's code package carries this package to AWS Batch
