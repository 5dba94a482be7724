"""Run the notebook in a folder with two runs or more and keep what it shows: `python notebook_pictures.py FOLDER`.

FOLDER is where the runs were started. The pictures go to docs/; they need Chromium.
"""

import html
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "cards"))
PICTURES = {"notebook_runs": (2, 3, 5, 6, 7, 8), "notebook_model": (10, 11, 12, 13, 14, 15)}  # cells of each
STYLE = """<style>body { font: 14px DejaVu Sans, sans-serif; margin: 16px; width: 860px; } table { font-size: 11px;
border-collapse: collapse; margin: 8px 0; } td, th { padding: 3px 7px; text-align: right; }
tr:nth-child(even) { background: #f3f4f6; }
pre { background: #f3f4f6; padding: 8px; font-size: 12px; } img { max-width: 430px; }</style>"""


def shown(cell: nbformat.NotebookNode) -> str:
    """Return what a cell shows as HTML, without its code: a table or a picture where there is one."""
    if cell.cell_type == "markdown":
        title, *_ = cell.source.splitlines()
        return f"<h3>{html.escape(title.lstrip('# '))}</h3>"
    told = []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            told.append(f'<img src="data:image/png;base64,{data["image/png"]}">')
        else:
            told.append(data.get("text/html") or f"<pre>{html.escape(data.get('text/plain', ''))}</pre>")
    return "".join(told)


def main(folder: Path) -> None:
    """Write a picture for each row of PICTURES."""
    from card_browser import open_page

    notebook = nbformat.read(ROOT / "notebooks" / "inspect_runs.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    with tempfile.TemporaryDirectory() as draft:
        for name, cells in PICTURES.items():
            page = Path(draft) / f"{name}.html"
            body = "".join(map(shown, (notebook.cells[at] for at in cells)))
            body = body.replace(f"{folder}/", "")
            page.write_text(
                f"{STYLE}<body>{body}<script>document.documentElement.dataset.height = "
                "document.body.scrollHeight + 40;</script></body>"
            )
            open_page(page, 900, False, ROOT / "docs" / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
