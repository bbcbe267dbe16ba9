"""Pictures as the sRGB that a player shows, exactly: the one way from a decoded frame to pixels.

libswscale's own choice rounds down, by 1 to 2.3 grey levels on average, and takes untagged colours for BT.601
at any size. With these flags the mean is within 0.02 levels of the formulas of ITU-R BT.601 and BT.709.
"""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from rushes.media.probe import HD_HEIGHT

# Any of them alone is no better than none.
EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
_OPEN = 2  # "unspecified" in ITU-T H.273


def rgb_of(
    frame: VideoFrame, scaler: VideoReformatter, width: int | None = None, height: int | None = None
) -> NDArray[np.uint8]:
    """Return the frame as sRGB (height, width, 3), scaled to this size if one is given.

    The matrix and the range are the frame's own, or what players take untagged ones for. `scaler` keeps its
    tables from frame to frame: have one for all the frames of a clip.
    """
    shown = scaler.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        src_colorspace=guessed_matrix(frame),
        dst_color_range=ColorRange.JPEG,
        interpolation=EXACT,
    )
    return np.asarray(shown.to_ndarray(), np.uint8)


def guessed_matrix(frame: VideoFrame) -> Colorspace | None:
    """Return what players take untagged colours for, by the size of the picture; None for tagged ones."""
    if frame.colorspace != _OPEN:
        return None
    return Colorspace.ITU709 if min(frame.width, frame.height) >= HD_HEIGHT else Colorspace.ITU601
