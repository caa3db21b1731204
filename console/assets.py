"""Files the browser loads: our own styles and modules, and the libraries installed beside the program.

Read and compressed once at start. Their addresses carry a digest of the content, so browsers may keep them for ever.
Pages are not compressed: they hold a token beside words that come from outside (BREACH, CVE-2013-3587).
"""

from __future__ import annotations

import functools
import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

_OWN_FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
# Library files by the name they are served under, relative to node_modules.
# ECharts comes in its build with lines, bars and scatters; the whole one is half as large again.
_LIBRARIES = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "echarts.js": "echarts/dist/echarts.common.min.js",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file in memory. `packed`: the same as gzip, empty where that is no shorter."""

    content: bytes
    packed: bytes
    content_type: str
    digest: str


class Assets:
    """All files, by name. `root`: the pages they belong to; a proxy may let in one kind of pages and not the other."""

    def __init__(
        self,
        library_folder: Path,
        *,
        root: str = "/console",
        own_folders: Sequence[Path] = (_OWN_FOLDER,),
        libraries: Mapping[str, str] = _LIBRARIES,
    ) -> None:
        self._root = root
        found = [path for folder in own_folders for path in sorted(folder.iterdir())]
        self._own = {path.name: _read(path) for path in found if path.suffix in _TYPES}
        paths = {name: library_folder / place for name, place in libraries.items()}
        self._libraries = {name: _read(path) for name, path in paths.items() if path.is_file()}

    def url(self, name: str) -> str:
        """Return the address of one of our own files."""
        return f"{self._root}/static/{self._own[name].digest}/{name}"

    def library_url(self, name: str) -> str:
        """Return the address of a library, empty when it is not installed."""
        found = self._libraries.get(name)
        return f"{self._root}/lib/{name}?v={found.digest}" if found else ""

    async def serve_own(self, request: web.Request) -> web.Response:
        """Serve one of our own files; an outdated digest gets today's file, briefly."""
        found = self._own.get(request.match_info["name"])
        is_exact = found is not None and found.digest == request.match_info["digest"]
        return _response(request, found, is_exact=is_exact)

    async def serve_library(self, request: web.Request) -> web.Response:
        """Serve a library."""
        found = self._libraries.get(request.match_info["name"])
        is_exact = found is not None and found.digest == request.query.get("v")
        return _response(request, found, is_exact=is_exact)


def _read(path: Path) -> Asset:
    return _load(path, path.stat().st_mtime_ns)


# The console and the phone page share most of them, and packing the largest takes 60 ms (2026-11-22).
@functools.lru_cache(64)
def _load(path: Path, changed_at: int) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    # The same bytes at every start.
    packed = gzip.compress(content, mtime=0)
    return Asset(
        content=content,
        packed=packed if len(packed) < len(content) else b"",
        content_type=_TYPES[path.suffix],
        digest=digest,
    )


def _response(request: web.Request, found: Asset | None, *, is_exact: bool) -> web.Response:
    if found is None:
        raise web.HTTPNotFound()
    is_packed = bool(found.packed) and _takes_gzip(request.headers.get("Accept-Encoding", ""))
    body = found.packed if is_packed else found.content
    response = web.Response(body=body, content_type=found.content_type)
    if found.packed:
        response.headers["Vary"] = "Accept-Encoding"
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    if found.content_type != "image/png":
        response.charset = "utf-8"
    response.headers["Cache-Control"] = _FOR_EVER if is_exact else "no-cache"
    return response


def _takes_gzip(accepted: str) -> bool:
    """Say whether a browser takes gzip (RFC 9110, 12.5.3); "gzip;q=0" does not."""
    for one in accepted.split(","):
        name, _, rest = one.partition(";")
        if name.strip().lower() == "gzip":
            return rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
