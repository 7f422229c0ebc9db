"""Writes the OpenAPI description to docs/openapi.json: `python -m scripts.openapi`."""

import json
from pathlib import Path

from api import app
from api.openapi.document import build_document

OPENAPI_FILE = Path(__file__).parents[1] / "docs" / "openapi.json"


def render_openapi_json() -> str:
    """The contents of the file."""
    return json.dumps(build_document(app.all_endpoints()), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    OPENAPI_FILE.write_text(render_openapi_json())
