"""The API over HTTP, asked by boto3."""

from .helpers import batch
from .helpers import DISTRIBUTION
from .helpers import refused
from .helpers import TENANT
from botocore import UNSIGNED
from collective.cloudfront.local.api import MAX_BODY
from collective.cloudfront.local.behaviors import METHODS
from datetime import datetime
from datetime import timezone
from email.utils import formatdate

import botocore.exceptions
import pytest
import requests


QUERY_STRINGS_POLICY = "4cc15a8a-d715-48a4-82b8-cc0b614638fe"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"
NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=AKID/20270115/us-east-1/cloudfront/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


@pytest.fixture
def create(client):
    def create(*items, reference="r1", quantity=None, distribution=DISTRIBUTION):
        return client.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch=batch(*items, reference=reference, quantity=quantity),
        )

    return create


@pytest.fixture
def post(cloudfront):
    """Send a body that boto3 would not; return status and error code."""

    def post(body, **headers):
        url = f"{cloudfront.api_url}/2020-05-31/distribution/{DISTRIBUTION}"
        headers = {"Authorization": SIGNATURE, **headers}
        answer = requests.post(
            f"{url}/invalidation", data=body, headers=headers, timeout=60
        )
        code = answer.text.partition("<Code>")[2].partition("</Code>")[0]
        return answer.status_code, code

    return post


def document(paths="<Quantity>1</Quantity><Items><Path>/a</Path></Items>", before=""):
    return (
        f'{before}<InvalidationBatch xmlns="{NAMESPACE}"><Paths>{paths}</Paths>'
        "<CallerReference>r</CallerReference></InvalidationBatch>"
    )


def test_an_invalidation_is_created_and_reported(create, client, clock):
    answer = create("/a", "/b&c=d", "/e/*", "#f<g>")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    created = answer["Invalidation"]
    assert created["Status"] == "InProgress"
    assert created["InvalidationBatch"] == batch("/a", "/b&c=d", "/e/*", "#f<g>")
    assert isinstance(created["CreateTime"], datetime)
    assert answer["Location"].endswith(
        f"/2020-05-31/distribution/{DISTRIBUTION}/invalidation/{created['Id']}"
    )
    found = client.get_invalidation(DistributionId=DISTRIBUTION, Id=created["Id"])
    assert found["Invalidation"] == created
    clock.advance(3)
    found = client.get_invalidation(DistributionId=DISTRIBUTION, Id=created["Id"])
    assert found["Invalidation"] == {**created, "Status": "Completed"}


def test_the_time_of_creation_is_what_the_clock_says(create, cloudfront):
    now = datetime.fromtimestamp(cloudfront.control.clock(), timezone.utc)
    created = create("/a")["Invalidation"]["CreateTime"]
    assert abs((created - now).total_seconds()) < 0.001


def test_three_thousand_items_of_full_length_fit(create, cloudfront):
    cloudfront.control.change_options(quota_model="none")
    create(*(f"/{number:04}".ljust(4000, "x") for number in range(3000)))
    with refused("BatchTooLarge", 413):
        create(*(f"/{number}" for number in range(3001)), reference="r2")


def test_quantity_and_number_of_items_must_agree(create):
    for quantity in (0, 1, 3):
        with refused("InconsistentQuantities", 400):
            create("/a", "/b", quantity=quantity)


def test_a_batch_without_items_is_refused(create):
    with refused("InvalidArgument", 400):
        create()


@pytest.mark.parametrize("item", ["a", "/ü", "/a b", "/~a", "#a,b", "/" + "a" * 4000])
def test_one_bad_item_sinks_the_batch(create, item):
    with refused("InvalidArgument", 400):
        create("/good", item)


def test_spaces_around_an_item_are_part_of_it(create):
    with refused("InvalidArgument", 400):
        create(" /a")


def test_a_repeated_batch_returns_the_earlier_invalidation(create, cloudfront):
    first = create("/a", "/b")
    again = create("/a", "/b")
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert again["Invalidation"] == first["Invalidation"]
    assert cloudfront.control.state()["billed"] == 2


def test_a_reused_reference_is_refused(create):
    create("/a")
    with refused("InvalidationBatchAlreadyExists", 400):
        create("/b")


def test_too_many_in_progress_are_refused(create):
    with refused("TooManyInvalidationsInProgress", 400):
        create(*(f"/{number}/*" for number in range(16)))


def test_too_many_calls_are_refused(create, cloudfront):
    cloudfront.control.change_options(api_rate=0.5, api_burst=1)
    create("/a")
    with refused("Throttling", 400) as caught:
        create("/b", reference="r2")
    assert "Rate exceeded" in str(caught.value)


def test_an_unknown_distribution_is_refused(create, client):
    with refused("NoSuchDistribution", 404):
        create("/a", distribution="EUNKNOWN")
    with refused("NoSuchDistribution", 404):
        create("/a", distribution=TENANT)
    with refused("NoSuchDistribution", 404):
        client.list_invalidations(DistributionId="EUNKNOWN")


def test_an_unknown_invalidation_is_refused(client):
    with refused("NoSuchInvalidation", 404):
        client.get_invalidation(DistributionId=DISTRIBUTION, Id="I1")


def test_a_list_goes_page_by_page(create, client):
    ids = [
        create("/a", reference=f"r{number}")["Invalidation"]["Id"]
        for number in range(5)
    ]
    first = client.list_invalidations(DistributionId=DISTRIBUTION, MaxItems="2")
    first = first["InvalidationList"]
    assert (first["MaxItems"], first["Quantity"]) == (2, 2)
    assert first["IsTruncated"] is True
    assert first["NextMarker"] == ids[3]
    paginator = client.get_paginator("list_invalidations")
    pages = paginator.paginate(
        DistributionId=DISTRIBUTION, PaginationConfig={"PageSize": 2}
    )
    listed = [i["Id"] for page in pages for i in page["InvalidationList"]["Items"]]
    assert listed == ids[::-1]
    with refused("InvalidArgument", 400):
        client.list_invalidations(DistributionId=DISTRIBUTION, MaxItems="many")
    with refused("InvalidArgument", 400):
        client.list_invalidations(DistributionId=DISTRIBUTION, MaxItems="0")
    with refused("InvalidArgument", 400):
        client.list_invalidations(DistributionId=DISTRIBUTION, Marker="I1")


def test_tenants_have_operations_of_their_own(client, cloudfront):
    answer = client.create_invalidation_for_distribution_tenant(
        Id=TENANT, InvalidationBatch=batch("/a")
    )
    created = answer["Invalidation"]
    assert f"/distribution-tenant/{TENANT}/invalidation/" in answer["Location"]
    found = client.get_invalidation_for_distribution_tenant(
        DistributionTenantId=TENANT, Id=created["Id"]
    )
    assert found["Invalidation"] == created
    listed = client.list_invalidations_for_distribution_tenant(Id=TENANT)
    assert listed["InvalidationList"]["Items"][0]["Id"] == created["Id"]
    (accepted, *_) = cloudfront.control.log()
    assert accepted.operation == "CreateInvalidationForDistributionTenant"
    for unknown in ("dt_unknown", DISTRIBUTION):
        with refused("EntityNotFound", 404):
            client.create_invalidation_for_distribution_tenant(
                Id=unknown, InvalidationBatch=batch("/a")
            )


def test_a_distribution_is_described(create, client):
    create("/a")
    answer = client.get_distribution(Id=DISTRIBUTION)
    described = answer["Distribution"]
    assert described["Id"] == DISTRIBUTION
    assert described["InProgressInvalidationBatches"] == 1
    assert described["DistributionConfig"]["Enabled"] is True
    assert answer["ETag"]
    with refused("NoSuchDistribution", 404):
        client.get_distribution(Id="EUNKNOWN")


def test_the_configuration_names_the_header_of_the_cache_tags(client, cloudfront):
    config = client.get_distribution_config(Id=DISTRIBUTION)["DistributionConfig"]
    assert "CacheTagConfig" not in config
    cloudfront.control.change_options(cache_tag_header="Cache-Tag")
    config = client.get_distribution_config(Id=DISTRIBUTION)["DistributionConfig"]
    assert config["CacheTagConfig"] == {"HeaderName": "Cache-Tag"}


def test_the_configuration_tells_what_was_chosen(client, cloudfront):
    cloudfront.control.change_options(
        aliases=["www.example.com", "*.example.org"], deployed=False, enabled=False
    )
    described = client.get_distribution(Id=DISTRIBUTION)["Distribution"]
    config = described["DistributionConfig"]
    assert described["Status"] == "InProgress"
    assert config["Enabled"] is False
    assert config["Aliases"] == {
        "Quantity": 2,
        "Items": ["www.example.com", "*.example.org"],
    }


@pytest.mark.parametrize(
    ("behavior", "query_string", "listed"),
    [("none", False, 0), ("whitelist", True, 1), ("all", True, 0)],
)
def test_the_query_strings_of_the_cache_key_are_told_in_the_older_way(
    client, cloudfront, behavior, query_string, listed
):
    cloudfront.control.change_options(cache_policy="", query_strings=behavior)
    config = client.get_distribution_config(Id=DISTRIBUTION)["DistributionConfig"]
    forwarded = config["DefaultCacheBehavior"]["ForwardedValues"]
    assert forwarded["QueryString"] is query_string
    assert forwarded["QueryStringCacheKeys"]["Quantity"] == listed


@pytest.mark.parametrize("behavior", ["none", "whitelist", "allExcept", "all"])
def test_a_cache_policy_tells_the_query_strings_of_the_cache_key(
    client, cloudfront, behavior
):
    cloudfront.control.change_options(cache_policy="own", query_strings=behavior)
    config = client.get_distribution_config(Id=DISTRIBUTION)["DistributionConfig"]
    policy = config["DefaultCacheBehavior"]["CachePolicyId"]
    found = client.get_cache_policy(Id=policy)["CachePolicy"]["CachePolicyConfig"]
    key = found["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["QueryStringsConfig"]["QueryStringBehavior"] == behavior
    with refused("NoSuchCachePolicy", 404):
        client.get_cache_policy(Id="another")


def test_each_behavior_tells_its_pattern_its_methods_and_its_policies(
    client, cloudfront
):
    cloudfront.control.change_options(
        default_behavior={"request_policy": "own", "response_policy": "own"},
        behaviors=[
            {"path_pattern": "/en/*", "cache_policy": "", "methods": METHODS[0]}
        ],
    )
    config = client.get_distribution_config(Id=DISTRIBUTION)["DistributionConfig"]
    default = config["DefaultCacheBehavior"]
    assert len(default["AllowedMethods"]["Items"]) == 7
    assert default["OriginRequestPolicyId"] == default["ResponseHeadersPolicyId"]
    (other,) = config["CacheBehaviors"]["Items"]
    assert (other["PathPattern"], other["MinTTL"]) == ("/en/*", 0)
    assert other["AllowedMethods"]["Items"] == ["GET", "HEAD"]
    assert other["ForwardedValues"]["Cookies"]["Forward"] == "whitelist"


def test_the_other_policies_tell_what_they_forward_and_remove(client, cloudfront):
    cloudfront.control.change_options(
        default_behavior={
            "request_policy": "own",
            "request_headers": "allExcept",
            "request_header_names": ["Host"],
            "response_policy": "own",
            "removed_headers": ["Cache-Tag"],
        }
    )
    request = client.get_origin_request_policy(Id="own")["OriginRequestPolicy"]
    headers = request["OriginRequestPolicyConfig"]["HeadersConfig"]
    assert headers["HeaderBehavior"] == "allExcept"
    assert headers["Headers"]["Items"] == ["Host"]
    response = client.get_response_headers_policy(Id="own")["ResponseHeadersPolicy"]
    removed = response["ResponseHeadersPolicyConfig"]["RemoveHeadersConfig"]
    assert removed["Items"] == [{"Header": "Cache-Tag"}]
    with refused("NoSuchOriginRequestPolicy", 404):
        client.get_origin_request_policy(Id="another")
    with refused("NoSuchResponseHeadersPolicy", 404):
        client.get_response_headers_policy(Id="another")


def test_a_tenant_is_described_and_belongs_to_the_first_distribution(
    client, cloudfront
):
    cloudfront.control.change_options(aliases=["www.example.com"])
    tenant = client.get_distribution_tenant(Identifier=TENANT)["DistributionTenant"]
    assert tenant["DistributionId"] == DISTRIBUTION
    assert tenant["Domains"] == [{"Domain": "www.example.com", "Status": "active"}]
    assert (tenant["Status"], tenant["Enabled"]) == ("Deployed", True)
    with refused("EntityNotFound", 404):
        client.get_distribution_tenant(Identifier="dt_unknown")


def test_every_answer_tells_the_time_errors_as_well(client, cloudfront):
    now = formatdate(cloudfront.control.clock(), usegmt=True)
    answer = client.get_distribution(Id=DISTRIBUTION)["ResponseMetadata"]
    assert answer["HTTPHeaders"]["date"] == now
    with refused("NoSuchDistribution", 404) as caught:
        client.get_distribution(Id="EUNKNOWN")
    answer = caught.value.response["ResponseMetadata"]
    assert answer["HTTPHeaders"]["date"] == now


def test_what_botocore_requires_of_an_answer_is_there(create, client):
    create("/a")
    model = client.meta.service_model
    answers = {
        "GetDistribution": client.get_distribution(Id=DISTRIBUTION),
        "GetDistributionConfig": client.get_distribution_config(Id=DISTRIBUTION),
        "ListInvalidations": client.list_invalidations(DistributionId=DISTRIBUTION),
        "CreateInvalidation": create("/b", reference="r2"),
        "GetDistributionTenant": client.get_distribution_tenant(Identifier=TENANT),
        "GetCachePolicy": client.get_cache_policy(Id=QUERY_STRINGS_POLICY),
        "GetOriginRequestPolicy": client.get_origin_request_policy(Id=ALL_VIEWER),
        "GetResponseHeadersPolicy": client.get_response_headers_policy(
            Id=SECURITY_HEADERS
        ),
    }

    def check(shape, value):
        if shape.type_name == "structure":
            assert set(shape.required_members) <= set(value)
            for name in value:
                check(shape.members[name], value[name])
        elif shape.type_name == "list":
            for member in value:
                check(shape.member, member)

    for name, answer in answers.items():
        del answer["ResponseMetadata"]
        check(model.operation_model(name).output_shape, answer)


def test_an_unsigned_request_is_refused(make_client):
    with refused("MissingAuthenticationToken", 403):
        make_client(signature_version=UNSIGNED).create_invalidation(
            DistributionId=DISTRIBUTION, InvalidationBatch=batch("/a")
        )


def test_a_signature_that_cannot_be_read_is_refused(post):
    for signature in ("Basic YTpi", SIGNATURE[:-1], SIGNATURE.replace("front/", "/")):
        assert post(document(), Authorization=signature) == (400, "IncompleteSignature")
    assert post(document()) == (201, "")


def test_only_known_access_keys_are_accepted(make_client, create, cloudfront):
    cloudfront.control.change_options(accepted_access_keys=["AKIDGOOD"])
    with refused("InvalidClientTokenId", 403):
        create("/a")
    make_client("AKIDGOOD").create_invalidation(
        DistributionId=DISTRIBUTION, InvalidationBatch=batch("/a")
    )
    cloudfront.control.change_options(accepted_access_keys=None)
    create("/a")


def test_denied_actions_are_refused_and_others_not(create, client, cloudfront):
    cloudfront.control.change_options(denied_actions=["GetInvalidation"])
    created = create("/a")["Invalidation"]
    with refused("AccessDenied", 403):
        client.get_invalidation(DistributionId=DISTRIBUTION, Id=created["Id"])
    client.list_invalidations(DistributionId=DISTRIBUTION)


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_a_missing_body_is_refused(post, body):
    assert post(body) == (400, "MissingBody")


@pytest.mark.parametrize(
    "body",
    [
        "text",
        "<InvalidationBatch/>",
        document().replace("2020-05-31", "2019-03-26"),
        document().replace("CallerReference", "Reference"),
        document("<Quantity>1</Quantity><Items><File>/a</File></Items>"),
        document("<Quantity>one</Quantity><Items><Path>/a</Path></Items>"),
        document("<Quantity>1</Quantity><Quantity>1</Quantity>"),
        document("<Items><Path>/a</Path></Items>"),
        document("<Quantity>1</Quantity><Items><Path>/a<b/></Path></Items>"),
        document() + "more",
        document().encode("utf-16"),
        document().encode("utf-16-be"),
        b"\xff" + document().encode(),
    ],
)
def test_xml_that_is_not_as_specified_is_refused(post, body):
    assert post(body) == (400, "MalformedXML")


def test_document_types_are_refused_before_they_can_expand(post):
    laughs = "".join(
        f'<!ENTITY l{number + 1} "{f"&l{number};" * 10}">' for number in range(9)
    )
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>'
    paths = "<Quantity>1</Quantity><Items><Path>/&l9;</Path></Items>"
    assert post(document(paths, before=bomb)) == (400, "MalformedXML")
    outside = '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>'
    assert post(document(paths, before=outside)) == (400, "MalformedXML")
    for encoding in ("utf-16", "utf-16-be", "utf-16-le"):
        assert post(document(paths, before=bomb).encode(encoding)) == (
            400,
            "MalformedXML",
        )
    for encoding in ("utf-16", "utf-7"):
        declared = f'<?xml version="1.0" encoding="{encoding}"?>' + bomb
        assert post(document(paths, before=declared)) == (400, "MalformedXML")


def test_comments_and_cdata_are_xml_too(post, cloudfront):
    paths = "<Quantity>1</Quantity><Items><Path><![CDATA[/a&b]]></Path></Items>"
    assert post(document(paths, before="<!-- hello -->")) == (201, "")
    assert cloudfront.control.log()[-1].items == ("/a&b",)


def test_a_body_without_end_is_not_read(cloudfront):
    url = f"{cloudfront.api_url}/2020-05-31/distribution/{DISTRIBUTION}/invalidation"
    headers = {"Content-Length": str(MAX_BODY + 1)}
    answer = requests.post(url, headers=headers, timeout=60)
    assert answer.status_code == 413
    answer = requests.post(url, data=iter([b"chunk"]), timeout=60)
    assert answer.status_code == 411


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/2020-05-31/distribution"),
        ("GET", f"/2019-03-26/distribution/{DISTRIBUTION}"),
        ("DELETE", f"/2020-05-31/distribution/{DISTRIBUTION}"),
        ("DELETE", f"/2020-05-31/distribution-tenant/{TENANT}"),
        ("GET", f"/2020-05-31/distribution/{DISTRIBUTION}/config/more"),
    ],
)
def test_other_operations_are_not_there(cloudfront, method, path):
    answer = requests.request(
        method,
        cloudfront.api_url + path,
        headers={"Authorization": SIGNATURE},
        timeout=60,
    )
    assert answer.status_code == 404
    assert "<Code>UnknownOperation</Code>" in answer.text


def test_an_injected_error_looks_like_a_real_one(create, cloudfront):
    cloudfront.control.inject("error", code="Throttling", times=2)
    cloudfront.control.inject("error", code="InternalError")
    for code, status in (("Throttling", 400), ("Throttling", 400)):
        with refused(code, status):
            create("/a")
    with refused("InternalError", 500):
        create("/a")
    create("/a")


def test_an_answer_without_xml_is_what_botocore_makes_of_it(create, cloudfront):
    cloudfront.control.inject("garbage", status=502)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        create("/a")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    assert cloudfront.control.invalidations() == []


def test_a_connection_is_dropped_before_or_after_the_effect(create, cloudfront):
    cloudfront.control.inject("drop_before")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        create("/a")
    assert cloudfront.control.invalidations() == []
    cloudfront.control.inject("drop_after")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        create("/a")
    (accepted,) = cloudfront.control.invalidations()
    assert create("/a")["Invalidation"]["Id"] == accepted.id
    assert cloudfront.control.state()["billed"] == 1


def test_a_slow_answer_runs_into_the_clients_timeout(make_client, cloudfront):
    cloudfront.control.inject("slow_answer", seconds=0.5)
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        make_client(read_timeout=0.2).create_invalidation(
            DistributionId=DISTRIBUTION, InvalidationBatch=batch("/a")
        )
    assert len(cloudfront.control.invalidations()) == 1
