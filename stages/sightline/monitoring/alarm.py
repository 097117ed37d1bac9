"""Tells another program of windows that drifted."""

import json
import urllib.request
from urllib.error import URLError

from sightline.common.errors import SightlineError
from sightline.monitoring.windows import Window

SECONDS = 10


def send_alarm(url: str, model: str, windows: list[Window]) -> None:
    """Post windows as JSON; `text` is what chat programs show.

    Raises
    ------
    SightlineError
        Nobody takes it.
    """
    drift = sorted({what for window in windows for what in window.drift})
    text = f"Sightline: drift in {len(windows)} of the last windows, until {windows[-1].end}: {', '.join(drift)}"
    content = {"text": text, "model": model, "windows": [window._asdict() for window in windows]}
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url, json.dumps(content).encode(), headers)
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise SightlineError(f"{url}: the alarm was not taken: {reason}") from None
