"""What a player's features are told beside: the players of the scored snapshot, markers of harm and units."""

from collections.abc import Mapping, Sequence

import numpy as np

from scarcegan.features.catalogue import units_of
from scarcegan.serving.model import Model
from scarcegan.serving.reasons import Background
from scarcegan.settings.markers_section import markers_of
from scarcegan.snapshots import Manifest


def background_of(model: Model, manifest: Manifest, markers: Mapping[str, Sequence[str]]) -> Background:
    """Return the background of a model's features in a snapshot; markers are what `patterns_of` returns."""
    units = units_of(manifest.frame.columns)
    quantiles = np.array([manifest.statistics[name].quantiles for name in model.feature_names], np.float32)
    own_units = tuple(units.get(name, "") for name in model.feature_names)
    return Background(model.feature_names, quantiles, markers_of(model.feature_names, markers), own_units)
