"""Taking turns at IDENTIFY: Discord begins one session of a bucket at a time, five seconds apart."""

import asyncio


class Identifies:
    """The turns of all shards that this process keeps.

    Of other processes nothing is known: there Discord refuses one of two that come at once, and discord.py asks for
    another turn.
    """

    def __init__(self, interval: float) -> None:
        """Begin with one bucket; `interval` is seconds between two turns of the same one."""
        self.max_concurrency = 1
        """How many buckets there are, as `/gateway/bot` says."""
        self._interval = interval
        self._next: dict[int, float] = {}
        self._queues: dict[int, asyncio.Lock] = {}

    async def turn(self, shard: int) -> None:
        """Wait until a shard may begin a session; it has to do that now."""
        bucket = shard % self.max_concurrency
        async with self._queues.setdefault(bucket, asyncio.Lock()):
            clock = asyncio.get_running_loop().time
            await asyncio.sleep(max(0.0, self._next.get(bucket, 0.0) - clock()))
            self._next[bucket] = clock() + self._interval
