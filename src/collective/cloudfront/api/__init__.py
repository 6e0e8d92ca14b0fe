"""The REST API: settings, state, checks and purging. Only with plone.restapi."""
