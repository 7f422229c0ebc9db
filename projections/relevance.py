"""Relevance: how well a text matches, in levels; in each level, the newest task comes first.

The best matches have all words in the title as they are written, then in any form; then come those with a part of the
words in the title, and the others, again first as they are written.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from domain.filter import AnyOf, Phrase, Term, Word
from projections.search_query import SearchQuery, search_query, similar_query

MAX_SIMILAR_WORDS: Final = 6
"""Each has some 500 similar words to be looked up."""


class RelevanceLevel(Struct, frozen=True):
    """Two `tsquery` that a text of this level matches; the index knows how many match the first.

    The second depends on weights, or excludes the levels before.
    """

    query: str
    distinction: str


def relevance_levels(terms: Sequence[Term]) -> tuple[RelevanceLevel, ...]:
    """The levels, the best first: a text that meets the terms, which are about text, is of just one.

    Empty if nothing is required that could be there or not.
    """
    required = list(_required_queries(terms))
    if not any(each.anywhere for each in required):
        return ()
    anywhere = own_texts_query(terms)
    as_written = _conjunction(terms, lambda asked: text_query(asked).as_written)
    title_words = _conjunction(terms, lambda asked: text_query(asked).title_words)
    in_title = _conjunction(terms, lambda asked: text_query(asked).in_title)
    as_written_in_title = _conjunction(terms, lambda asked: text_query(asked).as_written_in_title)
    levels = [
        RelevanceLevel(title_words, as_written_in_title),
        RelevanceLevel(title_words, f"{in_title} & !({as_written_in_title})"),
    ]
    better = in_title
    each_word = list(dict.fromkeys(word for query in required for word in query.each_title_word))
    if len(each_word) > 1:
        has_a_word = f"({' | '.join(each_word)})"
        levels.append(RelevanceLevel(f"{has_a_word} & {anywhere}", f"!({in_title})"))
        better = f"{has_a_word} | {in_title}"  # a title without any word can meet alternatives that deny one
    levels += [
        RelevanceLevel(_conjunction(terms, lambda asked: text_query(asked).words), f"{as_written} & !({better})"),
        RelevanceLevel(anywhere, f"!({better}) & !({as_written})"),
    ]
    is_one_form = as_written == anywhere and as_written_in_title == in_title
    return tuple(levels[at] for at in range(len(levels)) if not (is_one_form and at in {1, len(levels) - 1}))


def similar_text_query(terms: Sequence[Term]) -> str:
    """The query for texts that meet the terms if each word that is required may have a slip of the pen.

    Of more than `MAX_SIMILAR_WORDS` words, none may have one.
    """
    if sum(len(query.each_title_word) for query in _required_queries(terms)) > MAX_SIMILAR_WORDS:
        return _conjunction(terms, _anywhere)
    return _conjunction(
        terms, lambda asked: similar_query(asked.text, is_prefix=isinstance(asked, Word) and asked.is_prefix)
    )


def own_texts_query(terms: Sequence[Term]) -> str:
    """The query that the texts of a task themselves meet all terms: the levels together."""
    return _conjunction(terms, _anywhere)


def any_word_query(terms: Sequence[Term]) -> str:
    """The query for any of the words and phrases of the terms."""
    return " | ".join(f"({query})" for query in dict.fromkeys(_leaf_queries(terms)) if query)


def requires_one_word(terms: Sequence[Term]) -> bool:
    """Whether a single word is required. How often several occur together is not known, nor in what order."""
    return len({word for query in _required_queries(terms) for word in query.each_title_word}) == 1


def text_query(asked: Word | Phrase) -> SearchQuery:
    """The query for a term about text."""
    return search_query(asked.text, is_prefix=isinstance(asked, Word) and asked.is_prefix)


def _conjunction(terms: Sequence[Term], form: Callable[[Word | Phrase], str]) -> str:
    """The query that all terms are met, those that are required in this form."""
    return " & ".join(f"!({_query(term, _anywhere)})" if term.negated else f"({_query(term, form)})" for term in terms)


def _query(term: Term, form: Callable[[Word | Phrase], str]) -> str:
    if isinstance(term.predicate, AnyOf):
        return " | ".join(f"({_conjunction(each, form)})" for each in term.predicate.alternatives)
    return form(_asked(term))


def _anywhere(asked: Word | Phrase) -> str:
    return text_query(asked).anywhere


def _leaf_queries(terms: Sequence[Term]) -> Iterator[str]:
    for term in terms:
        if isinstance(term.predicate, AnyOf):
            for alternative in term.predicate.alternatives:
                yield from _leaf_queries(alternative)
        else:
            yield _anywhere(_asked(term))


def _asked(term: Term) -> Word | Phrase:
    if not isinstance(term.predicate, Word | Phrase):
        raise TypeError(term)
    return term.predicate


def _required_queries(terms: Sequence[Term]) -> Iterator[SearchQuery]:
    """The words that terms require, or that are among the alternatives that they require."""
    for term in terms:
        if term.negated:
            continue
        if isinstance(term.predicate, AnyOf):
            for alternative in term.predicate.alternatives:
                yield from _required_queries(alternative)
        else:
            yield text_query(_asked(term))
