"""Testing the connection, through real boto3, against the local CloudFront."""

from collective.cloudfront.delivery.aws import causes
from collective.cloudfront.delivery.aws import described
from collective.cloudfront.delivery.aws import errors
from collective.cloudfront.delivery.aws import probe
from collective.cloudfront.delivery.aws import session
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.doctor import connection as module
from collective.cloudfront.doctor import examination
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.findings import MESSAGES
from collective.cloudfront.doctor.judging import judge_cache_tags
from collective.cloudfront.doctor.judging import judge_clock
from collective.cloudfront.doctor.judging import judge_hosts
from collective.cloudfront.doctor.rules import BEHAVIOR_CHECKS
from collective.cloudfront.local.errors import STATUS_OF
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import TENANT
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from hypothesis import given
from hypothesis import strategies as st
from urllib.parse import parse_qs

import json
import logging
import pytest
import re
import socket
import threading
import time


DEFAULT = Credentials()
SECRET = "sEcReT/key+that=nobody0may1see"
TOKEN = "tOkEn//that+nobody=may0see+either"
PAIR = Credentials(access_key_id="AKIDOFTHESITE", secret_access_key=SECRET)
ROLE = "arn:aws:iam::123456789012:role/cdn"
HOSTS = ["www.example.com"]
#: Of a distribution that has nothing wrong; "own" names policies of the local CloudFront
RIGHT = {"response_policy": "own", "removed_headers": ["Cache-Tag"]}

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
IDENTITY = f"""<GetCallerIdentityResponse xmlns="{NAMESPACE}">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::123456789012:user/plone</Arn>
    <UserId>AIDA</UserId><Account>123456789012</Account>
  </GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
ASSUMED = f"""<AssumeRoleResponse xmlns="{NAMESPACE}">
  <AssumeRoleResult><Credentials>
    <AccessKeyId>ASIAOFTHEROLE</AccessKeyId>
    <SecretAccessKey>{SECRET}</SecretAccessKey>
    <SessionToken>{TOKEN}</SessionToken>
    <Expiration>2099-01-01T00:00:00Z</Expiration>
  </Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""
REFUSAL = """<ErrorResponse xmlns="{namespace}">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>What STS said.</Message></Error>
</ErrorResponse>"""


@pytest.fixture(autouse=True)
def sts(bare_environment, monkeypatch):
    """Amazon STS: two canned answers, and refusals by action.

    The local CloudFront is CloudFront only. moto would answer GetCallerIdentity, but
    patches botocore in this process, and its STS lets everybody assume every role.
    """

    class Sts(BaseHTTPRequestHandler):
        answers = {"GetCallerIdentity": IDENTITY, "AssumeRole": ASSUMED}
        refusals = {}
        asked = []

        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])))
            action = form[b"Action"][0].decode()
            self.asked.append(action)
            code = self.refusals.get(action)
            body = self.answers[action]
            if code:
                body = REFUSAL.format(namespace=NAMESPACE, code=code)
            self.send_response(403 if code else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sts)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.server_port}")
    yield Sts
    server.shutdown()
    server.server_close()


@pytest.fixture
def control(cloudfront):
    cloudfront.control.change_options(
        aliases=["www.example.com", "*.example.org"],
        cache_tag_header="Cache-Tag",
        default_behavior=RIGHT,
    )
    return cloudfront.control


@pytest.fixture
def examine(control):
    """Test the connection; return the findings by their names."""

    def examine(
        distribution=E1, credentials=DEFAULT, hosts=HOSTS, header="Cache-Tag", **rest
    ):
        found = module.test_connection(distribution, credentials, hosts, header, **rest)
        assert_sound(found)
        # Whatever was examined: nothing is made, and nothing costs anything.
        assert control.invalidations() == []
        assert control.state()["billed"] == 0
        return {finding.name: finding for finding in found}

    return examine


def assert_sound(found):
    assert [finding.name for finding in found] == list(CHECKS)
    for finding in found:
        assert isinstance(finding.level, Level)
        assert finding.text
        assert "${" not in finding.text + finding.advice
        assert all(isinstance(value, str) for value in finding.mapping.values())
        # Whoever is told of a problem is told what to do.
        assert finding.level in (Level.OK, Level.UNKNOWN) or finding.advice


def levels(found):
    return {name: finding.level for name, finding in found.items()}


def codes(found, level):
    return {name: f.code for name, f in found.items() if f.level is level}


# --- what is well ---------------------------------------------------------------------


@pytest.mark.parametrize("distribution", [E1, TENANT])
def test_where_all_is_well_every_check_is_ok(quick, examine, distribution):
    found = examine(distribution)
    assert set(levels(found).values()) == {Level.OK}
    assert not any(finding.advice for finding in found.values())
    assert found["distribution"].code == "distribution"
    assert found["identity"].mapping == {"arn": "arn:aws:iam::123456789012:user/plone"}


def test_each_policy_is_asked_for_once(quick, examine, control, sts):
    request = {"request_policy": "own", "request_cookies": "all"}
    control.change_options(
        default_behavior=RIGHT | request,
        behaviors=[RIGHT | request | {"path_pattern": "/en/*", "cache_policy": "own"}],
    )
    control.change_options(cache_policy="own")
    examine()
    assert [entry.operation for entry in control.log()] == [
        "GetDistribution",
        "CreateInvalidation",
        "GetInvalidation",
        "GetCachePolicy",
        "GetOriginRequestPolicy",
        "GetResponseHeadersPolicy",
    ]
    examine(TENANT)
    assert [entry.operation for entry in control.log(since=6)] == [
        "GetDistributionTenant",
        "GetDistribution",
        "CreateInvalidationForDistributionTenant",
        "GetInvalidationForDistributionTenant",
        "GetCachePolicy",
        "GetOriginRequestPolicy",
        "GetResponseHeadersPolicy",
    ]
    assert sts.asked == ["GetCallerIdentity"] * 2


def test_findings_are_values_that_translations_can_use(examine):
    finding = examine()["hosts"]
    assert (finding.name, finding.code) == ("hosts", "hosts_all")
    assert finding.mapping == {"hosts": "www.example.com", "others": "–"}
    assert finding.text == "The distribution serves www.example.com."
    assert "hosts_all" in repr(finding)


# --- CreateInvalidation without an invalidation ---------------------------------------


@pytest.mark.parametrize("distribution", [E1, TENANT])
def test_the_trial_of_creating_is_refused_for_its_quantity_and_has_no_items(
    quick, examine, control, distribution
):
    examine(distribution)
    (trial,) = [e for e in control.log() if e.operation.startswith("CreateInv")]
    assert trial.outcome == "InconsistentQuantities"
    assert trial.items == ()
    assert control.state()["accepted"] == 0


def test_botocore_sends_the_contradiction_as_it_is(examine, monkeypatch):
    sent = []
    make_client = probe.client_of

    def make_and_listen(session):
        client = make_client(session)
        client.meta.events.register(
            "before-send.cloudfront.CreateInvalidation",
            lambda request, **rest: sent.append(request.body),
        )
        return client

    monkeypatch.setattr(probe, "client_of", make_and_listen)
    examine()
    (body,) = sent
    assert b"<Quantity>1</Quantity>" in body
    assert b"<Items" not in body
    assert b"<Path>" not in body


def test_no_two_trials_share_a_caller_reference(quick, examine, control):
    examine()
    examine()
    assert len({e.caller_reference for e in control.log()} - {""}) == 2


@pytest.mark.parametrize(
    "code",
    [
        "InconsistentQuantities",
        "InvalidArgument",
        "TooManyInvalidationsInProgress",
        "InvalidationBatchAlreadyExists",
    ],
)
def test_what_comes_after_authorisation_means_that_creating_is_allowed(
    quick, examine, control, code
):
    control.inject("error", code=code, operation="CreateInvalidation")
    finding = examine()["permission_create"]
    assert (finding.level, finding.code) == (Level.OK, "allowed")
    assert "cloudfront:CreateInvalidation" in finding.text


# --- permissions ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "operation", "name", "level"),
    [
        (E1, "CreateInvalidation", "permission_create", Level.ERROR),
        (
            TENANT,
            "CreateInvalidationForDistributionTenant",
            "permission_create",
            Level.ERROR,
        ),
        (E1, "GetInvalidation", "permission_look_up", Level.WARNING),
        (
            TENANT,
            "GetInvalidationForDistributionTenant",
            "permission_look_up",
            Level.WARNING,
        ),
        (E1, "GetDistribution", "permission_describe", Level.WARNING),
        (TENANT, "GetDistributionTenant", "permission_describe", Level.WARNING),
    ],
)
def test_a_missing_permission_is_named_by_its_iam_action(
    quick, examine, control, distribution, operation, name, level
):
    control.change_options(denied_actions={operation})
    found = examine(distribution)
    assert found[name].level is level
    assert re.search(rf"Allow cloudfront:{operation} ", found[name].advice)
    others = {n: f for n, f in found.items() if f.level in (Level.WARNING, Level.ERROR)}
    assert set(others) == {name}


def test_with_creating_only_nothing_is_wrong_but_little_is_known(
    quick, examine, control
):
    everything_else = {
        "GetInvalidation",
        "GetDistribution",
        "GetDistributionConfig",
        "GetCachePolicy",
    }
    control.change_options(denied_actions=everything_else)
    found = examine()
    assert codes(found, Level.ERROR) == {}
    assert set(codes(found, Level.WARNING)) == {
        "permission_look_up",
        "permission_describe",
    }
    assert codes(found, Level.UNKNOWN) == dict.fromkeys(
        ["distribution", "hosts", "cache_tags", "errors", *BEHAVIOR_CHECKS],
        "not_readable",
    )
    assert "the permission cloudfront:GetDistribution is missing" in found["hosts"].text
    assert "cloudfront:GetDistribution " in found["hosts"].advice
    # Where no tags are used there is nothing to know about them.
    assert examine(header="")["cache_tags"].level is Level.OK


def test_the_configuration_alone_tells_all_but_the_status(examine, control):
    control.change_options(denied_actions={"GetDistribution"})
    found = examine()
    assert found["distribution"].code == "distribution_no_status"
    assert found["permission_describe"].level is Level.WARNING
    for name in ("hosts", "cache_tags", "query_strings"):
        assert found[name].level is Level.OK


def test_the_configuration_alone_tells_all_of_a_tenants_distribution(examine, control):
    control.change_options(denied_actions={"GetDistribution"})
    assert set(levels(examine(TENANT)).values()) == {Level.OK}


def test_a_tenant_whose_distribution_is_not_readable_is_judged_by_itself(
    examine, control
):
    denied = {"GetDistribution", "GetDistributionConfig"}
    control.change_options(denied_actions=denied)
    found = examine(TENANT)
    assert found["distribution"].level is found["hosts"].level is Level.OK
    assert found["permission_describe"].level is Level.OK
    for name in ("cache_tags", "query_strings"):
        assert found[name].code == "not_readable"
        assert "cloudfront:GetDistribution " in found[name].advice


# --- the distribution -----------------------------------------------------------------


@pytest.mark.parametrize("distribution", ["EUNKNOWN", "dt_unknown", "", "ü", "../E1"])
def test_an_unknown_distribution_is_an_error_and_ends_it(
    quick, examine, control, distribution
):
    found = examine(distribution)
    assert set(codes(found, Level.ERROR)) <= {"distribution"}
    assert found["distribution"].level is not Level.OK
    assert found["credentials"].level is Level.OK


def test_what_is_unknown_is_told_with_its_id(examine):
    finding = examine("EUNKNOWN")["distribution"]
    assert (finding.level, finding.code) == (Level.ERROR, "missing")
    assert "EUNKNOWN" in finding.text
    assert "distribution ID" in finding.advice


@pytest.mark.parametrize("distribution", [E1, TENANT])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deployed": False}, "distribution_deploying"),
        ({"enabled": False}, "distribution_disabled"),
    ],
)
def test_what_is_not_deployed_or_enabled_is_a_warning(
    quick, examine, control, distribution, change, code
):
    control.change_options(**change)
    finding = examine(distribution)["distribution"]
    assert (finding.level, finding.code) == (Level.WARNING, code)


def test_the_hosts_are_compared_with_the_aliases(quick, examine):
    assert examine(hosts=["cms.example.org:8443"])["hosts"].code == "hosts_all"
    assert examine(hosts=["example.com"])["hosts"].code == "hosts_none"
    listed = examine(hosts=[])["hosts"]
    assert listed.level is Level.OK
    assert "www.example.com, *.example.org, " in listed.text


@pytest.mark.parametrize("distribution", [E1, TENANT])
def test_the_header_of_cache_tags_is_compared(quick, examine, control, distribution):
    assert examine(distribution)["cache_tags"].code == "cache_tags"
    assert examine(distribution, header="X")["cache_tags"].code == "cache_tags_other"
    control.change_options(cache_tag_header="")
    assert examine(distribution)["cache_tags"].code == "cache_tags_missing"
    found = examine(distribution, finds_tags=True)["cache_tags"]
    assert (found.code, found.level) == ("cache_tags_by_path", Level.INFO)
    assert "Cache-Tag" in found.advice
    assert examine(distribution, header="")["cache_tags"].code == "cache_tags_off"


# --- clock ------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    ("skew", "level"),
    [(0, Level.OK), (50, Level.OK), (90, Level.WARNING), (400, Level.ERROR)],
)
def test_the_clock_is_compared_with_awss(quick, examine, skew, level, direction):
    finding = examine(clock=lambda: time.time() + direction * skew)["clock"]
    assert finding.level is level
    assert re.search(r"(difference: |AWS by )\d+ s\b", finding.text)


def test_a_time_that_is_not_told_is_unknown(examine, monkeypatch):
    monkeypatch.setattr(probe, "date_of", lambda answer: None)
    assert codes(examine(), Level.UNKNOWN) == {"clock": "clock_untold"}


def test_errors_tell_the_time_as_well(examine, control):
    control.inject("error", code="RequestTimeTooSkewed", status=403, times=None)
    found = examine(clock=lambda: time.time() + 1000)
    assert found["distribution"].code == "clock_refused"
    assert found["clock"].level is Level.ERROR


# --- credentials --------------------------------------------------------------------------


def test_credentials_of_the_environment_are_told_by_four_characters(
    examine, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAABCDEFGHWXYZ")
    finding = examine()["credentials"]
    assert finding.code == "credentials_env"
    assert "WXYZ" in finding.text
    assert "HWXYZ" not in finding.text + repr(finding)


def test_credentials_of_the_settings_are_told_as_such(examine):
    assert examine(credentials=PAIR)["credentials"].code == "credentials_settings"


@pytest.mark.parametrize(
    ("file", "section", "code"),
    [
        ("credentials", "[cdn]", "credentials_shared"),
        ("config", "[profile cdn]", "credentials_config"),
    ],
)
def test_credentials_of_a_profile_are_told_by_their_file(
    examine, tmp_path, file, section, code
):
    (tmp_path / file).write_text(
        f"{section}\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n"
    )
    finding = examine(credentials=Credentials(profile="cdn"))["credentials"]
    assert (finding.code, finding.mapping["key"]) == (code, "FILE")


@pytest.fixture
def metadata(control, monkeypatch):
    """The metadata service of a machine or container; return its URL."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    role = {
        "Code": "Success",
        "AccessKeyId": "ASIAMACHINE",
        "SecretAccessKey": SECRET,
        "Token": TOKEN,
        "Expiration": "2099-01-01T00:00:00Z",
    }

    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self):
            listing = self.path.endswith("/security-credentials/")
            self.answer("plone" if listing else json.dumps(role))

        def do_PUT(self):
            self.answer("a-token-for-the-session")

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_credentials_of_a_machine_are_told(examine, metadata, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata)
    assert examine()["credentials"].code == "credentials_machine"


def test_credentials_of_a_container_are_told(examine, metadata, monkeypatch):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{metadata}/role")
    assert examine()["credentials"].code == "credentials_container"


def test_credentials_of_a_program_are_told_by_botocores_name(examine, tmp_path):
    answer = {"Version": 1, "AccessKeyId": "AKIDPROGRAM", "SecretAccessKey": SECRET}
    (tmp_path / "answer").write_text(json.dumps(answer))
    (tmp_path / "config").write_text(
        f"[profile cdn]\ncredential_process = cat {tmp_path / 'answer'}\n"
    )
    finding = examine(credentials=Credentials(profile="cdn"))["credentials"]
    assert finding.code == "credentials_other"
    assert "custom-process" in finding.text


def test_an_assumed_role_is_told(examine, sts):
    finding = examine(credentials=Credentials(role_arn=ROLE))["credentials"]
    assert finding.code == "credentials_role"
    assert ROLE in finding.text
    assert finding.mapping["key"] == "ROLE"
    assert sts.asked == ["AssumeRole", "GetCallerIdentity"]


@pytest.fixture
def refused_credentials(examine):
    """Examine credentials that cannot be used; return the finding about them."""

    def examine_refused(credentials=DEFAULT):
        found = examine(credentials=credentials)
        assert codes(found, Level.ERROR).keys() == {"credentials"}
        assert codes(found, Level.UNKNOWN).keys() >= CHECKS.keys() - {
            "credentials",
            "clock",
        }
        return found["credentials"]

    return examine_refused


def test_no_credentials_are_an_error(refused_credentials, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    finding = refused_credentials()
    assert finding.code == "credentials_none"
    assert "Provide AWS credentials for Zope" in finding.advice


@pytest.mark.parametrize(
    "half",
    [Credentials(access_key_id="AKIDSITE"), Credentials(secret_access_key=SECRET)],
    ids=["key id", "secret"],
)
def test_half_a_key_pair_in_the_settings_is_an_error(refused_credentials, half):
    assert refused_credentials(half).code == "credentials_partial"


def test_half_a_key_pair_in_the_environment_is_an_error(
    refused_credentials, monkeypatch
):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    finding = refused_credentials()
    assert finding.code == "credentials_partial"
    assert "AWS_SECRET_ACCESS_KEY" in finding.text


def test_an_unknown_profile_is_an_error_that_names_it(refused_credentials):
    finding = refused_credentials(Credentials(profile="typo"))
    assert finding.code == "credentials_profile"
    assert "typo" in finding.text


def test_a_role_without_credentials_to_assume_it_is_an_error(
    refused_credentials, monkeypatch
):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refused_credentials(Credentials(role_arn=ROLE)).code == "credentials_none"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("AccessDenied", "role_denied"),
        ("ValidationError", "credentials_failed"),
        ("InvalidClientTokenId", "key_unknown"),
        ("SignatureDoesNotMatch", "signature"),
        ("ExpiredToken", "expired"),
        ("SomethingNew", "credentials_failed"),
    ],
)
def test_a_role_that_cannot_be_assumed_is_an_error(
    refused_credentials, sts, error, code
):
    sts.refusals["AssumeRole"] = error
    finding = refused_credentials(Credentials(role_arn=ROLE))
    assert finding.code == code
    assert error in finding.text
    if code == "role_denied":
        assert "sts:AssumeRole" in finding.advice


def test_a_broken_role_is_an_error(refused_credentials):
    finding = refused_credentials(Credentials(role_arn="arn"))
    assert finding.code == "credentials_failed"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("InvalidClientTokenId", "key_unknown"),
        ("UnrecognizedClientException", "key_unknown"),
        ("SignatureDoesNotMatch", "signature"),
        ("ExpiredToken", "expired"),
        ("ExpiredTokenException", "expired"),
        ("RequestExpired", "clock_refused"),
    ],
)
def test_credentials_that_cloudfront_refuses_end_it(
    quick, examine, control, code, cause
):
    control.inject("error", code=code, times=None)
    found = examine()
    assert codes(found, Level.ERROR) == {"distribution": cause}
    assert found["permission_create"].code == "not_checked"
    assert len(control.log()) == 1


def test_wrong_keys_are_told(examine, control):
    control.change_options(accepted_access_keys=["AKIDOTHER"])
    assert examine()["distribution"].code == "key_unknown"


# --- identity -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "InvalidClientTokenId"])
def test_an_identity_that_is_not_told_spoils_nothing(quick, examine, sts, code):
    sts.refusals["GetCallerIdentity"] = code
    found = examine()
    assert codes(found, Level.UNKNOWN) == {"identity": "identity_unknown"}
    assert codes(found, Level.OK).keys() == CHECKS.keys() - {"identity"}


def test_sts_out_of_reach_spoils_nothing(examine, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    assert codes(examine(), Level.UNKNOWN).keys() == {"identity"}


def test_sts_that_hangs_is_not_waited_for_as_long_as_cloudfront(examine, monkeypatch):
    monkeypatch.setattr(probe, "SHORT_TIMEOUT", 0.2)
    # Whoever waited as long as for CloudFront would not come back.
    monkeypatch.setattr(session, "READ_TIMEOUT", 3600)
    monkeypatch.setattr(module, "LIMIT", 3600)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        assert codes(examine(), Level.UNKNOWN).keys() == {"identity"}


# --- out of reach ---------------------------------------------------------------------------


def test_the_timeouts_of_a_deaf_aws_are_within_the_limit():
    # A role whose STS is deaf ends it; else the identity, then the first call.
    longest = 2 * probe.SHORT_TIMEOUT + session.CONNECT_TIMEOUT + session.READ_TIMEOUT
    assert longest <= module.LIMIT < 20


def test_a_cloudfront_out_of_reach_is_asked_once(examine, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", "http://127.0.0.1:9")
    found = examine()
    assert codes(found, Level.ERROR) == {"distribution": "unreachable"}
    # STS has told the time.
    assert codes(found, Level.OK).keys() == {"credentials", "identity", "clock"}


def test_a_host_that_does_not_exist_is_out_of_reach(examine, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", "http://cloudfront.invalid:1")
    assert examine()["distribution"].code == "unreachable"


def test_a_cloudfront_that_hangs_is_waited_for_once(examine, control, monkeypatch):
    monkeypatch.setattr(session, "READ_TIMEOUT", 0.3)
    control.inject("slow_answer", times=9, seconds=1.0)
    assert examine()["distribution"].code == "unreachable"
    assert len(control.log()) == 1


def test_a_role_while_sts_is_out_of_reach_is_an_error(refused_credentials, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    assert refused_credentials(Credentials(role_arn=ROLE)).code == "unreachable"


def test_whatever_takes_how_long_there_is_a_limit(quick, examine, control, monkeypatch):
    # Long enough for what answers, on a busy machine, too
    monkeypatch.setattr(module, "LIMIT", 5.0)
    monkeypatch.setattr(session, "READ_TIMEOUT", 3600)
    control.inject("slow_answer", seconds=15.0)
    found = examine()
    assert codes(found, Level.OK).keys() == {"credentials", "identity"}
    assert codes(found, Level.ERROR) == {"distribution": "timed_out"}


def test_when_nobody_waits_any_more_nothing_else_is_asked(
    examine, control, monkeypatch
):
    monkeypatch.setattr(module, "LIMIT", 0.01)
    before = set(threading.enumerate())
    examine()
    for thread in set(threading.enumerate()) - before:
        if thread.name == "collective.cloudfront.connection":
            thread.join()
    assert control.log() == []


def test_a_program_for_credentials_that_hangs_is_bounded(
    examine, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "LIMIT", 0.5)
    (tmp_path / "config").write_text("[profile cdn]\ncredential_process = sleep 2\n")
    found = examine(credentials=Credentials(profile="cdn"))
    assert codes(found, Level.ERROR) == {"credentials": "timed_out"}


@pytest.mark.parametrize(
    ("distribution", "operation"),
    [
        (E1, "GetDistribution"),
        (E1, "CreateInvalidation"),
        (E1, "GetInvalidation"),
        (TENANT, "GetDistributionTenant"),
        (TENANT, "GetDistribution"),
    ],
)
def test_after_a_lost_connection_nothing_else_is_asked(
    quick, examine, control, distribution, operation
):
    control.inject("drop_before", operation=operation, times=None)
    found = examine(distribution)
    assert control.log()[-1].operation == operation
    assert {"unreachable", "not_told"} & {finding.code for finding in found.values()}
    assert "not_checked" in {finding.code for finding in found.values()}


# --- every error, at every call -------------------------------------------------------------

OPERATIONS = [
    (E1, "GetDistribution"),
    (E1, "CreateInvalidation"),
    (E1, "GetInvalidation"),
    (E1, "GetCachePolicy"),
    (E1, "GetResponseHeadersPolicy"),
    (TENANT, "GetDistributionTenant"),
    (TENANT, "GetDistribution"),
    (TENANT, "CreateInvalidationForDistributionTenant"),
    (TENANT, "GetInvalidationForDistributionTenant"),
]
CODES = sorted(
    {
        *STATUS_OF,
        *causes.CAUSES,
        *errors.ADVICE,
        *errors.THROTTLED,
        *errors.TRANSIENT,
        "InvalidArgument",
        "OptInRequired",
        "SomethingNew",
        "TooManyInvalidationsInProgress",
    }
    # Our own words.
    - {described.UNEXPECTED, described.UNREACHABLE}
)


@pytest.mark.parametrize(("distribution", "operation"), OPERATIONS)
def test_every_error_at_every_call_is_a_finding_that_repeats_what_aws_said(
    examine, control, quick, distribution, operation
):
    control.change_options(cache_policy="own")
    for code in CODES:
        cause = causes.CAUSES.get(code.removesuffix("Exception"))
        if (distribution, operation, cause) == (TENANT, "GetDistribution", "denied"):
            continue  # GetDistributionConfig has told it
        control.inject(
            "error", code=code, operation=operation, message="As said.", times=None
        )
        found = examine(distribution)
        control.clear_faults()
        allowed = {"NoSuchInvalidation", "InconsistentQuantities", "InvalidArgument"}
        told = [f for f in found.values() if f"{code}: As said." in f.text]
        if code not in allowed | {"TooManyInvalidationsInProgress"}:
            assert told, code
            assert all(f.level is not Level.OK for f in told), code
        assert "unexpected" not in {f.code for f in found.values()}


@pytest.mark.parametrize(("distribution", "operation"), OPERATIONS)
@pytest.mark.parametrize("status", [200, 201, 502, 503])
def test_an_answer_without_xml_is_a_finding(
    examine, control, quick, distribution, operation, status
):
    control.change_options(cache_policy="own")
    control.inject("garbage", status=status, operation=operation, times=None)
    found = examine(distribution)
    assert {Level.UNKNOWN, Level.ERROR} & set(levels(found).values())
    assert "unexpected" not in {f.code for f in found.values()}


# --- what nobody expected ---------------------------------------------------------------------


def test_a_defect_becomes_a_finding_and_a_traceback(examine, monkeypatch, caplog):
    def fail(*args):
        raise KeyError(SECRET)

    monkeypatch.setattr(examination, "judge_hosts", fail)
    found = examine()
    assert codes(found, Level.ERROR) == {"hosts": "unexpected"}
    assert "in _check_hosts" in caplog.text
    assert SECRET not in caplog.text


def test_a_clock_that_fails_raises_nothing(examine):
    def fail():
        raise OSError

    assert "unexpected" in codes(examine(clock=fail), Level.ERROR).values()


def test_a_process_that_is_ending_raises_nothing(examine, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert codes(examine(), Level.ERROR) == {"credentials": "unexpected"}


# --- secrets ------------------------------------------------------------------------------------


@pytest.fixture
def assert_no_secret(caplog):
    # Of boto3 itself we know that it logs no secret, at levels that anybody uses.
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="collective.cloudfront")

    def assert_no_secret(found):
        shown = [
            (repr(f), f"{f}", f.text, f.advice, dict(f.mapping)) for f in found.values()
        ]
        for secret in (SECRET, TOKEN):
            assert secret not in repr(shown)
            assert secret not in caplog.text

    return assert_no_secret


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"kind": "error", "code": "SignatureDoesNotMatch", "status": 403},
        {"kind": "error", "code": "AccessDenied", "message": f"You said {SECRET}."},
        {"kind": "drop_after"},
        {"kind": "garbage", "status": 200},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "credentials", [PAIR, Credentials(role_arn=ROLE)], ids=["pair", "role"]
)
def test_no_secret_is_shown_or_logged(
    examine, control, assert_no_secret, fault, credentials
):
    if fault:
        control.inject(**fault, times=None)
    assert_no_secret(examine(credentials=credentials))


def test_a_token_that_cannot_be_sent_is_not_shown(
    examine, monkeypatch, assert_no_secret
):
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{TOKEN}\nmore")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{SECRET}\n")
    found = examine()
    assert found["distribution"].level is Level.ERROR
    assert_no_secret(found)


def test_a_broken_credentials_file_is_not_shown(
    refused_credentials, tmp_path, assert_no_secret
):
    (tmp_path / "credentials").write_text(f"[cdn]\naws_secret_access_key\n{SECRET}\n")
    finding = refused_credentials(Credentials(profile="cdn"))
    assert_no_secret({"credentials": finding})


@pytest.mark.parametrize(
    "program", [f"echo {SECRET}", f"sh -c 'echo {SECRET} >&2; false'"]
)
def test_what_a_program_for_credentials_writes_is_not_shown(
    refused_credentials, tmp_path, assert_no_secret, program
):
    (tmp_path / "config").write_text(f"[profile cdn]\ncredential_process = {program}\n")
    finding = refused_credentials(Credentials(profile="cdn"))
    assert_no_secret({"credentials": finding})


# --- pure functions -----------------------------------------------------------------------------


def test_every_problem_has_an_advice_and_every_sentence_an_end():
    for code, message in MESSAGES.items():
        assert message.text.endswith(tuple(".}")), code
        assert not message.advice or message.advice.endswith("."), code


@pytest.mark.parametrize(
    ("names", "host", "matches"),
    [
        (["www.example.com"], "www.example.com", True),
        (["www.example.com"], "WWW.Example.COM:443", True),
        (["www.example.com"], "www.example.com.", True),
        (["WWW.example.com"], "www.example.com", True),
        (["www.example.com"], "example.com", False),
        (["*.example.com"], "www.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "a.b.example.com", False),
        (["*.com"], "com", False),
        (["localhost"], "localhost:8080", True),
        ([], "www.example.com", False),
        (["www.example.com"], "", False),
    ],
)
def test_a_wildcard_stands_for_one_label(names, host, matches):
    level, _, _ = judge_hosts(names, [host])
    assert (level is Level.OK) == matches


label = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
name = st.lists(label, min_size=2, max_size=4).map(".".join)


def test_that_no_host_names_are_known_is_neither_right_nor_wrong():
    for hosts in ([], ["www.example.com"]):
        assert judge_hosts([], hosts)[:2] == (Level.UNKNOWN, "hosts_untold")


@given(st.lists(name, min_size=1), st.lists(name, min_size=1))
def test_hosts_are_a_warning_just_if_none_is_answered_to(names, hosts):
    level, code, _ = judge_hosts(names, hosts)
    shared = set(names) & set(hosts)
    assert (level is Level.WARNING) == (not shared)
    assert (code == "hosts_all") == (set(hosts) <= set(names))


@given(st.text(max_size=9), st.text(max_size=9))
def test_anything_can_be_compared(one, another):
    for level, code in (
        judge_hosts([one], [another])[:2],
        judge_cache_tags(one, another),
    ):
        assert isinstance(level, Level)
        assert code in MESSAGES


@pytest.mark.parametrize(
    ("found", "wanted", "level", "code"),
    [
        ("", "", Level.OK, "cache_tags_off"),
        ("Cache-Tag", "", Level.OK, "cache_tags_unused"),
        ("cache-tag", "Cache-Tag", Level.OK, "cache_tags"),
        ("", "Cache-Tag", Level.WARNING, "cache_tags_missing"),
        ("X-Tag", "Cache-Tag", Level.WARNING, "cache_tags_other"),
    ],
)
def test_cache_tags_need_the_same_header_at_both_ends(found, wanted, level, code):
    assert judge_cache_tags(found, wanted) == (level, code)


@given(st.floats(allow_nan=False))
def test_the_clock_may_go_wrong_by_a_minute_and_fails_at_five(skew):
    level, _ = judge_clock(skew)
    assert (level is Level.OK) == (abs(skew) <= 60)
    assert (level is Level.ERROR) == (abs(skew) > 300)
