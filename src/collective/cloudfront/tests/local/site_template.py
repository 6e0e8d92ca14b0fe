"""A template for a Plone site, written by hand, and what a test can change in it."""

from collections.abc import Callable
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.template import parse_template
from collective.cloudfront.local.template import Template
from copy import deepcopy
from typing import Any

import json
import yaml


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Description: A Plone site
Parameters:
  DomainName: {Type: String, Default: www.example.com}
  OriginDomainName: {Type: String, Default: plone.example.com}
  SiteId: {Type: String, Default: Plone, AllowedPattern: "[A-Za-z0-9_-]+"}
  Tags: {Type: String, Default: "yes", AllowedValues: ["yes", "no"]}
  Certificate: {Type: String, Default: ""}
Mappings:
  Lifetimes:
    Static: {Default: 86400}
Conditions:
  WithTags: !Equals [!Ref Tags, "yes"]
  WithCertificate: !Not [!Equals [!Ref Certificate, ""]]
Resources:
  Pages:
    Type: AWS::CloudFront::CachePolicy
    Properties:
      CachePolicyConfig:
        Name: !Sub "${AWS::StackName}-pages"
        MinTTL: 0
        DefaultTTL: 0
        MaxTTL: 31536000
        ParametersInCacheKeyAndForwardedToOrigin:
          EnableAcceptEncodingGzip: true
          EnableAcceptEncodingBrotli: true
          CookiesConfig: {CookieBehavior: whitelist, Cookies: [__ac, auth_token]}
          HeadersConfig: {HeaderBehavior: whitelist, Headers: [Authorization]}
          QueryStringsConfig:
            QueryStringBehavior: allExcept
            QueryStrings: [utm_source, utm_medium, fbclid]
  Static:
    Type: AWS::CloudFront::CachePolicy
    Properties:
      CachePolicyConfig:
        Name: !Join ["-", [!Ref "AWS::StackName", static]]
        MinTTL: 1
        DefaultTTL: !FindInMap [Lifetimes, Static, Default]
        MaxTTL: "31536000"
        ParametersInCacheKeyAndForwardedToOrigin:
          EnableAcceptEncodingGzip: true
          EnableAcceptEncodingBrotli: true
          CookiesConfig: {CookieBehavior: none}
          HeadersConfig: {HeaderBehavior: none}
          QueryStringsConfig: {QueryStringBehavior: none}
  ForApi:
    Type: AWS::CloudFront::OriginRequestPolicy
    Properties:
      OriginRequestPolicyConfig:
        Name: api
        CookiesConfig: {CookieBehavior: none}
        HeadersConfig: {HeaderBehavior: whitelist, Headers: [Accept]}
        QueryStringsConfig: {QueryStringBehavior: none}
  ForViewers:
    Type: AWS::CloudFront::ResponseHeadersPolicy
    Properties:
      ResponseHeadersPolicyConfig:
        Name: viewers
        RemoveHeadersConfig: {Items: [{Header: Cache-Tag}, {Header: Server}]}
        SecurityHeadersConfig:
          StrictTransportSecurity:
            AccessControlMaxAgeSec: 31536000
            IncludeSubdomains: true
            Override: true
          ContentTypeOptions: {Override: true}
          FrameOptions: {FrameOption: SAMEORIGIN, Override: false}
        CustomHeadersConfig:
          Items: [{Header: X-Served-By, Value: edge, Override: true}]
  Distribution:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        HttpVersion: http2and3
        Aliases: [!Ref DomainName, "*.example.org"]
        ViewerCertificate:
          Fn::If:
            - WithCertificate
            - {AcmCertificateArn: !Ref Certificate, SslSupportMethod: sni-only}
            - !Ref AWS::NoValue
        CacheTagConfig:
          !If [WithTags, {HeaderName: Cache-Tag}, !Ref "AWS::NoValue"]
        CustomErrorResponses:
          - {ErrorCode: 404, ErrorCachingMinTTL: 30}
          - {ErrorCode: 500, ErrorCachingMinTTL: 5}
          - {ErrorCode: 502, ErrorCachingMinTTL: 5}
          - {ErrorCode: 503, ErrorCachingMinTTL: 0}
        Origins:
          - Id: plone
            DomainName: !Ref OriginDomainName
            OriginPath: !Sub
              "/VirtualHostBase/https/${DomainName}:443/${SiteId}/VirtualHostRoot"
            CustomOriginConfig: {OriginProtocolPolicy: https-only, HTTPSPort: 443}
            OriginCustomHeaders:
              - {HeaderName: X-From-CloudFront, HeaderValue: s3cret}
        DefaultCacheBehavior:
          TargetOriginId: plone
          ViewerProtocolPolicy: redirect-to-https
          AllowedMethods: [GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE]
          CachedMethods: [GET, HEAD]
          Compress: true
          CachePolicyId: !Ref Pages
          ResponseHeadersPolicyId: !GetAtt ForViewers.Id
        CacheBehaviors:
          - PathPattern: /++plone++*
            TargetOriginId: plone
            ViewerProtocolPolicy: redirect-to-https
            Compress: true
            CachePolicyId: !Ref Static
            ResponseHeadersPolicyId: !Ref ForViewers
          - PathPattern: /++api++/*
            TargetOriginId: plone
            ViewerProtocolPolicy: https-only
            AllowedMethods: [GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE]
            CachedMethods: [GET, HEAD, OPTIONS]
            CachePolicyId: !Ref Pages
            OriginRequestPolicyId: !Ref ForApi
            ResponseHeadersPolicyId: !Ref ForViewers
          - PathPattern: "*login"
            TargetOriginId: plone
            ViewerProtocolPolicy: redirect-to-https
            AllowedMethods: [GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE]
            # CachingDisabled and AllViewer
            CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad
            OriginRequestPolicyId: 216adef6-5c7f-47e4-b989-5492eafa07d3
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {Something: !Whatever else}
Outputs:
  DistributionId: {Value: !Ref Distribution}
"""

#: The path of the site at the origin.
ORIGIN_PATH = "/VirtualHostBase/https/www.example.com:443/Plone/VirtualHostRoot"


class _Keeping(yaml.SafeLoader):
    """Short tags stay what they are when the template is written again."""


def _long(loader: Any, suffix: str, node: Any) -> Any:
    kinds = {
        "scalar": loader.construct_scalar,
        "sequence": lambda each: loader.construct_sequence(each, deep=True),
        "mapping": lambda each: loader.construct_mapping(each, deep=True),
    }
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    return {name: kinds[node.id](node)}


_Keeping.add_multi_constructor("!", _long)


_PARSED = yaml.load(TEMPLATE, _Keeping)


def template(change: Callable[[dict[str, Any]], object] = lambda _all: None) -> str:
    """Return the template as JSON, after a function has changed its resources."""
    document = deepcopy(_PARSED)
    change(
        {name: each.get("Properties") for name, each in document["Resources"].items()}
    )
    return json.dumps(document)


def site(
    change: Callable[[dict[str, Any]], object] = lambda _all: None, **parameters: str
) -> DistributionConfig:
    """Return the distribution of the template."""
    return parsed(change, **parameters).configs[0]


def parsed(
    change: Callable[[dict[str, Any]], object] = lambda _all: None, **parameters: str
) -> Template:
    """Return what the template says."""
    return parse_template(template(change), parameters)


def config(all_properties: dict[str, Any]) -> Any:
    """Return the DistributionConfig, for a test to change it."""
    return all_properties["Distribution"]["DistributionConfig"]


def key_of(all_properties: dict[str, Any], policy: str = "Pages") -> Any:
    """Return what is in the key of a cache policy, for a test to change it."""
    settings = all_properties[policy]["CachePolicyConfig"]
    return settings["ParametersInCacheKeyAndForwardedToOrigin"]
