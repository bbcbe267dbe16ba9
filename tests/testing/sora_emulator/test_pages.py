"""The pages, in a real Chromium, as a person uses them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from rushes.testing.sora_process import SoraProcess, running_sora
from tests.playback.browsers import OFFLINE, STEP_S
from tests.testing.sora_emulator.visitor import MARCH_BODY, SESSION

pytestmark = pytest.mark.xdist_group("sora-pages")
CREATE = """async body => {
    const session = await (await fetch("/api/auth/session")).json();
    const token = await window.SentinelSDK.token("sora_2_create_task");
    const device = document.cookie.match(/oai-did=([^;]*)/)[1];
    const signed = {Authorization: "Bearer " + session.accessToken, "openai-sentinel-token": token};
    const headers = {...signed, "oai-device-id": device};
    const answer = await fetch("/backend/nf/create", {method: "POST", headers, body: JSON.stringify(body)});
    return [answer.status, JSON.parse(token).flow];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    """An emulator in which three minutes are a second."""
    with running_sora(tmp_path_factory.mktemp("site") / "creates.jsonl", speed=180) as one:
        yield one


@pytest.fixture
def page(site: SoraProcess) -> Iterator[Page]:
    """A new person's browser."""
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome", playwright.chromium.executable_path)
        path = next(filter(None, map(shutil.which, names)), None)
        if path is None:
            reason = "Chromium is not installed: run tools/browsers"
            pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
        with playwright.chromium.launch(executable_path=path, args=OFFLINE) as browser:
            one = browser.new_page(base_url=site.base_url)
            one.set_default_timeout(STEP_S * 1000)
            expect.set_options(timeout=STEP_S * 1000)
            yield one
            site.clear()


def sign_in(page: Page) -> None:
    """Come in at once, without the pages of a sign-in: they have tests of their own."""
    form: dict[str, str | float | bool] = {"email": "director@example.com", "password": "a-long-password"}
    page.request.post("/auth/login", form=form)
    page.goto("/explore")


def test_a_person_signs_in_creates_and_sees_the_draft(site: SoraProcess, page: Page) -> None:
    """Through the form and the Create button to a clip that plays, with the cookies that a session needs."""
    sign_in(page)
    expect(page.locator("#who")).to_have_text("director@example.com")
    page.get_by_label("Prompt").fill("a boat by hand")
    page.get_by_role("button", name="Create").click()
    draft = page.locator("figure.draft", has_text="a boat by hand")
    expect(draft).to_be_visible()
    video = draft.locator("video")
    video.evaluate("video => video.play()")
    assert video.evaluate("video => [video.videoWidth, video.videoHeight]") == [246, 448]
    (entry,) = site.log("a boat by hand")
    assert draft.get_attribute("data-task") == entry["id"]
    cookies = {one["name"]: one for one in page.context.cookies()}
    assert cookies[SESSION]["secure"]
    assert cookies[SESSION]["httpOnly"]
    assert len(cookies["oai-did"]["value"]) == 36


def test_a_script_in_the_page_can_create(site: SoraProcess, page: Page) -> None:
    """With the page's own sentinel; and each token is another one."""
    sign_in(page)
    expect(page.locator("#who")).to_have_text("director@example.com")
    body = {**MARCH_BODY, "prompt": "a boat by script"}
    assert page.evaluate(CREATE, body) == [200, "sora_2_create_task"]
    assert page.evaluate(CREATE, body) == [200, "sora_2_create_task"]
    assert len(site.log("a boat by script")) == 2


def test_chromium_sends_a_create_again_when_its_line_is_cut(site: SoraProcess, page: Page) -> None:
    """What is lost on a used connection is resent by the browser itself, and then the token is used up."""
    sign_in(page)
    expect(page.locator("#who")).to_have_text("director@example.com")
    site.fault("drop-create", times=1, match="a boat in the dark")
    status, _ = page.evaluate(CREATE, {**MARCH_BODY, "prompt": "a boat in the dark"})
    assert status == 400
    assert [one["status"] for one in site.requests("/backend/nf/create")][-2:] == [None, 400]
    assert len(site.log("a boat in the dark")) == 1


def test_the_app_survives_polls_that_fail(site: SoraProcess, page: Page) -> None:
    """It says what is wrong, goes on asking, and shows the draft in the end."""
    sign_in(page)
    site.fault("poll-500", 2)
    page.get_by_label("Prompt").fill("a boat in the fog")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_have_text("Internal server error")
    expect(page.locator("figure.draft", has_text="a boat in the fog")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("")


def test_a_scripted_person_signs_in_by_itself(site: SoraProcess, page: Page) -> None:
    """Every page of the sign-in is filled in and sent, without anybody."""
    site.fault("scripted-person", "0.1")
    page.goto("/explore")
    expect(page.locator("#who")).to_have_text("director@example.com")


def test_the_desk_turns_a_fault_on_and_off(site: SoraProcess, page: Page) -> None:
    """A toggle is a fault, its value goes with it, and the chip turns it off again."""
    page.goto("/emulator")
    page.get_by_label("Value of region").select_option("404")
    page.get_by_role("checkbox", name="region").check()
    expect(page.locator("#on button")).to_have_text("region=404 ✕")
    listed = httpx.get(f"{site.base_url}/emulator/faults").json()["on"]
    assert [(one["name"], one["value"]) for one in listed] == [("region", "404")]
    page.locator("#on button").click()
    expect(page.get_by_role("checkbox", name="region")).not_to_be_checked()
    assert httpx.get(f"{site.base_url}/emulator/faults").json()["on"] == []


def test_the_desk_moves_the_clock(site: SoraProcess, page: Page, tmp_path: Path) -> None:
    """A day ahead is a day ahead, and another speed is another speed."""
    page.goto("/emulator")
    before = httpx.get(f"{site.base_url}/emulator/clock").json()
    page.get_by_role("button", name="Advance 1 day").click()
    with page.expect_response("**/emulator/clock"):
        page.get_by_label("Speed").select_option("100")
    after = httpx.get(f"{site.base_url}/emulator/clock").json()
    assert after["now"] - before["now"] >= 86_400
    assert (before["speed"], after["speed"]) == (180, 100)
    httpx.post(f"{site.base_url}/emulator/clock", json={"speed": before["speed"]})
