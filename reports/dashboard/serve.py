"""The page on a port of this machine, until told to stop."""

from __future__ import annotations

import logging
import socket
from threading import Thread
from typing import Final, Self

from dash import Dash
from werkzeug.serving import make_server

from base.errors import UsageError

#: Who may look: this machine alone.
HOST: Final = "127.0.0.1"


class PageServer:
    """Serves ``app`` while its context is open; ``port`` 0 is any that is free. `UsageError` if it cannot be had."""

    def __init__(self, app: Dash, port: int) -> None:
        # A request is no news, and stderr is the command's.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        try:
            # Werkzeug itself would end the process over a port that is taken.
            with socket.create_server((HOST, port)) as bound:
                self._server = make_server(HOST, port, app.server, threaded=True, fd=bound.fileno())
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"--port {port}: cannot listen on {HOST} ({error}); give another port, or 0 for any that is free"
            ) from error
        self.url = f"http://{HOST}:{self._server.port}/"
        self._thread = Thread(target=self._server.serve_forever, name="page", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
