"""Plots: latency by load, and what a command or a look costs by the size of the log."""

from collections.abc import Mapping, Sequence
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.harness.rounds import Round, each, rates
from bench.report.results import FOLDER
from bench.scenarios import open_loop
from bench.targets import percentile

_SIDES = {
    "Taskledger": (open_loop.ours, open_loop.PACES, "#1f5fa8"),
    "stock eventsourcing": (open_loop.stock, open_loop.PEER_PACES, "#b5532a"),
}
_STYLES = {50: "--", 99: "-"}


def latencies(rounds: Sequence[Round]) -> None:
    """`latency.svg`: how long creates take from when they fell due, at each pace."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot(
        xscale="log", yscale="log", xlabel="creates that fall due each second", ylabel="milliseconds until answered"
    )
    for name, (load, paces, colour) in _SIDES.items():
        for percent, style in _STYLES.items():
            values = [
                median(each(rounds, load(pace), lambda one: percentile(one.waited_ms(), percent)))  # noqa: B023 - used at once
                for pace in paces
            ]
            axes.plot(paces, values, style, color=colour, marker="o", label=f"{name}, p{percent}")
    axes.set_xticks(open_loop.PACES, [f"{pace:,}" for pace in open_loop.PACES], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_title("W1, open loop: latency by load", loc="left")
    _save(figure, "latency")


def growth(rounds: Sequence[Round], sizes: Sequence[int], lengths: Sequence[int]) -> None:
    """`growth.svg`: microseconds for each answer at full load, by the events in the log, and in a stream."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    by_log, by_stream = figure.subplots(1, 2)
    for axes, what in ((by_log, "events in the log"), (by_stream, "events in each stream")):
        axes.set(xscale="log", xlabel=what, ylabel="microseconds per answer")
    for work in ("W1", "W2", "R1", "R2"):
        _costs(by_log, work, {size: rates(rounds, f"{work}, log of {size:,}") for size in sizes})
    for work in ("W2", "R1"):
        _costs(by_stream, work, {length: rates(rounds, f"{work}, streams of {length:,}") for length in lengths})
    _save(figure, "growth")


def _costs(axes: Axes, name: str, found: Mapping[int, Sequence[float]]) -> None:
    values = [1e6 / median(found[at]) for at in found]
    axes.plot(list(found), values, marker="o", label=name)
    axes.set_xticks(list(found), [f"{at:,}" for at in found])
    axes.set_xticks([], minor=True)
    axes.set_ylim(bottom=0)


def _save(figure: Figure, name: str) -> None:
    """The same figures make the same file."""
    for axes in figure.axes:
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
    FOLDER.mkdir(exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
