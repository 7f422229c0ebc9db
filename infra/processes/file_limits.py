"""The limit of open files, which is also the limit of open connections."""

import resource


def raise_open_file_limit() -> int:
    """Raise the soft limit to the hard one, as far as the kernel allows; returns the limit that now holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return soft
    return hard
