"""Findings as JSON. Pure."""

from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.site_messages import SITE_CHECKS
from collective.cloudfront.doctor.words import commands
from collective.cloudfront.doctor.words import snippet
from typing import Any


def label(finding: Finding) -> str:
    """Return the English label of what was checked."""
    return CHECKS.get(finding.name) or SITE_CHECKS[finding.name]


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding for machines, in English."""
    return {
        "name": finding.name,
        "level": finding.level.value,
        "code": finding.code,
        "title": label(finding),
        "text": finding.text,
        "advice": finding.advice,
        "change": change_as_json(finding),
    }


def change_as_json(finding: Finding) -> dict[str, Any] | None:
    """Return the exact change; None if there is none, or only a person can decide."""
    if not finding.edits:
        return None
    return {
        "distribution": finding.distribution,
        "edits": [
            {
                "kind": edit.kind.value,
                "id": edit.id,
                "path": list(edit.path),
                "value": edit.value,
                "copied_for": list(edit.copied_for),
            }
            for edit in finding.edits
        ],
        "commands": commands(finding.distribution, finding.edits),
        "cloudformation": snippet(finding.edits),
    }
