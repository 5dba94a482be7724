"""ScarceGAN's networks of several models: those of a run have some in common, and each is run once."""

from collections.abc import Mapping

import numpy as np

from scarcegan.serving.forward import one_blas_thread
from scarcegan.serving.model import Model, chunks
from scarcegan.serving.parts import AnyPart

_Network = tuple[AnyPart, AnyPart, int]  # the first part with this scaler, the first with this member, its number there


def scarcegan_of_each(models: Mapping[str, Model], raw_features: np.ndarray) -> dict[str, np.ndarray]:
    """Return what `scarcegan_alone().probabilities` of each model returns, by name, to the last bit.

    Raw features, float [n, F], are the same for all models. Equal networks are run once, and so are equal scalers.
    """
    scalers: dict[tuple[bytes, ...], AnyPart] = {}
    networks: dict[tuple[AnyPart, tuple[bytes, ...]], _Network] = {}
    own: dict[str, list[_Network]] = {name: [] for name in models}
    for name, part in ((name, part) for name, model in models.items() for part in model.parts):
        scaled = scalers.setdefault(part.scaler_content(), part)
        for member in range(part.members):
            own[name].append(networks.setdefault((scaled, part.content(member)), (scaled, part, member)))
    totals = {name: np.zeros((len(model.class_names), len(raw_features)), np.float32) for name, model in models.items()}
    with one_blas_thread():
        for place, raw in chunks(raw_features.T):
            inputs = {part: part.columns.apply(raw) for part in scalers.values()}
            told = {one: one[1].of_member(one[2], inputs[one[0]]) for one in networks.values()}
            for name, of_model in own.items():
                chunk = totals[name][:, place]
                # In the model's own order: in another one the sum's last bits differ.
                for network in of_model:
                    chunk += told[network]
                chunk /= len(of_model)
    return {name: total.T for name, total in totals.items()}
