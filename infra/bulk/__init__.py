"""Bulk changes: one command on many tasks, carried out in groups by the process that was asked, or by a worker."""
