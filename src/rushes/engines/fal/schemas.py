"""The descriptions of endpoints, kept on disk with the day they were read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from rushes.domain.errors import EngineError, Refused, ResultGone
from rushes.domain.permissions import make_private
from rushes.engines.fal.answers import NO_MODEL
from rushes.engines.fal.fields import Fields, read_fields
from rushes.engines.http import LONG_LIST, answer, asking

FRESH = timedelta(days=1)
"""How long a description is taken as it was read. An older one serves while the service cannot be asked."""


class Schemas:
    """Reads what endpoints take, by `client` of the platform API, and keeps it in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def fields(self, client: httpx.AsyncClient, endpoint: str) -> Fields:
        """Return what an endpoint takes. Raises Refused where fal lists none such, and what asking raises."""
        kept = self._kept(endpoint)
        if kept is None or _age(kept) > FRESH:
            try:
                kept = self.keep(endpoint, await _ask(client, endpoint))
            except (Refused, ResultGone):
                raise
            except EngineError:
                if kept is None:
                    raise
        found = read_fields(kept["openapi"], endpoint)
        if found is None:
            raise Refused(
                f"fal does not describe what {endpoint} takes, so nothing can be sent to it", next=NO_MODEL
            )
        return found

    def keep(self, endpoint: str, openapi: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a description that was just read."""
        kept = {"endpoint": endpoint, "read_at": datetime.now(UTC).isoformat(), "openapi": openapi}
        make_private(self._folder)
        file = self._file(endpoint)
        part = file.with_name(f"{file.name}.{os.getpid()}.part")
        part.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(part, file)
        return kept

    def forget(self, endpoint: str) -> None:
        """Have an endpoint's description read anew: it did not take what it is said to take."""
        self._file(endpoint).unlink(missing_ok=True)

    def _file(self, endpoint: str) -> Path:
        return self._folder / f"{quote(endpoint, safe='')}.json"

    def _kept(self, endpoint: str) -> dict[str, Any] | None:
        try:
            kept: dict[str, Any] = json.loads(self._file(endpoint).read_text(encoding="utf-8"))
            _age(kept)
            return kept if isinstance(kept["openapi"], dict) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


async def _ask(client: httpx.AsyncClient, endpoint: str) -> Mapping[str, Any]:
    with asking():
        asked = {"endpoint_id": endpoint, "expand": "openapi-3.0"}
        response = await client.get("/models", params=asked, extensions=LONG_LIST)
    if response.status_code in (404, 410):
        raise Refused(f"fal has no endpoint {endpoint}; nothing was sent", next=NO_MODEL)
    listed = answer(response).get("models")
    for one in listed if isinstance(listed, list) else ():
        if one.get("endpoint_id") == endpoint and isinstance(one.get("openapi"), Mapping):
            found: Mapping[str, Any] = one["openapi"]
            return found
    raise Refused(f"fal has no endpoint {endpoint}; nothing was sent", next=NO_MODEL)


def _age(kept: Mapping[str, Any]) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(kept["read_at"])
