"""Credentials, endpoints and proxies as they are found: through real boto3."""

from collective.cloudfront.delivery.aws import session as module
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.aws.probe import Probe
from collective.cloudfront.delivery.calls import Call
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.sts import ROLE
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer

import os
import pytest
import threading


PROFILE = Credentials(profile="cdn")
KEYS = {"aws_access_key_id": "AKIDPROFILE", "aws_secret_access_key": "s"}


@pytest.fixture
def profile(cloudfront, tmp_path, monkeypatch):
    """Write the profile "cdn"; the environment has no keys and no endpoint."""
    for name in list(os.environ):
        if name.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_ENDPOINT")):
            monkeypatch.delenv(name)

    def write(more="", **options):
        lines = "".join(f"{name} = {value}\n" for name, value in options.items())
        (tmp_path / "config").write_text(f"[profile cdn]\n{lines}{more}")

    return write


@pytest.fixture
def url(cloudfront):
    return cloudfront.environment["AWS_ENDPOINT_URL_CLOUDFRONT"]


def create(gateway, credentials=PROFILE, reference="r1"):
    """Do as the courier does: in a call of a thread's own."""
    call = Call(lambda: gateway.create(E1, (credentials,), reference, ("/a",)))
    thread = threading.Thread(target=call.run, name="cloudfront-call E1")
    thread.start()
    thread.join(120)
    return call.result()


# --- what no process can do, A2 -----------------------------------------------------------


def test_a_profile_with_mfa_asks_nobody_and_says_that_a_person_is_needed(
    gateway, profile, caplog, monkeypatch
):
    def ask(*question):
        raise AssertionError("It asks for a code.")

    monkeypatch.setattr("getpass.getpass", ask)
    more = "".join(
        ["[profile base]\n", *(f"{name} = {value}\n" for name, value in KEYS.items())]
    )
    profile(
        more,
        role_arn=ROLE,
        source_profile="base",
        mfa_serial="arn:aws:iam::123456789012:mfa/jane",
    )
    answer = create(gateway)
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "MFA" in str(answer.reason)
    assert str(answer.advice).startswith("MFA requires a person. Use a role")
    # Nor is there a traceback, of ours or of botocore's.
    assert [record for record in caplog.records if record.exc_info] == []


def test_the_connection_test_asks_nobody_either(profile, monkeypatch):
    def ask(*question):
        raise AssertionError("It asks for a code.")

    monkeypatch.setattr("getpass.getpass", ask)
    more = "".join(
        ["[profile base]\n", *(f"{name} = {value}\n" for name, value in KEYS.items())]
    )
    profile(more, role_arn=ROLE, source_profile="base", mfa_serial="arn:aws:iam::1:m/j")
    reply = Probe(PROFILE).sign()
    assert reply.outcome is Outcome.MISCONFIGURED
    assert "MFA" in reply.reason


def test_a_program_for_credentials_has_no_terminal(gateway, profile, tmp_path, url):
    """It cannot ask for a password, which nobody would see."""
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\n"
        "if read line; then exit 1; fi\n"
        "if (: </dev/tty) 2>/dev/null; then exit 2; fi\n"
        'echo \'{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "s"}\'\n'
    )
    program.chmod(0o755)
    profile(credential_process=program, endpoint_url=url)
    assert create(gateway).outcome is Outcome.ACCEPTED


# --- sources of credentials that are missing or broken, M4 -----------------------------


def assert_misconfigured_with_what_to_do(answer, caplog, *words):
    assert answer.outcome is Outcome.MISCONFIGURED
    assert answer.reason.code in ("credentials_failed", "configuration")
    assert all(word in str(answer.reason) for word in words), str(answer.reason)
    assert answer.advice
    assert "report" not in str(answer.advice)
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/does/not/exist", ["/does/not/exist"]),
        ("echo nonsense", ["JSONDecodeError"]),
        ("echo []", ["AttributeError"]),
        ('printf "\\\\377"', ["UnicodeDecodeError"]),
        ("'unbalanced", ["quotation"]),
        ('echo {\\"Version\\":1}', ["AccessKeyId"]),
        ("false", ["custom-process"]),
        ("/tmp", ["/tmp"]),
    ],
    ids=str,
)
def test_a_program_for_credentials_that_is_broken_is_a_misconfiguration(
    gateway, profile, caplog, program, words
):
    profile(credential_process=program)
    assert_misconfigured_with_what_to_do(create(gateway), caplog, *words)


@pytest.mark.parametrize("stays", [True, False])
def test_a_token_file_of_kubernetes_that_is_missing_is_a_misconfiguration(
    gateway, profile, caplog, monkeypatch, tmp_path, stays
):
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    credentials = Credentials(role_arn=ROLE) if stays else Credentials()
    answer = create(gateway, credentials)
    assert_misconfigured_with_what_to_do(answer, caplog, str(tmp_path / "token"))
    assert "IRSA" in str(answer.advice)


def test_a_token_file_of_a_container_that_is_missing_is_a_misconfiguration(
    gateway, profile, caplog, monkeypatch, tmp_path
):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/v1")
    token = str(tmp_path / "token")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token)
    answer = create(gateway, Credentials())
    assert_misconfigured_with_what_to_do(answer, caplog, token)


def test_what_is_mended_is_used_at_the_next_try(
    gateway, profile, monkeypatch, tmp_path, url
):
    profile(credential_process="/does/not/exist", endpoint_url=url)
    assert create(gateway).outcome is Outcome.MISCONFIGURED
    profile(**KEYS, endpoint_url=url)
    assert create(gateway).outcome is Outcome.ACCEPTED


# --- a new client after what configuration can cure, E1 --------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint_url": "http://127.0.0.1:9"},
        {"endpoint_url": "http://cloudfront.invalid"},
        {"endpoint_url": "https://127.0.0.1:9", "ca_bundle": "/does/not/exist"},
        {"credential_process": "false"},
        {"aws_access_key_id": "AKIDWRONG"},
    ],
    ids=str,
)
def test_a_profile_that_is_corrected_is_used_at_the_next_try(
    gateway, cloudfront, profile, wrong, url
):
    cloudfront.control.change_options(accepted_access_keys=["AKIDPROFILE"])
    right = {**KEYS, "endpoint_url": url}
    if "credential_process" in wrong:
        profile(**wrong)
    else:
        profile(**{**right, **wrong})
    assert create(gateway).outcome is not Outcome.ACCEPTED
    profile(**right)
    assert create(gateway).outcome is Outcome.ACCEPTED


def test_what_may_not_be_looked_up_makes_no_new_client(
    gateway, cloudfront, monkeypatch
):
    made, make = [], module.make_client

    def note(credentials):
        made.append(credentials)
        return make(credentials)

    monkeypatch.setattr("collective.cloudfront.delivery.aws.gateway.make_client", note)
    cloudfront.control.change_options(denied_actions={"GetInvalidation"})
    for number in range(5):
        answer = create(gateway, Credentials(), reference=f"r{number}")
        for _ in range(6):
            looked_up = gateway.look_up(E1, (Credentials(),), answer.invalidation)
            assert looked_up.outcome is Outcome.MISCONFIGURED
    assert len(made) == 1


# --- profile and role, G1; regions, G2 --------------------------------------------------


def test_the_profiles_endpoint_is_used_with_a_role_as_well(
    gateway, cloudfront, profile, sts, url, monkeypatch
):
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")
    cloudfront.control.change_options(accepted_access_keys=["ASIAROLE"])
    more = f"[services local]\nsts =\n  endpoint_url = {sts.url}\n"
    profile(more, **KEYS, endpoint_url=url, services="local")
    role = Credentials(profile="cdn", role_arn=ROLE)
    assert create(gateway, role).outcome is Outcome.ACCEPTED
    assert sts.asked == [("AKIDPROFILE", ROLE)]


def test_the_profiles_certificates_are_used_with_a_role_as_well(profile, tmp_path):
    profile(**KEYS, ca_bundle="/where/certificates/are")
    session = module.make_session(Credentials(profile="cdn", role_arn=ROLE))
    core = session._session
    assert core.get_config_variable("ca_bundle") == "/where/certificates/are"


@pytest.mark.parametrize(
    ("variables", "credentials", "endpoint"),
    [
        ({}, {}, "https://cloudfront.amazonaws.com"),
        (
            {"AWS_REGION": "cn-north-1"},
            {},
            "https://cloudfront.cn-northwest-1.amazonaws.com.cn",
        ),
        (
            {"AWS_REGION": "cn-north-1"},
            {"role_arn": ROLE.replace("aws:", "aws-cn:")},
            "https://cloudfront.cn-northwest-1.amazonaws.com.cn",
        ),
        (
            {},
            {"role_arn": ROLE.replace("aws:", "aws-cn:")},
            "https://cloudfront.cn-northwest-1.amazonaws.com.cn",
        ),
        (
            {"AWS_REGION": "cn-north-1", "AWS_DEFAULT_REGION": "eu-central-1"},
            {},
            "https://cloudfront.amazonaws.com",
        ),
        ({"AWS_REGION": "eu-west-1"}, {}, "https://cloudfront.amazonaws.com"),
        # There is no CloudFront in GovCloud: who works there uses the global one.
        ({"AWS_REGION": "us-gov-west-1"}, {}, "https://cloudfront.amazonaws.com"),
    ],
    ids=str,
)
def test_the_region_of_the_container_says_which_cloudfront_it_is(
    profile, monkeypatch, variables, credentials, endpoint
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    keys = {"access_key_id": "AKID", "secret_access_key": "s"}
    client = module.make_client(Credentials(**keys, **credentials))
    assert client.boto.meta.endpoint_url == endpoint


# --- proxies, C3 ----------------------------------------------------------------------------

PAGE = """<!DOCTYPE html><html><head><title>ERROR</title><style>b {}</style></head>
<body><h1>Access Denied by Web Gateway</h1><p>Ask &quot;IT&quot;.</p></body></html>"""


@pytest.fixture
def proxy(cloudfront, monkeypatch):
    """Something that answers in the place of CloudFront, with a status and a page."""

    class Proxy(BaseHTTPRequestHandler):
        status, body = 403, PAGE

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(self.status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body.encode())

        def do_CONNECT(self):
            self.send_error(self.status)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Proxy.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", Proxy.url)
    yield Proxy
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("page", [PAGE, PAGE.replace("<!DOCTYPE html>", "")])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.MISCONFIGURED),
        (403, Outcome.MISCONFIGURED),
        (404, Outcome.MISCONFIGURED),
        (407, Outcome.MISCONFIGURED),
        (413, Outcome.MISCONFIGURED),
        (429, Outcome.THROTTLED),
        (302, Outcome.MISCONFIGURED),
        (502, Outcome.TRANSIENT),
        (503, Outcome.TRANSIENT),
    ],
)
def test_the_page_of_a_proxy_is_typed_as_the_proxys(
    gateway, proxy, status, outcome, page
):
    proxy.status, proxy.body = status, page
    answer = create(gateway, Credentials())
    assert answer.outcome is outcome
    assert f"{status}: Access Denied by Web Gateway" in str(answer.reason)
    if outcome is not Outcome.THROTTLED:
        assert "proxy" in str(answer.reason)
    if outcome is Outcome.MISCONFIGURED:
        assert "HTTPS_PROXY" in str(answer.advice)


@pytest.mark.parametrize("status", [403, 407, 413])
@pytest.mark.parametrize("body", ["", "no way", '{"error": "no"}'])
def test_a_refusal_that_is_no_page_is_the_proxys_as_well(gateway, proxy, status, body):
    proxy.status, proxy.body = status, body
    answer = create(gateway, Credentials())
    assert answer.outcome is Outcome.MISCONFIGURED
    assert answer.reason.code == "proxy"
    assert f"{status}" in str(answer.reason)
    assert body in str(answer.reason)


@pytest.mark.parametrize("body", ["", "<html><body>Sign in</body></html>", "Sign in"])
def test_a_page_with_success_is_no_accepted_invalidation(gateway, proxy, body, caplog):
    """As that of a network at which somebody has to sign in first."""
    proxy.status, proxy.body = 200, body
    answer = create(gateway, Credentials())
    assert answer.outcome is Outcome.TRANSIENT
    assert [record for record in caplog.records if record.exc_info] == []


def test_what_a_proxy_says_is_short(gateway, proxy):
    proxy.body = f"<html><body>{'long ' * 10_000}</body></html>"
    assert len(str(create(gateway, Credentials()).reason)) < 400


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_makes_no_connection_says_why(gateway, proxy, status, monkeypatch):
    proxy.status = status
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", "https://cloudfront.example")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    answer = create(gateway, Credentials())
    assert answer.outcome is Outcome.MISCONFIGURED
    assert answer.reason.code == "proxy"
    assert str(status) in str(answer.reason)


# --- a caller reference that was used, C2 -------------------------------------------------


def test_a_used_reference_is_known_by_what_aws_says_of_it(gateway, cloudfront):
    cloudfront.control.inject(
        "error",
        code="InvalidArgument",
        message="Your request contains a caller reference that was used for a previous "
        "invalidation batch for the same distribution.",
    )
    answer = create(gateway, Credentials())
    assert answer.outcome is Outcome.REFERENCE_TAKEN


# --- several sets of credentials ---------------------------------------------------------


def test_credentials_that_hang_are_tried_after_the_others(
    gateway, profile, url, monkeypatch
):
    profile(credential_process="sleep 3600")
    keys = Credentials(access_key_id="AKIDSITE", secret_access_key="s")
    both = (PROFILE, keys)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", url)

    def begin(reference):
        call = Call(lambda: gateway.create(E1, both, reference, ("/a",)))
        threading.Thread(target=call.run, daemon=True).start()
        return call

    first = begin("r1")
    assert not first.wait(0.5)
    first.give_up()
    second = begin("r1")
    assert second.wait(120)
    assert second.result().outcome is Outcome.ACCEPTED


def test_gateways_share_nothing():
    assert Boto3Gateway()._slots is not Boto3Gateway()._slots
