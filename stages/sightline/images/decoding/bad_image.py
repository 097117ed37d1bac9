"""Why a file cannot become pixels."""

from sightline.common.errors import in_one_line


class BadImageError(Exception):
    """A file that cannot become pixels; the message is the reason that quarantine.csv shows."""


def damaged_image(error: Exception) -> BadImageError:
    """Return what a decoder stumbled over as a reason of one line."""
    return BadImageError(f"damaged: {in_one_line(error)}")
