"""What is different about sessions and access tokens while a fault is on: one check for each."""

from __future__ import annotations

import httpx

from tests.testing.sora_emulator.visitor import SESSION, Check, Visitor, error


def sets_cookie(visitor: Visitor, *, lasting: bool) -> bool:
    cookies = [one for one in visitor.sign_in().headers.get_list("set-cookie") if SESSION in one]
    return all(("Max-Age" in one) is lasting for one in cookies) and bool(cookies)


def splits_cookie(visitor: Visitor) -> bool:
    visitor.sign_in()
    names = [pair.partition("=")[0] for pair in visitor.cookie.split("; ")]
    return names == [f"{SESSION}.0", f"{SESSION}.1"] and visitor.session().json() != {}


def rotates(visitor: Visitor) -> bool:
    old = visitor.cookie
    visitor.keep_cookie(visitor.session())
    with httpx.Client(base_url=visitor.sora.base_url, headers={"Cookie": old}) as stale:
        return visitor.cookie != old and stale.get("/api/auth/session").json() == {}


def rotates_and_keeps(visitor: Visitor) -> bool:
    old = visitor.cookie
    visitor.keep_cookie(visitor.session())
    with httpx.Client(base_url=visitor.sora.base_url, headers={"Cookie": old}) as stale:
        return visitor.cookie != old and "accessToken" in stale.get("/api/auth/session").json()


def next_token_lives(visitor: Visitor, seconds: float) -> bool:
    with Visitor(visitor.sora) as other:
        other.sora.advance(seconds - 60)
        alive = other.get("/backend/nf/check").status_code == 200
        other.sora.advance(60)
        return alive and error(other.get("/backend/nf/check")) == (401, "token_expired")


def token_dies(visitor: Visitor, code: str | None, words: str, *, session_lives: bool) -> bool:
    """The token stays refused after the fault is off; whether the session gives another is told."""
    answer = visitor.get("/backend/nf/check")
    visitor.sora.clear()
    again = visitor.get("/backend/nf/check")
    lives = "accessToken" in visitor.session().json()
    renewed = not lives or (visitor.refresh() != "" and visitor.get("/backend/nf/check").status_code == 200)
    told = words in answer.json()["error"]["message"]
    return error(answer) == error(again) == (401, code) and told and lives is session_lives and renewed


def stays_as_it_was(visitor: Visitor) -> bool:
    """The session's end is where it was a day before."""
    before = visitor.session().json()["expires"]
    visitor.sora.advance(86_400)
    return bool(visitor.session().json()["expires"] == before)


def comes_with_a_page(visitor: Visitor) -> bool:
    """A token that has ended is what the session gives until a page is loaded, and then another."""
    old = visitor.token
    visitor.sora.advance(9 * 86_400)
    again = visitor.refresh()
    visitor.load_page()
    return again == old and visitor.refresh() != old and visitor.get("/backend/nf/check").status_code == 200


def said(visitor: Visitor, text: str) -> bool:
    answer = visitor.session()
    return (answer.status_code, answer.text) == (200, text)


def acts(visitor: Visitor) -> bool:
    return "const acting" in visitor.http.get("/").text


def acts_by_provider(visitor: Visitor) -> bool:
    visitor.sora.fault("scripted-person")
    return '=== "provider"' in visitor.http.get("/").text


def is_checked(visitor: Visitor, *browsers: str) -> bool:
    """Whether these browsers meet the shield's check on a page and on a call, and others do not."""
    agents = {"headless": "HeadlessChrome/1", "window": "Chrome/1"}
    paths = ("/explore", "/api/auth/session", "/backend/nf/check")
    answers = {
        name: [visitor.get(path, headers={"User-Agent": agent}) for path in paths]
        for name, agent in agents.items()
    }
    met = {
        name: [one.headers.get("cf-mitigated") == "challenge" for one in seen]
        for name, seen in answers.items()
    }
    return met == {name: [name in browsers] * len(paths) for name in agents}


SESSIONS: dict[str, Check] = {
    "session-dead": lambda visitor: said(visitor, "{}"),
    "session-dead=null": lambda visitor: said(visitor, "null"),
    "session-dead=empty": lambda visitor: said(visitor, ""),
    "session-rotates": rotates,
    "session-rotates=keep": rotates_and_keeps,
    "session-cookie-only": lambda visitor: sets_cookie(visitor, lasting=False),
    "session-split": splits_cookie,
    "scripted-person": acts,
    "scripted-way": acts_by_provider,
    "challenge-headless": lambda visitor: is_checked(visitor, "headless"),
    "challenge-headless=everybody": lambda visitor: is_checked(visitor, "headless", "window"),
    "session-500": lambda visitor: visitor.session().status_code == 500,
    "session-fixed": stays_as_it_was,
    "token-needs-page": comes_with_a_page,
    "token-lifetime=100": lambda visitor: next_token_lives(visitor, 100),
    "token-expired": lambda visitor: token_dies(visitor, "token_expired", "is expired", session_lives=True),
    "token-invalidated": lambda visitor: token_dies(
        visitor, "token_invalidated", "has been invalidated", session_lives=False
    ),
    "token-invalidated=token": lambda visitor: token_dies(
        visitor, "token_invalidated", "has been invalidated", session_lives=True
    ),
    "token-unparsable": lambda visitor: token_dies(visitor, None, "Could not parse", session_lives=True),
}
