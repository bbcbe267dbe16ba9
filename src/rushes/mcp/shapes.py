"""The shapes of structured answers. A client may show a model these alone, so each says what to do next."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class QuoteShape(BaseModel):
    """The price of what was asked for, and whether somebody agreed to it."""

    quote_id: str
    model: str
    chosen: str = Field(description="Why this model.")
    count: int
    price: str = Field(description="In words, for the person.")
    total_usd: str | None = Field(description="For all clips; null: not known.")
    basis: str = Field(description="per_use, included_in_plan or free.")
    approved: bool
    approved_by: str | None
    expires_at: str
    request: dict[str, Any] = Field(description="What would be sent, complete.")
    remarks: list[str]
    understood: list[str] | None = Field(
        default=None, description="What of the prompt is drawn; null: the engine cannot tell beforehand."
    )
    not_drawn: list[str] | None = Field(default=None, description="What of the prompt will not be seen.")
    assumed: list[str] | None = Field(default=None, description="What is drawn though no word says it.")
    next: str = Field(description="What to do now.")


class ErrorShape(BaseModel):
    """Why a job has no clip."""

    code: str
    message: str
    billed: str = Field(description="Whether it was charged: yes, no or unknown.")
    next: str


class ClipShape(BaseModel):
    """A verified clip in the library."""

    id: str
    path: str
    sheet: str = Field(description="The picture of twelve frames.")
    uri: str
    sheet_uri: str
    facts: list[str] = Field(description="What was measured in it.")


class JobShape(BaseModel):
    """A job and what came of it."""

    job_id: str
    state: str
    model: str
    prompt: str
    seconds: float | None
    percent: int | None = Field(description="Of the render, then of the download, if it is known.")
    cost: str
    key: str | None
    clips: list[ClipShape]
    error: ErrorShape | None
    warnings: list[str]
    understood: list[str] | None = Field(
        default=None, description="What of the prompt is drawn; null: the engine cannot tell beforehand."
    )
    not_drawn: list[str] | None = Field(default=None, description="What of the prompt will not be seen.")
    assumed: list[str] | None = Field(default=None, description="What is drawn though no word says it.")
    next: str = Field(description="What to do now.")


class JobsShape(BaseModel):
    """Jobs, and what to do now."""

    jobs: list[JobShape]
    next: str


class ModelShape(BaseModel):
    """A model and what it can do."""

    model: str
    provider: str
    seconds: str
    aspects: list[str]
    resolutions: list[str]
    references: dict[str, int]
    audio: str
    price: str
    status: str = Field(description="ready, or what is missing before it can be used.")
    notes: str


class ModelsShape(BaseModel):
    """Models that can be used here."""

    models: list[ModelShape]
    left_off: int
    next: str


class ExplanationShape(BaseModel):
    """Why a job stands where it stands, and what may be done about it."""

    job_id: str
    state: str
    state_words: str
    money: str
    reason: str | None
    provider_words: str | None
    automatic: str
    actions: list[str]
