"""Words of a filter in SQL: conditions on the texts of tasks and on their comments."""

from msgspec import Struct
from msgspec.structs import replace

from projections.past_sql import valid_sql
from projections.task_search import DOCUMENT_SQL

MATCHES_SQL = f"{DOCUMENT_SQL} @@ {{0}}::tsquery"
_COMMENTED_SQL = (
    "select comment.task_id from {{{{comment_list}}}} comment"
    " where comment.words @@ {query}::tsquery and comment.workspace_id = any({workspaces})"
)


class WordSql(Struct, frozen=True):
    """The condition that a task has a word, and the one that it has not.

    Comments are asked in the form that the planner estimates best where the condition stands. As an array, the ids of
    their tasks are found once, and looked up by the index on ids, beside the one on words. For each task by itself,
    where few are left, or where those without such a comment are wanted (an anti-join).
    """

    required: str
    denied: str
    commented: str
    texts: str = f"select from {{{{task_search}}}} search where {MATCHES_SQL}"

    @classmethod
    def of(cls, workspaces_sql: str) -> "WordSql":
        workspaces = workspaces_sql.replace("{", "{{").replace("}", "}}")
        commented = _COMMENTED_SQL.format(query="{0}", workspaces=workspaces)
        return cls(
            f"({MATCHES_SQL} or search.id = any (array({commented})))",
            f"not ({MATCHES_SQL}) and not exists ({commented} and comment.task_id = search.id)",
            commented,
        )

    @property
    def one_by_one(self) -> "WordSql":
        """For the few tasks that another condition finds."""
        return replace(self, required=f"({MATCHES_SQL} or exists ({self.commented} and comment.task_id = search.id))")

    @property
    def among_tasks(self) -> "WordSql":
        """For conditions that do not refer to `search`, and so may stand among alternatives that need no text."""
        has_word = f"(exists ({self.texts} and search.id = task.id) or task.id in ({self.commented}))"
        return replace(self, required=has_word, denied=f"not ({has_word})")

    def at(self, bound: str) -> "WordSql":
        """For words that a task, and its comments, had just before a bound."""
        texts = self.texts.replace("{{task_search}}", "{{task_search_versions}}")
        commented = self.commented.replace("{{comment_list}}", "{{comment_list_versions}}")
        has_word = f"""(exists ({texts} and {valid_sql("search", bound)} and search.id = task.id)
            or exists ({commented} and {valid_sql("comment", bound)} and comment.task_id = task.id))"""
        return replace(self, required=has_word, denied=f"not {has_word}")

    def comment_level(self, meets_all: str) -> str:
        """The last level: tasks that have some word in a comment only."""
        commented = self.commented.format("%(any_word)s")
        return f"search.id in ({commented}) and {meets_all} and not ({DOCUMENT_SQL} @@ %(own_texts)s::tsquery)"
