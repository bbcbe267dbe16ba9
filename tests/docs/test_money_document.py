"""The page on money runs: every command in order, against doubles of both services; nothing bought twice."""

from __future__ import annotations

import shlex
from pathlib import Path

from rushes.testing import fal_service, openrouter_service
from rushes.testing.standin_process import running_standin
from tests.docs.test_documents import ROOT, blocks, home
from tests.docs.test_sora_document import run

PAGE = ROOT / "docs" / "money.md"

SETTINGS = """
[engines.openrouter]
base_url = "{openrouter}"
[engines.fal]
queue_url = "{fal}"
api_url = "{fal}/v1"
storage_url = "{fal}"
"""


def test_a_day_with_two_keys_runs(tmp_path: Path) -> None:
    """Every command does what the page says; a refusal goes to the next engine, a batch is bought once."""
    folder = tmp_path / "home"
    folder.mkdir()
    (lines,) = blocks(PAGE, "json")
    (tmp_path / "shots.jsonl").write_text(lines)
    environ = home(folder) | {
        "OPENROUTER_API_KEY": openrouter_service.KEY,
        "FAL_KEY": fal_service.KEY,
    }
    with (
        running_standin("rushes.testing.openrouter_service:OpenRouterService", tmp_path / "or.log") as first,
        running_standin("rushes.testing.fal_service:FalService", tmp_path / "fal.log") as second,
    ):
        at = SETTINGS.format(openrouter=first.base_url, fal=second.base_url)
        (folder / "config.toml").write_text(at)
        first.tell(
            "create",
            "a kite",
            status=404,
            body={"error": {"code": 404, "message": "No endpoints found for it."}},
        )
        for line in "".join(blocks(PAGE, "console")).splitlines():
            done = run(shlex.split(line.removeprefix("$ ")), tmp_path, environ)
            assert done.returncode == 0, (line, done.stderr)
        assert [len(first.log(words)) for words in ("boat", "harbour", "kite")] == [3, 1, 0]
        assert len(second.log("kite")) == 1
        assert len((tmp_path / "shots.results.jsonl").read_text().splitlines()) == 3
        assert (tmp_path / "sea.mp4").is_file()
