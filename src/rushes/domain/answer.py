"""The one object that every door gives for a job: the job, its clips, its cost, its error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rushes.domain.clip import Clip, Damage
from rushes.domain.destination import Copy
from rushes.domain.errors import Billed, LibraryDamaged, NotCopied, NotFound, RushesError, name_job
from rushes.domain.job import Failure, Job, JobState
from rushes.domain.understanding import Understanding


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A job and what came of it.

    `clips` are those whose files were looked at and are as they were filed; `damage` is what is wrong with
    the others. `copies` are those that somebody asked for. `understanding` is what of the prompt is seen in
    them, if the engine can tell.
    """

    job: Job
    clips: tuple[Clip, ...]
    damage: tuple[Damage, ...] = ()
    copies: tuple[Copy, ...] = ()
    understanding: Understanding | None = None

    @property
    def failure(self) -> Failure | None:
        """Why there is no clip to use: the job's own error, or what became of its files since."""
        job = self.job
        if job.failure is not None or job.state is not JobState.COMPLETED:
            return job.failure and replace(job.failure, next=name_job(job.failure.next, job.id))
        if self.damage:
            words = "; ".join(one.text for one in self.damage)
            return self._failure(LibraryDamaged, words, self._way_back)
        if not self.clips:
            return self._failure(NotFound, f"the clip of job {job.id} was removed", self._way_back)
        return self._not_copied

    @property
    def _not_copied(self) -> Failure | None:
        problems = [(one.wanted.path, one.problem) for one in self.copies if one.problem is not None]
        if not problems:
            return None
        words = "; ".join(f"it could not be copied to {path}: {problem}" for path, problem in problems)
        return self._failure(
            NotCopied,
            f"the clip is safe, {self.clips[0].path}, but {words}",
            f"rushes wait {self.job.id} copies it once nothing is in the way; or copy that file yourself",
        )

    @property
    def _way_back(self) -> str:
        another = "rushes create … --again makes another" + (
            "" if self.job.quote.free else " and pays for it"
        )
        if self.job.ticket is None:
            return another
        return f"rushes collect {self.job.id} may bring it back, free; {another}"

    def _failure(self, error: type[RushesError], message: str, next: str) -> Failure:
        billed = Billed.YES if self.job.cost.amount else Billed.NO
        return Failure(code=error.code, message=message, billed=billed, next=next, exit_code=error.exit_code)

    @property
    def exit_code(self) -> int:
        """0 for a clip; else that of the error class, 3 while it is still under way."""
        if self.failure is not None:
            return self.failure.exit_code
        return 0 if self.job.state is JobState.COMPLETED else 3

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.job.as_json(),
            "clips": [clip.as_json() for clip in self.clips],
            "copies": [str(path) for copy in self.copies for path in copy.made],
            "cost": self.job.cost.as_json(),
            "error": self.failure.as_json() if self.failure else None,
            **(self.understanding.as_json() if self.understanding else {}),
        }
