"""The outbox in Redis or Valkey."""
