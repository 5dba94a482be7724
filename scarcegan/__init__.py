"""ScarceGAN: find extremely rare players in longitudinal telemetry with small, weak labels."""

METAFLOW_PACKAGE_POLICY = "include"  # Metaflow's code package carries this package to AWS Batch

__version__ = "0.1.0"
