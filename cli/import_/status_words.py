"""The words that trackers and boards use for the states of a task, in several languages."""

from typing import Final, Literal

from msgspec import Struct

from cli.import_.field_names import normalize_word

Stage = Literal["backlog", "todo", "doing", "review"]
"""A kind of column; a board may call it anything."""


class Status(Struct, frozen=True):
    """What a word says of a task: done, archived, deleted, the stage it is in, and a label for what else it says."""

    is_done: bool = False
    is_deleted: bool = False
    is_archived: bool = False
    stage: Stage | None = None
    label: str | None = None
    is_plain: bool = False
    """Whether it says nothing that Taskledger does not say too."""


_WORDS: Final[list[tuple[Status, str]]] = [
    (
        Status(is_plain=True),
        """
        open, opened, reopened, pending, new, active, ready, notstarted, needsaction, unstarted, no, false,
        triage, uncompleted, incomplete, undone, offen, neu, новая, новый, открыта, открыто, ouvert, nouveau,
        abierto, nuevo, aberto, novo, aperto, nuovo, nieuw, otwarte, nowe, 未着手, 未开始, 未完了, 待处理
        """,
    ),
    (
        Status(stage="todo", is_plain=True),
        """
        todo, todos, tobedone, planned, selectedfordevelopment, uptonext, nextup, zutun, zuerledigen,
        anstehend, сделать, ксделать, надосделать, кисполнению, запланировано, зробити, àfaire, porhacer,
        pendiente, pendientes, afazer, dafare, tedoen, dozrobienia, attgöra, 待办, やること, 할일
        """,
    ),
    (
        Status(stage="backlog", is_plain=True),
        "backlog, productbacklog, icebox, ideas, inbox, later, ideen, бэклог, беклог, идеи, входящие, idées, ideias",
    ),
    (
        Status(stage="doing", is_plain=True),
        """
        inprogress, doing, started, wip, ongoing, inprocess, indeterminate, working, workingon, workinprogress,
        workinginprogress, indevelopment, development, current, underway, inarbeit, inbearbeitung, laufend,
        begonnen, вработе, впроцессе, делаю, делается, выполняется, вроботі, впроцесі, encours, enprogreso,
        encurso, enproceso, haciendo, emandamento, emprogresso, fazendo, incorso, inlavorazione, bezig,
        meebezig, inuitvoering, wtrakcie, wtoku, pågående, pågår, igang, devamediyor,
        进行中, 進行中, 作業中, 対応中, 진행중
        """,
    ),
    (
        Status(stage="review", label="review"),
        """
        review, inreview, codereview, underreview, forreview, readyforreview, needsreview, reviewing, prüfung,
        inprüfung, проверка, напроверке, наревью, ревью, enrevisión, emrevisão
        """,
    ),
    (
        Status(is_done=True, is_plain=True),
        "done, completed, complete, yes, true, x, ✅, ✓, ✔",
    ),
    (
        Status(is_done=True),
        """
        closed, finished, resolved, fixed, shipped, released, delivered, merged, erledigt, fertig,
        abgeschlossen, gelöst, geschlossen, готово, готова, сделано, выполнено, выполнена, завершено,
        завершена, закрыто, закрыта, виконано, terminé, fini, fait, fermé, hecho, completado, terminado,
        cerrado, feito, concluído, fechado, fatto, completato, chiuso, klaar, afgerond, gereed, zrobione,
        ukończone, zamknięte, klart, färdig, ferdig, færdig, 完了, 完成, 已完成, 완료
        """,
    ),
    (
        Status(is_done=True, label="cancelled"),
        "cancelled, canceled, abgebrochen, отменено, отменена, annulé, cancelado",
    ),
    (Status(is_done=True, label="rejected"), "wontfix, wontdo, rejected, declined, notplanned, invalid"),
    (Status(is_done=True, label="duplicate"), "duplicate, duplicated"),
    (Status(is_done=True, label="abandoned"), "abandoned, obsolete"),
    (Status(is_done=True, is_archived=True), "archived, archive, archiviert, архив, вархиве"),
    (
        Status(is_deleted=True),
        """
        tombstone, deleted, trash, trashed, intrash, bin, binned, recyclebin, removed, purged, destroyed,
        gelöscht, papierkorb, удалено, удалена, корзина, вкорзине, supprimé, eliminado
        """,
    ),
    *((Status(label=word), word) for word in ("blocked", "deferred", "waiting", "paused", "recurring", "someday")),
    (Status(label="waiting"), "waitingonothers, waitingfor"),
    (Status(label="on hold"), "onhold, hold, snoozed"),
]
STATUS_BY_WORD: Final[dict[str, Status]] = {
    normalize_word(word): status for status, words in _WORDS for word in words.split(",")
}
