"""Keeps the state up to date, whether or not anybody looks: one thread, one source."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Final, Self

from reports.dashboard.events import About, Source
from reports.dashboard.state import NOTHING, Kept, remember

#: How long one look at the source may wait for something to come, s.
LOOK_S: Final = 1.0


class Feed:
    """A source and what is remembered of it, as a context; ``notice`` is told of each new state."""

    def __init__(self, source: Source, *, notice: Callable[[Kept], None] = lambda _: None) -> None:
        self._source, self._notice = source, notice
        self._kept, self._lock = NOTHING, Lock()
        self._failure: BaseException | None = None
        self._end = Event()
        self._thread = Thread(target=self._follow, name="feed", daemon=True)

    @property
    def about(self) -> About:
        """What the source's events mean."""
        return self._source.about

    def kept(self) -> Kept:
        """The state now; raises what the source raised, which is a bug of ours."""
        if self._failure is not None:
            raise self._failure
        with self._lock:
            return self._kept

    def _follow(self) -> None:
        timed = bool(self.about.latency)
        try:
            while not self._end.is_set() and not self._kept.ended:
                kept = remember(self._kept, self._source.poll(LOOK_S), timed=timed)
                with self._lock:
                    self._kept = kept
                self._notice(kept)
        except BaseException as error:
            self._failure = error
            raise

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(10 * LOOK_S)
        self._source.close()
