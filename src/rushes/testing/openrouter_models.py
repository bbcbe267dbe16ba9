"""Some of OpenRouter's models as its list had them in October 2026, one of each way to price and to limit."""

from __future__ import annotations

from typing import Any


def _model(id: str, name: str, skus: dict[str, str], **told: Any) -> dict[str, Any]:
    """Return an entry of the list; what is not told is null, as it is there."""
    return {
        "id": id,
        "canonical_slug": f"{id}-20260801",
        "name": name,
        "created": 1785542400,
        "description": "",
        "allowed_passthrough_parameters": [],
        "creativity": None,
        "generate_audio": None,
        "seed": None,
        "supported_aspect_ratios": None,
        "supported_durations": None,
        "supported_frame_images": None,
        "supported_resolutions": None,
        "supported_sizes": None,
        "upscale_factor": None,
        "pricing_skus": skus,
        **told,
    }


def _range(low: int, high: int) -> list[int]:
    return list(range(low, high + 1))


MODELS = [
    _model(
        "kwaivgi/kling-v3.0-std",
        "Kling: Video v3.0 Standard",
        {
            "duration_seconds": "0.084",
            "duration_seconds_with_audio": "0.126",
            "text_to_video_duration_seconds_720p": "0.084",
            "image_to_video_duration_seconds_720p": "0.084",
        },
        supported_durations=_range(3, 15),
        supported_resolutions=["720p"],
        supported_aspect_ratios=["16:9", "9:16", "1:1"],
        supported_sizes=["1280x720", "720x1280", "720x720"],
        supported_frame_images=["first_frame", "last_frame"],
        generate_audio=True,
        seed=False,
        allowed_passthrough_parameters=["negative_prompt", "cfg_scale"],
    ),
    _model(
        "bytedance/seedance-2.5",
        "ByteDance: Seedance 2.5",
        {
            "video_tokens": "0.0000107",
            "video_tokens_without_audio": "0.0000107",
            "video_tokens_with_video_input": "0.0000064",
        },
        supported_durations=_range(4, 30),
        supported_resolutions=["480p", "720p"],
        supported_aspect_ratios=["16:9", "4:3", "1:1", "3:4", "9:16", "21:9"],
        supported_sizes=[
            *("854x480", "752x560", "640x640", "560x752", "480x854", "992x432"),
            *("1280x720", "1112x834", "960x960", "834x1112", "720x1280", "1470x630"),
        ],
        supported_frame_images=["first_frame", "last_frame"],
        generate_audio=True,
        seed=True,
    ),
    _model(
        "alibaba/wan-2.6",
        "Alibaba: Wan 2.6",
        {
            "text_to_video_duration_seconds_480p": "0.04",
            "text_to_video_duration_seconds_720p": "0.08",
            "image_to_video_duration_seconds_720p": "0.10",
            "text_to_video_duration_seconds_1080p": "0.12",
            "image_to_video_duration_seconds_1080p": "0.15",
        },
        supported_durations=[5, 10],
        supported_resolutions=["720p", "1080p"],
        supported_aspect_ratios=["16:9", "9:16"],
        supported_frame_images=["first_frame"],
        generate_audio=True,
        seed=True,
    ),
    _model(
        "minimax/hailuo-3",
        "MiniMax: Hailuo 3",
        {"duration_seconds": "0.13", "reference_images": "0.04"},
        supported_durations=_range(5, 15),
        supported_resolutions=["2K"],
        supported_aspect_ratios=["21:9", "16:9", "4:3", "1:1", "3:4", "9:16"],
        supported_frame_images=["first_frame", "last_frame"],
        generate_audio=True,
        seed=False,
    ),
    _model(
        "google/veo-3.1-lite",
        "Google: Veo 3.1 Lite",
        {
            "duration_seconds_with_audio": "0.08",
            "duration_seconds_without_audio": "0.05",
            "duration_seconds_with_audio_720p": "0.05",
            "duration_seconds_without_audio_720p": "0.03",
        },
        supported_durations=[8, 4, 6],
        supported_resolutions=["720p", "1080p"],
        supported_aspect_ratios=["16:9", "9:16"],
        supported_frame_images=["first_frame", "last_frame"],
        generate_audio=True,
        seed=True,
    ),
    _model(
        "black-forest-labs/flux-3-video",
        "Black Forest Labs: FLUX.3 Video",
        {
            "cents_per_second_output": "17",
            "cents_per_second_output_720p": "17",
            "cents_per_second_output_1080p": "29",
            "cents_per_second_video_continuation_720p": "41",
            "cents_per_second_video_continuation_1080p": "53",
        },
        supported_durations=_range(5, 20),
        supported_resolutions=["720p", "1080p"],
        supported_aspect_ratios=["21:9", "16:9", "4:3", "1:1", "3:4", "9:16"],
        supported_frame_images=["first_frame", "last_frame"],
        generate_audio=True,
        seed=False,
    ),
    _model(
        "x-ai/grok-imagine-video-1.5",
        "xAI: Grok Imagine Video 1.5",
        {"cents_per_image_input": "1", "cents_per_video_output_second_720p": "14"},
        supported_durations=_range(1, 15),
        supported_resolutions=["720p"],
        supported_aspect_ratios=["16:9", "9:16", "1:1"],
        supported_frame_images=["first_frame"],
    ),
    _model(
        "heygen/heygen-video-1",
        "HeyGen: HeyGen Video 1",
        {"duration_seconds_480p": "0.02", "reference_duration_seconds_480p": "0.04"},
        supported_durations=_range(5, 15),
        supported_resolutions=["480p"],
        supported_aspect_ratios=["16:9"],
        supported_frame_images=["first_frame"],
        generate_audio=False,
        seed=True,
    ),
    _model(
        "runway/aleph-2",
        "Runway: Aleph 2.0",
        {"cents_per_second_output": "28", "minimum_cents_per_generation": "56"},
        supported_aspect_ratios=["16:9", "4:3"],
        generate_audio=False,
        seed=True,
    ),
    _model(
        "example/priced-oddly",
        "Example: Priced Oddly",
        {"duration_seconds": "0.1", "credits_per_scene": "3"},
        supported_durations=[5],
        supported_resolutions=["720p"],
        supported_aspect_ratios=["16:9"],
    ),
]
