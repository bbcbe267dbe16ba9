"""The app's pages in a real Chromium: what a person makes, posts and remixes there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rushes.testing.sora_process import SoraProcess, running_sora
from tests.playback.browsers import OFFLINE, STEP_S
from tests.testing.sora_emulator.visitor import Visitor

pytestmark = pytest.mark.xdist_group("sora-app")
PEOPLE = "We currently do not support uploads of images containing photorealistic people"
SPEED = 1.0
ALL_ENDED_S = 500.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    with running_sora(tmp_path_factory.mktemp("site") / "creates.jsonl", speed=SPEED) as one:
        yield one


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=OFFLINE) as one,
    ):
        expect.set_options(timeout=STEP_S * 1000)
        yield one


@pytest.fixture
def visitor(site: SoraProcess) -> Iterator[Visitor]:
    with Visitor(site) as one:
        yield one
    site.clear()


@pytest.fixture
def page(browser: Browser, visitor: Visitor) -> Iterator[Page]:
    """The browser of the visitor, who is signed in."""
    with browser.new_context(base_url=visitor.sora.base_url) as context:
        name, _, value = visitor.cookie.partition("=")
        where = {"domain": "127.0.0.1", "path": "/", "secure": True, "httpOnly": True}
        context.add_cookies([{"name": name, "value": value, **where}])  # type: ignore[typeddict-item]
        one = context.new_page()
        one.set_default_timeout(STEP_S * 1000)
        yield one


def create(page: Page, prompt: str) -> None:
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_label("Under way").get_by_text(prompt)).to_be_visible()


def test_a_storyboard_goes_out_as_text(visitor: Visitor, page: Page) -> None:
    """Its shots and their seconds stand in the prompt, by a path of their own; their sum is the length."""
    page.goto("/explore")
    page.get_by_role("button", name="Storyboard").click()
    page.get_by_label("Scene").nth(0).fill("a boat in the gutter")
    page.get_by_label("Scene").nth(1).fill("it falls over the edge")
    page.get_by_label("Seconds").nth(1).fill("4.5")
    page.get_by_label("Prompt").fill("keep the same boat")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_have_text(
        "The shots add up to 9.5 s. Change them to 5, 10, 15, 20 or 25 s."
    )
    page.get_by_label("Seconds").nth(1).fill("5")
    create(page, "keep the same boat")
    (entry,) = visitor.sora.log("keep the same boat")
    assert entry["path"] == "/backend/nf/create/storyboard"
    assert entry["prompt"] == (
        "current timeline:\nShot 1:\nduration: 5.0sec\nScene: a boat in the gutter\n\n"
        "Shot 2:\nduration: 5.0sec\nScene: it falls over the edge\n\ninstructions:\nkeep the same boat"
    )
    (task,) = visitor.pending()
    assert (task["title"], task["creation_config"]["n_frames"]) == ("Draft your video", 300)


def test_every_setting_is_in_the_create(visitor: Visitor, page: Page, tmp_path: Path) -> None:
    """Orientation, length, style, a reference, and somebody who was picked from the list by @."""
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "teal.png")
    page.goto("/drafts")
    for label, choice in (("Orientation", "Landscape"), ("Length", "15 s"), ("Style", "Retro")):
        page.get_by_label(label).select_option(choice)
    page.get_by_label("Add image").set_input_files(tmp_path / "teal.png")
    page.get_by_label("Use teal.png as").select_option("Reference")
    name = visitor.email.partition("@")[0]
    page.get_by_label("Prompt").press_sequentially(f"a wave from @{name[:5]}")
    page.get_by_role("option", name=f"@{name}").click()
    expect(page.get_by_label("Prompt")).to_have_value(f"a wave from @{name} ")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_label("Under way").get_by_text(f"a wave from @{name}")).to_be_visible()
    (task,) = visitor.pending()
    config = task["creation_config"]
    assert (config["orientation"], config["n_frames"], config["style"]["id"]) == ("landscape", 450, "retro")
    assert config["inpaint_image"]["kind"] == "file"
    visitor.sora.advance(ALL_ENDED_S)
    expect(page.locator("figure.draft", has_text="a wave from")).to_be_visible()
    expect(page.get_by_label("Under way")).to_be_hidden()


def test_what_the_service_refuses_is_said_in_its_words(visitor: Visitor, page: Page, tmp_path: Path) -> None:
    """A picture that is refused is not attached; a fourth task is refused, and its words are not lost."""
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "face.png")
    page.goto("/explore")
    expect(page.get_by_label("Prompt")).to_be_visible()
    visitor.sora.fault("photo-refused", times=1)
    page.get_by_label("Add image").set_input_files(tmp_path / "face.png")
    expect(page.get_by_role("alert")).to_have_text(PEOPLE)
    expect(page.get_by_label("Use face.png as")).to_have_count(0)
    for number in range(3):
        visitor.create(f"boat {number}")
    page.get_by_label("Prompt").fill("one boat too many")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("You already have 3 generations in progress")
    expect(page.get_by_label("Prompt")).to_have_value("one boat too many")
    visitor.sora.advance(ALL_ENDED_S)


def test_a_draft_is_extended_remixed_and_deleted(visitor: Visitor, page: Page) -> None:
    """Each from the draft's own page, by the service's own calls."""
    visitor.made("a boat to go on with", n_frames=150)
    page.goto(f"/d/{visitor.draft()['id']}")
    page.get_by_role("button", name="Extend…").click()
    page.get_by_label("What happens next").fill("it reaches the drain")
    page.get_by_role("button", name="Extend", exact=True).click()
    expect(page.get_by_label("Under way").get_by_text("it reaches the drain")).to_be_visible()
    page.get_by_role("button", name="Remix").click()
    create(page, "the same at night")
    extended, remixed = visitor.pending()
    assert extended["creation_config"]["n_frames"] == 450
    assert remixed["creation_config"]["remix_target_post"]["post"]["id"] == visitor.draft()["id"]
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url("**/drafts")
    expect(page.get_by_text("No drafts yet. Make a video below.")).to_be_visible()
    visitor.sora.advance(ALL_ENDED_S)


def test_a_post_by_link_is_seen_by_whoever_has_the_link(
    browser: Browser, visitor: Visitor, page: Page
) -> None:
    """Without a sign-in its page plays the clip; no feed of others has it; a deleted one answers 404."""
    visitor.made("a secret boat", n_frames=150)
    page.goto(f"/d/{visitor.draft()['id']}")
    page.get_by_role("button", name="Post…").click()
    page.get_by_label("Caption").fill("For you alone")
    page.get_by_label("Anyone with the link").check()
    page.get_by_role("button", name="Post", exact=True).click()
    page.wait_for_url("**/p/s_*")
    # The addresses of the moment of publishing have run out by then.
    visitor.sora.advance(5 * 86_400)
    with browser.new_context(base_url=visitor.sora.base_url) as context:
        stranger = context.new_page()
        answer = stranger.goto(page.url)
        assert answer is not None
        assert answer.status == 200
        expect(stranger.get_by_text("For you alone")).to_be_visible()
        expect(stranger.get_by_role("button", name="Remix")).to_have_count(0)
        stranger.wait_for_function("document.querySelector('article video').videoWidth > 0")
        assert visitor.get("/backend/project_y/feed").json()["items"] == []
        assert len(visitor.get("/backend/project_y/profile_feed/me").json()["items"]) == 1
        page.get_by_role("button", name="Delete…").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        page.wait_for_url("**/profile")
        gone = stranger.reload()
        assert gone is not None
        assert gone.status == 404
        expect(stranger.get_by_text("There is no such post.")).to_be_visible()


def test_a_public_post_is_found_and_remixed(visitor: Visitor, page: Page) -> None:
    """It is in the feed of somebody else, whose remix, once it is posted too, stands below it."""
    visitor.made("a boat for all", n_frames=150)
    post = publish(visitor, "Sail it")
    with Visitor(visitor.sora) as other:
        assert [item["post"]["id"] for item in other.get("/backend/project_y/feed").json()["items"]] == [post]
    page.goto("/explore")
    page.locator("figure.post", has_text="Sail it").get_by_role("link").click()
    page.wait_for_url(f"**/p/{post}")
    page.get_by_role("button", name="Remix").click()
    create(page, "the same, on the moon")
    visitor.sora.advance(ALL_ENDED_S)
    expect(page.locator("figure.draft", has_text="on the moon")).to_be_visible()
    remix = publish(visitor, "Sail it there")
    page.reload()
    expect(page.get_by_label("Remixes").get_by_text("Sail it there")).to_be_visible()
    assert visitor.get(f"/backend/project_y/post/{remix}").json()["post"]["parent_post"] == {"id": post}


def publish(visitor: Visitor, text: str) -> str:
    """Post the newest draft for all to see; return the post's id."""
    attachment = {"generation_id": visitor.draft()["id"], "kind": "sora"}
    places = [{"type": "public"}]
    body = {"attachments_to_create": [attachment], "post_text": text, "destinations": places}
    answer = visitor.call("POST", "/backend/project_y/post", headers=visitor.prove(), json=body)
    id: str = answer.json()["post"]["id"]
    return id
