"""Signing in, the session, the access token: who gets in where."""

from __future__ import annotations

import base64
import json
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from rushes.testing.sora_emulator.accounts import MOST_HELD, PASSWORD
from rushes.testing.sora_process import SoraProcess, running_sora
from tests.testing.sora_emulator.visitor import DRAFTS, SESSION, Visitor, error

NINETY_DAYS = 90 * 86_400
EIGHT_DAYS = 8 * 86_400
THIRTY_DAYS = 30 * 86_400


def claims(token: str) -> dict[str, Any]:
    head, body, signature = token.split(".")
    assert head
    assert signature
    shape: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return shape


def test_the_form_opens_a_session(visitor: Visitor) -> None:
    """The right password sets a lasting, guarded cookie and leads to the app; the wrong one sets none."""
    answer = visitor.sign_in()
    (cookie,) = (one for one in answer.headers.get_list("set-cookie") if one.startswith(SESSION))
    assert answer.headers["location"] == "/explore"
    assert f"Max-Age={NINETY_DAYS}" in cookie
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    for email, password in ((visitor.email, "wrong"), ("someone@example.net", PASSWORD)):
        refused = visitor.http.post("/auth/login", data={"email": email, "password": password})
        assert refused.status_code == 401
        assert SESSION not in refused.headers.get("set-cookie", "")


def test_the_session_shows_who_it_is_and_one_access_token(visitor: Visitor) -> None:
    """Read twice it gives the same JWT, whose claims name the account and its end."""
    first, second = visitor.session().json(), visitor.session().json()
    told = claims(first["accessToken"])
    assert first["user"]["email"] == visitor.email
    assert first["internalApiBase"] is None
    assert first["accessToken"] == second["accessToken"]
    assert told["https://api.openai.com/profile"]["email"] == visitor.email
    assert told["https://api.openai.com/auth"]["chatgpt_user_id"] == first["user"]["id"]
    assert told["exp"] > time.time()
    assert told["exp"] - told["iat"] == EIGHT_DAYS


def test_an_account_has_only_so_many_sessions(visitor: Visitor) -> None:
    """The oldest ends for the newest, and nobody else's: what is kept between runs stays bounded."""
    first = visitor.cookie
    with Visitor(visitor.sora) as other:
        for _ in range(MOST_HELD):
            visitor.sign_in()
        assert "accessToken" in visitor.session().json()
        assert "accessToken" in other.session().json()
    visitor.cookie = first
    assert visitor.session().json() == {}


def test_a_token_ends_when_its_exp_says(tmp_path: Path) -> None:
    """By the real clock, at which a client reads it, however fast the emulator works."""
    faults = ["token-lifetime=2"]
    with running_sora(tmp_path / "log", speed=1000, faults=faults) as sora, Visitor(sora) as visitor:
        ends, codes = claims(visitor.token)["exp"], set()
        while 401 not in codes:
            before = time.time()
            answer = visitor.get("/backend/nf/check")
            codes.add(answer.status_code)
            assert before < ends if answer.status_code == 200 else time.time() >= ends
        assert error(answer) == (401, "token_expired")
        assert codes == {200, 401}


def test_loading_a_page_brings_another_token(visitor: Visitor) -> None:
    """The session gives it, and from then on the same; the one before is good until its own end."""
    old = visitor.token
    visitor.load_page()
    new = visitor.session().json()["accessToken"]
    assert new != old
    assert visitor.session().json()["accessToken"] == new
    assert visitor.get("/backend/nf/check").status_code == 200


@pytest.mark.parametrize("cookie", ["", f"{SESSION}=unknown"])
def test_no_session_is_200_without_a_token(sora: SoraProcess, cookie: str) -> None:
    """A session that is over or never was is not a 401."""
    answer = httpx.get(f"{sora.base_url}/api/auth/session", headers={"Cookie": cookie})
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_token_near_its_end_gives_way_to_another(visitor: Visitor) -> None:
    """A day before its end the session gives a new one; the old one is good until its own end."""
    old = visitor.token
    visitor.sora.advance(EIGHT_DAYS - 3600)
    assert visitor.session().json()["accessToken"] != old
    assert visitor.get("/backend/nf/check").status_code == 200
    visitor.sora.advance(3700)
    assert error(visitor.get("/backend/nf/check")) == (401, "token_expired")
    visitor.refresh()
    assert visitor.get("/backend/nf/check").status_code == 200


def test_a_session_that_is_read_stays_young(visitor: Visitor) -> None:
    """Each read gives it ninety days from then on, and its cookie too: it outlives its first end."""
    ends = []
    for _ in range(4):
        answer = visitor.session()
        ends.append(datetime.fromisoformat(answer.json()["expires"]).timestamp())
        (cookie,) = answer.headers.get_list("set-cookie")
        assert visitor.cookie in cookie
        assert f"Max-Age={NINETY_DAYS}" in cookie
        visitor.sora.advance(THIRTY_DAYS)
    gained = [later - before for before, later in pairwise(ends)]
    assert gained == pytest.approx([THIRTY_DAYS] * 3, abs=60)


def test_a_session_that_is_not_read_ends_on_its_day(visitor: Visitor) -> None:
    """Calls with the cookie or the token do not keep it young; then it is as if nobody were signed in."""
    for _ in range(3):
        visitor.sora.advance(THIRTY_DAYS - 60)
        assert visitor.http.get(DRAFTS, headers={"Cookie": visitor.cookie}).status_code == 200
    visitor.sora.advance(200)
    assert visitor.http.get(DRAFTS, headers={"Cookie": visitor.cookie}).status_code == 401
    assert visitor.session().json() == {}


def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    """The cookie is good for nothing after that."""
    visitor.http.post("/auth/logout", headers={"Cookie": visitor.cookie})
    assert visitor.session().json() == {}


NEEDS_TOKEN = (
    "/backend/nf/pending",
    "/backend/nf/pending/v2",
    "/backend/nf/check",
    "/backend/nf/tasks/task_01k/v2",
    "/backend/models?nf2=true",
    "/backend/billing/credit_balance",
    "/backend/billing/subscriptions",
)
TAKES_COOKIE = (f"{DRAFTS}/v2", DRAFTS, "/backend/project_y/v2/me", "/backend/project_y/initialize_async")


@pytest.mark.parametrize("path", NEEDS_TOKEN)
def test_the_cookie_alone_does_not_do(visitor: Visitor, path: str) -> None:
    """These want the access token, and say so in an envelope that repeats the 401."""
    answer = visitor.http.get(path, headers={"Cookie": visitor.cookie})
    assert answer.status_code == answer.json()["status"] == 401
    assert answer.json()["error"]["message"] == "Missing bearer authentication in header"


@pytest.mark.parametrize("path", TAKES_COOKIE)
def test_the_cookie_alone_does(visitor: Visitor, path: str) -> None:
    """Everything under project_y takes it, and refuses who has nothing."""
    assert visitor.http.get(path, headers={"Cookie": visitor.cookie}).status_code == 200
    assert visitor.http.get(path).status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic abc", "Bearer a.b.c"])
def test_a_token_that_is_none_cannot_be_parsed(visitor: Visitor, header: str) -> None:
    """The service says in other words whether a token is missing or unreadable."""
    answer = visitor.http.get("/backend/nf/check", headers={"Authorization": header})
    assert answer.status_code == 401
    assert "Could not parse" in answer.json()["error"]["message"]


def test_accounts_do_not_see_each_other(visitor: Visitor, sora: SoraProcess) -> None:
    """Tasks, drafts and uploads are their own account's only."""
    id = visitor.made()
    draft = visitor.draft()["id"]
    item = {"kind": "generation", "generation_id": draft}
    with Visitor(sora) as other:
        assert other.drafts()["items"] == []
        assert other.get(f"/backend/nf/tasks/{id}/v2").status_code == 404
        assert other.get(f"{DRAFTS}/v2/{draft}").status_code == 404
        assert other.create(inpaint_items=[item]).status_code == 400
    assert visitor.create(inpaint_items=[item]).status_code == 200
