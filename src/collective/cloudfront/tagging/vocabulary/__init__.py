"""The words of cache tags: pure, for responses and for changes."""
