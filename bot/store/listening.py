"""Hearing what other processes tell, on the connection that the heartbeat keeps alive.

PostgreSQL tells only connections that listen, and only while they do. So everything may have happened while there was
no connection; and nothing that is told is needed to be right, only to be quick.
"""

from sqlalchemy import AdaptedConnection, event

from bot.store.bells import Bells
from bot.store.connections import Engines
from bot.store.dialects import CHANNEL


def listen(engines: Engines, bells: Bells) -> None:
    """Let each connection of the heartbeat listen from its beginning, and ring these bells."""

    def heard(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        topic, _, teller = payload.partition(" ")
        if teller == engines.teller:
            return  # we rang when we told it
        bells.lanes.ring()
        if topic == "stop":
            bells.stops.ring()

    def on_connect(connection: AdaptedConnection, _record: object) -> None:
        connection.run_async(lambda driver: driver.add_listener(CHANNEL, heard))
        bells.ring_all()

    event.listen(engines.heart.sync_engine, "connect", on_connect)
