"""Plone and the worker on Amazon ECS with Fargate, behind an internal load balancer.

It is small on purpose: the network and the database (PostgreSQL, for RelStorage and the
outbox) exist already. CloudFront reaches the load balancer as a VPC origin.
"""

from collective.cloudfront.blueprint.cloudformation.access import ROLE
from collective.cloudfront.blueprint.cloudformation.distribution import LOAD_BALANCER
from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.options import Options
from collective.cloudfront.blueprint.options import RunsOn
from collective.cloudfront.blueprint.permissions import policy_document
from collective.cloudfront.blueprint.permissions import trust_document
from collective.cloudfront.blueprint.permissions import VERSION
from typing import Any


_PORT = 8080

PARAMETERS: dict[str, Any] = {
    "VpcId": {"Type": "AWS::EC2::VPC::Id", "Description": "The network"},
    "PrivateSubnets": {
        "Type": "List<AWS::EC2::Subnet::Id>",
        "Description": "At least two private subnets that reach AWS and the database",
    },
    "CloudFrontPrefixList": {
        "Type": "String",
        "AllowedPattern": "pl-[0-9a-f]+",
        "Description": "ID of com.amazonaws.global.cloudfront.origin-facing in this "
        "region (aws ec2 describe-managed-prefix-lists)",
    },
    "Image": {
        "Type": "String",
        "Description": "An image with Plone, RelStorage and the add-on, see the chapter on "
        "containers",
    },
    "DatabaseHost": {
        "Type": "String",
        "Description": "The endpoint of Amazon RDS or Aurora with PostgreSQL",
    },
    "DatabasePasswordSecret": {
        "Type": "String",
        "AllowedPattern": "arn:aws[a-z-]*:secretsmanager:.+",
        "Description": "ARN of the secret with the password of the database",
    },
}


def plone_only() -> dict[str, Any]:
    """Return the parts of a template with Plone, for a distribution that exists."""
    distribution = Sub(
        "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/"
        "${DistributionId}"
    )
    policy = {
        "PolicyName": "purge-cloudfront",
        "PolicyDocument": policy_document([distribution]),
        "Roles": [Ref(ROLE)],
    }
    trust = trust_document(Options(domains=(), site="", runs_on=RunsOn.ECS), "")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Plone on Amazon ECS, for CloudFront",
        "Parameters": {
            "DistributionId": {
                "Type": "String",
                "AllowedPattern": "E[A-Z0-9]+",
                "Description": "The distribution that Plone purges",
            },
            **PARAMETERS,
        },
        "Resources": {
            **ecs(Ref("DistributionId"), {}),
            ROLE: {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": trust},
            },
            "PurgePolicy": {"Type": "AWS::IAM::Policy", "Properties": policy},
        },
        "Outputs": {
            "LoadBalancerArn": {
                "Value": Ref(LOAD_BALANCER),
                "Description": "The value of --vpc for the distribution",
            },
            "Origin": {
                "Value": Sub(f"http://${{{LOAD_BALANCER}.DNSName}}"),
                "Description": "The value of --origin for the distribution",
            },
        },
    }


def ecs(distributions: Any, variables: dict[str, Any]) -> dict[str, Any]:
    """Return the resources. ``distributions`` has the ids that are purged, and
    ``variables`` more of Zope's environment.
    """
    return {
        **_network(),
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"RetentionInDays": 30},
        },
        "ExecutionRole": Why(
            _execution_role(), "Reads the image and the secret, and writes the log."
        ),
        "PloneTask": _task(
            "plone",
            {
                "CLOUDFRONT_DISTRIBUTION_ID": distributions,
                **variables,
                "CLOUDFRONT_COURIER": "off",
                "RELSTORAGE_DSN": Sub(
                    "host=${DatabaseHost} dbname=plone user=plone sslmode=require"
                ),
            },
            {"Cpu": "1024", "Memory": "2048"},
            {"PortMappings": [{"ContainerPort": _PORT}]},
        ),
        "PloneService": {
            "Type": "AWS::ECS::Service",
            "DependsOn": ["Listener"],
            "Properties": {
                **_service("PloneTask", 2),
                "HealthCheckGracePeriodSeconds": Why(
                    180, "Plone needs a while to start."
                ),
                "LoadBalancers": [
                    {
                        "ContainerName": "plone",
                        "ContainerPort": _PORT,
                        "TargetGroupArn": Ref("TargetGroup"),
                    }
                ],
            },
        },
        "WorkerTask": Why(
            _task(
                "worker",
                {
                    "CLOUDFRONT_OUTBOX": Sub(
                        "postgresql://plone@${DatabaseHost}/plone?sslmode=require"
                    )
                },
                {"Cpu": "256", "Memory": "512", "TaskRoleArn": GetAtt(ROLE, "Arn")},
                {"Command": ["/app/bin/cloudfront", "worker"]},
            ),
            "The worker purges; Plone only writes to the outbox in the database.",
        ),
        "WorkerService": {
            "Type": "AWS::ECS::Service",
            "Properties": _service("WorkerTask", 1),
        },
    }


def _network() -> dict[str, Any]:
    return {
        "LoadBalancerGroup": Why(
            {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {
                    "GroupDescription": "CloudFront reaches the load balancer",
                    "VpcId": Ref("VpcId"),
                    "SecurityGroupIngress": [
                        {
                            "IpProtocol": "tcp",
                            "FromPort": 80,
                            "ToPort": 80,
                            "SourcePrefixListId": Ref("CloudFrontPrefixList"),
                        }
                    ],
                },
            },
            "Only CloudFront reaches Plone.",
        ),
        "PloneGroup": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "The load balancer reaches Plone",
                "VpcId": Ref("VpcId"),
                "SecurityGroupIngress": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": _PORT,
                        "ToPort": _PORT,
                        "SourceSecurityGroupId": Ref("LoadBalancerGroup"),
                    }
                ],
            },
        },
        LOAD_BALANCER: {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Scheme": "internal",
                "Subnets": Ref("PrivateSubnets"),
                "SecurityGroups": [Ref("LoadBalancerGroup")],
            },
        },
        "TargetGroup": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "VpcId": Ref("VpcId"),
                "TargetType": "ip",
                "Protocol": "HTTP",
                "Port": _PORT,
                "HealthCheckPath": "/",
                "TargetGroupAttributes": [
                    {
                        "Key": "deregistration_delay.timeout_seconds",
                        "Value": Why("30", "As StopTimeout"),
                    }
                ],
            },
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": Ref(LOAD_BALANCER),
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [
                    {"Type": "forward", "TargetGroupArn": Ref("TargetGroup")}
                ],
            },
        },
    }


def _execution_role() -> dict[str, Any]:
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": ["sts:AssumeRole"],
    }
    secret = {
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue"],
        "Resource": [Ref("DatabasePasswordSecret")],
    }
    managed = "iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": VERSION, "Statement": [trusted]},
            "ManagedPolicyArns": [Sub(f"arn:${{AWS::Partition}}:{managed}")],
            "Policies": [
                {
                    "PolicyName": "secret",
                    "PolicyDocument": {"Version": VERSION, "Statement": [secret]},
                }
            ],
        },
    }


def _task(
    name: str,
    environment: dict[str, Any],
    more: dict[str, Any],
    container: dict[str, Any],
) -> dict[str, Any]:
    log = {
        "awslogs-group": Ref("LogGroup"),
        "awslogs-region": Ref("AWS::Region"),
        "awslogs-stream-prefix": name,
    }
    definition = {
        "Name": name,
        "Image": Ref("Image"),
        **container,
        # The first process of a container would ignore SIGTERM
        "LinuxParameters": {"InitProcessEnabled": True},
        "StopTimeout": 30,
        "Environment": [
            {"Name": key, "Value": value} for key, value in environment.items()
        ],
        "Secrets": [{"Name": "PGPASSWORD", "ValueFrom": Ref("DatabasePasswordSecret")}],
        "LogConfiguration": {"LogDriver": "awslogs", "Options": log},
    }
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "NetworkMode": "awsvpc",
            "RequiresCompatibilities": ["FARGATE"],
            "ExecutionRoleArn": GetAtt("ExecutionRole", "Arn"),
            **more,
            "ContainerDefinitions": [definition],
        },
    }


def _service(task: str, count: int) -> dict[str, Any]:
    return {
        "Cluster": Ref("Cluster"),
        "LaunchType": "FARGATE",
        "DesiredCount": count,
        "TaskDefinition": Ref(task),
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "AssignPublicIp": "DISABLED",
                "Subnets": Ref("PrivateSubnets"),
                "SecurityGroups": [Ref("PloneGroup")],
            }
        },
    }
