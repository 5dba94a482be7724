import re
from dataclasses import replace

from cards.register_card import register_card
from scarcegan import words


def with_version(release, at, **changes):
    versions = [replace(one, **changes) if number == at else one for number, one in enumerate(release.versions)]
    return replace(release, versions=versions)


def test_the_release_tells_what_waits_for_whom(release, evaluation, read):
    text = read(register_card(release, evaluation))
    assert "4 models registered, 4 waiting for approval" in text
    assert '["recall_first", "13", "waits for approval", ' in text
    assert ' %", "no champion yet", "2024-07-01 09:14"]' in text


def test_a_bound_that_was_missed_is_not_overlooked(release, evaluation, read):
    missed = replace(release.versions[0].bound, state="missed")
    text = read(register_card(with_version(release, 0, bound=missed), evaluation))
    assert "Bound missed on test players** by `recall_first`: approve with care." in text
    assert '"missed, ' in text
    assert "**Not promised**: the labels do not tell whether `precision_first` will keep its bound." in text


def test_it_is_told_what_each_model_is_made_of(release, evaluation, read):
    text = read(register_card(release, evaluation))
    assert "balanced: Risk by ScarceGAN 40 %, small extra trees 25 %, " in re.sub("</?code>|`", "", text)


def test_decided_models_do_not_wait(release, evaluation, read):
    decided = with_version(with_version(release, 0, status="Approved"), 1, status="Rejected")
    text = read(register_card(decided, evaluation))
    assert "4 models registered, 2 waiting" in text
    assert '"13", "approved"' in text
    assert '"14", "rejected"' in text


def test_a_worse_challenger_is_marked_and_a_refused_one_named(release, evaluation, read):
    verdict = evaluation.verdicts["review_budget"]
    beaten = replace(verdict, against_champion=replace(verdict.against_champion, verdict="worse"))
    worse = replace(evaluation, verdicts={**evaluation.verdicts, "review_budget": beaten})
    assert "Worse than" not in read(register_card(release, evaluation))
    assert "Worse than the champion**: `review_budget`" in read(register_card(release, worse))
    refused = replace(release, refused=["balanced"])
    assert "Not registered**, because worse than the champion: `balanced`" in read(register_card(refused, evaluation))


def test_warnings_stand_beside_the_summary(release, evaluation, read):
    assert "**Warnings**" not in read(register_card(release, evaluation))
    warned = replace(release, warnings=["feature 'nights' alone tells: a likely leak"])
    text = read(register_card(warned, evaluation))
    assert text.index("waiting for approval") < text.index("a likely leak") < text.index("How to decide")


def test_what_is_registered_stands_with_its_intervals(release, evaluation, read, drawn):
    card = register_card(replace(release, versions=release.versions[:2]), evaluation)
    recall = words.interval("recall", evaluation.models["recall_first"].test["test"].recall)
    assert recall.replace(words.GAP, " ") in read(card)
    marks = drawn(card)["What does each model find, and how many players does it flag?"]
    assert {mark["series"] for mark in marks} == {"recall_first", "precision_first"}
    assert {mark["name"] for mark in marks} == {
        words.metric_name(name) for name in release.versions[0].metrics if name not in words.SCORES
    }


def test_lineage_and_commands_are_complete(release, evaluation, read):
    text = read(register_card(release, evaluation))
    for value in (*filter(None, vars(release.lineage).values()), *release.commands, release.registry):
        assert value in text
    assert "Snapshot trained on" not in text


def test_it_says_who_was_counted_and_what_the_brackets_are(release, evaluation, read):
    text = read(register_card(release, evaluation))
    assert "Measured on test set `test`: 4,500 players, 50 known risky. Thresholds were set by a share of" in text
    assert "Brackets are 95 % intervals: Wilson's" in text
    assert "bounds are judged with 90 % confidence" in text
