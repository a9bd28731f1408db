"""The live mosaic over HTTP, as a picture that changes (multipart/x-mixed-replace), to visitors alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse

from keyreid_demos.live_pictures import LivePictures
from keyreid_demos.visits import Visits
from keyreid_stream.errors import InputError

PREFIX = "/keyreid/live"
MOST_VIEWERS = 16

_BOUNDARY = "keyreid"
_LOOK_EVERY_S = 0.02
_HEAD = b"--" + _BOUNDARY.encode() + b"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


def live_address(token: str, number: int) -> str:
    """Where a visitor's browser finds the pictures of the run that goes on; another number is another stream."""
    return f"{PREFIX}/{token}?run={number}"


def live_router(visits: Visits, most_viewers: int = MOST_VIEWERS) -> APIRouter:
    """The route that serves it."""
    router = APIRouter()
    viewers = threading.BoundedSemaphore(most_viewers)

    @router.get(PREFIX + "/{token}")
    async def live(token: str) -> StreamingResponse:
        try:
            job = visits.visit(token).job or visits.live
        except InputError as error:
            raise HTTPException(403, str(error)) from None
        if job is None or job.pictures is None or job.pictures.is_over:
            raise HTTPException(404, "no run goes on")
        if not viewers.acquire(blocking=False):
            raise HTTPException(503, f"{most_viewers} people look already")
        return StreamingResponse(
            _released(viewers, job.pictures),
            media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
            headers={"Cache-Control": "private, no-store"},
        )

    return router


async def _released(viewers: threading.BoundedSemaphore, pictures: LivePictures) -> AsyncIterator[bytes]:
    try:
        async for part in parts(pictures):
            yield part
    finally:
        viewers.release()


async def parts(pictures: LivePictures) -> AsyncIterator[bytes]:
    """Every picture that there is time for, as parts of a multipart body; ends with the run."""
    shown = 0
    while not pictures.is_over:
        picture = pictures.newest()
        if picture.number == shown:
            await asyncio.sleep(_LOOK_EVERY_S)
            continue
        shown = picture.number
        # The next part's beginning is sent along: browsers show a part when they have seen its end.
        yield _HEAD % len(picture.jpeg) + picture.jpeg + b"\r\n"
