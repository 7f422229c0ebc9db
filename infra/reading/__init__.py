"""Reads: cache layers in front of the read tables, and how far those have got."""
