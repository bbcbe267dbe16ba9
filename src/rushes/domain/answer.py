"""The one object that every door gives for a job: the job, its clips, its cost, its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rushes.domain.clip import Clip
from rushes.domain.job import Job, JobState


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A job and what came of it."""

    job: Job
    clips: tuple[Clip, ...]

    @property
    def exit_code(self) -> int:
        """0 for a clip; else that of the error class, 3 while it is still under way."""
        if self.job.state is JobState.COMPLETED:
            return 0
        return self.job.failure.exit_code if self.job.failure else 3

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.job.as_json(),
            "clips": [clip.as_json() for clip in self.clips],
            "cost": self.job.cost.as_json(),
            "error": self.job.failure.as_json() if self.job.failure else None,
        }
