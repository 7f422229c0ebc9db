"""Plots: latency by load, and the cost of commands and reads by the size of the log."""

from collections.abc import Mapping, Sequence
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.harness.rounds import RoundResult, per_round, rates
from bench.report.results import RESULTS_DIRECTORY
from bench.scenarios import open_loop
from bench.targets import percentile

_SIDES = {
    "Taskledger": (open_loop.load_name, open_loop.RATES_PER_S, "#1f5fa8"),
    "stock eventsourcing": (open_loop.peer_load_name, open_loop.PEER_RATES_PER_S, "#b5532a"),
}
_STYLES = {50: "--", 99: "-"}


def plot_latencies(rounds: Sequence[RoundResult]) -> None:
    """`latency.svg`: the latency of creates from when they fell due, at each rate."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot(
        xscale="log", yscale="log", xlabel="creates that fall due each second", ylabel="milliseconds until answered"
    )
    for name, (load, paces, colour) in _SIDES.items():
        for percent, style in _STYLES.items():
            values = [
                median(per_round(rounds, load(pace), lambda one: percentile(one.latencies_with_failures_ms(), percent)))  # noqa: B023 - used at once
                for pace in paces
            ]
            axes.plot(paces, values, style, color=colour, marker="o", label=f"{name}, p{percent}")
    axes.set_xticks(open_loop.RATES_PER_S, [f"{pace:,}" for pace in open_loop.RATES_PER_S], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_title("W1, open loop: latency by load", loc="left")
    _save(figure, "latency")


def plot_growth(rounds: Sequence[RoundResult], sizes: Sequence[int], lengths: Sequence[int]) -> None:
    """`growth.svg`: microseconds per answer at full load, by the number of events in the log and in a stream."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    by_log, by_stream = figure.subplots(1, 2)
    for axes, what in ((by_log, "events in the log"), (by_stream, "events in each stream")):
        axes.set(xscale="log", xlabel=what, ylabel="microseconds per answer")
    for work in ("W1", "W2", "R1", "R2"):
        _plot_costs(by_log, work, {size: rates(rounds, f"{work}, log of {size:,}") for size in sizes})
    for work in ("W2", "R1"):
        _plot_costs(by_stream, work, {length: rates(rounds, f"{work}, streams of {length:,}") for length in lengths})
    _save(figure, "growth")


def _plot_costs(axes: Axes, name: str, rates_by_size: Mapping[int, Sequence[float]]) -> None:
    values = [1e6 / median(rates_by_size[at]) for at in rates_by_size]
    axes.plot(list(rates_by_size), values, marker="o", label=name)
    axes.set_xticks(list(rates_by_size), [f"{at:,}" for at in rates_by_size])
    axes.set_xticks([], minor=True)
    axes.set_ylim(bottom=0)


def _save(figure: Figure, name: str) -> None:
    """Save the figure reproducibly: the same figures give the same file."""
    for axes in figure.axes:
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
    RESULTS_DIRECTORY.mkdir(exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(RESULTS_DIRECTORY / f"{name}.svg", metadata={"Date": None})
