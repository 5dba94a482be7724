from history_samples import recorded, recorder  # noqa: F401
