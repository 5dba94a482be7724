"""docs/reliability.md is what the tests say: `python tests/docs/test_reliability.py > docs/reliability.md` writes it.

A test that holds a row has the mark `reliability`: its `case`, what the user `sees`, what a `resume` does, and what is
`lost`, where it is not nothing.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGINNING = """# Reliability

Written by `make reference` from the tests that hold each row; don't edit.

What goes wrong on real machines, what the user sees then, what is lost, and what a `resume` does. A case stands for its
kind. What only a real AWS account can show is not in the table: IAM's own refusals, SageMaker's consistency after a
write, and the notice of a spot instance that goes.

| case | what the user sees | what is lost | what a resume does | test |
|---|---|---|---|---|
"""


def rows():
    """Return a row for each marked test, in the order of the files."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.reliability":
                    told = {"lost": "nothing"} | {one.arg: ast.literal_eval(one.value) for one in mark.keywords}
                    test = f"[{file.name}](../{file.relative_to(ROOT)})"
                    yield [told["case"], told["sees"], told["lost"], told["resume"], test]


def page():
    return BEGINNING + "".join(f"| {' | '.join(row)} |\n" for row in rows())


def test_the_page_is_what_the_tests_say():
    assert PAGE.read_text() == page(), "the marks have changed: run `make reference`"


def test_every_row_is_whole_and_stands_once():
    cases = [row[0] for row in rows()]
    assert len(cases) == len(set(cases))
    assert len(cases) > 30
    for row in rows():
        assert all(cell and not re.search(r"[|\n]", cell) for cell in row)


if __name__ == "__main__":
    sys.stdout.write(page())
