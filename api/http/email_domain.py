"""The domain of an e-mail address in a body: what the pattern of the schema cannot tell."""

from api.http.problems import MalformedRequest
from domain.email_address import has_valid_domain


def require_valid_domain(email: str) -> None:
    """Raise MalformedRequest for an address whose domain IDNA 2008 does not allow."""
    if not has_valid_domain(email):
        raise MalformedRequest("invalid_body", "Expected an e-mail address. This domain is invalid.", pointer="#/email")
