"""Libraries that block, kept to a few threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

from adapters.sso.api import Upstream

Made = TypeVar("Made")


class Threads:
    """So many calls at once; who waits too long is told that the server does not answer."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._limit, self._name)

    async def run(self, work: Callable[[], Made], seconds: float) -> Made:
        """What `work` returns; it goes on alone when the time is over.

        Raises: Upstream (the time is over), and what `work` raises.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            raise Upstream(f"no answer in {seconds:.0f} s") from None
