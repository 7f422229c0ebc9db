"""`taskledger projections`: list, rebuild, verify and roll back the read models; retry or skip parked documents."""

import click

from cli.command_group import CommandGroup


@click.group(cls=CommandGroup, package=__name__)
def command() -> None:
    """Show, rebuild and verify the read models."""
