"""The role of an API process: alone, the writer of its machine, or one that relays to it."""

import socket
from pathlib import Path

from msgspec import Struct


class WriterRole(Struct, frozen=True):
    """The writer has the listener, the others have its path, and a process alone has neither."""

    listener: socket.socket | None = None
    path: Path | None = None


ALONE = WriterRole()
