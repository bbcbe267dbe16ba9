"""A person in the window of `rushes sora explore --headed`: what they do there, and what is recorded."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from rushes.media.probe import probe
from rushes.testing.sora_process import running_sora
from tests.cli.sora.sora_home import SoraHome
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.xdist_group("sora-exploring-by-hand")
STEP_S = 30  # only bounds hangs
EDGE = "Seen from the window"
PROMPT = "the boat leaves this harbour"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A visit that has ended: the home it was made from, its recording, the post, and the secrets of it."""

    home: SoraHome
    har: str
    table: str
    permalink: str
    picture: Path
    secrets: list[str]

    def requests(self, path: str) -> list[dict[str, Any]]:
        entries = json.loads(self.har)["log"]["entries"]
        return [one["request"] for one in entries if one["request"]["url"].endswith(path)]


@pytest.fixture(scope="module")
def visit(chromium: Path, screen: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """Attach a picture by each of the two routes, create, post what came of it, and close the window."""
    folder = tmp_path_factory.mktemp("visit")
    picture = folder / "harbour.png"
    Image.effect_noise((320, 180), 60).convert("RGB").save(picture)
    terminal = Terminal(home=folder / "home", variables={"DISPLAY": screen, "COLUMNS": "100"})
    terminal.home.mkdir()
    with running_sora(folder / "creates.jsonl", speed=1.0) as emulator:
        home = SoraHome(terminal=terminal, emulator=emulator)
        home.configure(browser=f'"{_reachable(chromium, folder)}"')
        assert home.sign_in().code == 0
        words = terminal.command("sora", "explore", "--headed", "--out", str(folder / "seen"))
        with (
            subprocess.Popen(
                words,
                env=terminal.environ,
                cwd=folder,
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            ) as process,
            sync_playwright() as playwright,
        ):
            try:
                port = _port(process, home.profile)
                browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
                expect.set_options(timeout=STEP_S * 1000)
                (context,) = browser.contexts
                page = next(one for one in context.pages if one.url.startswith(emulator.base_url))
                permalink = _act(page, home, picture)
                secrets = _secrets(page, context, home)
                for one in context.pages:
                    one.close()
                assert process.stderr is not None
                process.stderr.read()
                assert process.wait(timeout=STEP_S) == 0
            finally:
                process.kill()
        har, table = ((folder / "seen" / name).read_text() for name in ("requests.har", "requests.txt"))
        yield Visit(home=home, har=har, table=table, permalink=permalink, picture=picture, secrets=secrets)


def _reachable(chromium: Path, folder: Path) -> Path:
    """Return a program that starts Chromium such that the test can take a person's place in its window."""
    program = folder / "chromium"
    program.write_text(f'#!/bin/sh\nexec "{chromium}" --remote-debugging-port=0 "$@"\n')
    program.chmod(0o700)
    return program


def _port(process: subprocess.Popen[str], profile: Path) -> str:
    """Return where the browser listens; it does, once the page's first call has been told of."""
    assert process.stderr is not None
    told = ""
    while "/api/auth/session" not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    return (profile / "browser" / "DevToolsActivePort").read_text().split()[0]


def _act(page: Page, home: SoraHome, picture: Path) -> str:
    """Do in the page what its person would; return the address of the post."""
    page.set_default_timeout(STEP_S * 1000)
    page.get_by_label("Add image").set_input_files(picture)
    expect(page.get_by_label("Use harbour.png as")).to_have_value("first")
    page.get_by_label("Upload by").select_option("Older upload")
    with page.expect_response("**/backend/uploads"):
        page.get_by_label("Add image").set_input_files(picture)
    page.get_by_label("Length").select_option("5 s")
    page.get_by_label("Prompt").fill(PROMPT)
    with page.expect_response("**/backend/nf/create"):
        page.get_by_role("button", name="Create").click()
    home.emulator.advance(400)
    page.locator("figure.draft", has_text=PROMPT).get_by_role("link").click()
    page.get_by_role("button", name="Post…").click()
    page.get_by_label("Caption").fill(EDGE)
    page.get_by_role("button", name="Post", exact=True).click()
    page.wait_for_url("**/p/s_*")
    expect(page.get_by_text(EDGE)).to_be_visible()
    return page.url


def _secrets(page: Page, context: BrowserContext, home: SoraHome) -> list[str]:
    cookies = {one["name"]: one["value"] for one in context.cookies()}
    token = page.evaluate("async () => (await (await fetch('/api/auth/session')).json()).accessToken")
    return [token, cookies["__Secure-next-auth.session-token"], cookies["oai-did"], home.email]


def test_uploads_are_recorded_without_the_picture(visit: Visit) -> None:
    """By both routes: the fields, and the file's name, type and size, are recorded; no byte of it is."""
    (newer,), (older,) = visit.requests("/file/upload"), visit.requests("/backend/uploads")
    size = visit.picture.stat().st_size

    for request, field in (
        (newer, 'name="use_case"\r\n\r\ninpaint_safe'),
        (older, 'name="file_name"\r\n\r\nharbour.png'),
    ):
        text = request["postData"]["text"]
        assert 'name="file"; filename="harbour.png"\r\nContent-Type: image/png' in text
        assert f"({size} bytes left out)" in text
        assert field in text
        assert "IDAT" not in text
        assert request["bodySize"] > size
    assert visit.table.count(f"({size} bytes left out)") == 2


def test_the_create_can_be_read(visit: Visit) -> None:
    """The body with both pictures in it is in the HAR as it went, and in the table's file for a person."""
    (create,) = visit.requests("/backend/nf/create")
    body = json.loads(create["postData"]["text"])

    assert body["prompt"] == PROMPT
    assert [item["kind"] for item in body["inpaint_items"]] == ["file", "upload"]
    assert re.fullmatch("file_[0-9a-f]{32}", body["inpaint_items"][0]["file_id"])
    assert body["inpaint_items"][1]["upload_id"].startswith("media_01k")
    assert body["use_image_as_first_frame"] is True
    assert f'"upload_id": "{body["inpaint_items"][1]["upload_id"]}"' in visit.table
    assert '\n  "n_frames": 150,\n' in visit.table


def test_no_secret_is_recorded(visit: Visit) -> None:
    """Neither file holds cookie, token, device id, sentinel token, signature or e-mail address."""
    headers = [header for one in visit.requests("/backend/nf/create") for header in one["headers"]]
    sent = {one["name"].lower(): one["value"] for one in headers}

    assert sent["openai-sentinel-token"] == sent["authorization"] == sent["oai-device-id"] == "REDACTED"
    for text in (visit.har, visit.table):
        assert not [secret for secret in visit.secrets if secret in text]
        assert set(re.findall(r"sig=([^&\"\s]+)", text)) <= {"REDACTED"}


def test_a_post_made_in_the_page_is_listed_and_downloaded(visit: Visit) -> None:
    """Its permalink leads to its clip, also after the addresses that it was published with have run out."""
    listed = visit.home.sora("inspect", "feed")
    visit.home.emulator.advance(5 * 86_400)

    found = visit.home.terminal.json("sora", "download", visit.permalink)

    assert EDGE in listed.out
    assert (probe(Path(found["file"])).width, found["version"]) == (352, "no_watermark")


def test_a_post_of_another_site_is_refused(visit: Visit) -> None:
    """An address of another host is not looked for here under the same id."""
    id = visit.permalink.rpartition("/")[2]
    elsewhere = f"https://sora.example.org/p/{id}?sig="

    said = visit.home.sora("download", f"{elsewhere}secret", "--out", "other.mp4")

    assert said.code == 2
    assert f"{elsewhere}REDACTED is on another site than base_url" in said.err
    assert id in said.err.rpartition("alone: ")[2]
