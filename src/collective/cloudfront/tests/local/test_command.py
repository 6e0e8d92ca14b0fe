"""Running it: the command, its ports, start and stop."""

from .helpers import batch
from .site_template import TEMPLATE
from collective.cloudfront.local import __main__ as command
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local.server import PortBusy
from pathlib import Path

import boto3
import os
import pytest
import re
import requests
import signal
import socket
import subprocess
import sys


@pytest.fixture
def run():
    """Start the command; return the process, which ends with the test."""
    processes = []

    def run(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "collective.cloudfront.local", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def busy_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def read_until(process, text):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError("".join(lines) + process.stderr.read())


def test_it_prints_its_urls_and_each_invalidation_and_ends_on_a_signal(run):
    process = run("--api-port=0", "--edge-port=0", "--distribution=EONE")
    printed = read_until(process, "Ctrl-C")
    assert "Not for production" in printed
    edge = re.search(r"edge +(http://127\.0\.0\.1:\d+)", printed).group(1)
    api = re.search(r"API +(http://127\.0\.0\.1:\d+)", printed).group(1)
    assert requests.get(edge, timeout=60).headers["Via"] == "1.1 local (CloudFront)"
    client = boto3.client(
        "cloudfront",
        endpoint_url=api,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    items = [f"/{number}" for number in range(10)]
    made = client.create_invalidation(
        DistributionId="EONE", InvalidationBatch=batch(*items)
    )
    line = read_until(process, "EONE")
    assert line == (
        f"cloudfront  {made['Invalidation']['Id']}  EONE  10 items: "
        "/0 /1 /2 /3 /4 /5 /6 /7 and 2 more\n"
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0


def test_it_runs_from_a_template(run, tmp_path, plone):
    fake, url = plone
    path = tmp_path / "cloudfront.yaml"
    path.write_text(TEMPLATE)
    process = run(
        "--api-port=0",
        "--edge-port=0",
        f"--template={path}",
        "--parameter=SiteId=my-site",
        "--parameter=DomainName=cms.example.com",
        f"--origin=plone={url}",
    )
    printed = read_until(process, "Ctrl-C")
    assert "EDEMO1234567  Distribution of the template, with 4 behaviors" in printed
    edge = re.search(r"edge +(http://127\.0\.0\.1:\d+)", printed).group(1)
    for expected in ("Miss", "Hit"):
        got = requests.get(
            f"{edge}/page", headers={"Host": "cms.example.com"}, timeout=60
        )
        assert got.headers["X-Cache"] == f"{expected} from cloudfront"
        assert "Cache-Tag" not in got.headers
    assert [each.root for each in fake.asked] == [
        "/VirtualHostBase/https/cms.example.com:443/my-site/VirtualHostRoot"
    ]
    part = requests.head(
        f"{edge}/page", headers={"Accept-Encoding": "identity"}, timeout=60
    )
    assert (part.status_code, part.text) == (200, "")


def test_a_wrong_template_is_said_in_a_sentence(capsys, tmp_path):
    path = tmp_path / "cloudfront.yaml"
    path.write_text(TEMPLATE.replace("Enabled: true", "Enabled: true\n        Odd: 1"))
    for arguments in (
        [f"--template={path}"],
        [f"--template={tmp_path}/none.yaml"],
        [f"--template={path}", "--parameter=Odd"],
    ):
        with pytest.raises(SystemExit) as ended:
            command.main(["--api-port=0", "--edge-port=0", *arguments])
        assert ended.value.code == 2
    printed = capsys.readouterr().err
    place = (
        "Resources.Distribution.DistributionConfig.Odd: The local CloudFront does not"
    )
    assert place in printed
    assert "No such file or directory" in printed
    assert "'Odd' is not NAME=VALUE" in printed


def test_it_runs_without_zope_and_without_boto3():
    code = (
        "import sys, collective.cloudfront.local.__main__;"
        "names = {name.partition('.')[0] for name in sys.modules};"
        "print(names & {'zope', 'Zope2', 'plone', 'boto3', 'botocore'})"
    )
    source = Path(command.__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    result = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (result.stdout, result.stderr) == ("set()\n", "")


@pytest.mark.parametrize("option", ["--api-port", "--edge-port"])
def test_a_busy_port_is_said_in_a_sentence(busy_port, option, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--api-port=0", "--edge-port=0", f"{option}={busy_port}"])
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert f"Port {busy_port} on 127.0.0.1 cannot be listened on" in printed


def test_a_wrong_option_is_said_in_a_sentence(capsys):
    for option in ("--distribution=demo", "--api-rate=fast", "--effect-delay=-1"):
        with pytest.raises(SystemExit) as ended:
            command.main(["--api-port=0", "--edge-port=0", option])
        assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert "'demo' is not a distribution id" in printed
    assert "'fast' is neither a number nor off" in printed
    assert "effect_delay is a finite number" in printed


def test_every_option_has_a_help_text(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for action in command._parser()._actions:
        assert action.help, action.option_strings
    assert "not for production" in printed


def test_it_listens_on_loopback_only(cloudfront):
    for server in cloudfront._servers:
        assert server.server_address[0] == "127.0.0.1"


def test_a_busy_edge_port_leaves_no_api_behind(busy_port):
    cloudfront = LocalCloudFront(edge_port=busy_port)
    with pytest.raises(PortBusy):
        cloudfront.start()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{cloudfront.api_url}/_local/state", timeout=60)


def test_after_stop_nobody_answers_and_after_start_it_remembers():
    cloudfront = LocalCloudFront()
    cloudfront.start()
    session = requests.Session()  # keeps its connection open
    url = f"{cloudfront.api_url}/_local/state"
    cloudfront.control.create_invalidation("EDEMO1234567", "r", ["/a"])
    assert session.get(url, timeout=60).json()["billed"] == 1
    cloudfront.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(url, timeout=60)
    with cloudfront:
        assert session.get(url, timeout=60).json()["billed"] == 1


def test_its_environment_leads_boto3_here(cloudfront, monkeypatch):
    for name, value in cloudfront.environment.items():
        monkeypatch.setenv(name, value)
    cloudfront.control.change_options(distributions=["EENV"])
    client = boto3.session.Session(region_name="us-east-1").client("cloudfront")
    client.create_invalidation(DistributionId="EENV", InvalidationBatch=batch("/a"))
    assert cloudfront.control.state()["billed"] == 1
