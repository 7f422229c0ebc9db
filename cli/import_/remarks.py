"""Remarks: what a value of the file was converted to, counted in the report."""

from collections.abc import Callable

AddRemark = Callable[[str], None]
"""Adds a remark to the report when a value was converted to something else."""
