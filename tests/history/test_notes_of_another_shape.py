"""What Metaflow has noted of a run may be damaged: which run it is, and what to do, is told in words."""

import pytest
from history_samples import steps_of

from scarcegan import history
from scarcegan.history.client import reading
from scarcegan.problems import HistoryProblem


@pytest.mark.parametrize(("content", "place"), [("{}", "RetrainFlow/"), ("{", "_meta/"), ("[1]", "")])
def test_a_note_of_a_task_that_is_none_is_refused_with_what_to_do(recorder, tmp_path, content, place):
    recorder.run("one", steps_of("one"))
    notes = sorted(tmp_path.rglob("RetrainFlow/*/*/*/_meta/sysmeta_*.json"))
    assert notes
    for note in notes:
        note.write_text(content)
    with pytest.raises(HistoryProblem, match=rf"expected JSON in .*{place}.*, got: .*; restore the file, or move"):
        history.runs()


def test_a_defect_of_ours_is_not_told_as_a_damaged_file():
    with pytest.raises(TypeError), reading():
        len(3)
