"""Records digests of new golden lines and versions in tests/golden/projections.json: `python -m scripts.golden`.

A recorded digest is never changed: a fold that changed without a new version stays red.
"""

import json
from pathlib import Path

from msgspec.structs import replace

from projections import fingerprint
from projections.projection import all_projections

GOLDEN_DIGESTS_FILE = Path(__file__).parents[1] / "tests" / "golden" / "projections.json"
"""For each projection its versions, each with its digests over the golden lines of the releases that had it.

The digest over the fewest lines is the one in the fingerprint.
"""


def with_missing_digests(recorded: dict[str, dict[str, dict[str, str]]]) -> dict[str, dict[str, dict[str, str]]]:
    """The recorded digests and, where it is missing, that of each current version over all golden lines."""
    total = len(fingerprint.golden_history())
    added = {name: {version: dict(digests) for version, digests in of.items()} for name, of in recorded.items()}
    for name, projection in all_projections().items():
        digests = added.setdefault(name, {}).setdefault(str(projection.version), {})
        digests.setdefault(str(total), fingerprint.digest(replace(projection, golden_lines=total)))
    return added


if __name__ == "__main__":
    digests = with_missing_digests(json.loads(GOLDEN_DIGESTS_FILE.read_bytes()))
    GOLDEN_DIGESTS_FILE.write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n")
