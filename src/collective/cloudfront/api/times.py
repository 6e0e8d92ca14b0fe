"""Times in requests and answers."""

from collective.cloudfront.outbox.shown import iso


__all__ = ["iso"]
