"""The identity of a database: other instances on the same Redis report positions of databases with another one."""

SELECT_IDENTITY = """select extract(epoch from pg_postmaster_start_time()) || '/' || oid from pg_database
    where datname = current_database()"""
"""When the server started, to a microsecond, and the database in it: a copy or a restored backup has another identity.

Any role may read it. It holds as long as a connection does: a restart of the server ends both.
"""
