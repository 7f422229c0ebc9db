"""An operator's mistake, told in one line that says what to do."""


class OperatorError(Exception):
    """The command line prints it after `taskledger: ` and exits with 2."""
