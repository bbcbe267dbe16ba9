"""The sign-in at its own origin, in a real Chromium, as a person walks it: ahead, wrongly, back, and away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rushes.testing.sora_emulator.accounts import PASSWORD
from rushes.testing.sora_process import SoraProcess, running_sora
from tests.playback.browsers import OFFLINE, STEP_S
from tests.testing.sora_emulator.visitor import SESSION

pytestmark = pytest.mark.xdist_group("sora-sign-in")
ADDRESS = "director@example.com"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    log = tmp_path_factory.mktemp("site") / "creates.jsonl"
    with running_sora(log, speed=180, origins="several") as one:
        yield one


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=OFFLINE) as one,
    ):
        yield one


@pytest.fixture
def page(browser: Browser, site: SoraProcess) -> Iterator[Page]:
    """A new person's window, on the site."""
    expect.set_options(timeout=STEP_S * 1000)
    with browser.new_context(base_url=site.base_url) as context:
        one = context.new_page()
        one.set_default_timeout(STEP_S * 1000)
        one.goto("/explore")
        yield one
    site.clear()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def go_to_password(page: Page) -> None:
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Email address").fill(ADDRESS)
    press(page, "Continue")


def go_to_code(page: Page) -> str:
    """Return the code that was sent."""
    go_to_password(page)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Continue")
    return page.locator("output").inner_text()


def test_a_person_signs_in_step_by_step_and_makes_a_clip(site: SoraProcess, page: Page) -> None:
    """Address, password, code and consent at the sign-in's host; the cookies stay where they belong.

    Then the page's script gets its token from another origin, and its player the clip from yet another one.
    """
    code = go_to_code(page)
    page.get_by_label("One-time code").fill(code)
    press(page, "Continue")
    expect(page.locator("code")).to_have_text(ADDRESS)
    press(page, "Allow")
    expect(page.locator("#who")).to_have_text(ADDRESS)
    assert page.url == f"{site.base_url}/explore"
    hosts = {name: urlsplit(address).hostname for name, address in site.origins.items()}
    cookies = {one["name"]: one["domain"] for one in page.context.cookies()}
    assert cookies[SESSION] == hosts["site"]
    assert cookies["auth-session"] == hosts["auth"]
    page.get_by_label("Prompt").fill("a boat at many hosts")
    press(page, "Create")
    video = page.locator("figure.draft video")
    expect(video).to_be_visible()
    video.evaluate("video => video.play()")


def test_a_wrong_password_and_wrong_codes_are_told(page: Page) -> None:
    """The page stays, with the reason; after three wrong codes another one is sent, and only that is good."""
    go_to_password(page)
    page.get_by_label("Password").fill("wrong")
    press(page, "Continue")
    expect(page.get_by_role("alert")).to_have_text("Wrong email address or password.")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Continue")
    first = page.locator("output").inner_text()
    wrong = "000000" if first != "000000" else "111111"
    for words in ("Wrong code.",) * 2 + ("Wrong code. A new one was sent.",):
        page.get_by_label("One-time code").fill(wrong)
        press(page, "Continue")
        expect(page.get_by_role("alert")).to_have_text(words)
    page.get_by_label("One-time code").fill(page.locator("output").inner_text())
    press(page, "Continue")
    expect(page.get_by_role("button", name="Allow")).to_be_visible()


def test_a_person_may_go_back_and_change_the_address(page: Page) -> None:
    """Back from the code to the password, and on to another address: no step is skipped for it."""
    go_to_code(page)
    page.go_back()
    page.get_by_role("link", name="another address").click()
    expect(page.get_by_label("Email address")).to_have_value(ADDRESS)
    page.get_by_label("Email address").fill("other@example.com")
    press(page, "Continue")
    expect(page.locator("code").first).to_have_text("other@example.com")
    page.goto(page.url.replace("/log-in/password", "/consent"))
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_sign_in_that_was_left_is_begun_anew_with_its_address(page: Page) -> None:
    """Whoever leaves at the password and presses Log in again finds the address filled in."""
    go_to_password(page)
    page.goto("/explore")
    page.get_by_role("link", name="Log in").click()
    expect(page.get_by_label("Email address")).to_have_value(ADDRESS)


def test_back_after_the_end_says_that_it_is_over(page: Page, site: SoraProcess) -> None:
    """A page of a finished sign-in, or one that never was, leads to a new one; a code is good once."""
    code = go_to_code(page)
    page.get_by_label("One-time code").fill(code)
    press(page, "Continue")
    press(page, "Allow")
    expect(page.locator("#who")).to_have_text(ADDRESS)
    page.goto(f"{site.origins['auth']}/consent")
    expect(page.get_by_role("heading")).to_have_text("This sign-in is over")
    page.get_by_role("link", name="Log in again").click()
    expect(page.get_by_label("Email address")).to_be_visible()


def test_a_provider_signs_in_from_a_window_of_its_own(page: Page, site: SoraProcess) -> None:
    """It has its own origin; the window closes, and the sign-in goes on where it was begun."""
    page.get_by_role("link", name="Log in").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Continue with Example ID").click()
    window = opened.value
    assert window.url.startswith(site.origins["provider"])
    window.get_by_label("Email address").fill(ADDRESS)
    window.get_by_label("Password").fill("wrong")
    press(window, "Sign in")
    expect(window.get_by_role("alert")).to_have_text("Wrong email address or password.")
    window.get_by_label("Email address").fill(ADDRESS)
    window.get_by_label("Password").fill(PASSWORD)
    with window.expect_event("close"):
        press(window, "Sign in")
    press(page, "Allow")
    expect(page.locator("#who")).to_have_text(ADDRESS)


def test_the_scripted_person_may_take_the_provider(page: Page, site: SoraProcess) -> None:
    """By its page, and not by the password's and the code's."""
    site.fault("scripted-person", 0.05)
    site.fault("scripted-way", "provider")
    page.goto("/explore")
    expect(page.locator("#who")).to_have_text(ADDRESS)


def test_only_the_site_gets_an_answer_for_its_browsers(site: SoraProcess) -> None:
    """A foreign address to return to, a foreign state and a used code open no session."""
    foreign = {"redirect_uri": "https://elsewhere.example/", "state": "x"}
    assert httpx.get(f"{site.origins['auth']}/authorize", params=foreign).status_code == 400
    answer = httpx.get(f"{site.base_url}/api/auth/callback/openai?code=x&state=y")
    assert answer.status_code == 400
    assert SESSION not in answer.headers.get("set-cookie", "")


def test_each_origin_serves_its_own_paths(site: SoraProcess) -> None:
    """The sign-in is not at the site, the API not at the sign-in; the sentinel hears the site's pages."""
    assert httpx.get(f"{site.base_url}/log-in").status_code == 404
    assert httpx.get(f"{site.origins['auth']}/api/auth/session").status_code == 404
    assert httpx.get(f"{site.origins['media']}/explore").status_code == 404
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    at = f"{site.origins['sentinel']}/backend-api/sentinel/req"
    ours = httpx.options(at, headers={"Origin": site.base_url, **asked})
    foreign = httpx.options(at, headers={"Origin": "https://elsewhere.example", **asked})
    assert (ours.status_code, foreign.status_code) == (200, 400)
    assert ours.headers["access-control-allow-origin"] == site.base_url
    assert ours.headers["access-control-allow-credentials"] == "true"


def test_the_check_is_passed_in_a_window_alone(browser: Browser, site: SoraProcess) -> None:
    """A person's click opens the site to a browser with a window; to one without, never.

    The window is one by its user agent: what the clearance is tied to.
    """
    site.fault("challenge-headless", "everybody")
    agents = {"with": "Mozilla/5.0 Chrome/1", "without": "Mozilla/5.0 HeadlessChrome/1"}
    for name, agent in agents.items():
        with browser.new_context(base_url=site.base_url, user_agent=agent) as context:
            page = context.new_page()
            page.goto("/explore?from=a")
            expect(page).to_have_title("Just a moment...")
            press(page, "I am human")
            if name == "without":
                expect(page.get_by_role("alert")).to_have_text("This browser could not be verified.")
                continue
            expect(page.get_by_role("link", name="Log in")).to_be_visible()
            assert page.url == f"{site.base_url}/explore?from=a"
            (cookie,) = (one for one in context.cookies() if one["name"] == "cf_clearance")
    # The same cookie is worth nothing to the other browser.
    sent = {"Cookie": f"cf_clearance={cookie['value']}"}
    answers = {
        name: httpx.get(f"{site.base_url}/explore", headers={**sent, "User-Agent": agent}).status_code
        for name, agent in agents.items()
    }
    assert answers == {"with": 200, "without": 403}
    site.clear()
