"""Checking what a request brings along, before it is copied or sent anywhere."""

from __future__ import annotations

from pathlib import Path

from rushes.domain.errors import BadReference, BeyondRepair, MediaError
from rushes.domain.request import Role
from rushes.media.edge import open_container, open_video
from rushes.media.picture import check_picture

# As for videos, no list that names other files or addresses is opened.
_SOUNDS = "mov,mp4,m4a,3gp,matroska,webm,mp3,wav,flac,aac,ogg,aiff"


def check_reference(role: Role, path: Path) -> None:
    """Raise BadReference where the file at `path` is not what `role` needs: a picture, a video, or sound.

    So a file that holds something else, a key for example, is never handed to a provider as a soundtrack.
    """
    if role not in (Role.INPUT_VIDEO, Role.AUDIO):
        check_picture(path)
        return
    try:
        if role is Role.INPUT_VIDEO:
            with open_video(path) as (container, pictures):
                next(container.decode(pictures))
        else:
            _hear(path)
    except StopIteration:
        raise BadReference(f"nothing in {path} can be decoded", next=f"give another {_named(role)}") from None
    except MediaError as error:
        if role is Role.INPUT_VIDEO or isinstance(error, BeyondRepair):
            raise BadReference(f"the {_named(role)} {error.message}", next=error.next) from error
        raise BadReference(
            f"{path} is no sound that can be read", next="give a WAV, MP3, M4A, FLAC or OGG file"
        ) from error


def _hear(path: Path) -> None:
    with open_container(path, _SOUNDS) as container:
        if not container.streams.audio:
            raise BadReference(f"{path} has no sound in it", next="name a file that has")
        next(container.decode(audio=0))


def _named(role: Role) -> str:
    return "video" if role is Role.INPUT_VIDEO else "sound"
