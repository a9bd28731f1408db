"""Results to other systems: MQTT, Redis Streams, Kafka and webhooks, at least once, in order, through a spool on disk.

`docs/guides/publish.md` tells how to use them.
"""

from keyreid_stream.sinks.publish.config import (
    KafkaConfig,
    MqttConfig,
    PublishConfig,
    RedisConfig,
    WebhookConfig,
    output_names,
)
from keyreid_stream.sinks.publish.messages import Message, message_schema, new_run_id
from keyreid_stream.sinks.publish.opening import make_outputs, make_publisher
from keyreid_stream.sinks.publish.publisher import Publisher, PublishError
from keyreid_stream.sinks.publish.sink import PublishSink
from keyreid_stream.sinks.publish.spool import Spool, SpoolError

__all__ = [
    "KafkaConfig",
    "Message",
    "MqttConfig",
    "PublishConfig",
    "PublishError",
    "PublishSink",
    "Publisher",
    "RedisConfig",
    "Spool",
    "SpoolError",
    "WebhookConfig",
    "make_outputs",
    "make_publisher",
    "message_schema",
    "new_run_id",
    "output_names",
]
