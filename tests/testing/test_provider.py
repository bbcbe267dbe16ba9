"""The provider double itself: its log, its rules, its files, and that it goes when its caller goes."""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from rushes.media.lint import lint
from rushes.testing.footage import Footage
from rushes.testing.process import ProviderProcess, running


def create(provider: ProviderProcess, prompt: str, **body: object) -> httpx.Response:
    return httpx.post(f"{provider.base_url}/create", json={"prompt": prompt, **body})


def test_the_log_has_what_was_accepted_and_nothing_else(tmp_path: Path) -> None:
    """One line for each accepted create, on disk before the answer; a refused one leaves none."""
    log = tmp_path / "creates.jsonl"
    with running(log) as provider:
        provider.script("refused", create=[{"accept": False, "status": 422}])
        provider.script("lost", create=[{"drop": True}])
        assert create(provider, "one", key="k1").status_code == 202
        assert create(provider, "refused").status_code == 422
        with pytest.raises(httpx.RemoteProtocolError):
            create(provider, "lost")
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        assert [entry["prompt"] for entry in entries] == ["one", "lost"]
        assert provider.log() == entries
        assert set(entries[0]) == {"id", "key", "prompt", "billed", "time"}
        assert provider.stats()["creates"] == 2


def test_the_same_key_is_the_same_job_where_keys_are_honoured(provider: ProviderProcess) -> None:
    """A replay gets the first answer and no new line in the log; without keys it is bought again."""
    for keys, count in ((True, 1), (False, 2)):
        words = secrets.token_hex(6)
        provider.script(words, keys=keys)
        ids = {create(provider, words, key=words).json()["id"] for _ in range(2)}
        assert len(ids) == len(provider.log(words)) == count


def test_a_rule_for_more_words_wins_and_steps_are_used_up(provider: ProviderProcess) -> None:
    """The longest match counts; a step with `times` gives way to the next, and then to the usual."""
    words = secrets.token_hex(6)
    provider.script(words, create=[{"accept": False, "status": 500}])
    provider.script(
        f"{words} boat",
        create=[{"accept": False, "status": 429, "times": 1}, {"accept": False, "status": 402, "times": 1}],
    )
    codes = [create(provider, f"{words} boat").status_code for _ in range(3)]
    assert [*codes, create(provider, words).status_code] == [429, 402, 202, 500]


def test_a_rule_with_a_word_it_does_not_know_is_refused(provider: ProviderProcess) -> None:
    """A typing mistake in a test must not pass as the usual behaviour."""
    with pytest.raises(ValueError, match="rendr"):
        provider.script("anything", rendr={})


def test_a_file_can_be_had_from_its_middle(provider: ProviderProcess) -> None:
    """Range with the right tag gives the rest, with another tag all of it."""
    id = create(provider, "a boat").json()["id"]
    offered = httpx.get(f"{provider.base_url}/jobs/{id}/results").json()["results"]
    url = offered[0]["candidates"][0]
    whole = httpx.get(url)
    rest = httpx.get(url, headers={"Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    other = httpx.get(url, headers={"Range": "bytes=100-", "If-Range": '"another"'})
    beyond = httpx.get(url, headers={"Range": f"bytes={len(whole.content)}-"})
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    assert (other.status_code, other.content) == (200, whole.content)
    assert beyond.status_code == 416


def test_it_goes_when_its_caller_dies(tmp_path: Path) -> None:
    """A test run that is killed leaves no server behind."""
    start = "from rushes.testing.process import start; from pathlib import Path; import os, sys;"
    start += "p = start(Path(sys.argv[1])); print(p.process.pid, flush=True); os._exit(0)"
    said = subprocess.run(
        [sys.executable, "-c", start, str(tmp_path / "log")], capture_output=True, text=True, timeout=30
    )
    pid = int(said.stdout)
    ended = os.pidfd_open(pid) if Path(f"/proc/{pid}").exists() else None
    if ended is not None:
        assert select.select([ended], [], [], 15)[0], "the provider is still there"
        os.close(ended)


def test_the_footage_is_what_its_kinds_say(tmp_path: Path) -> None:
    """The whole clip is healthy, one with its index last has that fault alone, half a one is cut short."""
    footage = Footage(160, 96, 0.5)
    found = {}
    for kind in ("ok", "small", "moov_last", "truncated"):
        path = tmp_path / f"{kind}.mp4"
        path.write_bytes(footage.named(kind))
        found[kind] = [finding.code for finding in lint(path)]
    assert found == {"ok": [], "small": [], "moov_last": ["moov_last"], "truncated": ["truncated"]}
