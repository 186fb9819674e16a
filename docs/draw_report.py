"""Draw report.png again: ``python docs/draw_report.py [HOME]``, which needs Chromium.

HOME is a project with a training and a backtest of ``USDJPY --config development``; without it both are made, which
takes two minutes on two cores.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
COLORS = 256

sys.path.append(str(DOCS.parent / "tests"))


def draw(home: str, folder: Path) -> None:
    """Write the report of a project, open it in a browser, and write a picture of its first screen."""
    from browser import Browser

    page = folder / "usdjpy.html"
    words = ["report", "USDJPY", "--as-of", "2020-12-31", "--home", home, "--out", str(page)]
    subprocess.run([sys.executable, "-m", "forecaster", *words], check=True)
    picture = DOCS / "report.png"
    with Browser(folder / "profile") as browser:
        browser.size(1000, 1480)
        browser.open(page)
        browser.evaluate("charts[0].read(charts[0].count - 300)")
        browser.picture(picture, whole=False)
    with Image.open(picture) as drawn:
        drawn.convert("RGB").quantize(COLORS).save(picture, optimize=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        project = sys.argv[1] if len(sys.argv) > 1 else name
        if project == name:
            for verb in ("train", "backtest"):
                command = [verb, "USDJPY", "--config", "development", "--home", name]
                subprocess.run([sys.executable, "-m", "forecaster", *command], check=True)
        draw(project, Path(name))
