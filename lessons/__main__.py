"""Serve the lessons on this machine, ``python -m lessons``, or write them as pages: ``python -m lessons --export DIR``.

Exit status: 0, or 2 if no port is free, a page cannot be written or a library is missing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

HOST, FIRST_PORT, TRIES = "127.0.0.1", 2718, 20


def main(arguments: Sequence[str] | None = None, program: str = "python -m lessons") -> int:
    """Serve until interrupted, then end the process; return the exit status if there was nothing to end."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # which NumPy reads once, when it is imported
    from lessons.tools.language import LANGUAGES
    from simulations.command_line import Parser, whole

    parser = Parser(program, "Serve the lessons to browsers on this machine.")
    add = parser.add_argument
    add("--port", type=whole(1, 65535), metavar="N", help=f"port (default: the first free one from {FIRST_PORT})")
    add(
        "--language",
        choices=list(LANGUAGES),
        help="for readers who have chosen none (default: what their browser says)",
    )
    add("--export", metavar="FOLDER", help="write each lesson as one HTML page that needs no network and no Python")
    options = parser.parse(arguments)
    try:
        if options.export:
            return _export(Path(options.export), options.language)
        import uvicorn

        from lessons.tools.server import application
    except ImportError as error:
        parser.error(f"the lessons need {error.name}; use `make lessons`, or pip install 'fathom-init[lessons]'")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    listener = _listener(options.port)
    if listener is None:
        wanted = f"port {options.port}" if options.port else f"every port from {FIRST_PORT} to {FIRST_PORT + TRIES - 1}"
        parser.error(f"{wanted} of {HOST} is in use or forbidden; choose another with --port")
    print(f"lessons at http://{HOST}:{listener.getsockname()[1]}/  (end with Ctrl-C)", flush=True)
    print(f"as pages that need neither network nor Python: {program} --export FOLDER", flush=True)
    server = uvicorn.Server(
        uvicorn.Config(application(options.language), log_level="warning", timeout_graceful_shutdown=1)
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    sys.stdout.flush()
    os._exit(0)  # threads of lessons that are open in a browser would keep the process alive


def _export(folder: Path, language: str | None) -> int:
    """Write every lesson into a folder, in one language or in all, and say where."""
    from lessons.tools import static
    from lessons.tools.language import LANGUAGES
    from lessons.tools.server import notebooks

    folder.mkdir(parents=True, exist_ok=True)
    for one in [language] if language else LANGUAGES:
        for notebook in notebooks().values():
            path = static.export(notebook, folder, one)
            print(f"{path}  ({path.stat().st_size / 1e6:.1f} MB)", flush=True)
    return 0


def _listener(port: int | None) -> socket.socket | None:
    """Return a socket bound to the port that is asked for, or else to the first free one; None if none is."""
    for one in [port] if port else range(FIRST_PORT, FIRST_PORT + TRIES):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, one))
            listener.listen()
        except OSError:
            listener.close()
            continue
        return listener
    return None


if __name__ == "__main__":
    sys.exit(main())
