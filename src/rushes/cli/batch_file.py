"""The lines of a batch: each a JSON object with what is asked for, checked before any of it is used."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rushes.domain.destination import CLIP, Destination
from rushes.domain.errors import BadInput
from rushes.domain.paths import read_path
from rushes.domain.request import Reference, Role, Shot, VideoRequest, check_visible

LINES_LIMIT = 100_000
"""Lines of one file; all of them are held in memory, a few kilobytes each."""

WORDS = {
    "prompt": str,
    "model": str,
    "seconds": float,
    "aspect": str,
    "resolution": str,
    "seed": int,
    "audio": bool,
    "caption": bool,
    "negative_prompt": str,
    "style": str,
    "remix": str,
    "extend": str,
    "storyboard_id": str,
}
"""The fields of a request that a line gives as plain values."""

KINDS = {str: "text", float: "a number", int: "a whole number", bool: "true or false"}
FIELDS = (*WORDS, "references", "shots", "fallback", "key", "out", "force")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: its `number` in the file, counted from 1, and what it asks for.

    `key` and `ordinal` name its job: the caller's own key, or one that is made from what the line asks for,
    numbered where the file asks for the same several times. So the same line is the same job in whatever
    order the lines stand, and whatever else was changed in the file.
    """

    number: int
    request: VideoRequest
    key: str
    ordinal: int
    own_key: bool
    out: Destination | None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a line cannot be used, and what to do about it."""

    number: int
    message: str
    next: str


def read(file: Path) -> tuple[list[Line], list[Problem]]:
    """Return the lines of a batch, the empty ones left out, and what is wrong with those that are no use.

    Files that a line names, references and `out`, are looked for beside the batch.
    """
    folder = file.absolute().parent
    lines: list[Line] = []
    problems: list[Problem] = []
    hashes = Hashes()
    seen: Counter[str] = Counter()
    for number, text in enumerate(_texts(file), start=1):
        if not text.strip():
            continue
        try:
            line = _line(number, _fields(text), folder, hashes)
        except BadInput as error:
            problems.append(Problem(number=number, message=error.message, next=error.next))
            continue
        lines.append(_numbered(line, seen))
    problems += _twice("key", ((line.number, line.key) for line in lines if line.own_key))
    problems += _twice(
        "out", ((line.number, line.out.place) for line in lines if line.out and not line.out.is_folder)
    )
    if not lines and not problems:
        raise BadInput(f"{file} holds no lines", next='write one JSON object a line: {"prompt": "a boat"}')
    return lines, problems


def refuse(problems: Sequence[Problem]) -> None:
    """Raise BadInput that names every bad line, those of one fault together, unless there is none."""
    if not problems:
        return
    faults: dict[tuple[str, str], list[int]] = {}
    for one in sorted(problems, key=lambda one: one.number):
        faults.setdefault((one.message, one.next), []).append(one.number)
    bad = len({one.number for one in problems})
    bad_lines = f"{bad} lines" if bad > 1 else "a line"
    said = [
        f"  {'lines' if len(numbers) > 1 else 'line'} {', '.join(map(str, numbers))}: {message} ({next})"
        for (message, next), numbers in faults.items()
    ]
    raise BadInput(
        "\n".join([f"{bad_lines} cannot be used; nothing was stored:", *said]),
        next="correct these lines and run it again",
    )


class Hashes:
    """What the files that a batch names are: checked and hashed once, however many lines name them."""

    def __init__(self) -> None:
        self._known: dict[tuple[Role, Path], str] = {}

    def of(self, role: Role, path: Path) -> str:
        """Return a file's sha256 in hex. Raises BadReference for what is not what its role needs."""
        if (role, path) not in self._known:
            from rushes.library.references import check_reference

            check_reference(role, path)
            try:
                with path.open("rb") as file:
                    self._known[role, path] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise BadInput(f"the {role.value} reference {path}: {error.strerror}") from error
        return self._known[role, path]


def _texts(file: Path) -> Iterable[bytes]:
    try:
        texts = file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise BadInput(
            f"{file} cannot be read ({error.strerror})", next="name a file of JSON lines"
        ) from error
    if len(texts) > LINES_LIMIT + 1:
        raise BadInput(f"{file} has {len(texts):,} lines", next=f"split it: at most {LINES_LIMIT:,} a file")
    return texts


def _fields(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text.decode())
    except UnicodeDecodeError as error:
        raise BadInput("it is not UTF-8 text", next="write it in UTF-8") from error
    except json.JSONDecodeError as error:
        where = f"{error.msg}, column {error.colno}"
        raise BadInput(f"it is not JSON: {where}", next="write one JSON object on one line") from error
    except (ValueError, RecursionError) as error:
        raise BadInput("it is JSON that nobody can read", next="write numbers and lists that fit") from error
    if not isinstance(found, dict):
        raise BadInput("it is not a JSON object", next='write it as {"prompt": "a paper boat"}')
    unknown = sorted(set(found) - set(FIELDS))
    if unknown:
        raise BadInput(f"it has the unknown field {unknown[0]!r}", next=f"known: {', '.join(FIELDS)}")
    if found.get("prompt") is None:
        raise BadInput("it has no prompt", next='say what to show: "prompt": "a paper boat"')
    return {name: value for name, value in found.items() if value is not None}


def _line(number: int, fields: Mapping[str, Any], folder: Path, hashes: Hashes) -> Line:
    words = {name: _typed(name, fields[name], kind) for name, kind in WORDS.items() if name in fields}
    request = VideoRequest(
        **words,
        references=_each("references", fields, lambda one: _reference(one, folder, hashes)),
        shots=_each("shots", fields, _shot),
        fallback=_names(fields),
    )
    check_visible(request)
    own = _typed("key", fields["key"], str) if "key" in fields else None
    if own is not None and not own.strip():
        raise BadInput("its key is empty", next="give it a name, or leave it out")
    return Line(
        number=number,
        request=request,
        key=own or _key(request),
        ordinal=0,
        own_key=own is not None,
        out=_out(fields, folder),
    )


def _typed(name: str, value: Any, kind: type) -> Any:
    # JSON has one kind of number, and Python counts true as one.
    fits = isinstance(value, (int, float) if kind is float else kind) and (
        kind is bool or not isinstance(value, bool)
    )
    if not fits:
        raise BadInput(f"its {name} is {json.dumps(value)[:60]}", next=f"{name} is {KINDS[kind]}")
    return value


def _each(name: str, fields: Mapping[str, Any], made: Callable[[dict[str, Any]], Any]) -> tuple[Any, ...]:
    found = fields.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadInput(f"its {name} are not a list of objects", next=SHAPES[name])
    return tuple(made(one) for one in found)


def _names(fields: Mapping[str, Any]) -> tuple[str, ...]:
    found = fields.get("fallback", [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadInput("its fallback is no list of models", next='write it as ["fal/model", "other/model"]')
    return tuple(found)


SHAPES = {
    "references": 'write them as [{"role": "first_frame", "path": "boat.png"}], or with "remote" for an id',
    "shots": 'write them as [{"seconds": 5, "prompt": "a boat in the gutter"}]',
}


def _reference(fields: dict[str, Any], folder: Path, hashes: Hashes) -> Reference:
    if not set(fields) <= {"role", "path", "remote"} or fields.get("role") not in list(Role):
        roles = ", ".join(one.value for one in Role)
        raise BadInput(
            f"a reference has the role {fields.get('role')!r}; allowed: {roles}", next=SHAPES["references"]
        )
    role = Role(fields["role"])
    if fields.get("remote") is not None or fields.get("path") is None:
        remote = _typed("reference's remote", fields["remote"], str) if fields.get("remote") else None
        path = _typed("reference's path", fields["path"], str) if fields.get("path") else None
        return Reference(role=role, remote=remote, path=Path(path) if path else None)
    path = read_path(
        _typed("reference's path", fields["path"], str), what="a reference's path", folder=folder
    )
    return Reference(role=role, path=path, sha256=hashes.of(role, path))


def _shot(fields: dict[str, Any]) -> Shot:
    if set(fields) != {"seconds", "prompt"}:
        raise BadInput("a shot has other fields than seconds and prompt", next=SHAPES["shots"])
    return Shot(
        seconds=_typed("shot's seconds", fields["seconds"], float),
        prompt=_typed("shot's prompt", fields["prompt"], str),
    )


def _out(fields: Mapping[str, Any], folder: Path) -> Destination | None:
    force = "force" in fields and _typed("force", fields["force"], bool)
    if "out" not in fields:
        if force:
            raise BadInput(
                "it has force and no out", next='name the file that is replaced: "out": "boat.mp4"'
            )
        return None
    return Destination.read(
        _typed("out", fields["out"], str), CLIP, force=force, folder=folder, what="its out"
    )


def _key(request: VideoRequest) -> str:
    """Return the key of what a line asks for: a file counts as what is in it, wherever it lies."""
    asked = request.as_json()
    asked["references"] = [[one.role.value, one.identity] for one in request.references]
    set_ones = {name: value for name, value in asked.items() if value not in (None, [])}
    return "batch-" + hashlib.sha256(json.dumps(set_ones, sort_keys=True).encode()).hexdigest()[:32]


def _numbered(line: Line, seen: Counter[str]) -> Line:
    if line.own_key:
        return line
    seen[line.key] += 1
    return replace(line, ordinal=seen[line.key] - 1)


def _twice(what: str, values: Iterable[tuple[int, str]]) -> Iterable[Problem]:
    first: dict[str, int] = {}
    for number, value in values:
        if value in first:
            yield Problem(
                number=number,
                message=f"line {first[value]} has the same {what}",
                next=f"give each line a {what} of its own",
            )
        first.setdefault(value, number)
