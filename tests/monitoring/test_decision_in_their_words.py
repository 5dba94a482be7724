from dataclasses import replace

from monitoring_samples import report_of, sample, world

from scarcegan.monitoring.decision import decide
from scarcegan.monitoring.drift import DriftReport, RealisedRecall, SignalSize
from scarcegan.settings import Monitoring
from scarcegan.settings.words_section import USUAL, Words

FRAUD = Words(row="card", rare="fraudulent")
RECALL = RealisedRecall("before", risky=40, found=10, value=0.25, low=0.14, high=0.4, registered=0.5, p=0.01)


def report(words):
    told = report_of(sample(world(300, 1), name="first"), sample(world(300, 2), name="now"), recall=RECALL)
    raised = dict.fromkeys(told.signals, SignalSize(1.0, beyond=True))
    return replace(told, signals=raised, words=words)


def test_a_decision_is_in_the_words_of_its_report():
    reasons = "\n".join(decide(report(FRAUD), 3, [], Monitoring()).reasons)
    assert "a classifier tells these cards from those of first" in reasons
    assert "10 of 40 cards of before labelled fraudulent since had been flagged" in reasons
    assert "player" not in reasons


def test_a_report_of_older_code_reads_with_the_words_of_its_time():
    plain = report(FRAUD).to_plain()
    del plain["words"]
    old = DriftReport.from_plain(plain)
    assert old.words == USUAL
    assert old.current.who(old.words) == "all 300 players of now"
    assert old.current.who(FRAUD) == "all 300 cards of now"
