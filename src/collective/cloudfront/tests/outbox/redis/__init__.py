"""Tests of the outbox in Redis."""
