"""Blobs: the bytes of attachments, outside PostgreSQL, in a folder or an object store."""
