"""The REST API: settings, state and purging."""
