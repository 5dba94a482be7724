"""Render card components to a page as Metaflow does, and open that page in headless Chromium."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cards.theme import html_page

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=8000",
]  # fmt: skip
HARMLESS = "written in Vega-Lite, but mode argument sets Vega"  # how Metaflow calls vega-embed, for every chart

# Chromium's log keeps only the first argument of a console call, and the card's Markdown component replaces
# console.warn by one that drops the others: both would leave nothing of Vega's messages but "WARN".
WHOLE_MESSAGES = """<script>for (const level of ["warn", "error"]) {
  const write = console[level].bind(console);
  Object.defineProperty(console, level, { get: () => (...parts) => write(parts.join(" ")), set: () => {} });
}
setTimeout(() => {
  const cut = [...document.querySelectorAll(".tableContainer")].filter(table => table.scrollWidth > table.clientWidth);
  Object.assign(document.documentElement.dataset, { height: document.body.scrollHeight, cut: cut.length });
}, 3000);
</script>"""
UNFOLD = """<script>addEventListener("load", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});</script>"""


@dataclass(frozen=True)
class Opened:
    """What the browser made of a page: its final DOM and what it wrote to the console."""

    dom: str
    console: list[str]

    @property
    def chart_widths(self) -> list[float]:
        """Width in pixels of each chart drawn."""
        return [float(width) for width in re.findall(r'<svg[^>]*class="marks" width="([\d.]+)"', self.dom)]

    @property
    def tables_cut(self) -> int:
        """How many tables are wider than the page has room for."""
        return int(re.findall(r'data-cut="(\d+)"', self.dom)[0])

    @property
    def height(self) -> int:
        """Height of the whole page in pixels."""
        return int(re.findall(r'data-height="(\d+)"', self.dom)[0])


def to_html(components: list[Any], title: str, *, unfolded: bool = False) -> str:
    """Render components to a page that tells the tests what the browser complains of, perhaps with all folds open."""
    scripts = WHOLE_MESSAGES + (UNFOLD if unfolded else "")
    return html_page(components, title).replace("<body>", f"<body>{scripts}", 1)


def content(page: str) -> str:
    """Return the card's data out of a rendered page, as JSON text."""
    (data,) = re.findall(r'__MF_DATA__\["[^"]+"\] = "([^"]+)"', page)
    return json.dumps(json.loads(base64.b64decode(data), parse_constant=_refuse), ensure_ascii=False)


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def open_page(page: Path, width: int, dark: bool, screenshot: Path) -> Opened:
    """Open a page; the screenshot takes a second start, in a window as high as the page turned out to be."""
    look = ["--blink-settings=preferredColorScheme=0"] if dark else []
    dom, console = _chromium(page, [*look, "--dump-dom", f"--window-size={width},800"])
    opened = Opened(dom=dom, console=[line for line in console if HARMLESS not in line])
    _chromium(page, [*look, f"--screenshot={screenshot.resolve()}", f"--window-size={width},{opened.height}"])
    return opened


def _chromium(page: Path, arguments: list[str]) -> tuple[str, list[str]]:
    with tempfile.TemporaryDirectory() as profile:
        command = [str(find_chromium()), *FLAGS, f"--user-data-dir={profile}", *arguments, page.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def _refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} in a card: browsers refuse it in JSON and show a blank page")
