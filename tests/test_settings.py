"""Settings: what a kind has by itself, and options that come from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes import settings
from rushes.domain.errors import BadSettings
from rushes.domain.request import VideoRequest
from rushes.settings import Settings
from rushes.studio import Studio
from tests.cli.terminal import Terminal

SECRET = "a-very-secret-4711"
ADDRESS = "http://me:a-very-secret-4711@proxy.example.com:8080"


def load(home: Path, text: str = "", **variables: str) -> Settings:
    """Return the settings that a file and an environment make, with no `.env` about."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return settings.load({"RUSHES_HOME": str(home), **variables}, home)


def test_each_kind_has_its_own_pace(tmp_path: Path) -> None:
    """How many jobs go at once is the kind's own where the file does not say, whatever the name."""
    text = '[engines.mine]\nengine = "sora-web"\n[engines.lab]\nengine = "scripted"\n'
    found = load(tmp_path, text + '[engines.two]\nengine = "sora-web"\nconcurrency = 2\n')

    assert {name: one.concurrency for name, one in found.engines.items()} == {
        "animatic": 1,
        "mine": 3,
        "lab": 4,
        "two": 2,
    }


def test_an_option_is_filled_from_the_variable_it_names(tmp_path: Path) -> None:
    """NAME_env fills NAME, from the environment or a `.env` file, and is itself no option of the engine."""
    (tmp_path / ".env").write_text(f"LAB_PROXY={ADDRESS}\n")
    text = '[engines.lab]\nengine = "scripted"\nkey_env = "LAB_KEY"\nproxy_url_env = "LAB_PROXY"\nspeed = 3\n'
    lab = load(tmp_path, text, LAB_KEY=SECRET).engines["lab"]

    assert lab.options == {"key": SECRET, "proxy_url": ADDRESS, "speed": 3}
    lab.check_key()


@pytest.mark.parametrize("given", [{}, {"LAB_PROXY": ""}], ids=["unset", "empty"])
def test_a_named_variable_that_is_not_set_is_told(tmp_path: Path, given: dict[str, str]) -> None:
    """The engine says which option it takes from which variable; nothing is filled."""
    text = '[engines.lab]\nengine = "scripted"\nproxy_url_env = "LAB_PROXY"\n'
    lab = load(tmp_path, text, **given).engines["lab"]

    assert lab.options == {}
    with pytest.raises(BadSettings, match="lab takes its proxy_url from LAB_PROXY, which is not set"):
        lab.check_key()


def test_a_kind_finds_its_secrets_by_itself(tmp_path: Path) -> None:
    """The kind's own variables fill its options, configured or not; unset ones are not missed."""
    text = '[engines.mine]\nengine = "sora-web"\n'
    found = load(tmp_path, text, WEBSHARE_API_KEY=SECRET, SORA_PROXY_URL=ADDRESS)
    bare = load(tmp_path, text)

    for one in (found.engines["mine"], found.shipped["sora-web"]):
        assert one.options == {"webshare_key": SECRET, "proxy_url": ADDRESS}
    assert bare.engines["mine"].options == {}
    bare.engines["mine"].check_key()


def test_the_file_wins_over_a_kinds_own_variables(tmp_path: Path) -> None:
    """A value or another variable in the file takes the place of the default, and "" turns it off."""
    text = (
        '[engines.mine]\nengine = "sora-web"\n'
        'proxy_url = "http://proxy.example.com:1"\nwebshare_key_env = "MY_KEY"\n'
        '[engines.two]\nengine = "sora-web"\nproxy_url_env = ""\nwebshare_key_env = ""\n'
    )
    found = load(tmp_path, text, WEBSHARE_API_KEY="other", SORA_PROXY_URL=ADDRESS, MY_KEY=SECRET)

    assert found.engines["mine"].options == {
        "proxy_url": "http://proxy.example.com:1",
        "webshare_key": SECRET,
    }
    assert found.engines["two"].options == {}
    found.engines["two"].check_key()


def test_a_variable_is_named_by_a_word(tmp_path: Path) -> None:
    """A NAME_env that is no text is a mistake that names its place."""
    with pytest.raises(BadSettings, match=r"engines\.lab\.proxy_url_env is 3"):
        load(tmp_path, "[engines.lab]\nproxy_url_env = 3\n").engines["lab"].check_key()


def test_no_option_is_shown(tmp_path: Path) -> None:
    """Neither `rushes config` nor the text of a settings object holds a key or an address with a password."""
    text = f'[engines.mine]\nengine = "sora-web"\nproxy_url = "{ADDRESS}"\n'
    found = load(tmp_path, text, WEBSHARE_API_KEY=SECRET)
    said = Terminal(home=tmp_path).run("config", "--json")

    assert "mine (sora-web)" in said.json()["engines"]
    assert SECRET not in said.out + said.err
    assert found.engines["mine"].options["webshare_key"] == SECRET
    assert SECRET not in repr(found)


def test_a_shipped_kind_is_there_without_being_configured(tmp_path: Path) -> None:
    """Its models are found by address and it can be made; the lists hold only what is configured."""
    with Studio(load(tmp_path)) as studio:
        assert studio.model("sora-web/sy_8").id == "sy_8"
        assert studio.engine("animatic").name == "animatic"
        assert {one.engine for one in studio.catalogue} == {"animatic"}
    taken = load(tmp_path, '[engines.sora-web]\nengine = "scripted"\n')
    assert taken.engines["sora-web"].kind == "scripted"
    assert "sora-web" not in taken.shipped


def test_reload_takes_up_a_table_for_a_shipped_kind(tmp_path: Path) -> None:
    """A worker that holds an unconfigured kind takes up its table when it comes, and lets go of it again."""
    with Studio(load(tmp_path)) as studio:
        assert studio.settings.engine("sora-web") is not None
        table = '[engines.sora-web]\nengine = "scripted"\nbase_url = "http://127.0.0.1:9"\n'
        (tmp_path / "config.toml").write_text(table)
        studio.roster.reload()
        configured = studio.engine("sora-web")
        studio.roster.reload()
        assert studio.engine("sora-web") is configured
        (tmp_path / "config.toml").write_text(table.replace(":9", ":10"))
        studio.roster.reload()
        assert studio.engine("sora-web") is not configured
        (tmp_path / "config.toml").write_text("")
        studio.roster.reload()
        assert studio.model("sora-web/sy_8").service == "https://sora.chatgpt.com"


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "10001"])
async def test_a_price_that_cannot_be_is_told_before_anything_is_quoted(tmp_path: Path, price: str) -> None:
    """It is the settings file that has to be corrected, and the entry is named (F34)."""
    model = f'[[engines.lab.models]]\nid = "one"\nprice = {{ per_clip = {price} }}\n'
    settings = load(tmp_path, f'[engines.lab]\nengine = "scripted"\n{model}')
    told = pytest.raises(BadSettings, match=r"lab/one .*price\.per_clip is -?\w+; .* US dollars")
    with Studio(settings) as studio, told as caught:
        await studio.quote(VideoRequest(prompt="a boat", model="lab/one"))
    assert "rushes config path" in caught.value.next


def test_a_projects_secret_that_cannot_be_used_is_not_handed_on(tmp_path: Path) -> None:
    """A proxy service's key with a stray byte in a project's `.env` keeps no other engine from use (B1)."""
    project = tmp_path / "project"
    project.mkdir()
    (project / ".env").write_text(f"WEBSHARE_API_KEY={SECRET}\x07\n")
    found = settings.load({"RUSHES_HOME": str(tmp_path)}, project)
    sora = found.engine("sora-web")

    assert found.folder_variables == {}
    assert sora is not None
    assert [one.why for one in sora.refused.values()] == ["it has a character that no key can have"]
