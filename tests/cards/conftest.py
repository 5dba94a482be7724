import html
import warnings

import pytest

with warnings.catch_warnings():  # Metaflow's own copy of yaml asks for `_yaml`, which PyYAML calls deprecated
    warnings.filterwarnings("ignore", "The _yaml extension module", DeprecationWarning)
    from metaflow.cards import VegaChart

import card_browser
import card_samples

data_report = pytest.fixture(card_samples.data_report)
progress = pytest.fixture(card_samples.progress)
evaluation = pytest.fixture(card_samples.evaluation)
release = pytest.fixture(card_samples.release)
bill = pytest.fixture(card_samples.cost)
compared = pytest.fixture(card_samples.comparison)
drift = pytest.fixture(card_samples.drift)
decision = pytest.fixture(card_samples.decision)
dossier = pytest.fixture(card_samples.dossier)
explained = pytest.fixture(card_samples.explanation)
release_file = pytest.fixture(card_samples.release_file)
score_report = pytest.fixture(card_samples.score_report)


@pytest.fixture
def read():
    """Render components to the page a browser gets and return the text in it, plain spaces and hyphens throughout."""

    def read(components):
        page = card_browser.to_html(components, "RetrainFlow/1/step/1")
        assert len(page) < 3_000_000
        text = html.unescape(card_browser.content(page)).replace("\N{NO-BREAK SPACE}", " ")
        return text.replace("\N{NON-BREAKING HYPHEN}", "-")

    return read


@pytest.fixture
def charts():
    """Return the charts among components by their titles."""

    def charts(components):
        # Of a folded part the components are inside a section.
        flat = [one for part in components for one in getattr(part, "_contents", [part])]
        specs = [part.render()["spec"] for part in flat if isinstance(part, VegaChart)]
        return {spec["title"]["text"]: spec for spec in specs}

    return charts


@pytest.fixture
def drawn(charts):
    """Return the rows of the charts among components by their titles."""
    return lambda components: {title: spec["data"]["values"] for title, spec in charts(components).items()}
