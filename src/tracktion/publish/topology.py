"""Names on the broker, and how both ends declare them; whoever comes first makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tracktion.errors import UsageError
from tracktion.extras import needed
from tracktion.publish.message import ROUTING_KEY
from tracktion.remote import public_name

__all__ = ["Topology", "checked_url"]

MAX_PRIORITY = 10


def checked_url(url: str) -> str:
    """Return the address of a broker, or raise a `UsageError` if it is none or aio-pika is not installed."""
    needed("aio_pika", "rabbitmq", what="RabbitMQ")
    if urlsplit(url).scheme not in {"amqp", "amqps"}:
        raise UsageError(f"a broker's address begins with amqp:// or amqps://, not {public_name(url)!r}")
    return url


@dataclass(frozen=True, slots=True)
class Topology:
    """A durable topic exchange, and a durable queue with priorities bound to it.

    Parameters
    ----------
    exchange
        Name of the exchange.
    queue
        Name of the queue; None when the publisher leaves queues to others.
    routing_key
        Of messages, and of the binding.
    """

    exchange: str = "tracktion"
    queue: str | None = ROUTING_KEY
    routing_key: str = ROUTING_KEY

    async def declare(self, channel: Any) -> tuple[Any, Any]:
        """Declare both on an aio-pika channel; return the exchange and the queue (or None)."""
        import aio_pika

        exchange = await channel.declare_exchange(self.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
        if self.queue is None:
            return exchange, None
        queue = await channel.declare_queue(self.queue, durable=True, arguments={"x-max-priority": MAX_PRIORITY})
        await queue.bind(exchange, self.routing_key)
        return exchange, queue
