"""The endpoints, one module per noun; each route is one command or one query."""
