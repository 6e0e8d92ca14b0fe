from collective.cloudfront.tests.outbox.contract import OutboxContract
from collective.cloudfront.tests.outbox.redis.server import RedisEngine


class TestRedisOutbox(OutboxContract):
    make_engine = RedisEngine
