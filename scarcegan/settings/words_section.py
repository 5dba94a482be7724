"""Settings of the words: what a team calls its players, the rare ones among them, and who looks at them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from scarcegan import words
from scarcegan.settings.section import Section

# Of a message: what is quoted, or else a usual word with its article that is no part of a path, an option or a name.
_QUOTED = r"""(?<!\w)'[^'\n]*'(?!\w)|"[^"\n]*"|`[^`\n]*`"""
_USUAL_WORD = r"(?:(?P<article>an?) )?(?P<word>players?|risky|moderators?)(?P<who> who)?"
_TOLD = re.compile(rf"{_QUOTED}|(?<![\w./\\:=@$<{{\[~-]){_USUAL_WORD}(?![\w/=@-]|\.\w)", re.IGNORECASE)
# As they stand in Markdown, tables and registries: letters, digits, spaces, hyphens.
Word = Annotated[str, Field(pattern=r"^\w[\w '-]*$", max_length=40)]


def _plural(noun: str) -> str:
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return f"{noun}es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", noun) + "s"


class Words(Section):
    """What cards, reports, the terminal and the registry call things; names in files and of metrics stay as they are.

    Records of what people read carry these words: a page on an old run has those of its time.
    """

    row: Word = "player"
    """What a row of the tables is."""
    rows: Word = "players"
    """More than one of them; left out: the plural of `row`, such as cards, companies."""
    who: Literal["who", "which"] = "who"
    """`who` where a row is a person, `which` where it is a thing."""
    rare: Word = "risky"
    """Adjective for those that are to be found."""
    reviewer: Word = "moderator"
    """Who looks at what is flagged."""
    reviewers: Word = "moderators"
    """More than one of them; left out: the plural of `reviewer`."""
    season: Word = "season"
    """A time in which habits hold."""
    activity: Word = "play"
    """What rows do on the days that telemetry counts."""

    @model_validator(mode="before")
    @classmethod
    def _plurals(cls, tree: Any) -> Any:
        if not isinstance(tree, Mapping):
            return tree
        return {f"{one}s": _plural(str(tree[one])) for one in ("row", "reviewer") if one in tree} | dict(tree)

    @property
    def rare_rows(self) -> str:
        """Those that are to be found: risky players."""
        return f"{self.rare} {self.rows}"

    @property
    def nobody(self) -> str:
        """Not one of them."""
        return "nobody" if self.who == "who" else "none"

    def counted(self, number: int, which: str = "") -> str:
        """Write how many rows there are, perhaps which of them: 1 player, 2 players, 3 flagged players."""
        return words.plural(number, f"{which} {self.row}".lstrip(), f"{which} {self.rows}".lstrip())

    def fill(self, text: str) -> str:
        """Put the words into a text's places: `{rows}`; `{Rows}` at its beginning, `{a_reviewer}` with the article."""
        article = "an" if self.reviewer[0].lower() in "aeiou" else "a"
        # Things neither object nor are helped: those do whom they belong to.
        persons = {"whom": "whom", "they": "they", "concerned": f"the {self.row}"}
        things = {"whom": self.who, "they": "those concerned", "concerned": "whoever is concerned"}
        more = persons if self.who == "who" else things
        said = {**vars(self), "nobody": self.nobody, "a_reviewer": f"{article} {self.reviewer}", **more}
        return text.format(**said, **{word.capitalize(): one[0].upper() + one[1:] for word, one in said.items()})

    def retell(self, text: str) -> str:
        """Say a message of code that knows no settings in these words; what is quoted, or a name, stays as it is."""
        return text if self == USUAL else _TOLD.sub(self._told, text)

    def _told(self, found: re.Match[str]) -> str:
        if found["word"] is None:
            return found[0]
        ours = {getattr(USUAL, name): getattr(self, name) for name in ("row", "rows", "rare", "reviewer", "reviewers")}
        said = ours[found["word"].lower()]
        said = said if found["word"].islower() else said[0].upper() + said[1:]
        article = f"{found['article'][0]}{'n' * (said[0].lower() in 'aeiou')} " if found["article"] else ""
        return f"{article}{said}{f' {self.who}' if found['who'] else ''}"


# The words that hold without settings, and on records of code that knew no others.
USUAL = Words()
