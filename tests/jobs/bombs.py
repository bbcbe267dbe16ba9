"""A small file that is large once it is decoded: `python -m tests.jobs.bombs FILE` writes it.

Three pictures of 4096x4096, in 200 kB: half a gigabyte for who decodes them and draws sheets of them.
"""

from __future__ import annotations

import sys

import av

SIDE = 4096


def write(path: str) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for number in range(3):
            frame = av.VideoFrame(SIDE, SIDE, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([40 + number]) * plane.buffer_size)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    write(sys.argv[1])
