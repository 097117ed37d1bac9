"""Answer over HTTP what images show, with an exported model; needs requirements-serve.txt alone: no torch, no dvc.

Run    make serve                                      http://127.0.0.1:8000, its page and its API
       python stages/serve.py --help                   every setting: environment variables SIGHTLINE_...
       SIGHTLINE_PORT=9000 python stages/serve.py      another port
       curl --data-binary @photo.jpg http://127.0.0.1:8000/classify
Reads  models/exported/model.onnx, or what SIGHTLINE_MODEL names
Writes lines of what it answered where SIGHTLINE_LOG names a folder for them; nothing else

SIGTERM: no new connections, what was accepted is answered. SIGHUP: look for a new model now. Exit status 1 with a line
where a setting or the model is wrong. docs/deployment.md tells more.
"""

from sightline.common.process import require

if __name__ == "__main__":
    require("uvicorn", "requirements-serve.txt")

# isort: split
import argparse
import gc
import logging
import os
import signal
import sys
import warnings

import uvicorn

from sightline.common.errors import SightlineError
from sightline.serving.application import Application
from sightline.serving.http.connection import Connection
from sightline.serving.http.web import build_web
from sightline.serving.messages import logging_config
from sightline.serving.settings import Settings, describe_settings, read_settings

GRACE = 5  # s that draining may take longer than the slowest request


def main() -> None:
    read_options()
    settings = read_settings(os.environ)
    keep_log_readable()
    application = Application(settings)
    gc.freeze()  # what is there stays: to look through it again and again would stop requests for some 50 ms
    signal.signal(signal.SIGHUP, lambda *_: application.look_soon())
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again when it has drained
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.Server(configure(application, settings)).run()


def read_options() -> None:
    argparse.ArgumentParser(
        description="Answer over HTTP what images show.",
        epilog="settings, as environment variables:\n" + describe_settings(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()


def keep_log_readable() -> None:
    """Leave out what libraries remark on bad forms and images, which is answered."""
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="PIL")


def configure(application: Application, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        build_web(application),
        host=settings.host,
        port=settings.port,
        http=Connection,
        loop="uvloop",
        ws="none",
        access_log=False,
        proxy_headers=False,  # nothing asks who the client is
        server_header=False,
        timeout_graceful_shutdown=int(settings.timeout_s) + GRACE,
        log_level=logging.INFO,
        log_config=logging_config(settings.messages),
    )


if __name__ == "__main__":
    try:
        main()
    except SightlineError as error:
        sys.exit(str(error))
