"""What the centre's process sends outward: puts the outbox's delivery and the MQTT driver together."""

from __future__ import annotations

from collections.abc import Callable

from drivers import mqtt
from receiver.clock import Clock
from receiver.config import Config, MqttConfig
from receiver.journal.reader import Reader
from receiver.journal.store import Journal
from receiver.outbox.deliver import Deliverer, health, health_topic


def deliverer(
    config: Config,
    journal: Journal,
    reader_factory: Callable[[], Reader],
    clock: Clock,
    report: Callable[[str], None],
) -> Deliverer | None:
    """The task to run beside the centre's others; None if MQTT is not configured."""
    if config.mqtt is None:
        return None
    broker = broker_of(config.mqtt, config.site)
    return Deliverer(config.mqtt, config.site, journal, reader_factory, clock, broker.session, report)


def broker_of(config: MqttConfig, site: str) -> mqtt.Broker:
    """The broker as the configuration names it, with our last will."""
    return mqtt.Broker(
        host=config.host,
        port=config.port,
        client_id=config.client_id or f"yobirin-{site}",
        username=config.username,
        password_file=config.password_file,
        tls=mqtt.Tls(config.ca_file, config.cert_file, config.key_file) if config.tls else None,
        keepalive_s=config.keepalive_s,
        in_flight=config.in_flight,
        will=mqtt.Will(health_topic(site), health("gone")),
    )
