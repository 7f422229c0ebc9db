"""The progress of a rebuild while it runs, and its outcome."""

from msgspec import Struct

from infra.rebuilding.refold import DifferenceCause


class RebuildProgress(Struct, frozen=True):
    """A step: `done` of `total` events, or of as many indexes."""

    phase: str
    done: int = 0
    total: int = 0


class RebuildOutcome(Struct):
    """The result of a rebuild, `seconds` by phase. A live build with too much lag is not compared."""

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
        """Why the new build is not served; empty if it is, or was not meant to be."""
        refused = self.differences and not self.switched and not self.verify_only
        return f"{self.differences} rows differ from the live ones" if refused else ""

    def events_per_s(self) -> float:
        """The rate at which the log was folded, without the time for verifying."""
        return self.events / max(0.001, sum(each for phase, each in self.seconds.items() if phase != "verifying"))
