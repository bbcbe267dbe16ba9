"""The answers of the service when it refuses, in its one envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

LOOKS_WRONG = (
    "Hmmm something didn't look right with your request. Please try again later or visit "
    "https://help.openai.com if this issue persists."
)
CHALLENGE_PAGE = """<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head>
<body><h1>Just a moment...</h1>
<script>window._cf_chl_opt={cvId:'3',cType:'managed'};</script></body></html>"""

CHALLENGED = {"cf-mitigated": "challenge", "cf-ray": "8f00000000000000-FRA", "server": "cloudflare"}
"""The headers of that page."""


class Refused(Exception):
    """A call ends here, with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class HungUp(Exception):
    """A call ends here, without any answer."""


def refusal(
    status: int,
    message: str,
    *,
    code: str | None = None,
    type: str | None = "invalid_request_error",
    param: str | None = None,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Refused:
    """Return the usual envelope; answers about who is asking repeat the status at the top."""
    error: dict[str, Any] = {"message": message, "type": type, "param": param, "code": code}
    if details is not None:
        error["details"] = dict(details)
    body: dict[str, Any] = {"error": error}
    if status == 401:
        body["status"] = 401
    return Refused(JSONResponse(body, status_code=status, headers=dict(headers or {})))


def looks_wrong(param: str | None = None) -> Refused:
    """The answer to a body that is not as the page sends it; `param` is the field at fault."""
    return refusal(400, LOOKS_WRONG, param=param)


def not_found(what: str) -> Refused:
    return refusal(404, f"{what} not found")


def challenge(status: int) -> Refused:
    """The page that the shield before the service shows to what it takes for a robot."""
    return Refused(HTMLResponse(CHALLENGE_PAGE, status_code=status, headers=CHALLENGED))
