"""Specification: help, completion, and what a script can rely on."""

from click.testing import CliRunner
from collective.cloudfront.cli.main import main

import click
import os
import pytest
import subprocess
import sys


def commands(group=main, names=()):
    """Yield all commands with their names."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))
        else:
            yield (*names, name)


@pytest.mark.parametrize("names", list(commands()), ids=" ".join)
def test_each_command_has_help_and_needs_no_outbox_for_it(names):
    result = CliRunner().invoke(main, [*names, "--help"])
    assert result.exit_code == 0
    first = result.stdout.split("\n\n")[1].strip()
    assert first
    assert result.stdout.startswith(f"Usage: main {' '.join(names)}")


def test_help_has_examples():
    for names in ((), ("purge",), ("status",), ("history",), ("outbox", "move")):
        result = CliRunner().invoke(main, [*names, "--help"])
        assert "Example" in result.stdout
        assert "cloudfront " in result.stdout


def test_the_exit_codes_are_in_the_help():
    help_text = CliRunner().invoke(main, ["--help"]).stdout
    assert "1 a person must do something" in " ".join(help_text.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands(shell):
    code = (
        "from collective.cloudfront.cli.main import main; main(prog_name='cloudfront')"
    )
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "_CLOUDFRONT_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "cloudfront sta",
        "COMP_CWORD": "1" if shell != "fish" else "sta",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True
    )
    assert "status" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "command", ["status", "history", "scheduled", "drain", "worker", "resume"]
)
def test_without_an_outbox_each_says_what_to_do(command):
    result = CliRunner(env={"CLOUDFRONT_OUTBOX": None}).invoke(main, [command])
    assert result.exit_code == 2
    assert "CLOUDFRONT_OUTBOX" in result.stderr
