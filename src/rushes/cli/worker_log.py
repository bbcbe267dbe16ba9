"""The worker's log: what the process says, with its tracebacks, and without any secret.

It has a bounded size, and the same line over and over is one line with a count.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rushes.domain.text import TextFilter
from rushes.jobs.starter import LARGEST_LOG, put_aside

FOLD_S = 60.0
LONGEST_FOLD_S = 3600.0
"""How long a line that is repeated is only counted: at first, and when it has been repeated for long."""

MOST_LINES = 200
"""How many different lines are remembered."""

STDOUT, STDERR = 1, 2


class SafeFormatter(logging.Formatter):
    """Formats a record, traceback included, and makes it safe by `text`."""

    def __init__(self, text: TextFilter) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._text = text

    def format(self, record: logging.LogRecord) -> str:
        # Further lines are indented: none that somebody else wrote begins as a record does.
        return self._text.block(super().format(record)).replace("\n", "\n    ")


@dataclass(kw_only=True)
class _Repeat:
    """A line that was written: until when it is only counted, for how long then, and how often it came."""

    until: float
    pause: float = FOLD_S
    count: int = 0


class Fold(logging.Filter):
    """Lets a line through once, and its repeats as one line with their count, ever more seldom."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lines: dict[tuple[int, str], _Repeat] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, line = self._clock(), (record.levelno, record.getMessage())
        known = self._lines.pop(line, None)
        if known is None or now >= known.until + LONGEST_FOLD_S:
            known = _Repeat(until=now + FOLD_S)
        else:
            known.count += 1
        # At the end of the order; the one that was repeated least lately is forgotten.
        self._lines[line] = known
        if len(self._lines) > MOST_LINES:
            del self._lines[next(iter(self._lines))]
        if not known.count:
            return True
        if now < known.until:
            return False
        record.msg, record.args = f"{line[1]} (repeated {known.count} times)", None
        record.exc_info = record.exc_text = None
        known.count, known.pause = 0, min(LONGEST_FOLD_S, 2 * known.pause)
        known.until = now + known.pause
        return True


class RotatingLog(RotatingFileHandler):
    """The log file of a worker whose standard output and errors go there, too.

    They follow when the file is renamed, which Windows lets nobody do to a file that is open; and the file is
    made anew if somebody has removed it.
    """

    def __init__(self, file: Path) -> None:
        self._outputs = [one for one in (STDOUT, STDERR) if _is_open_as(file, one)]
        super().__init__(file, maxBytes=LARGEST_LOG, encoding="utf-8", errors="replace")

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is None or not _is_open_as(Path(self.baseFilename), self.stream.fileno()):
            with suppress(OSError):
                self._reopen()
        super().emit(record)

    def doRollover(self) -> None:
        """Put the file aside and begin a new one. If others have it open on Windows, it grows meanwhile."""
        self._close_everywhere()
        put_aside(Path(self.baseFilename))
        self._reopen()

    def _close_everywhere(self) -> None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        for output in self._outputs:
            os.dup2(nothing, output)
        os.close(nothing)
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def _reopen(self) -> None:
        self._close_everywhere()
        self.stream = self._open()
        for output in self._outputs:
            os.dup2(self.stream.fileno(), output)


def log_worker(text: TextFilter, file: Path) -> None:
    """Write what is logged, made safe by `text`, to stderr, or to `file` if that is where stderr goes."""
    handler = RotatingLog(file) if is_logged(file) else logging.StreamHandler()
    handler.setFormatter(SafeFormatter(text))
    handler.addFilter(Fold())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)


def is_logged(file: Path) -> bool:
    """Whether stderr goes to the log: a command has started this worker, and nobody looks at it."""
    return _is_open_as(file, STDERR)


def log_warnings_to_stderr(text: TextFilter) -> None:
    """Write to stderr what is logged of warnings and errors, made safe by `text`."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter(text))
    handler.addFilter(Fold())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _is_open_as(file: Path, handle: int) -> bool:
    """Whether what others find at `file` is what this process has open as `handle`."""
    try:
        return os.path.samestat(os.stat(file), os.fstat(handle))
    except OSError:
        return False
