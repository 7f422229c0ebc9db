"""A damaged cluster: what PostgreSQL prints when it cannot start on one, and what the operator can do about it."""

import re
from pathlib import Path

_SETTINGS = re.compile(r'configuration file "(?:[^"]*/)?(postgresql(?:\.auto)?\.conf)"')
_ACCESS_RULES = re.compile(r"could not load \S*pg_hba\.conf")
_ACCESS_RULE = "host all all 127.0.0.1/32 scram-sha-256"
_DATA = re.compile(
    r"(?:PANIC|FATAL): +(.*(?:pg_control|control file|incompatible with server|checkpoint record|pg_filenode"
    r"|status of transaction).*)|(could not open file .*pg_control.*)"
)


def diagnosis(output: str, folder: Path) -> str:
    """What is wrong and what to do, in one line, from the output of a server that ended; empty if it does not say."""
    if settings := _SETTINGS.search(output):
        file = folder / settings[1]
        return f"{file} is missing or damaged: restore it from a backup, or leave it empty for the defaults."
    if _ACCESS_RULES.search(output):
        file = folder / "pg_hba.conf"
        return f"{file} is missing or damaged: restore it from a backup, or write `{_ACCESS_RULE}` into it."
    if cause := _DATA.search(output):
        return f"the data in {folder} are damaged ({cause[1] or cause[2]}): restore {folder} from a backup."
    return ""
