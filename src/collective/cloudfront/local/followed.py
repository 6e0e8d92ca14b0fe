"""The distributions that the edge serves by a template, and by what clients have changed."""

from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.local.control import ControlPlane
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.template import configs_of
from collective.cloudfront.local.template import Template
from collective.cloudfront.local.template.stored import Documents
from collective.cloudfront.local.template.stored import not_stored
from collective.cloudfront.local.template.stored import resources_of

import threading


class Followed(Mapping[str, DistributionConfig]):
    """Distributions by id, as they are stored now.

    Getting one raises a TemplateError if a client has stored what the edge does not know.
    """

    def __init__(
        self, control: ControlPlane, template: Template, ids: Mapping[str, str]
    ) -> None:
        self._control = control
        initial = {ids[each.logical_id]: each for each in template.configs}
        self._initial = initial
        self._others = not_stored(template.resources)
        self._lock = threading.Lock()
        self._current = (control.stored()[0], initial)

    def __getitem__(self, name: str) -> DistributionConfig:
        return self._configs()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._initial)

    def __len__(self) -> int:
        return len(self._initial)

    def _read(self, stored: Documents) -> tuple[DistributionConfig, ...]:
        return configs_of((*resources_of(stored), *self._others))

    def _configs(self) -> Mapping[str, DistributionConfig]:
        version, stored = self._control.stored()
        with self._lock:
            if self._current[0] != version:
                changed = self._read(stored) if stored else ()
                found = {each.logical_id: each for each in changed}
                self._current = version, {**self._initial, **found}
            return self._current[1]
