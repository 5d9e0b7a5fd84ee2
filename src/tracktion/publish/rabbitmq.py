"""Messages to RabbitMQ, each confirmed by the broker before it counts as sent."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Self

from tracktion.errors import PublishError
from tracktion.publish.loop import LoopThread
from tracktion.publish.message import ROUTING_KEY
from tracktion.publish.topology import Topology, checked_url

__all__ = ["RabbitMQPublisher"]


class RabbitMQPublisher:
    """Publishes batches with publisher confirms (extra ``rabbitmq``).

    The body is JSON: ``batch_id``, ``files``, ``batch_size``, ``priority`` and ``items``; the message is persistent,
    has the batch id as message id and the priority of the batch. It counts as sent when the broker has confirmed that
    it is in a queue: a refusal, a message that no queue takes, a blocked or lost connection raise `PublishError`, and
    the caller (the outbox) sends it again.

    Parameters
    ----------
    url
        ``amqp://user:password@host:port/vhost``
    exchange, queue, routing_key
        See `Topology`.
    timeout
        Seconds for the connection and for each confirmation.

    Notes
    -----
    Calls come from one thread at a time; `tracktion.publish.Relay` does so.
    """

    def __init__(
        self,
        url: str,
        *,
        exchange: str = "tracktion",
        queue: str | None = ROUTING_KEY,
        routing_key: str = ROUTING_KEY,
        timeout: float = 10.0,
    ) -> None:
        self._url = checked_url(url)
        self._topology = Topology(exchange, queue, routing_key)
        self._timeout = timeout
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._loop = LoopThread("tracktion-rabbitmq")
        self._connection: Any = None
        self._exchange: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __call__(self, message: dict[str, Any], /) -> None:
        """Publish one message and wait for the confirmation.

        Raises
        ------
        PublishError
            It was not confirmed.
        """
        if self._process != os.getpid():  # a forked child: the loop and the connection are the parent's
            self._begin()
        try:
            self._loop.run(self._publish(message), 2 * self._timeout)
        except Exception as error:
            with contextlib.suppress(Exception):
                self._loop.run(self._disconnect(), self._timeout)
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise PublishError(f"RabbitMQ did not confirm the message: {reason}", stage="publish") from error

    async def _publish(self, message: dict[str, Any]) -> None:
        import aio_pika

        await self._connect()
        body = aio_pika.Message(
            json.dumps(message).encode("ascii"),
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(message.get("batch_id", "")),
            priority=int(message.get("priority", 1)),
            type="audio.analysis.batch",
        )
        await self._exchange.publish(body, self._topology.routing_key, mandatory=True, timeout=self._timeout)

    async def _connect(self) -> None:
        if self._connection is not None and not self._connection.is_closed:
            return
        import aio_pika

        await self._disconnect()
        connection = await aio_pika.connect(self._url, timeout=self._timeout)
        try:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            self._exchange, _ = await self._topology.declare(channel)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection

    async def _disconnect(self) -> None:
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()

    def close(self) -> None:
        """Close the connection; in a forked child, its own alone."""
        if self._process != os.getpid():
            return
        with contextlib.suppress(Exception):
            self._loop.run(self._disconnect(), self._timeout)
        self._loop.close()
