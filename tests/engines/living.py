"""Every engine whose service is alive, each over its double, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

from rushes.testing.process import running
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.engines import fault_tables as tables
from tests.engines.counters import Counter, ProviderCounter, ServiceCounter
from tests.engines.fal.stage import HAILUO, I2V
from tests.engines.faults import Fault
from tests.engines.openai_videos.lab import MODEL, TABLE
from tests.engines.openrouter.stage import KLING

QUICK = {"post_timeout": 3.0, "list_delay": 0.2, "ask_after": 0.1}

PRICE = Decimal("0.2")
"""Four seconds at what the table of the servers says; two at what the scripted engine says."""

Start = Callable[[str], StandInProcess]


@contextmanager
def services(folder: Path) -> Iterator[Start]:
    """Give what starts the double of a service; all end with the block. Their books go into `folder`."""
    with ExitStack() as stack:

        def start(double: str) -> StandInProcess:
            return stack.enter_context(running_standin(f"rushes.testing.{double}", folder / double))

        yield start


@contextmanager
def every_counter(folder: Path) -> Iterator[list[Counter]]:
    """Give every living engine over its double, `/v1/videos` over three kinds of servers, and `scripted`."""
    with services(folder) as start, running(folder / "provider", footage="160x96x0.5") as provider:
        options = {**QUICK, "base_url": provider.base_url, "recovery": "replay_key"}
        yield [
            videos(start, "SGLang", tables.SGLANG),
            videos(start, "VllmOmni", tables.VLLM),
            videos(start, "NewApi", tables.NEW_API),
            openrouter(start),
            fal(start),
            ProviderCounter(
                provider,
                key=tables.SCRIPTED_KEY,
                options={**options, "key": tables.SCRIPTED_KEY},
                faults=tables.SCRIPTED,
                price=PRICE,
            ),
        ]


def videos(start: Start, kind: str, faults: Sequence[Fault]) -> ServiceCounter:
    service = start(f"openai_videos_servers:{kind}")
    options = {**QUICK, "base_url": service.base_url, "key": tables.OPENAI_KEY, "models": [TABLE]}
    return ServiceCounter(
        kind,
        "openai-videos",
        service,
        key=tables.OPENAI_KEY,
        options=options,
        faults=faults,
        models=(MODEL, MODEL),
        price=PRICE,
    )


def openrouter(start: Start) -> ServiceCounter:
    service = start("openrouter_service:OpenRouterService")
    options = {**QUICK, "base_url": service.base_url, "key": tables.ROUTER_KEY}
    return ServiceCounter(
        "openrouter",
        "openrouter",
        service,
        key=tables.ROUTER_KEY,
        options=options,
        faults=tables.OPENROUTER,
        models=(KLING, KLING),
    )


def fal(start: Start) -> ServiceCounter:
    service = start("fal_service:FalService")
    base = service.base_url
    places = {"queue_url": base, "api_url": f"{base}/v1", "storage_url": base}
    return ServiceCounter(
        "fal",
        "fal",
        service,
        key=tables.FAL_KEY,
        options={**QUICK, **places, "key": tables.FAL_KEY, "look_for": 0.0},
        faults=tables.FAL,
        models=(HAILUO, I2V),
    )
