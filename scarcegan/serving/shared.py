"""ScarceGAN's networks of several models: those of a run have some in common, and each is run once."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from scarcegan.serving.forward import one_blas_thread
from scarcegan.serving.model import Model, chunks
from scarcegan.serving.parts import AnyPart


class _Network(NamedTuple):
    """A member of a part, behind the first part's scaler that is equal to its own."""

    scaled_by: AnyPart
    part: AnyPart
    member: int


def scarcegan_of_each(models: Mapping[str, Model], raw_features: np.ndarray) -> dict[str, np.ndarray]:
    """Return what `scarcegan_alone().probabilities` of each model returns, by name, to the last bit.

    Raw features, float [n, F], are the same for all models. Equal networks are run once, and so are equal scalers.
    """
    own = _networks(models)
    distinct = list(dict.fromkeys(network for networks in own.values() for network in networks))
    totals = {name: np.zeros((len(model.class_names), len(raw_features)), np.float32) for name, model in models.items()}
    with one_blas_thread():
        for place, raw in chunks(raw_features.T):
            inputs = {part: part.columns.apply(raw) for part in {network.scaled_by for network in distinct}}
            told = {one: one.part.of_member(one.member, inputs[one.scaled_by]) for one in distinct}
            for name, networks in own.items():
                chunk = totals[name][:, place]
                # In the model's own order: in another one the sum's last bits differ.
                for network in networks:
                    chunk += told[network]
                chunk /= len(networks)
    return {name: total.T for name, total in totals.items()}


def _networks(models: Mapping[str, Model]) -> dict[str, list[_Network]]:
    """Return the networks of each model in their order; of equal ones all are the same."""
    scalers: dict[tuple[bytes, ...], AnyPart] = {}
    known: dict[tuple[AnyPart, tuple[bytes, ...]], _Network] = {}

    def of_part(part: AnyPart) -> Iterable[_Network]:
        first = scalers.setdefault(part.scaler_content(), part)
        for member in range(part.members):
            yield known.setdefault((first, part.content(member)), _Network(first, part, member))

    return {name: [network for part in model.parts for network in of_part(part)] for name, model in models.items()}
