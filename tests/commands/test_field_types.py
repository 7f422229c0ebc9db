"""Field types: one row for every invalid value, and for every valid one at a limit."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from commands.command import Command, all_commands
from commands.field_types import PATTERN_DESCRIPTIONS, normalize_date
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from commands.trash import TrashTask
from commands.user import RegisterUser
from commands.workspace import CreateWorkspace
from tests.examples import ADA, TASK, WORKSPACE

TASK_BODY = {"title": "Buy milk"}
PROJECT_BODY = {"name": "Household", "key": "HOME"}
USER_BODY = {"email": "ada@example.org", "address": {"current": str(ADA.id)}, "name": "Ada"}


def accepts(kind: type[Command[Any]], body: object) -> Command[Any]:
    command: Command[Any] = msgspec.json.decode(json.dumps(body), type=kind)
    return command


def refuses(kind: type[Command[Any]], body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        accepts(kind, body)


ONE_LINE_REFUSED = [
    pytest.param(text, id=name)
    for name, text in {
        "empty": "",
        "only a space": " ",
        "only spaces": "   ",
        "only a no-break space": "\u00a0",
        "only an ideographic space": "\u3000",
        "only a tab": "\t",
        "NUL": "milk\x00",
        "bell": "milk\a",
        "ANSI": "\x1b[31mmilk",
        "C1 control": "milk\x9b31m",
        "delete": "milk\x7f",
        "tab": "milk\tbread",
        "newline": "milk\nbread",
        "newline at the end": "milk\n",
        "carriage return": "milk\r",
        "vertical tab": "milk\x0b",
        "next line": "milk\u0085bread",
        "line separator": "milk\u2028bread",
        "paragraph separator": "milk\u2029bread",
        "blank, then a line": " \nmilk",
    }.items()
]
ONE_LINE_ACCEPTED = [
    "x",
    "  milk  ",
    "молоко",
    "牛乳",
    "\N{COW FACE}",
    "\N{MAN}\N{ZERO WIDTH JOINER}\N{COOKING}",
    "'; drop table log.events; --",
    "=cmd()",
    "<script>",
    "\\u0000",
    "%s {0}",
]
INVISIBLE = [
    pytest.param("\u200b", id="only a zero-width space"),
    pytest.param("\ufeff", id="only a BOM"),
    pytest.param("\u2066\u2069", id="only bidi isolates"),
    pytest.param("milk\u202edaerb", id="right-to-left override"),
]
ONE_LINE_FIELDS: list[tuple[type[Command[Any]], dict[str, Any], str, int]] = [
    (CreateTask, TASK_BODY, "title", 500),
    (EditTask, {}, "title", 500),
    (CreateTask, TASK_BODY, "column", 100),
    (MoveTask, {}, "column", 100),
    (CreateWorkspace, {}, "name", 100),
    (CreateProject, PROJECT_BODY, "name", 100),
    (RegisterUser, USER_BODY, "name", 100),
]
one_line_fields = pytest.mark.parametrize(
    ("kind", "body", "field", "most"),
    [pytest.param(*row, id=f"{row[0].__name__}.{row[2]}") for row in ONE_LINE_FIELDS],
)


@one_line_fields
@pytest.mark.parametrize("text", ONE_LINE_REFUSED)
def test_what_is_no_line_of_text_is_refused(
    kind: type[Command[Any]], body: dict[str, Any], field: str, most: int, text: str
) -> None:
    refuses(kind, {**body, field: text})


@one_line_fields
@pytest.mark.parametrize("text", ONE_LINE_ACCEPTED)
def test_a_line_of_text_is_stored_unchanged(
    kind: type[Command[Any]], body: dict[str, Any], field: str, most: int, text: str
) -> None:
    assert getattr(accepts(kind, {**body, field: text}), field) == text


@one_line_fields
@pytest.mark.parametrize("letter", ["x", "я", "\N{COW FACE}"])
def test_the_longest_line_is_accepted_and_one_letter_more_is_not(
    kind: type[Command[Any]], body: dict[str, Any], field: str, most: int, letter: str
) -> None:
    accepts(kind, {**body, field: letter * most})
    refuses(kind, {**body, field: letter * (most + 1)})
    refuses(kind, {**body, field: letter * 1_000_000})


@one_line_fields
@pytest.mark.parametrize("value", [7, True, 1.5, [], ["milk"], {}], ids=str)
def test_what_is_no_text_is_refused(
    kind: type[Command[Any]], body: dict[str, Any], field: str, most: int, value: object
) -> None:
    refuses(kind, {**body, field: value})


@pytest.mark.parametrize("text", INVISIBLE)
def test_an_invisible_or_misleading_line_is_refused(text: str) -> None:
    refuses(CreateTask, {"title": text})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (CreateTask, {"title": None}),
        (EditTask, {"title": None}),
        (MoveTask, {"column": None}),
        (CreateTask, {**TASK_BODY, "labels": None}),
        (CreateProject, {**PROJECT_BODY, "name": None}),
        (CreateProject, {**PROJECT_BODY, "key": None}),
        (CreateWorkspace, {"name": None}),
        (RegisterUser, {**USER_BODY, "email": None}),
    ],
)
def test_null_is_refused_where_something_is_required(kind: type[Command[Any]], body: object) -> None:
    refuses(kind, body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (CreateTask, {}),
        (MoveTask, {}),
        (CreateProject, {"name": "Household"}),
        (CreateProject, {"key": "HOME"}),
        (CreateWorkspace, {}),
        (RegisterUser, {"email": "ada@example.org"}),
        (RegisterUser, {"name": "Ada"}),
    ],
)
def test_a_required_field_that_is_missing_is_refused(kind: type[Command[Any]], body: object) -> None:
    refuses(kind, body)


@pytest.mark.parametrize("text", ["", "one\ntwo\r\n\tthree", " ", "\u2028", "x" * 50_000])
def test_a_description_is_any_number_of_lines(text: str) -> None:
    for kind in (CreateTask, EditTask):
        command = accepts(kind, {**TASK_BODY, "description": text})
        assert msgspec.structs.asdict(command)["description"] == text


@pytest.mark.parametrize("text", ["a\x00", "\x1b[2J", "\x08", "\x0b", "\x0c", "\x7f", "\x9b", "x" * 50_001, 7, []])
def test_a_description_with_other_control_characters_or_too_long_is_refused(text: object) -> None:
    for kind in (CreateTask, EditTask):
        refuses(kind, {**TASK_BODY, "description": text})


def test_labels_are_lines_of_text_and_at_most_fifty() -> None:
    accepts(CreateTask, {**TASK_BODY, "labels": ["x" * 100] * 50})
    refuses(CreateTask, {**TASK_BODY, "labels": ["shop"] * 51})
    for label in ("", " ", "a\nb", "a\x00", "x" * 101, None, 7):
        refuses(CreateTask, {**TASK_BODY, "labels": ["shop", label]})
    refuses(CreateTask, {**TASK_BODY, "labels": "shop"})


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2024-02-29", "2024-02-29"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("2026-12-01T10:00:00Z", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01t10:00:00z", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01 10:00:00Z", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01T10:00:00+05:30", "2026-12-01T10:00:00+05:30"),
        ("2026-12-01T10:00:00-00:00", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01T10:00:00.5-08:00", "2026-12-01T10:00:00.500000-08:00"),
    ],
)
def test_a_due_date_is_normalised(written: str, kept: str) -> None:
    for kind in (CreateTask, EditTask):
        accepts(kind, {**TASK_BODY, "due": written})
    assert normalize_date(written) == kept
    assert normalize_date(kept) == kept


def test_null_is_no_due_date() -> None:
    edit = accepts(EditTask, {"due": None})
    assert isinstance(edit, EditTask)
    assert edit.due is None
    assert normalize_date(None) is None


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "tomorrow",
        "0000-01-01",
        "0000-01-01T00:00:00Z",
        "2026-02-30",
        "2025-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-12-00",
        "2026-12-32",
        "2026-W01-1",
        "2026-335",
        "20261201",
        "2026-12",
        "26-12-01",
        "12026-12-01",
        "-2026-12-01",
        "2026-12-01\n",
        " 2026-12-01",
        "2026-12-01Z",
        "2026-12-01T10:00:00",
        "2026-12-01T10:00:00.Z",
        "2026-12-01T10:00:00,5Z",
        "2026-12-01T25:00:00Z",
        "2026-12-01T10:60:00Z",
        "2026-12-01T10:00:61Z",
        "2026-12-01T10:00:00+0530",
        "2026-12-01T10:00:00+05",
        "2026-12-01T10:00:00+24:00",
        "2026-12-01T10:00:00 Europe/Berlin",
        "2026-12-01T10:00:00Z\n",
        "2026-02-30T10:00:00Z",
        "20261201T100000Z",
        "2026-W01-1T10:00:00Z",
        "\u0662\u0660\u0662\u0666-12-01",
        "\uff12\uff10\uff12\uff16-12-01",
        20261201,
        1.5,
        True,
        ["2026-12-01"],
    ],
    ids=repr,
)
def test_what_is_no_due_date_is_refused(written: object) -> None:
    for kind in (CreateTask, EditTask):
        refuses(kind, {**TASK_BODY, "due": written})


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_an_accepted_due_date_is_an_instant(written: str) -> None:
    try:
        accepts(CreateTask, {**TASK_BODY, "due": written})
    except msgspec.ValidationError:
        return
    datetime.fromisoformat(written).astimezone(UTC)


def test_an_offset_of_ninety_nine_minutes_is_refused() -> None:
    refuses(CreateTask, {**TASK_BODY, "due": "2026-12-01T10:00:00+10:99"})


@pytest.mark.parametrize("priority", ["none", "low", "medium", "high", "urgent", None])
def test_a_priority_is_known(priority: str | None) -> None:
    for kind in (CreateTask, EditTask):
        accepts(kind, {**TASK_BODY, "priority": priority})


@pytest.mark.parametrize("priority", ["", "HIGH", "High", "highest", " high", 1, True, ["high"]])
def test_a_priority_that_is_not_known_is_refused(priority: object) -> None:
    for kind in (CreateTask, EditTask):
        refuses(kind, {**TASK_BODY, "priority": priority})


CREATING: list[tuple[type[Command[Any]], dict[str, Any]]] = [
    (CreateTask, TASK_BODY),
    (CreateProject, PROJECT_BODY),
    (CreateWorkspace, {"name": "Home"}),
]


@pytest.mark.parametrize(("kind", "body"), CREATING)
@pytest.mark.parametrize("supplied", [str(TASK), str(TASK).upper(), None])
def test_an_id_of_version_7_is_accepted(kind: type[Command[Any]], body: dict[str, Any], supplied: str | None) -> None:
    accepts(kind, {**body, "id": supplied})


@pytest.mark.parametrize(("kind", "body"), CREATING)
@pytest.mark.parametrize(
    "supplied",
    [
        pytest.param("c56a4180-65aa-42ec-a945-5fd21dec0538", id="version 4"),
        pytest.param("5f1c3f0e-9a5c-5d3e-8b43-7a7d5b6c2e11", id="version 5"),
        pytest.param("c232ab00-9414-11ec-b3c8-9f6bdeced846", id="version 1"),
        pytest.param("01890a5d-ac96-874b-bcce-b302099a8057", id="version 8"),
        pytest.param("01890a5d-ac96-774b-0cce-b302099a8057", id="7 of another variant"),
        pytest.param("00000000-0000-0000-0000-000000000000", id="nil"),
        pytest.param("ffffffff-ffff-ffff-ffff-ffffffffffff", id="max"),
        pytest.param("", id="empty"),
        pytest.param("HOME-1", id="a key"),
        pytest.param("{01890a5d-ac96-774b-bcce-b302099a8057}", id="braces"),
        pytest.param("urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057", id="URN"),
        pytest.param("01890a5d-ac96-774b-bcce-b302099a805", id="one digit short"),
        pytest.param(7, id="a number"),
    ],
)
def test_any_other_id_is_refused(kind: type[Command[Any]], body: dict[str, Any], supplied: object) -> None:
    refuses(kind, {**body, "id": supplied})


@pytest.mark.parametrize("key", ["HO", "HOME", "H2", "ABCDEFGHIJ", "A123456789"])
def test_a_project_key_is_two_to_ten_capitals_and_digits(key: str) -> None:
    accepts(CreateProject, {**PROJECT_BODY, "key": key})


@pytest.mark.parametrize(
    "key",
    [
        "",
        "H",
        "ABCDEFGHIJK",
        "1A",
        "home",
        "Home",
        "HO-ME",
        "HO ME",
        " HOME",
        "HOME\n",
        "ÄB",
        "\u041d\u041e",
        "A\u0662",
        12,
    ],
)
def test_any_other_project_key_is_refused(key: object) -> None:
    refuses(CreateProject, {**PROJECT_BODY, "key": key})


@pytest.mark.parametrize(
    "email",
    [
        "a@b",
        "ada+list@example.org",
        "ada@xn--bcher-kva.example",
        "анна@пример.рф",
        "राम@उदाहरण.भारत",
        "ann@cafe\u0301.example",
        "x" * 64 + "@b.c",
        "a@" + "b" * 252,
    ],
)
def test_an_address_has_something_on_both_sides_of_one_at_sign(email: str) -> None:
    accepts(RegisterUser, {**USER_BODY, "email": email})


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@@example.org",
        "a@b@c",
        "ada example@b.c",
        "ada@exa mple",
        " ada@example.org",
        "ada@example.org ",
        "ada@example.org\n",
        "ada@example.org\r\nBcc: all@example.org",
        "ada\x00@example.org",
        "ada@example.org\u2028",
        "\x1b@example.org",
        "x" * 65 + "@b.c",
        "a@" + "b" * 253,
        7,
        ["ada@example.org"],
    ],
)
def test_any_other_address_is_refused(email: object) -> None:
    refuses(RegisterUser, {**USER_BODY, "email": email})


@pytest.mark.parametrize("email", ["a@.", "a@b..c", "a@-", "<ada@example.org>", "a@b.c,d.e", "ada\u200b@example.org"])
def test_an_address_that_no_mail_can_reach_is_refused(email: str) -> None:
    refuses(RegisterUser, {**USER_BODY, "email": email})


EVERY_COMMAND: list[tuple[type[Command[Any]], dict[str, Any]]] = [
    *CREATING,
    (RegisterUser, USER_BODY),
    (EditTask, {}),
    (CompleteTask, {}),
    (MoveTask, {"column": "doing"}),
    (TrashTask, {}),
]


@pytest.mark.parametrize(("kind", "body"), EVERY_COMMAND)
@pytest.mark.parametrize("version", [None, 0, 1, 2**53 - 1])
def test_a_version_is_a_whole_number_that_every_client_can_hold(
    kind: type[Command[Any]], body: dict[str, Any], version: int | None
) -> None:
    assert accepts(kind, {**body, "expected_version": version}).expected_version == version


@pytest.mark.parametrize(("kind", "body"), EVERY_COMMAND)
@pytest.mark.parametrize("version", [-1, 2**53, 10**20, 1.0, 1.5, True, False, "1", "", [1], {}])
def test_any_other_version_is_refused(kind: type[Command[Any]], body: dict[str, Any], version: object) -> None:
    refuses(kind, {**body, "expected_version": version})


@pytest.mark.parametrize(("kind", "body"), EVERY_COMMAND)
@pytest.mark.parametrize("field", ["owner_id", "role", "version", "status", "type", "actor", "Title", ""])
def test_a_field_that_is_not_known_is_refused(kind: type[Command[Any]], body: dict[str, Any], field: str) -> None:
    refuses(kind, {**body, field: "x"})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"Buy milk"', id="a string"),
        pytest.param(b'{"title":"Buy milk"', id="cut short"),
        pytest.param(b'{"title":"Buy milk"} x', id="something behind it"),
        pytest.param(b'\xef\xbb\xbf{"title":"Buy milk"}', id="BOM"),
        pytest.param('{"title":"Buy milk"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"title":"\\ud800"}', id="a lone high surrogate"),
        pytest.param(b'{"title":"\\udc00"}', id="a lone low surrogate"),
        pytest.param(b'{"title":"\\ud800\\ud800"}', id="two high surrogates"),
        pytest.param(b'{"title":"\\ud800x"}', id="half a surrogate pair"),
        pytest.param(b'{"title":"Buy milk","expected_version":NaN}', id="NaN"),
        pytest.param(b'{"title":"Buy milk","expected_version":1e400}', id="1e400"),
        pytest.param(b'{"title":"Buy milk",}', id="a comma too many"),
        pytest.param(b"{'title':'Buy milk'}", id="single quotes"),
        pytest.param(b'{"title":"Buy\nmilk"}', id="a raw line end"),
    ],
)
def test_json_that_is_not_a_command_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(body, type=CreateTask)


@pytest.mark.parametrize("body", [b'{"title":"\xff"}', b'{"title":"\xed\xa0\x80"}', b'{"title":"\xc0\x80"}'])
def test_invalid_utf_8_raises_unicode_decode_error(body: bytes) -> None:
    """The decoder of bodies must catch both errors, or a client's invalid byte becomes a server error."""
    with pytest.raises(UnicodeDecodeError):
        msgspec.json.decode(body, type=CreateTask)


def test_a_surrogate_pair_is_a_character() -> None:
    create = msgspec.json.decode(b'{"title":"\\ud83d\\udc2e"}', type=CreateTask)
    assert create.title == "\N{COW FACE}"


def test_a_workspace_or_project_reference_may_be_any_uuid() -> None:
    accepts(CreateProject, {**PROJECT_BODY, "workspace_id": str(WORKSPACE)})
    accepts(CreateTask, {**TASK_BODY, "project_id": "c56a4180-65aa-42ec-a945-5fd21dec0538"})
    refuses(CreateTask, {**TASK_BODY, "project_id": "HOME"})


def patterns_in(schema: Any) -> set[str]:
    """The patterns of texts in the bodies of requests."""
    if isinstance(schema, list):
        return set().union(*map(patterns_in, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return own.union(*map(patterns_in, schema.values()))


def test_every_pattern_of_a_command_is_described_in_words() -> None:
    patterns = patterns_in([msgspec.json.schema(kind) for kind in all_commands().values()])
    assert len(patterns) > 4
    assert not patterns - set(PATTERN_DESCRIPTIONS)
