"""Upgrade steps, one module for each profile version that they lead to."""
