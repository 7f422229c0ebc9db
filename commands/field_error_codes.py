"""The codes of errors in members and parameters: what each one says."""

from typing import Final

MEMBER_ERRORS: Final = {
    "invalid_format": "The text does not have the form that the member needs.",
    "invalid_value": "The value has the right form, but there is no such date, zone, field or the like.",
    "missing": "A member that is required was not sent.",
    "not_allowed": "The member cannot be sent here.",
    "not_one_of": "The value is none of those that are allowed.",
    "too_large": "The number is larger than allowed.",
    "too_long": "The text, list or object has more characters or items than allowed.",
    "too_short": "The text, list or object has fewer characters or items than allowed.",
    "too_small": "The number is smaller than allowed.",
    "unknown_command": "No command has this name.",
    "unknown_field": "No member has this name; the detail lists those that there are.",
    "versions_differ": "The request contains two different versions.",
    "wrong_type": "The value is of another type than the member, or null where it cannot be.",
}
"""By code: errors in the members of a body."""

PARAMETER_ERRORS: Final = {
    "bad_cursor": "The cursor is not one that this list returned.",
    "filter_syntax": "The filter has a syntax error.",
    "filter_too_long": "The filter is too long.",
    "filter_value": "The filter uses a value or an operator that the field does not allow.",
    "invalid_value": "The value has the right form, but there is no such date, type, field or the like.",
    "not_one_of": "The value is none of those that are allowed.",
    "repeated_parameter": "The parameter is sent more than once.",
    "too_large": "The number is larger than allowed.",
    "too_long": "The text has more characters than allowed.",
    "too_small": "The number is smaller than allowed.",
    "unknown_field": "The filter uses a field that tasks do not have.",
    "unknown_parameter": "The endpoint has no parameter of this name; the detail lists those that it has.",
    "wrong_type": "The value is not a number, an id or a switch, as the parameter needs.",
}
"""By code: errors in the parameters of a query."""
