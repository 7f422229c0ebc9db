"""Custom fields of projects over HTTP."""

from api.command_endpoint import command
from commands.custom_field import SetFields

set_fields = command(
    "PUT",
    "/projects/{project}/fields",
    SetFields,
    """Set the custom fields of the tasks of a project, in order; send the version you last read.

    A field or option with an `id` is the one that the project has, or had; one without is that of the same name, or a
    new one. Tasks no longer show a field that you leave out; their history does, and its id brings it back.
    """,
)
