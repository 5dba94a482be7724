"""What a run takes of its machines: expected before it starts, measured while it runs, priced at its end."""

from scarcegan.costs.bill import bill, estimate
from scarcegan.costs.meter import Meter, together
from scarcegan.costs.records import Bill, Estimate, StepCost, TaskUsage

__all__ = ["Bill", "Estimate", "Meter", "StepCost", "TaskUsage", "bill", "estimate", "together"]
