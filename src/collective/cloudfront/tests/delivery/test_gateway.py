"""The gateway through real boto3, against the local CloudFront."""

from botocore import exceptions
from botocore.httpsession import URLLib3Session
from collective.cloudfront.delivery.aws import gateway as module
from collective.cloudfront.delivery.aws import session
from collective.cloudfront.delivery.aws.errors import classify
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.tests.delivery.gateways import client_error
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import TENANT
from collective.cloudfront.tests.delivery.sts import ROLE
from concurrent.futures import ThreadPoolExecutor

import logging
import pytest
import socket
import time


DEFAULT = Credentials()
SECRET = "sEcReT/key+that=nobody0may1see"


@pytest.fixture
def control(cloudfront):
    return cloudfront.control


def create(gateway, *items, distribution=E1, credentials=DEFAULT, reference="r1"):
    return gateway.create(distribution, (credentials,), reference, items or ("/a",))


# --- accepted --------------------------------------------------------------------------


def test_an_accepted_invalidation_has_an_id_and_a_status(gateway, control):
    answer = create(gateway, "/a", "/b/*", "#tag", "/%C3%A9?x=1&y=%20")
    (invalidation,) = control.invalidations()
    assert answer.outcome is Outcome.ACCEPTED
    assert (answer.invalidation, answer.status) == (invalidation.id, "InProgress")
    assert invalidation.items == ("/a", "/b/*", "#tag", "/%C3%A9?x=1&y=%20")
    assert invalidation.caller_reference == "r1"
    assert invalidation.distribution == E1


def test_the_same_reference_and_items_are_the_same_invalidation(gateway, control):
    first, second = create(gateway, "/a"), create(gateway, "/a")
    assert first.invalidation == second.invalidation
    assert control.state()["billed"] == 1


def test_a_batch_of_a_thousand_long_items_is_accepted(gateway, control):
    items = [f"/{number}/{'x' * 900}" for number in range(1000)]
    assert create(gateway, *items).outcome is Outcome.ACCEPTED
    assert control.state()["billed"] == 1000


def test_a_tenant_is_called_by_its_own_operation(gateway, control):
    answer = create(gateway, "/a", distribution=TENANT)
    assert answer.outcome is Outcome.ACCEPTED
    looked_up = gateway.look_up(TENANT, (DEFAULT,), answer.invalidation)
    assert looked_up.invalidation == answer.invalidation
    assert [entry.operation for entry in control.log()] == [
        "CreateInvalidationForDistributionTenant",
        "GetInvalidationForDistributionTenant",
    ]


def test_a_look_up_tells_the_status(gateway, control):
    answer = create(gateway)
    assert gateway.look_up(E1, (DEFAULT,), answer.invalidation).status == "InProgress"
    control.change_options(completion_delay=0.0)
    answer = create(gateway, reference="r2")
    looked_up = gateway.look_up(E1, (DEFAULT,), answer.invalidation)
    assert (looked_up.outcome, looked_up.status) == (Outcome.ACCEPTED, "Completed")


# --- what CloudFront refuses, by its own rules --------------------------------------------


def test_an_item_against_the_rules_is_refused_as_an_item(gateway, control):
    answer = create(gateway, "/good", "/bad~")
    assert answer.outcome is Outcome.REFUSED_ITEMS
    assert "InvalidArgument" in str(answer.reason)
    assert answer.advice


def test_too_many_items_are_refused_as_items(gateway, control):
    control.change_options(batch_size=2)
    assert create(gateway, "/1", "/2", "/3").outcome is Outcome.REFUSED_ITEMS


def test_a_reference_with_other_items_is_taken(gateway, control):
    create(gateway, "/a")
    assert create(gateway, "/b").outcome is Outcome.REFERENCE_TAKEN


def test_too_many_in_progress_is_over_quota(gateway, control):
    control.change_options(wildcards_in_progress=1)
    answer = create(gateway, "/a/*", "/b/*")
    assert answer.outcome is Outcome.OVER_QUOTA
    assert "TooManyInvalidationsInProgress" in str(answer.reason)


def test_too_many_calls_are_throttled(gateway, control):
    control.change_options(api_rate=0.001, api_burst=1)
    assert create(gateway).outcome is Outcome.ACCEPTED
    assert create(gateway).outcome is Outcome.THROTTLED


@pytest.mark.parametrize("distribution", ["EUNKNOWN", "dt_unknown"])
def test_an_unknown_distribution_is_a_misconfiguration(gateway, distribution):
    answer = create(gateway, distribution=distribution)
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "in the CloudFront settings" in str(answer.advice)


def test_a_denied_call_is_a_misconfiguration_that_names_the_permission(
    gateway, control
):
    control.change_options(denied_actions={"CreateInvalidation"})
    answer = create(gateway)
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "AccessDenied" in str(answer.reason)
    assert "cloudfront:CreateInvalidation" in str(answer.advice)


@pytest.mark.parametrize(
    ("distribution", "suffix"), [(E1, ""), (TENANT, "ForDistributionTenant")]
)
def test_the_permission_is_the_one_for_the_call(gateway, control, distribution, suffix):
    control.change_options(
        denied_actions={f"CreateInvalidation{suffix}", f"GetInvalidation{suffix}"}
    )
    created = create(gateway, distribution=distribution)
    assert f"cloudfront:CreateInvalidation{suffix} " in str(created.advice)
    looked_up = gateway.look_up(distribution, (DEFAULT,), "I1")
    assert f"cloudfront:GetInvalidation{suffix} " in str(looked_up.advice)


def test_a_look_up_of_what_cloudfront_has_forgotten_tells_that_it_is_over(gateway):
    looked_up = gateway.look_up(E1, (DEFAULT,), "IFORGOTTEN1234")
    assert (looked_up.outcome, looked_up.status) == (Outcome.ACCEPTED, "Unknown")


def test_a_denied_look_up_is_a_misconfiguration(gateway, control):
    control.change_options(denied_actions={"GetInvalidation"})
    answer = create(gateway)
    looked_up = gateway.look_up(E1, (DEFAULT,), answer.invalidation)
    assert looked_up.outcome is Outcome.MISCONFIGURED


def test_an_unknown_access_key_is_a_misconfiguration_that_names_it(gateway, control):
    control.change_options(accepted_access_keys=["AKIDOTHER"])
    answer = create(gateway)
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "access key ID" in str(answer.advice)


@pytest.mark.parametrize("distribution", ["", "a/b", "E1?x", "ü", "../E1"])
def test_no_distribution_id_raises_anything(gateway, distribution):
    answer = create(gateway, distribution=distribution)
    assert answer.outcome is Outcome.MISCONFIGURED
    assert answer.reason
    assert answer.advice


# --- every error code ----------------------------------------------------------------------

CODES = [
    (
        "TooManyInvalidationsInProgress",
        400,
        Outcome.OVER_QUOTA,
        "continues automatically",
    ),
    ("Throttling", 400, Outcome.THROTTLED, "continues automatically"),
    ("ThrottlingException", 400, Outcome.THROTTLED, "continues automatically"),
    ("RequestLimitExceeded", 503, Outcome.THROTTLED, "continues automatically"),
    ("TooManyRequestsException", 429, Outcome.THROTTLED, "continues automatically"),
    ("SomethingNew", 429, Outcome.THROTTLED, "continues automatically"),
    ("SlowDown", 503, Outcome.THROTTLED, "continues automatically"),
    ("InvalidArgument", 400, Outcome.REFUSED_ITEMS, "does not accept this path"),
    ("BatchTooLarge", 413, Outcome.REFUSED_ITEMS, "does not accept this path"),
    ("RequestEntityTooLarge", 413, Outcome.REFUSED_ITEMS, "not accept this path"),
    ("InvalidationBatchAlreadyExists", 400, Outcome.REFERENCE_TAKEN, ""),
    ("InternalError", 500, Outcome.TRANSIENT, "continues automatically"),
    ("ServiceUnavailable", 503, Outcome.TRANSIENT, "continues automatically"),
    ("GatewayTimeout", 504, Outcome.TRANSIENT, "continues automatically"),
    ("RequestTimeout", 400, Outcome.TRANSIENT, "continues automatically"),
    ("InconsistentQuantities", 400, Outcome.TRANSIENT, "continues automatically"),
    ("MissingBody", 400, Outcome.TRANSIENT, "continues automatically"),
    ("AccessDenied", 403, Outcome.MISCONFIGURED, "Allow cloudfront:"),
    ("AccessDeniedException", 403, Outcome.MISCONFIGURED, "Allow cloudfront:"),
    ("NoSuchDistribution", 404, Outcome.MISCONFIGURED, "distribution ID"),
    ("EntityNotFound", 404, Outcome.MISCONFIGURED, "ID of the distribution tenant"),
    ("InvalidClientTokenId", 403, Outcome.MISCONFIGURED, "access key ID"),
    ("UnrecognizedClientException", 403, Outcome.MISCONFIGURED, "access key ID"),
    ("SignatureDoesNotMatch", 403, Outcome.MISCONFIGURED, "secret access key"),
    ("ExpiredToken", 403, Outcome.MISCONFIGURED, "Renew"),
    ("ExpiredTokenException", 403, Outcome.MISCONFIGURED, "Renew"),
    ("RequestExpired", 400, Outcome.MISCONFIGURED, "clock"),
    ("RequestTimeTooSkewed", 403, Outcome.MISCONFIGURED, "clock"),
    ("OptInRequired", 403, Outcome.MISCONFIGURED, "Check the CloudFront settings"),
    ("SomethingNew", 400, Outcome.MISCONFIGURED, "Check the CloudFront settings"),
]


@pytest.mark.parametrize(("code", "status", "outcome", "advice"), CODES)
def test_every_error_code_is_typed_with_an_advice(
    gateway, control, code, status, outcome, advice
):
    control.inject("error", code=code, status=status, message="What AWS said.")
    answer = create(gateway)
    assert answer.outcome is outcome
    assert advice in str(answer.advice)
    assert code in str(answer.reason)
    assert "What AWS said." in str(answer.reason)
    assert answer.invalidation == ""
    # And no error lasts longer than it does.
    assert create(gateway).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("code", ["ServiceUnavailable", "Throttling", "InternalError"])
def test_boto3_repeats_nothing_by_itself(gateway, control, code, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    control.inject("error", code=code, times=None)
    create(gateway)
    assert len(control.log()) == 1


# --- what is no answer at all -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_dropped_connection_is_transient(gateway, control, kind):
    control.inject(kind)
    answer = create(gateway)
    assert answer.outcome is Outcome.TRANSIENT
    assert "cannot be reached" in str(answer.reason)
    assert create(gateway).outcome is Outcome.ACCEPTED
    assert control.state()["billed"] == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_page_of_html_instead_of_xml_is_transient(gateway, control, status):
    control.inject("garbage", status=status)
    assert create(gateway).outcome is Outcome.TRANSIENT


def test_an_unreadable_answer_with_success_is_transient(gateway, control, caplog):
    control.inject("garbage", status=201)
    assert create(gateway).outcome is Outcome.TRANSIENT


def test_an_answer_that_takes_too_long_is_transient(cloudfront, control, monkeypatch):
    monkeypatch.setattr(session, "READ_TIMEOUT", 0.3)
    control.inject("slow_answer", seconds=4.0)
    answer = create(Boto3Gateway())
    assert answer.outcome is Outcome.TRANSIENT
    assert "timeout" in str(answer.reason).lower()
    assert control.state()["billed"] == 1


def test_nobody_listening_is_transient(bare_environment, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", f"http://127.0.0.1:{port}")
    assert create(Boto3Gateway()).outcome is Outcome.TRANSIENT


def test_a_host_that_does_not_exist_is_transient(bare_environment, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", "http://cloudfront.invalid:1")
    assert create(Boto3Gateway()).outcome is Outcome.TRANSIENT


def test_a_connection_that_is_never_accepted_times_out(
    bare_environment, monkeypatch, request
):
    monkeypatch.setattr(session, "CONNECT_TIMEOUT", 0.3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        port = deaf.getsockname()[1]
        # Fill the queue of connections that nobody accepts.
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
            request.addfinalizer(each.close)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", f"http://127.0.0.1:{port}")
        answer = create(Boto3Gateway())
        assert answer.outcome is Outcome.TRANSIENT
        # The system itself would give up after minutes, and say so in other words.
        assert "connect timeout" in str(answer.reason).lower()


def test_the_timeouts_are_short():
    assert (session.CONNECT_TIMEOUT, session.READ_TIMEOUT) == (3, 10)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (exceptions.NoCredentialsError(), Outcome.MISCONFIGURED),
        (
            exceptions.PartialCredentialsError(provider="env", cred_var="secret"),
            Outcome.MISCONFIGURED,
        ),
        (exceptions.ProfileNotFound(profile="p"), Outcome.MISCONFIGURED),
        (exceptions.NoRegionError(), Outcome.MISCONFIGURED),
        (exceptions.ConfigParseError(path="p", error="e"), Outcome.MISCONFIGURED),
        (
            exceptions.CredentialRetrievalError(provider="p", error_msg="m"),
            Outcome.MISCONFIGURED,
        ),
        (exceptions.ParamValidationError(report="r"), Outcome.MISCONFIGURED),
        (exceptions.EndpointConnectionError(endpoint_url="u"), Outcome.TRANSIENT),
        (exceptions.ConnectTimeoutError(endpoint_url="u"), Outcome.TRANSIENT),
        (exceptions.ReadTimeoutError(endpoint_url="u"), Outcome.TRANSIENT),
        (exceptions.ConnectionClosedError(endpoint_url="u"), Outcome.TRANSIENT),
        (exceptions.ProxyConnectionError(proxy_url="u"), Outcome.TRANSIENT),
        (exceptions.SSLError(endpoint_url="u", error="e"), Outcome.TRANSIENT),
        (exceptions.HTTPClientError(error="e"), Outcome.TRANSIENT),
        (
            exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
            Outcome.TRANSIENT,
        ),
        (KeyError("Invalidation"), Outcome.TRANSIENT),
        (MemoryError(), Outcome.TRANSIENT),
        (client_error("", 0), Outcome.MISCONFIGURED),
        (exceptions.ClientError({}, "X"), Outcome.MISCONFIGURED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_exception_is_typed_with_a_reason_and_an_advice(error, outcome):
    answer = classify(error, E1)
    assert answer.outcome is outcome
    assert answer.reason
    assert answer.advice


def test_what_nobody_expected_is_logged_with_its_traceback(caplog):
    classify(KeyError("Invalidation"), E1)
    assert caplog.records[0].levelno == logging.ERROR
    assert E1 in caplog.records[0].message
    assert caplog.records[0].exc_info


def test_the_end_of_the_interpreter_is_no_error(caplog):
    error = RuntimeError("cannot schedule new futures after interpreter shutdown")
    assert classify(error, E1).outcome is Outcome.TRANSIENT
    assert not caplog.records


# --- credentials ----------------------------------------------------------------------------------


def test_without_credentials_the_advice_is_to_give_some(
    gateway, cloudfront, monkeypatch
):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    answer = create(gateway)
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "Provide AWS credentials for Zope" in str(answer.advice)
    # Once they are there, they are found without a restart.
    for name, value in cloudfront.environment.items():
        monkeypatch.setenv(name, value)
    assert create(gateway).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    "half",
    [Credentials(access_key_id="AKIDSITE"), Credentials(secret_access_key=SECRET)],
    ids=["key id", "secret"],
)
def test_half_a_key_pair_is_a_misconfiguration_though_others_would_do(gateway, half):
    answer = create(gateway, credentials=half)
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "access key ID" in str(answer.reason) or "secret access key" in str(
        answer.reason
    )


def test_a_key_pair_of_the_site_is_used(gateway, control):
    control.change_options(accepted_access_keys=["AKIDSITE"])
    assert create(gateway).outcome is Outcome.MISCONFIGURED
    pair = Credentials(access_key_id="AKIDSITE", secret_access_key=SECRET)
    assert create(gateway, credentials=pair).outcome is Outcome.ACCEPTED


def test_a_profile_is_used(gateway, control, tmp_path):
    control.change_options(accepted_access_keys=["AKIDPROFILE"])
    (tmp_path / "credentials").write_text(
        "[cdn]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n"
    )
    profile = Credentials(profile="cdn")
    assert create(gateway, credentials=profile).outcome is Outcome.ACCEPTED


def test_an_unknown_profile_is_a_misconfiguration_that_names_it(gateway):
    answer = create(gateway, credentials=Credentials(profile="typo"))
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "typo" in str(answer.reason)


def test_corrected_credentials_are_used_at_the_next_try(gateway, control, tmp_path):
    control.change_options(accepted_access_keys=["AKIDRIGHT"])
    file = tmp_path / "credentials"
    file.write_text("[cdn]\naws_access_key_id = AKIDWRONG\naws_secret_access_key = s\n")
    profile = Credentials(profile="cdn")
    assert create(gateway, credentials=profile).outcome is Outcome.MISCONFIGURED
    file.write_text("[cdn]\naws_access_key_id = AKIDRIGHT\naws_secret_access_key = s\n")
    assert create(gateway, credentials=profile).outcome is Outcome.ACCEPTED


def test_a_role_is_assumed_and_its_credentials_sign(gateway, control, sts):
    control.change_options(accepted_access_keys=["ASIAROLE"])
    role = Credentials(role_arn=ROLE)
    assert create(gateway, credentials=role).outcome is Outcome.ACCEPTED
    assert create(gateway, credentials=role, reference="r2").invalidation
    assert sts.asked == [("local", ROLE)]
    assert create(gateway).outcome is Outcome.MISCONFIGURED


def test_a_role_is_assumed_from_a_profile(gateway, control, sts, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "credentials").write_text(
        "[cdn]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n"
    )
    role = Credentials(profile="cdn", role_arn=ROLE)
    assert create(gateway, credentials=role).outcome is Outcome.ACCEPTED
    assert sts.asked == [("AKIDPROFILE", ROLE)]
    answer = create(gateway, credentials=Credentials(role_arn=ROLE))
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "Provide AWS credentials for Zope" in str(answer.advice)


def test_a_role_that_may_not_be_assumed_says_so(gateway, control, sts):
    sts.trusted.clear()
    answer = create(gateway, credentials=Credentials(role_arn=ROLE))
    assert answer.outcome is Outcome.MISCONFIGURED
    assert "sts:AssumeRole" in str(answer.advice)
    sts.trusted.add("local")
    answer = create(gateway, credentials=Credentials(role_arn=ROLE))
    assert answer.outcome is Outcome.ACCEPTED


@pytest.fixture
def sent(monkeypatch):
    """The URLs that boto3 has sent something to, once for each try."""
    urls, send = [], URLLib3Session.send

    def noted(self, request):
        urls.append(request.url)
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", noted)
    return urls


def test_a_role_while_sts_is_out_of_reach_is_transient(gateway, monkeypatch, sent):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    answer = create(gateway, credentials=Credentials(role_arn=ROLE))
    assert answer.outcome is Outcome.TRANSIENT
    assert len(sent) == 1


@pytest.mark.parametrize("service", ["STS", "CLOUDFRONT"])
def test_a_service_that_hangs_is_waited_for_once_and_shortly(
    gateway, monkeypatch, service, sent
):
    monkeypatch.setattr(session, "READ_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
        role = ROLE if service == "STS" else ""
        started = time.monotonic()
        answer = create(gateway, credentials=Credentials(role_arn=role))
        assert answer.outcome is Outcome.TRANSIENT
        assert time.monotonic() - started > 0.3
        assert len(sent) == 1


def test_one_client_serves_all_threads(gateway, control, monkeypatch):
    made = []
    make_client = module.make_client

    def make_slowly(credentials):
        made.append(credentials)
        time.sleep(0.05)
        return make_client(credentials)

    monkeypatch.setattr(module, "make_client", make_slowly)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda number: (
                    create(gateway, f"/{number}", reference=f"r{number}").outcome
                ),
                range(40),
            )
        )
    assert answers == [Outcome.ACCEPTED] * 40
    assert made == [DEFAULT]
    assert control.state()["billed"] == 40


def test_preparing_makes_the_client_and_calls_nobody(gateway, control, monkeypatch):
    gateway.warm_up([DEFAULT])
    assert control.log() == []
    monkeypatch.setattr(module, "make_client", None)
    assert create(gateway).outcome is Outcome.ACCEPTED


def test_preparing_without_a_usable_profile_raises_nothing(gateway):
    gateway.warm_up([Credentials(profile="typo")])
    assert create(gateway).outcome is Outcome.ACCEPTED


# --- secrets ----------------------------------------------------------------------------------------


def test_no_repr_shows_a_secret():
    pair = Credentials(access_key_id="AKIDSITE", secret_access_key=SECRET)
    assert SECRET not in repr(pair)
    assert SECRET not in repr(Target(E1, credentials=(pair,)))
    assert SECRET not in f"{pair} {pair!r} {[pair]} {Boto3Gateway()}"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": "SignatureDoesNotMatch", "status": 403},
        {"kind": "error", "code": "InvalidArgument"},
        {"kind": "drop_after"},
        {"kind": "garbage", "status": 201},
        {"kind": "garbage", "status": 503},
    ],
    ids=str,
)
def test_no_secret_is_logged_or_answered(gateway, control, caplog, fault):
    # Of boto3 itself we know that it logs no secret, at levels that nobody uses.
    caplog.set_level(logging.DEBUG, logger="collective.cloudfront")
    pair = Credentials(access_key_id="AKIDSITE", secret_access_key=SECRET)
    control.inject(**fault)
    gateway.warm_up([pair])
    answers = [
        create(gateway, credentials=pair),
        create(gateway, credentials=pair, distribution=""),
        gateway.look_up(E1, (pair,), "I-unknown"),
        classify(KeyError(pair), E1),
    ]
    assert SECRET not in repr(answers)
    assert SECRET not in caplog.text


def test_a_token_that_cannot_be_sent_is_not_answered(gateway, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{SECRET}\n")
    answer = create(gateway)
    assert SECRET not in repr(answer)
    assert "line break" in str(answer.reason)
