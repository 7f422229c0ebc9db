"""What a rebuild is asked for, how far it is, and what came of it."""

from msgspec import Struct

from infra.rebuilding.refold import DifferenceCause


class RebuildProgress(Struct, frozen=True):
    """How far it is: of `total` events, or of so many indexes, so many are done."""

    phase: str
    done: int = 0
    total: int = 0


class RebuildOutcome(Struct):
    """What came of it; `seconds` by phase. Where the live one lagged too far behind it was not compared."""

    events: int = 0
    documents: int = 0
    parked: int = 0
    compared: bool = False
    lag: int = 0
    differences: int = 0
    first: list[DifferenceCause] = []
    switched: bool = False
    verify_only: bool = False
    seconds: dict[str, float] = {}

    def rejection_reason(self) -> str:
        """Why it was not switched to; empty where it was, or was not meant to be."""
        refused = self.differences and not self.switched and not self.verify_only
        return f"{self.differences} rows differ from the live ones" if refused else ""

    def events_per_s(self) -> float:
        """The events of the log for each second until the table could have been switched to."""
        return self.events / max(0.001, sum(each for phase, each in self.seconds.items() if phase != "verifying"))


class RebuildOptions(Struct, frozen=True):
    """How to rebuild: `verify_only` never switches, `expect_changes` switches whatever differs.

    `processes` fold, as many as there are cores where nothing is said, none for a small log.
    """

    process_count: int | None = None
    expect_changes: bool = False
    verify_only: bool = False
