"""All that is AWS: calls, sessions, errors, and the connection test."""
