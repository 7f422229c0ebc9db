"""The event log: the only package that knows the log's SQL."""

from infra.log.event_log import EventLog
from infra.log.reading import Chosen, after, before, behind, copied, head, lately, stream
from infra.log.rows import NO_END

__all__ = ["NO_END", "Chosen", "EventLog", "after", "before", "behind", "copied", "head", "lately", "stream"]
