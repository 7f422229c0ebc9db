"""The time budget: how long each dependency may take, so that a request is answered within three seconds.

A driver that is stuck cannot be interrupted promptly, so the limits nest: PostgreSQL ends a statement first, then the
caller stops waiting for it, then the whole request is answered. What is left behind is cut off.
"""

REQUEST_S = 2.5
"""From the end of the request's body until its answer begins; a wait that the client asked for comes on top."""

DATABASE_CONNECT_S = 2
"""For a new connection to PostgreSQL; libpq takes whole seconds, at least two."""
WORKER_CONNECT_S = 5
"""For a connection of a worker or a command, for which no request waits."""
DATABASE_POOL_S = 1.0
"""Until a connection of the pool is free."""
DATABASE_LOCK_S = 1.5
"""Until PostgreSQL gives a lock to a statement of a request."""
DATABASE_STATEMENT_S = 2.0
"""For one statement of a request, in PostgreSQL."""
DATABASE_CHECKOUT_S = 4.0
"""For a request to hold a connection; then the connection is cut off, so that a stuck driver lets it go."""
READ_S = 2.0
"""For a caller to wait for a read, or for the check of a permission or a token."""
APPEND_S = 2.0
"""For an append to the log; then its callers are told that the outcome is unknown, and the next append begins."""

DATABASE_PROBE_INTERVAL_S = 0.25
DATABASE_PROBE_S = 1.0
"""A probe without an answer for this long opens the circuit; recovery is found within one interval."""
DATABASE_PROBE_CUT_S = 3.0
"""The connection of a probe is replaced when it has been silent for this long: the server may be back without it."""

REDIS_S = 0.5
"""For one call of Redis; then the caller goes on without."""
REDIS_PAUSE_S = 2.0
"""How long Redis is left alone after a failure."""

BLOB_STORE_S = 60.0
"""For the blob store to take the bytes of an upload, after the last of them has arrived."""
BLOB_READ_S = 10.0
"""For the blob store to give the first bytes of a download."""

MAIL_S = 2.0
"""For a mail that a request waits for, with all that comes before it; other mail has the patience of the mailer."""

STALL_GRACE_S = 0.2
"""What a time-out gives on top, once, when it fires late: the event loop was busy, and the answer may wait in it."""

RETRY_PAUSE_S = (0.05, 0.15)
"""The shortest and longest pause before the one retry of a read whose connection was lost."""
RECONNECT_PAUSE_S = 0.5
"""How long the pool waits before its second attempt to connect; after that a caller that needs one starts anew."""

BACKOFF_S = (1.0, 10.0)
"""The first and the longest pause of a worker, or a start-up, that tries again; each is twice the last, with jitter."""
