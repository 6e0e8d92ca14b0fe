"""Tests of the local CloudFront."""
