"""A report as it grows: Markdown lines, and the pictures beside them."""

from pathlib import Path

from matplotlib.figure import Figure

from sightline.common.files import write_text
from sightline.drawing.canvas import save_png


class Report:
    """Sections of Markdown in the order in which they are added.

    Parameters
    ----------
    folder : Path
        Where report.md and the pictures go.
    images_url : str
        Under which the pictures will be found; "" beside report.md.
    """

    def __init__(self, folder: Path, images_url: str):
        self._folder = folder
        self._prefix = f"{images_url.rstrip('/')}/" if images_url else ""
        self._lines: list[str] = []

    def say(self, *lines: str) -> None:
        """Add lines as a paragraph, table or list of their own."""
        self._lines += [*lines, ""]

    def draw(self, name: str, figure: Figure) -> None:
        """Write a picture and show it here."""
        save_png(self._folder / f"{name}.png", figure)
        self.say(f"![{name}]({self._prefix}{name}.png)")

    def write(self) -> Path:
        """Write report.md and return its path."""
        path = self._folder / "report.md"
        write_text(path, "\n".join(self._lines).rstrip() + "\n")
        return path
