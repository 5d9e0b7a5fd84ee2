"""From the outbox to whoever wants to know: a callable, or RabbitMQ with confirms; and the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracktion.publish.message import ROUTING_KEY, batch_message
from tracktion.publish.relay import Relay

if TYPE_CHECKING:
    from tracktion.publish.consumer import RabbitMQConsumer
    from tracktion.publish.rabbitmq import RabbitMQPublisher

__all__ = ["ROUTING_KEY", "RabbitMQConsumer", "RabbitMQPublisher", "Relay", "batch_message"]


def __getattr__(name: str) -> Any:
    if name == "RabbitMQPublisher":
        from tracktion.publish.rabbitmq import RabbitMQPublisher

        return RabbitMQPublisher
    if name == "RabbitMQConsumer":
        from tracktion.publish.consumer import RabbitMQConsumer

        return RabbitMQConsumer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
