"""The lessons as one local server: an index, the notebooks, the teacher's page, the gallery and the report."""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from pathlib import Path

import marimo
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lessons.tools import pages
from lessons.tools.language import KEY, TAGS, TEACH, of_request
from lessons.tools.prose import Prose

HERE = Path(__file__).parents[1]
REPORT = Path.cwd() / "report.html"
"""Where the command was called: in a checkout, its folder."""
PICTURES = {"/figures/pictures": HERE.parent / "figures" / "pictures", "/lessons/pictures": HERE / "pictures"}


def notebooks() -> dict[str, Path]:
    """Return the notebooks by the last part of their address, in their order."""
    found = {path.stem.removeprefix("lesson_"): path for path in HERE.glob("lesson_*.py")}
    return dict(sorted(found.items(), key=lambda one: int(one[0].partition("_")[0])))


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


def application(language: str | None = None) -> Starlette:
    """Build the server's application; it answers to names of this machine, and to its own pages, only.

    `language` is that of readers who have not chosen one; by default their browser says it.
    """
    lessons = marimo.create_asgi_app(quiet=True, html_head=pages.HEAD)
    for name, path in notebooks().items():
        lessons = lessons.with_app(path=f"/lesson/{name}", root=str(path))
    running = lessons.build()

    def kept(response: Response, request: Request, wanted: str) -> Response:
        """Let the browser keep the language for a year, if the address asks for another than there would be."""
        if wanted != of_request({}, request.cookies, request.headers, language):
            response.set_cookie(KEY, wanted, max_age=365 * 24 * 3600, httponly=True, samesite="lax")
        return response

    def answer(build: Callable[[str], str]) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            wanted = of_request(request.query_params, request.cookies, request.headers, language)
            return kept(HTMLResponse(build(wanted)), request, wanted)

        return page

    async def index(request: Request) -> Response:
        wanted = of_request(request.query_params, request.cookies, request.headers, language)
        teach = request.query_params.get(TEACH) == "1"
        return kept(HTMLResponse(pages.index(titles(wanted), REPORT.exists(), wanted, teach)), request, wanted)

    async def lesson(request: Request) -> Response:
        """Return a lesson's page, at an address that says its language."""
        name = request.path_params["name"]
        wanted = of_request(request.query_params, request.cookies, request.headers, language)
        if name not in notebooks():
            raise HTTPException(404)
        if request.query_params.get(KEY) != wanted:
            return RedirectResponse(request.url.include_query_params(**{KEY: wanted}))
        return kept(HTMLResponse(_in_language(await _page(running, request), name, wanted)), request, wanted)

    async def report(request: Request) -> Response:
        wanted = of_request(request.query_params, request.cookies, request.headers, language)
        if not REPORT.exists():
            return HTMLResponse(pages.no_report(wanted), status_code=404)
        return HTMLResponse(pages.report(REPORT.read_text(encoding="utf-8"), wanted))

    async def notebook(request: Request) -> Response:
        """Lead from a notebook's file, which the report links, to the lesson."""
        return RedirectResponse(f"/lesson/{request.path_params['name']}/")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/teacher", answer(lambda wanted: pages.teacher(titles(wanted), wanted))),
            Route("/gallery", answer(pages.gallery)),
            Route("/report", report),
            Route("/lessons/lesson_{name}.py", notebook),
            Route("/lesson/{name}/", lesson),
            *(Mount(place, StaticFiles(directory=folder)) for place, folder in PICTURES.items()),
            Mount("/", running),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]), Middleware(OwnPages)],
    )


def titles(language: str) -> dict[str, str]:
    """Return the titles of the lessons by address."""
    return {name: Prose(name.partition("_")[2], language=language).label("title") for name in notebooks()}


async def _page(app: ASGIApp, request: Request) -> str:
    """Return the page with which an application answers a request."""
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await app(request.scope, request.receive, keep)
    return b"".join(message.get("body", b"") for message in sent).decode()


def _in_language(page: str, name: str, language: str) -> str:
    """Put the language and the title of a lesson into the page that marimo made of its notebook."""
    ours = Prose(name.partition("_")[2], language=language).label("title")
    return page.replace(title(notebooks()[name]), ours).replace('<html lang="en">', f'<html lang="{TAGS[language]}">')
