"""Draw the pictures of the README and of these pages again: ``python docs/draw_pictures.py [NAME]...``.

Each picture is the output of the last of its commands, in a project folder that the pictures of one call share. Without
names all are drawn, which takes about 20 minutes on two cores. ``gradients.png`` and
``report.png`` have scripts of their own.
"""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
CLASSIC = "train USDJPY --config classic --end 2020-12-31"
COMMANDS = {
    "anomalies": ("anomalies EURGBP --start 2008-01-01 --end 2020-12-31",),
    "classic-loss": (CLASSIC, "plot USDJPY --kind loss --run latest"),
    "inspection": ("train USDJPY --config development", "inspect USDJPY --as-of 2020-12-31 --step 1,5"),
    "kinds": ("compare EURUSD --kinds all --config development",),
    "search": ("search USDJPY --config quick --end 2020-12-31 --trials 20",),
    "student": (CLASSIC, "plot USDJPY --as-of 2020-12-31 --from 2018-01-01 --run latest"),
    "usdjpy": ("train USDJPY", "plot USDJPY --run latest"),
}
COLORS = 256
"""Colours of a file, a third of the size of one with all: the pictures have few."""


def draw(name: str, home: str) -> None:
    """Run the commands of a picture, and write it with fewer colours."""
    picture = DOCS / f"{name}.png"
    *before, last = COMMANDS[name]
    for command in (*before, f"{last} --out {shlex.quote(str(picture))}"):
        subprocess.run([sys.executable, "-m", "forecaster", *shlex.split(command), "--home", home], check=True)
    with Image.open(picture) as drawn:
        drawn.convert("RGB").quantize(COLORS).save(picture, optimize=True)


if __name__ == "__main__":
    names = sys.argv[1:] or sorted(COMMANDS)
    unknown = sorted({*names} - {*COMMANDS})
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; expected some of {', '.join(sorted(COMMANDS))}")
    with tempfile.TemporaryDirectory() as folder:
        for one in names:
            draw(one, folder)
