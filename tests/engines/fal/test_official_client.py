"""fal's own client works with the double: so what our engine is held against is the wire that it speaks."""

from __future__ import annotations

from typing import Any

import pytest

from rushes.testing.fal_service import KEY
from tests.engines.fal.stage import HAILUO, Stage

fal_client = pytest.importorskip("fal_client")


@pytest.fixture
def official(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client at the double: its hosts are constants of its module, without a switch."""
    base = f"{stage.service.base_url}/"
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", base)
    monkeypatch.setattr(fal_client.client, "REST_URL", base.rstrip("/"))
    monkeypatch.setattr(fal_client.client, "CDN_URL", base.rstrip("/"))
    return fal_client.AsyncClient(key=KEY)


async def test_the_official_client_submits_follows_and_reads(stage: Stage, official: Any) -> None:
    """Submit, status, result and upload, as its 1.0 speaks them."""
    address = await official.upload(b"RIFF", "audio/wav", "a.wav")
    body = {"prompt": stage.prompt("a boat"), "target_audio_url": address}
    handle = await official.submit(HAILUO, arguments=body)
    result = await handle.get(interval=0.05)
    assert result["video"]["url"].endswith(f"{handle.request_id}/output.mp4")
    assert stage.sent("a boat") == {"target_audio_url": address}
    await (await official._client).aclose()


async def test_the_official_client_sends_a_create_again(stage: Stage, official: Any) -> None:
    """Why the engine does not submit through it: what was accepted and not answered is bought twice."""
    stage.tell("create", drop=True, accept=True, times=1)
    await official.submit(HAILUO, arguments={"prompt": stage.prompt("a boat")})
    assert len(stage.creates()) == 2
    await (await official._client).aclose()
