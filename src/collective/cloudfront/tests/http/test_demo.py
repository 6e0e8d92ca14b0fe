"""Specification: the demo tells clearly what keeps it from running."""

from collective.cloudfront.demo.__main__ import main
from collective.cloudfront.demo.instance import free_port

import pytest
import socket


@pytest.mark.parametrize("name", ["origin", "edge", "api"])
def test_a_busy_port_is_named_with_the_option_to_choose_another(name, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        ports = {other: free_port() for other in ("origin", "edge", "api")}
        ports[name] = port
        arguments = [f"--{key}-port={value}" for key, value in ports.items()]
        assert main([*arguments, "--home", str(tmp_path / "demo"), "--once"]) == 2
    said = capsys.readouterr().out
    assert f"Port {port} on 127.0.0.1 is in use" in said
    assert f"--{name}-port" in said
    assert not (tmp_path / "demo").exists()
