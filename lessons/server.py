"""The lessons as one local server: an index, nine notebooks, the teacher's page, the gallery and the report."""

from __future__ import annotations

import ast
from pathlib import Path

import marimo
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lessons import pages

HERE = Path(__file__).parent
REPORT = HERE.parent / "report.html"
PICTURES = HERE.parent / "figures" / "pictures"


def notebooks() -> dict[str, Path]:
    """Return the notebooks by the last part of their address, in their order."""
    return {path.stem.removeprefix("lesson_"): path for path in sorted(HERE.glob("lesson_*.py"))}


def title(notebook: Path) -> str:
    """Read a notebook's title from its file, without running it."""
    for node in ast.walk(ast.parse(notebook.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "app_title" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    raise ValueError(f"{notebook.name} has no app_title; expected marimo.App(app_title=...)")


def application() -> Starlette:
    """Build the server's application; it answers to names of this machine only."""
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

    return Starlette(
        routes=[
            Route("/", index),
            Route("/teacher", teacher),
            Route("/gallery", gallery),
            Route("/report", report),
            Mount("/pictures", StaticFiles(directory=PICTURES)),
            Mount("/", lessons.build()),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )
