"""An operator's mistake, reported in one line that says what to do."""


class OperatorError(Exception):
    """The command line prints it after `taskledger: ` and exits with 2."""
