"""What the tests of the store share."""

import random

import pytest


@pytest.fixture
def seed() -> int:
    """Shown where the test fails."""
    drawn = random.randrange(2**32)
    print(f"seed={drawn}")  # noqa: T201 - as said above
    return drawn
