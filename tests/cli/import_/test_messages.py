"""Messages about a file: in the words of its owner, never those of a library, and never longer than a glance."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from cli.import_.file_reader import read_text
from cli.import_.importer import ImportOutcome
from cli.import_.mapping import RefusedRow
from cli.import_.report import ImportReport, lines_of
from infra.errors import OperatorError
from tests.cli.import_.planned_import import plan

LIBRARY_WORDS = re.compile(
    r"Expected `|\$\.|Unterminated|Expecting|Extra data|delimiter|end-of-stream|isoformat|invalid literal|codec|Error\b"
    r"|must be in \d|out of range"
)
TICKTICK = '"Date: 2026-11-01+0000"\n"Version: 7.1"\n"Folder Name","List Name","Title"\n"","Inbox","Milk"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title,done\nMilk,no\n", "looks like CSV"),
        ("title,done\n", "looks like CSV"),
        ("name;due\nMilk;2026-12-01\n", "looks like CSV"),
        ("Task\tDone\nMilk\tno\n", "looks like a table with tabs (TSV)"),
        (TICKTICK, "looks like CSV"),
        ("\udcef\udcf0,b,c\n1,2,3\n", "looks like CSV"),
        ("- title: Milk\n  done: false\n- title: Bread\n", "looks like YAML"),
        ("---\ntasks:\n  - Milk\n", "looks like YAML"),
        ("# Shopping\n\n- [ ] Milk\n- [x] Bread\n", "looks like Markdown"),
        ("* Milk\n* Bread\n", "looks like Markdown"),
        ("%PDF-1.7\n%\udce2\udce3\n1 0 obj\n", "is a PDF document"),
        ("{\\rtf1\\ansi Milk}", "is a rich text document"),
        ("\udc89PNG\r\n\x1a\n\x00", "is a binary file"),
        ("SQLite format 3\x00", "is a binary file"),
        ("Milk, bread and butter\nCall Bob\n", "is not JSON, but plain text"),
        ('[{"title": "Milk"}, {"title": "Br', "is not JSON: it ends in the middle, in line 1"),
        ('[{"title": "Milk"},\n', "is not JSON: it ends in the middle, in line 1"),
        ("[{'title': 'Milk'}]", "a name in double quotes is missing, at line 1, character 3"),
        ('[{"title": "Milk"}\n{"title": "Bread"}]', "a comma or a closing bracket is missing, at line 2, character 1"),
        ('[{"title": "Milk"}] [7]', "there is more after its end, at line 1, character 21"),
        ('[{"title": }]', "a value is missing, at line 1, character 12"),
    ],
)
def test_a_file_that_is_no_json_is_named_by_what_it_seems_to_be(text: str, said: str) -> None:
    with pytest.raises(OperatorError) as refused:
        plan(text)
    line = str(refused.value)
    assert said in line
    assert not LIBRARY_WORDS.search(line)
    assert ("this version reads JSON only" in line) is ("is not JSON: " not in line)


@pytest.mark.parametrize("keeps", [0.5, 0.99])
def test_a_cut_gzip_file_is_told_from_a_whole_one(tmp_path: Path, keeps: float) -> None:
    packed = gzip.compress(b'[{"title": "Milk"}]' * 100)
    (tmp_path / "list.json.gz").write_bytes(packed[: int(len(packed) * keeps)])
    with pytest.raises(OperatorError, match=r"is gzip, but damaged or cut off: copy or download it again\.$"):
        read_text(tmp_path / "list.json.gz")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"labels": [f"label {at}" for at in range(80)]}, "80 labels, at most 50"),
        ({"due": "2026-13-45"}, "due: '2026-13-45': must be a day in the calendar"),
        ({"due": "2026-12-01T25:00:00Z"}, "due: '2026-12-01T25:00:00Z': must have a time of day"),
        ({"due": "20261301T100000Z"}, "due: '20261301T100000Z': must be a day in the calendar"),
        ({"due": "2026-12-01 10:61"}, "due: '2026-12-01 10:61': must be a day in the calendar"),
    ],
)
def test_a_refused_row_is_explained_in_plain_words(row: dict[str, Any], said: str) -> None:
    report = plan([{"title": "A", **row}]).report
    assert said in report
    assert not LIBRARY_WORDS.search(report)


def test_a_torn_line_says_that_it_is_cut_off() -> None:
    report = plan('{"title": "A"}\n{"title": "B"}\n{"title": "C').report
    assert "  line 3: not JSON: it ends in the middle" in report.splitlines()


@pytest.mark.parametrize(
    "row",
    [
        {"title": "A", "priority": "9" * 400},
        {"title": "A", "priority": int("9" * 400)},
        {"title": "A", "priority": "urgent-ish " * 300},
        {"title": "A", "n" * 3_000: 1},
        {"title": "A", "due": "2" * 3_000},
        {"title": "A", "done": "perhaps " * 400},
        {"title": "A", "dueDateTime": {"dateTime": "2026-12-01T10:00:00", "timeZone": "z" * 3_000}},
        {"title": "A", "due" + "_" * 3_000: "tomorrow"},
        {"title": "A", "subtasks": [{"title": "B", "x" * 3_000 + "y": 1, "labels": 7}]},
    ],
)
def test_no_line_of_the_report_grows_with_a_value_of_the_file(row: dict[str, Any]) -> None:
    for report in (plan([row]).report, plan([row], lists_all=True).report):
        assert max(map(len, report.splitlines()), default=0) < 350
        assert not LIBRARY_WORDS.search(report)


def test_sentences_of_a_rule_end_the_line_that_lists_their_rows() -> None:
    full = "The column has reached its limit. Finish or move a task first."
    outcome = ImportOutcome(refused_rows=[RefusedRow("[2]", full), RefusedRow("[3]", full)])
    assert f"       2 x [2], [3]: {full}" in "\n".join(lines_of(outcome, ImportReport("list.json")))
