"""Specification: the ZIP file has all that the function needs, and no Zope."""

from collective.cloudfront.slack import package
from collective.cloudfront.tests.slack.awslambda import url_event
from collective.cloudfront.tests.slack.people import CHANNEL
from collective.cloudfront.tests.slack.people import command_body
from collective.cloudfront.tests.slack.people import SECRET
from collective.cloudfront.tests.slack.people import TEAM
from zipfile import ZipFile

import json
import os
import subprocess
import sys


# As Lambda does: the unpacked file, the standard library, and nothing else
CALL = """\
import json, sys
sys.path[:] = [sys.argv[1], *(p for p in sys.path if "site-packages" not in p)]
from collective.cloudfront.slack.lambda_handler import handler
event = json.load(sys.stdin)
print(json.dumps(handler(event, None)))
foreign = {"zope", "plone", "Zope2", "ZODB", "transaction", "boto3"} & set(sys.modules)
assert not foreign, foreign
"""


def test_the_function_works_with_what_is_in_the_file(tmp_path, capsys):
    target = tmp_path / "cdn-purge.zip"
    assert package.main([str(target)]) == 0
    assert "files" in capsys.readouterr().out
    with ZipFile(target) as archive:
        archive.extractall(tmp_path / "task")
    environ = {
        "PATH": os.environ["PATH"],
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_TEAM": TEAM,
        "SLACK_CHANNELS": CHANNEL,
        "SLACK_USERS": "* status",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CALL, str(tmp_path / "task")],
        input=json.dumps(url_event(command_body("help"))),
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["statusCode"] == 200
    assert "/cdn-purge status" in json.loads(answer["body"])["text"]


def test_the_same_files_make_the_same_bytes(tmp_path):
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    package.write(first)
    package.write(second)
    assert first.read_bytes() == second.read_bytes()


def test_it_says_how_it_is_used(capsys):
    assert package.main([]) == 2
    assert "Usage" in capsys.readouterr().out
