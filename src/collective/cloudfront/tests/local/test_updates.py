"""UpdateDistribution, and the documented script that sets CacheTagConfig with it."""

from .helpers import DISTRIBUTION
from .helpers import refused
from collections.abc import Callable
from collective.cloudfront.local import LocalCloudFront
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import os
import pytest
import subprocess
import sys


def found(client: Any) -> tuple[dict[str, Any], str]:
    answer = client.get_distribution_config(Id=DISTRIBUTION)
    return answer["DistributionConfig"], answer["ETag"]


def test_the_header_of_the_cache_tags_can_be_set_and_removed(client, cloudfront):
    config, version = found(client)
    config["CacheTagConfig"] = {"HeaderName": "Cache-Tag"}
    answer = client.update_distribution(
        Id=DISTRIBUTION, IfMatch=version, DistributionConfig=config
    )
    assert answer["Distribution"]["DistributionConfig"] == config
    assert found(client) == (config, answer["ETag"])
    assert answer["ETag"] != version
    del config["CacheTagConfig"]
    client.update_distribution(
        Id=DISTRIBUTION, IfMatch=answer["ETag"], DistributionConfig=config
    )
    assert cloudfront.control.options.cache_tag_header == ""


def test_what_somebody_else_has_changed_is_not_overwritten(client):
    config, version = found(client)
    update = {"Id": DISTRIBUTION, "IfMatch": version, "DistributionConfig": config}
    client.update_distribution(**update)
    with refused("PreconditionFailed", 412):
        client.update_distribution(**update)
    del update["IfMatch"]
    with refused("InvalidIfMatchVersion", 400):
        client.update_distribution(**update)


def test_what_cloudfront_would_not_take_is_refused(client):
    config, version = found(client)
    update = {"Id": DISTRIBUTION, "IfMatch": version}
    wrong = {**config, "CallerReference": "another"}
    with refused("IllegalUpdate", 400):
        client.update_distribution(**update, DistributionConfig=wrong)
    wrong = {**config, "CacheTagConfig": {"HeaderName": "Cache Tag"}}
    with refused("InvalidArgument", 400):
        client.update_distribution(**update, DistributionConfig=wrong)
    with refused("NoSuchDistribution", 404):
        client.update_distribution(
            Id="EUNKNOWN", IfMatch=version, DistributionConfig=config
        )


# --- the script -----------------------------------------------------------------------


@pytest.fixture
def script(request: pytest.FixtureRequest) -> Path:
    docs = request.config.rootpath / "docs"
    if not docs.exists():
        pytest.skip("docs/ is only in a checkout")
    text = (docs / "cache-tags.rst").read_text()
    assert "literalinclude:: examples/set_cache_tag_config.py" in text
    return docs / "examples" / "set_cache_tag_config.py"


@pytest.fixture
def run(script: Path, cloudfront: LocalCloudFront) -> Callable[..., CompletedProcess]:
    def run(*arguments: str) -> CompletedProcess:
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            env={"PATH": os.environ["PATH"], **cloudfront.environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def operations(cloudfront: LocalCloudFront) -> list[str]:
    return [entry.operation for entry in cloudfront.control.log()]


def test_the_script_sets_the_header_and_nothing_else(run, client, cloudfront):
    before, _version = found(client)
    done = run(DISTRIBUTION)
    assert done.returncode == 0, done.stderr
    assert "Cache-Tag once it is deployed" in done.stdout
    assert found(client)[0] == {
        **before,
        "CacheTagConfig": {"HeaderName": "Cache-Tag"},
    }


def test_the_script_changes_nothing_where_that_is_set(run, cloudfront):
    cloudfront.control.change_options(cache_tag_header="X-Tags")
    done = run(DISTRIBUTION, "X-Tags")
    assert "already" in done.stdout
    assert operations(cloudfront) == ["GetDistributionConfig"]
    assert run(DISTRIBUTION, "Cache-Tag").returncode == 0
    assert cloudfront.control.options.cache_tag_header == "Cache-Tag"


def test_the_script_says_what_is_wrong(run, cloudfront):
    assert "NoSuchDistribution" in run("EUNKNOWN").stderr
    cloudfront.control.change_options(denied_actions={"UpdateDistribution"})
    done = run(DISTRIBUTION)
    assert "cloudfront:UpdateDistribution" in done.stderr
    assert done.returncode == 1
    assert "set_cache_tag_config.py E2QWRUHAPOMQZL" in run().stderr
