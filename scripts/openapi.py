"""The OpenAPI description as a file: `python -m scripts.openapi` writes docs/openapi.json."""

import json
from pathlib import Path

from api import app
from api.openapi.document import build_document
from scripts.unreachable_settings import UNREACHABLE_SETTINGS

OPENAPI_FILE = Path(__file__).parents[1] / "docs" / "openapi.json"


def render_openapi_json() -> str:
    """What the file should be."""
    return json.dumps(build_document(app.create_litestar(UNREACHABLE_SETTINGS)), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    OPENAPI_FILE.write_text(render_openapi_json())
