"""`python -m scripts.reference`: write the page."""

from scripts.reference.page import REFERENCE_FILE, render_reference

REFERENCE_FILE.write_text(render_reference())
