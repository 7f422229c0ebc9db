"""Boards with their past: the export of a tool becomes a project, and equals the snapshot of the export."""
