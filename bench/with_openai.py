"""Makes videos with the openai SDK as its documents say; runs in the environment of the benchmarks alone.

    python with_openai.py BASE_URL KEY < ORDERS

An order is a line of JSON: `prompt`, `model`, `seconds`, `path` of the file, `start` in seconds from now.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from openai import AsyncOpenAI  # type: ignore[import-not-found,unused-ignore]


async def make(client: Any, order: dict[str, Any]) -> None:
    await asyncio.sleep(order["start"])
    video = await client.videos.create_and_poll(
        prompt=order["prompt"], model=order["model"], seconds=order["seconds"], size="1280x720"
    )
    content = await client.videos.download_content(video.id)
    content.write_to_file(order["path"])


async def main(base_url: str, key: str) -> None:
    orders = [json.loads(line) for line in sys.stdin]
    async with AsyncOpenAI(base_url=base_url, api_key=key) as client:
        await asyncio.gather(*(make(client, order) for order in orders))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
