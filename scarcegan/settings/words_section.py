"""Settings of the words: what a team calls its players, the rare ones among them, and who looks at them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from scarcegan.settings.section import Section

# As they stand in Markdown, tables and registries: letters, digits, spaces, hyphens.
Word = Annotated[str, Field(pattern=r"^\w[\w '-]*$", max_length=40)]


class Words(Section):
    """What cards, reports, the terminal and the registry call things; names in files and of metrics stay as they are.

    Records of what people read carry these words: a page on an old run has those of its time.
    """

    row: Word = "player"
    """What a row of the tables is."""
    rows: Word = "players"
    """More than one of them; left out: `row` with an s."""
    who: Literal["who", "which"] = "who"
    """`who` where a row is a person, `which` where it is a thing."""
    rare: Word = "risky"
    """Adjective for those that are to be found."""
    reviewer: Word = "moderator"
    """Who looks at what is flagged."""
    reviewers: Word = "moderators"
    """More than one of them; left out: `reviewer` with an s."""
    season: Word = "season"
    """A time in which habits hold."""
    activity: Word = "play"
    """What rows do on the days that telemetry counts."""

    @model_validator(mode="before")
    @classmethod
    def _plurals(cls, tree: Any) -> Any:
        if not isinstance(tree, Mapping):
            return tree
        return {f"{one}s": f"{tree[one]}s" for one in ("row", "reviewer") if one in tree} | dict(tree)

    @property
    def rare_rows(self) -> str:
        """Those that are to be found: risky players."""
        return f"{self.rare} {self.rows}"

    @property
    def nobody(self) -> str:
        """Not one of them."""
        return "nobody" if self.who == "who" else "none"

    def fill(self, text: str) -> str:
        """Put the words into a text's places: `{rows}`; `{Rows}` at its beginning, `{a_reviewer}` with the article."""
        article = "an" if self.reviewer[0].lower() in "aeiou" else "a"
        # Things neither object nor are helped: those do whom they belong to.
        persons = {"whom": "whom", "they": "they", "concerned": f"the {self.row}"}
        things = {"whom": self.who, "they": "those concerned", "concerned": "whoever is concerned"}
        more = persons if self.who == "who" else things
        said = {**vars(self), "nobody": self.nobody, "a_reviewer": f"{article} {self.reviewer}", **more}
        return text.format(**said, **{word.capitalize(): one[0].upper() + one[1:] for word, one in said.items()})


# The words that hold without settings, and on records of code that knew no others.
USUAL = Words()
