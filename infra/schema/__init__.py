"""The schema of the database: migrations, and what each role is granted."""
