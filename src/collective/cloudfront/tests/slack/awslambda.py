"""AWS Lambda as far as a function sees it: events, a context, and two services."""

from collective.cloudfront.tests.slack.people import signed
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

import base64
import json


ARN = "arn:aws:lambda:eu-central-1:123456789012:function:cdn-purge"
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:slack-AbCdEf"


class Context:
    """What Lambda hands over with an event."""

    invoked_function_arn = ARN
    function_name = "cdn-purge"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, seconds=90.0):
        self.seconds = seconds

    def get_remaining_time_in_millis(self):
        return int(self.seconds * 1000)


def url_event(body, headers=None, is_base64=True, method="POST"):
    """Return the event of a function URL, payload format 2.0."""
    text = base64.b64encode(body).decode() if is_base64 else body.decode()
    headers = {**(signed(body) if headers is None else headers), "host": "x.on.aws"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "x",
            "domainName": "x.on.aws",
            "http": {
                "method": method,
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            },
            "requestId": "r",
            "routeKey": "$default",
            "stage": "$default",
            "time": "30/Nov/2026:22:00:00 +0000",
            "timeEpoch": 1796076000000,
        },
        "body": text,
        "isBase64Encoded": is_base64,
    }


class AwsServices(ThreadingHTTPServer):
    """Takes events for later, and hands out ``secret``; refuses if it ``denies``."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Service)
        self.events = []
        self.secret = ""
        self.reads = 0
        self.denies = False

    @property
    def environment(self):
        url = f"http://127.0.0.1:{self.server_address[1]}"
        return {
            "AWS_ENDPOINT_URL_LAMBDA": url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
        }


class _Service(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.denies:
            self._answer(403, {"__type": "AccessDeniedException", "message": "no"})
        elif self.path.endswith("/invocations"):
            assert self.headers["X-Amz-Invocation-Type"] == "Event"
            self.server.events.append(json.loads(body))
            self._answer(202, {})
        else:
            assert json.loads(body) == {"SecretId": SECRET_ARN}
            self.server.reads += 1
            self._answer(200, {"SecretString": self.server.secret})

    def _answer(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        if status == 403:
            self.send_header("x-amzn-ErrorType", "AccessDeniedException")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        """Say nothing."""
