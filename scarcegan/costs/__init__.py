"""What a run takes of its machines: expected before it starts, measured while it runs, priced at its end."""

from scarcegan.costs.bill import bill
from scarcegan.costs.estimate import estimate
from scarcegan.costs.meter import Meter, together

__all__ = ["Meter", "bill", "estimate", "together"]
