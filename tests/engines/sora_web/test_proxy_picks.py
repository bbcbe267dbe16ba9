"""Which proxy of a Webshare account is picked, how long it is kept, and what is said where there is none."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from rushes.domain.errors import BadSettings, RushesError, SetupError, Unreachable
from rushes.engines.sora_web.proxy import Proxies, Proxy
from rushes.testing.webshare import WebshareDouble, listed, running

KEY = "invented-webshare-key"
DAY_S = 86_400.0
FIXED = "http://ada:hunter-two@proxy.example.com:8080"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def account() -> Iterator[WebshareDouble]:
    """Three proxies of the US among some others."""
    proxies = [listed(1, country="DE"), listed(2), listed(3), listed(4), listed(5, country="GB")]
    with running(proxies, key=KEY) as double:
        yield double


def proxies_of(account: WebshareDouble, folder: Path, clock: Clock | None = None, **settings: Any) -> Proxies:
    given = {"webshare_key": KEY, "webshare_url": account.url, **settings}
    return Proxies(given, folder, clock=clock or Clock())


async def picked(proxies: Proxies) -> Proxy:
    found = await proxies.current()
    assert found is not None
    return found


def words(error: RushesError) -> str:
    return json.dumps(error.as_json())


async def test_nothing_is_configured(tmp_path: Path) -> None:
    """Without settings there is no proxy, and nothing is written."""
    assert await Proxies({}, tmp_path).current() is None
    assert list(tmp_path.iterdir()) == []


async def test_a_fixed_proxy(tmp_path: Path) -> None:
    """A `proxy_url` is used as it is, and is not written anywhere."""
    assert await Proxies({"proxy_url": FIXED}, tmp_path).current() == Proxy.from_url(FIXED)
    assert list(tmp_path.iterdir()) == []


async def test_a_fixed_proxy_that_fails(tmp_path: Path) -> None:
    """There is none to put in the place of a `proxy_url`, and the error names it without its credentials."""
    proxies = Proxies({"proxy_url": FIXED}, tmp_path)
    with pytest.raises(Unreachable) as caught:
        await proxies.replace(await picked(proxies))
    assert caught.value.message == "the proxy proxy.example.com:8080 does not answer"
    assert "proxy_url" in caught.value.next
    assert "ada" not in words(caught.value)
    assert "hunter-two" not in words(caught.value)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"proxy_url": FIXED, "webshare_key": KEY}, "proxy_url and webshare_key"),
        ({"proxy_url": 8080}, "proxy_url"),
        ({"webshare_key": KEY, "webshare_url": "webshare.example.com"}, "webshare_url"),
        ({"webshare_key": KEY, "webshare_url": "http://webshare.example.com:x"}, "webshare_url"),
        ({"webshare_key": KEY, "proxy_country": "United States"}, "proxy_country"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], named: str, tmp_path: Path) -> None:
    """What is wrong with the settings is said at once, by its name, and without the key or the password."""
    with pytest.raises(BadSettings, match=named) as caught:
        Proxies(settings, tmp_path)
    assert KEY not in words(caught.value)
    assert "hunter-two" not in words(caught.value)


async def test_the_list_is_asked_for_as_documented(account: WebshareDouble, tmp_path: Path) -> None:
    """One page of the list in direct mode is asked for, with the key in the Authorization header."""
    await picked(proxies_of(account, tmp_path))
    assert account.asked == [({"mode": "direct", "page": "1", "page_size": "100"}, f"Token {KEY}")]


async def test_a_pick_is_of_the_country_and_works(account: WebshareDouble, tmp_path: Path) -> None:
    """A proxy of another country, or one that failed Webshare's own check, is not picked."""
    account.proxies = [listed(number, country="DE") for number in range(10, 30)]
    account.proxies += [listed(number, valid=False) for number in range(30, 50)]
    account.proxies.append(listed(3, username="ben"))
    pick = await picked(proxies_of(account, tmp_path))
    assert pick == Proxy(
        server="http://198.51.100.3:8080",
        username="ben",
        password="invented-password",
        country="US",
        id="d-3",
    )


async def test_a_pick_is_kept(account: WebshareDouble, tmp_path: Path) -> None:
    """Another start uses the same proxy without asking, from a file that nobody else can read."""
    first = await picked(proxies_of(account, tmp_path / "ada"))
    assert await picked(proxies_of(account, tmp_path / "ada")) == first
    assert len(account.asked) == 1
    assert stat.S_IMODE((tmp_path / "ada" / "proxy.json").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "ada").iterdir()] == ["proxy.json"]


async def test_profiles_are_spread_over_the_proxies(account: WebshareDouble, tmp_path: Path) -> None:
    """Profiles do not all take the first proxy, and each takes its own again after a sign-out."""
    account.proxies = [listed(number) for number in range(1, 21)]
    names = ["ada", "ben", "cleo", "dov"]
    picks = {name: await picked(proxies_of(account, tmp_path / name)) for name in names}
    assert len({pick.server for pick in picks.values()}) > 1
    for name in names:
        (tmp_path / name / "proxy.json").unlink()
        assert await picked(proxies_of(account, tmp_path / name)) == picks[name]


async def test_later_pages_are_read(account: WebshareDouble, tmp_path: Path) -> None:
    """A proxy of the country is found on the third page of the list."""
    account.proxies = [listed(number, address="198.51.100.1", country="DE") for number in range(229)] + [
        listed(7)
    ]
    assert str(await picked(proxies_of(account, tmp_path))) == "198.51.100.7:8080"
    assert [query["page"] for query, _ in account.asked] == ["1", "2", "3"]


async def test_the_key_is_shown_to_one_origin_only(account: WebshareDouble, tmp_path: Path) -> None:
    """Where a page or a redirect names another origin, that one is never asked."""
    account.proxies = [listed(number) for number in range(150)]
    with running([listed(9)], key=KEY) as other:
        account.elsewhere = other.url
        await picked(proxies_of(account, tmp_path / "ada"))
        account.response = RedirectResponse(f"{other.url}/api/v2/proxy/list/?mode=direct")
        with pytest.raises(Unreachable):
            await proxies_of(account, tmp_path / "ben").current()
        assert other.asked == []


async def test_at_once_is_asked_once(account: WebshareDouble, tmp_path: Path) -> None:
    """Two who need the proxy at the same time get the same one, from one question."""
    proxies = proxies_of(account, tmp_path)
    first, second = await asyncio.gather(proxies.current(), proxies.current())
    assert first == second
    assert len(account.asked) == 1


async def test_a_failed_pick_is_replaced(account: WebshareDouble, tmp_path: Path) -> None:
    """After a failure another proxy is picked, and kept for the next start too."""
    proxies = proxies_of(account, tmp_path)
    first = await picked(proxies)
    second = await proxies.replace(first)
    assert second.server != first.server
    assert await picked(proxies_of(account, tmp_path)) == second


async def test_a_failure_that_is_told_twice(account: WebshareDouble, tmp_path: Path) -> None:
    """Two who saw the same proxy fail get the same new one; the second asks for no other."""
    proxies = proxies_of(account, tmp_path)
    first = await picked(proxies)
    second = await proxies.replace(first)
    account.proxies = [listed(9)]
    assert await proxies.replace(first) == second
    assert await picked(proxies) == second


async def test_all_have_failed(account: WebshareDouble, tmp_path: Path) -> None:
    """Where none is left the error counts them without any credentials; another start says the same."""
    account.proxies.append(listed(6, valid=False))
    proxies = proxies_of(account, tmp_path)
    pick = await proxies.replace(await proxies.replace(await picked(proxies)))
    with pytest.raises(SetupError) as caught:
        await proxies.replace(pick)
    assert "no proxy of US works: of 4, 3 failed here" in caught.value.message
    assert "1 did not pass Webshare's own check" in caught.value.message
    assert "invented" not in words(caught.value).replace(str(tmp_path), "")
    with pytest.raises(SetupError, match="3 failed here"):
        await proxies_of(account, tmp_path).current()


async def test_a_failure_is_forgotten_after_a_day(account: WebshareDouble, tmp_path: Path) -> None:
    """A proxy that failed is not used for a day, and then it is."""
    account.proxies, clock = [listed(2)], Clock()
    proxies = proxies_of(account, tmp_path, clock)
    only = await picked(proxies)
    with pytest.raises(SetupError):
        await proxies.replace(only)
    clock.now += DAY_S - 1
    with pytest.raises(SetupError):
        await proxies.current()
    clock.now += 2
    assert await proxies.current() == only


async def test_a_pick_is_made_after_webshare_was_away(account: WebshareDouble, tmp_path: Path) -> None:
    """A failure is remembered even where no other proxy could be asked for at that moment."""
    proxies = proxies_of(account, tmp_path)
    first = await picked(proxies)
    account.response = Response(status_code=503)
    with pytest.raises(Unreachable):
        await proxies.replace(first)
    account.response = None
    assert (await picked(proxies)).server != first.server


async def test_another_country_is_another_pick(account: WebshareDouble, tmp_path: Path) -> None:
    """A kept pick is not used once `proxy_country` names another country."""
    await picked(proxies_of(account, tmp_path))
    assert (await picked(proxies_of(account, tmp_path, proxy_country="de"))).country == "DE"


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"pick": 1}', '{"pick": {"port": 1}, "failed": {}}', '{"pick": null, "failed": {"a": "b"}}'],
)
async def test_a_damaged_file_is_made_anew(account: WebshareDouble, tmp_path: Path, text: str) -> None:
    """A `proxy.json` that makes no sense is replaced by a new pick."""
    file = tmp_path / "proxy.json"
    file.write_text(text)
    pick = await picked(proxies_of(account, tmp_path))
    assert json.loads(file.read_text())["pick"]["server"] == pick.server


async def test_a_wrong_key(account: WebshareDouble, tmp_path: Path) -> None:
    """The error names the variable that holds the key, and never the key."""
    with pytest.raises(BadSettings, match="WEBSHARE_API_KEY") as caught:
        await proxies_of(account, tmp_path, webshare_key="another-invented-key").current()
    assert "another-invented-key" not in words(caught.value)


async def test_no_proxy_of_the_country(account: WebshareDouble, tmp_path: Path) -> None:
    """The error names the countries that the account has proxies of."""
    with pytest.raises(BadSettings, match=r"no proxy of FR; it has proxies of DE \(1\), GB \(1\), US \(3\)"):
        await proxies_of(account, tmp_path, proxy_country="FR").current()
    account.proxies = []
    with pytest.raises(BadSettings, match="no proxy of FR; it has none at all"):
        await proxies_of(account, tmp_path, proxy_country="FR").current()


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (JSONResponse({"detail": f"{KEY}: two-factor code needed"}, 403), BadSettings),
        (JSONResponse({"detail": "Not found."}, 404), BadSettings),
        (JSONResponse({"detail": "Request was throttled."}, 429), Unreachable),
        (Response(status_code=500), Unreachable),
        (Response("<p>not a list</p>"), Unreachable),
        (JSONResponse([]), Unreachable),
        (JSONResponse({"next": None, "results": [{"proxy_address": "198.51.100.1"}]}), Unreachable),
    ],
)
async def test_the_list_is_refused(
    response: Response, expected: type[RushesError], account: WebshareDouble, tmp_path: Path
) -> None:
    """What may be mended by waiting is Unreachable, what a person must mend is not, and no key is told."""
    account.response = response
    with pytest.raises(expected, match="Webshare") as caught:
        await proxies_of(account, tmp_path).current()
    assert KEY not in words(caught.value)


async def test_webshare_is_not_there(tmp_path: Path) -> None:
    """Where nobody answers for the list, that is Unreachable and nothing is written."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(Unreachable, match="Webshare did not answer"):
        await Proxies({"webshare_key": KEY, "webshare_url": url}, tmp_path).current()
    assert list(tmp_path.iterdir()) == []
