"""Checking what a request brings along, before it is copied or sent anywhere.

Videos and sounds are opened in a child process, `python -m rushes.library.references`: whoever made them may
have meant harm, and a server that stays may not die of it. Pictures are decoded here, within their limits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rushes.children.child import ChildDied, ask_blocking
from rushes.children.serving import DECODER_MEMORY, ParentLine, serve
from rushes.domain.errors import BadReference
from rushes.domain.request import Role

DEADLINE_S = 60.0
"""Seconds for the first picture of a video, or the first sound."""


def check_reference(role: Role, path: Path) -> None:
    """Raise BadReference where the file at `path` is not what `role` needs: a picture, a video, or sound."""
    if role not in (Role.INPUT_VIDEO, Role.AUDIO):
        from rushes.media.picture import check_picture

        check_picture(path)
        return
    order = {"role": role.value, "path": str(path)}
    try:
        ask_blocking("rushes.library.references", order, deadline_s=DEADLINE_S)
    except ChildDied as error:
        raise BadReference(f"{path} could not be examined: what decodes it {error}") from error


def work(order: dict[str, str], line: ParentLine) -> Any:
    from rushes.media import reference

    reference.check_reference(Role(order["role"]), Path(order["path"]))


if __name__ == "__main__":
    serve(work, memory=DECODER_MEMORY)
