"""Writes docs/reference.md: `python -m scripts.reference`."""

from scripts.reference.page import REFERENCE_FILE, render_reference

REFERENCE_FILE.write_text(render_reference())
