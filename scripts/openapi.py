"""The OpenAPI description as a file: `python -m scripts.openapi` writes docs/openapi.json."""

import json
from pathlib import Path

from api import app
from api.openapi.document import document
from scripts.reference.found import NOWHERE

FILE = Path(__file__).parents[1] / "docs" / "openapi.json"


def described() -> str:
    """What the file should be."""
    return json.dumps(document(app.create_litestar(NOWHERE)), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(described())
