"""Options that say where fits are computed."""

import click

from forecaster.cli.option_builders import Definition, option

__all__ = ["EXECUTOR_DEFINITIONS", "EXECUTOR_OPTIONS"]

EXECUTOR_DEFINITIONS: dict[str, Definition] = {
    "executor": option(
        "Engine",
        "--executor",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        metavar="NAME",
        help="Place of the fits: local, or ray for a Ray cluster.",
    ),
    "address": option(
        "Engine",
        "--address",
        metavar="ADDRESS",
        help="Ray cluster: HOST:PORT, or auto.  [variable RAY_ADDRESS; default: one on this machine]",
    ),
    "gpu_share": option(
        "Engine",
        "--gpu-share",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        help="Share of a GPU of a Ray cluster for each fit, such as 0.25.  [default: 1]",
    ),
    "jobs": option(
        "Engine",
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Parallel fits on a CPU, or forecasts of a universe.  [default: by processors and free memory, at most 4]",
    ),
}

EXECUTOR_OPTIONS = tuple(EXECUTOR_DEFINITIONS)
"""Options of every command that can compute its fits elsewhere."""
