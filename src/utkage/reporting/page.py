"""HTML pages from Jinja2 templates: self-contained files with one stylesheet and no network."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(template: str, **values: Any) -> str:
    """Render ``templates/<template>``; values are escaped unless the template marks them as safe.

    A missing value raises ``jinja2.UndefinedError``.
    """
    return _environment().get_template(template).render(**values)


def data_uri(content: bytes, media_type: str) -> str:
    """``content`` as a ``data:`` address, for pictures inside a page."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def picture_uri(path: Path) -> str:
    """An SVG, PNG or JPEG file as a ``data:`` address."""
    kinds = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
    return data_uri(path.read_bytes(), kinds[path.suffix])


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("utkage.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
