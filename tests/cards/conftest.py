import html
import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are imported by path; their samples and browser by name

with warnings.catch_warnings():  # Metaflow's own copy of yaml asks for `_yaml`, which PyYAML calls deprecated
    warnings.filterwarnings("ignore", "The _yaml extension module", DeprecationWarning)
    from metaflow.cards import VegaChart

import card_browser
import card_samples


@pytest.fixture
def data_report():
    return card_samples.data_report()


@pytest.fixture
def progress():
    return card_samples.progress()


@pytest.fixture
def evaluation():
    return card_samples.evaluation("test")


@pytest.fixture
def release():
    return card_samples.release()


@pytest.fixture
def read():
    """Render components to the page a browser gets and return the text in it, plain spaces throughout."""

    def read(components):
        page = card_browser.to_html(components, "RetrainFlow/1/step/1")
        assert len(page) < 3_000_000
        return html.unescape(card_browser.content(page)).replace("\N{NO-BREAK SPACE}", " ")

    return read


@pytest.fixture
def drawn():
    """Return the charts among components, the rows of each by its title."""

    def drawn(components):
        specs = [part.render()["spec"] for part in components if isinstance(part, VegaChart)]
        return {spec["title"]["text"]: spec["data"]["values"] for spec in specs}

    return drawn
