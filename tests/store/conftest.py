"""Fixtures of the store tests."""

import random

import pytest


@pytest.fixture
def seed() -> int:
    """A random seed, printed so that a failed test shows it."""
    drawn = random.randrange(2**32)
    print(f"seed={drawn}")  # noqa: T201 - so that a failed test shows it
    return drawn
