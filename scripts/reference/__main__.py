"""`python -m scripts.reference`: write the page."""

from scripts.reference.page import PAGE, page

PAGE.write_text(page())
