"""Tests of the outbox: the contract, its engines, and the way into it."""
