from metaflow.cards import VegaChart

from cards.register_card import register_card


def test_the_release_tells_what_waits_for_whom(release, evaluation, read):
    text = read(register_card(release, evaluation))
    assert "4 models registered, 4 waiting for approval" in text
    assert '["recall_first", "13", "waits for approval", "0.0612", "NOT met", '
    assert '"worse, recall −8.1 [−14.0, −2.1] points", "2024-07-01 09:14"]' in text
    assert "Constraint not met** by `recall_first`" in text


def test_decided_models_do_not_wait(release, evaluation, read):
    release["versions"][0]["status"], release["versions"][1]["status"] = "Approved", "Rejected"
    text = read(register_card(release, evaluation))
    assert "4 models registered, 2 waiting" in text
    assert '"13", "approved"' in text
    assert '"14", "rejected"' in text


def test_a_worse_challenger_is_marked_and_a_refused_one_named(release, evaluation, read):
    assert "Worse than the champion**: `recall_first`" in read(register_card(release, evaluation))
    release["refused"] = ["balanced"]
    assert "Not registered**, because worse than the champion: `balanced`" in read(register_card(release, evaluation))


def test_a_first_release_has_no_champion(release, evaluation, read):
    for version in release["versions"]:
        version.update(against_champion="no champion", recall_against_champion="")
    text = read(register_card(release, evaluation))
    assert text.count("no champion") == 4
    assert "Worse than" not in text


def test_metrics_stand_side_by_side(release, evaluation, read):
    text = read(register_card(release, evaluation))
    assert '["Recall", "93 % [86, 100]", "13 % [6, 20]", "34 % [27, 41]", "45 % [38, 52]"]' in text
    assert '["Players", "4,528", "4,528", "4,528", "4,528"]' in text


def test_only_shares_are_drawn(release, evaluation):
    (chart,) = [part for part in register_card(release, evaluation) if isinstance(part, VegaChart)]
    metrics = {row["metric"] for row in chart.render()["spec"]["data"]["values"]}
    assert metrics == {"PR-AUC", "Recall", "Precision", "Flagged share", "F2"}


def test_metrics_that_are_no_shares_need_no_chart(release, evaluation, read):
    for version in release["versions"]:
        version["metrics"] = {"players": 12}
    components = register_card(release, evaluation)
    assert not [part for part in components if isinstance(part, VegaChart)]
    assert '["Players", "12"' in read(components)


def test_lineage_and_commands_are_complete(release, evaluation, read):
    text = read(register_card(release, evaluation))
    for value in (*release["lineage"].values(), *release["commands"], release["registry"]):
        assert value in text
