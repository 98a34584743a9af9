"""The lessons as one local server: an index, nine notebooks, the teacher's page, the gallery and the report."""

from __future__ import annotations

import ast
from pathlib import Path

import marimo
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from lessons.tools import pages

HERE = Path(__file__).parents[1]
REPORT = Path.cwd() / "report.html"
"""Where the command was called: in a checkout, its folder."""
PICTURES = {"/figures/pictures": HERE.parent / "figures" / "pictures", "/lessons/pictures": HERE / "pictures"}


def notebooks() -> dict[str, Path]:
    """Return the notebooks by the last part of their address, in their order."""
    return {path.stem.removeprefix("lesson_"): path for path in sorted(HERE.glob("lesson_*.py"))}


def title(notebook: Path) -> str:
    """Read a notebook's title from its file, without running it."""
    for node in ast.walk(ast.parse(notebook.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "app_title" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    raise ValueError(f"{notebook.name} has no app_title; expected marimo.App(app_title=...)")


class OwnPages:
    """Refuse what pages of other sites ask for, which marimo would let them read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer requests that come from no page, or from one of this server."""
        headers = Headers(scope=scope) if scope["type"] in {"http", "websocket"} else {}
        own = headers.get("origin") in {None, f"http://{headers.get('host')}"}
        await (self.app if own else PlainTextResponse("for this server's own pages only", 403))(scope, receive, send)


def application() -> Starlette:
    """Build the server's application; it answers to names of this machine, and to its own pages, only."""
    lessons = marimo.create_asgi_app(quiet=True, html_head=pages.HEAD)
    for name, path in notebooks().items():
        lessons = lessons.with_app(path=f"/lesson/{name}", root=str(path))
    titles = {name: title(path) for name, path in notebooks().items()}

    async def index(request: Request) -> Response:
        return HTMLResponse(pages.index(titles, report=REPORT.exists()))

    async def teacher(request: Request) -> Response:
        return HTMLResponse(pages.teacher(titles))

    async def gallery(request: Request) -> Response:
        return HTMLResponse(pages.gallery())

    async def report(request: Request) -> Response:
        return FileResponse(REPORT) if REPORT.exists() else HTMLResponse(pages.no_report(), status_code=404)

    async def notebook(request: Request) -> Response:
        """Lead from a notebook's file, which the report links, to the lesson."""
        return RedirectResponse(f"/lesson/{request.path_params['name']}/")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/teacher", teacher),
            Route("/gallery", gallery),
            Route("/report", report),
            Route("/lessons/lesson_{name}.py", notebook),
            *(Mount(place, StaticFiles(directory=folder)) for place, folder in PICTURES.items()),
            Mount("/", lessons.build()),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]), Middleware(OwnPages)],
    )
