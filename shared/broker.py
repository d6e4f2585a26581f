"""Celery's way to the store: kombu's, over connections that look names up within a limit."""

from kombu.transport.redis import Channel, Transport

from shared.store_link import BoundedConnection, BoundedSSLConnection


class BoundedChannel(Channel):  # type: ignore[misc]
    connection_class = BoundedConnection
    connection_class_ssl = BoundedSSLConnection


class BoundedTransport(Transport):  # type: ignore[misc]
    Channel = BoundedChannel
