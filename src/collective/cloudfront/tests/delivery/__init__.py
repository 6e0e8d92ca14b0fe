"""Tests of the gateway, the courier and its thread."""
