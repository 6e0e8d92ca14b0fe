"""Purging by people: what they type, what would be sent, and what is recorded."""
