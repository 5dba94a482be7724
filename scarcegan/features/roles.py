"""What a counter stands for, so that features across counters mean the same in every game."""

from dataclasses import dataclass, fields

from scarcegan.problems import DataProblem


@dataclass(frozen=True)
class Roles:
    """Counter names by role; a role left empty leaves its features out.

    Attributes:
        activity: how much is played (sessions, openings); empty: the first counter.
        intensity: how hard, in a unit that grows with activity (stakes, openings in bursts).
        night: the part of play at night (minutes, sessions).
        loss: what was lost; empty with `win` given: activity on days without a win.
        win: what was won.
        deposit: money paid in.
    """

    activity: str = ""
    intensity: str = ""
    night: str = ""
    loss: str = ""
    win: str = ""
    deposit: str = ""

    def resolved(self, counters: tuple[str, ...]) -> dict[str, int]:
        """Return the counter position of each filled role.

        Raises:
            DataProblem: a role names a counter that the telemetry has not.
        """
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        named["activity"] = named["activity"] or counters[0]
        unknown = {role: name for role, name in named.items() if name and name not in counters}
        if unknown:
            raise DataProblem(f"expected roles to name counters {list(counters)}, got {unknown}: mend the roles")
        return {role: counters.index(name) for role, name in named.items() if name}
