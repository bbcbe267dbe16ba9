"""Tiny pipelines with random weights, built in code: real in every part, and they have learnt nothing.

They show coloured noise. What they prove is the road: tokenizer, text encoder, transformer, scheduler,
decoder, progress, cancelling, the same bytes for the same seed. They need no download and no GPU.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

WEIGHTS_SEED = 20
WIDTH = 32
LATENT = 16
CONDITION = 20
"""Channels that Wan's image models have beside the latent: four of mask, and the picture's own latent."""


def build(name: str) -> Any:
    """Return the pipeline of "tiny-random-text", "-image" (first frame) or "-frames" (first and last)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHTS_SEED)
        text = name == "tiny-random-text"
        parts = {
            "text_encoder": _text_encoder(),
            "vae": _vae(),
            "transformer": _transformer(LATENT if text else LATENT + CONDITION),
        }
    made = WanPipeline if text else WanImageToVideoPipeline
    return made(tokenizer=_tokenizer(), scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), **parts)


def _tokenizer() -> Any:
    """Return a tokenizer of single bytes: no vocabulary to download."""
    special = ["<pad>", "</s>", "<unk>"]
    words = special + sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", vocabulary["</s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def _text_encoder() -> Any:
    return UMT5EncoderModel(
        UMT5Config(vocab_size=259, d_model=WIDTH, d_kv=8, d_ff=48, num_layers=1, num_heads=4)
    ).eval()


def _vae() -> Any:
    return AutoencoderKLWan(
        base_dim=3,
        z_dim=LATENT,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
    ).eval()


def _transformer(channels: int) -> Any:
    return WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=channels,
        out_channels=LATENT,
        text_dim=WIDTH,
        ffn_dim=48,
        num_layers=2,
        rope_max_seq_len=128,
    ).eval()
