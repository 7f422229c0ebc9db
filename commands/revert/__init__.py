"""Taking changes back: each stream gets the state that it had before, by the rules and permissions of the commands.

A revert compares states, and inverts no events: what a field was before a change, after it, and is now. So a new event
needs nothing here, and a new field only what `commands.revert.restorers` says of its kind of stream.
"""

from commands.revert.revert import RevertChange

__all__ = ["RevertChange"]
