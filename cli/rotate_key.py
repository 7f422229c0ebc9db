"""`taskledger rotate-key`: a new key to sign access tokens with; the old one still verifies them."""

from pathlib import Path

import click

from cli import options
from cli.output import print_line
from infra import settings
from infra.errors import OperatorError
from infra.processes import data_directory
from infra.settings import ENVIRONMENT_PREFIX

MIN_INTERVAL_S = 3600.0
"""For as long an access token is valid, and only one previous key verifies."""


@click.command
@options.data_option
@click.option("--discard-old", is_flag=True, help="Accept no token of the old key: it has leaked.")
def command(data: Path, discard_old: bool) -> None:  # noqa: FBT001 - a flag
    """Make a new key for access tokens. Sessions go on; restart Taskledger to use the key."""
    if "jwt_key" in settings.from_environment():
        raise OperatorError(
            f"The key is in {ENVIRONMENT_PREFIX}JWT_KEY, not in {data}: set a new one (`openssl rand -hex 32`) there, "
            f"and the old one in {ENVIRONMENT_PREFIX}JWT_PREVIOUS_KEY."
        )
    if not data_directory.has_secret(data, data_directory.JWT_KEY_NAME):
        raise OperatorError(f"There is no key in {data}: `taskledger serve --data {data}` makes one.")
    age_s = data_directory.secret_age_s(data, data_directory.PREVIOUS_JWT_KEY_NAME)
    if age_s < MIN_INTERVAL_S and not discard_old:
        raise OperatorError(
            f"The key was rotated {age_s / 60:.0f} minutes ago, and tokens of the one before are still valid: "
            "wait an hour between rotations, or pass --discard-old."
        )
    data_directory.rotate_jwt_key(data, keep_old=not discard_old)
    if data_directory.find_running(data):
        print_line("The key is new. Restart Taskledger now to use it.")
    else:
        print_line("The key is new. Taskledger uses it from its next start.")
    if not discard_old:
        folder = data / "secrets"
        print_line(f"After an hour no token needs the old one: remove {folder}/{data_directory.PREVIOUS_JWT_KEY_NAME}.")
