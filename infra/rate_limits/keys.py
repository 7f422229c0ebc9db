"""The keys that limits are counted under: they reveal neither account nor address."""

from hmac import digest

from infra.identity import token_secrets

_KEY_LENGTH = 32


class LimitKeys:
    """The keys of one installation: others may count in the same Redis."""

    def __init__(self, master_key: str) -> None:
        self._secret = token_secrets.derive_key(master_key, "limits")

    def key(self, name: str) -> str:
        return f"taskledger:limit:{digest(self._secret, name.encode(), 'sha256').hex()[:_KEY_LENGTH]}"
