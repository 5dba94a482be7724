"""Features whose values lie so close together, for their size, that float32, in which all are kept, tells few apart.

Such are whole numbers near 2^53 that differ by hundreds, days written as 20260131, or what is below 1e-45.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scarcegan.data.values import numbers

# Fewer steps of float32 than this between the least and the highest value are few.
FEWEST_STEPS = 1_000


@dataclass
class Rounding:
    """Finds them while the rows pass by."""

    _ends: dict[str, tuple[float, float]] = field(default_factory=dict)
    _rounded: set[str] = field(default_factory=set)

    def add(self, rows: pa.Table, features: Iterable[str]) -> None:
        """Look at these features of some rows."""
        for name in features:
            column = numbers(rows[name])
            if column is None or column.type in (pa.float16(), pa.float32()):
                continue
            ends = pc.min_max(column).as_py()
            if ends["min"] is None:
                continue
            # As Python's whole numbers, which lose no digit.
            low, high = self._ends.get(name, (ends["min"], ends["max"]))
            self._ends[name] = min(low, ends["min"]), max(high, ends["max"])
            if _steps_are_few(ends["min"], ends["max"]):
                kept = column.cast(pa.float32(), safe=False)
                if pc.count_distinct(kept).as_py() < pc.count_distinct(column).as_py():
                    self._rounded.add(name)

    def notes(self) -> tuple[str, ...]:
        """Name the features that lose most of what they tell, and say what helps; empty for none."""
        found = [
            name
            for name, ends in self._ends.items()
            if ends[0] < ends[1] and name in self._rounded and _steps_are_few(*ends)
        ]
        if not found:
            return ()
        columns = "1 column is" if len(found) == 1 else f"{len(found)} columns are"
        return (
            f"{columns} rounded, values lying closer together than 32-bit floats tell apart: "
            f"{', '.join(map(repr, found))}; subtract a constant, such as the least value, or take a smaller unit",
        )


def _steps_are_few(low: float, high: float) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        step = float(np.spacing(np.float32(max(abs(low), abs(high)))))
    return high - low < FEWEST_STEPS * step
