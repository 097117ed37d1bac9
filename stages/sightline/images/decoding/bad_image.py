"""Why a file cannot become pixels."""


class BadImageError(Exception):
    """A file that cannot become pixels; the message is the reason that quarantine.csv shows."""


def damaged_image(error: Exception) -> BadImageError:
    """Return what a decoder stumbled over as a reason of one line."""
    message = " ".join(str(error).split())
    return BadImageError(f"damaged: {message if message else type(error).__name__}")
