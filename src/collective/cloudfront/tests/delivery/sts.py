"""Amazon STS, as far as it is needed."""

from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs


ROLE = "arn:aws:iam::123456789012:role/cdn"
ASSUMED = """
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult><Credentials>
    <AccessKeyId>ASIAROLE</AccessKeyId>
    <SecretAccessKey>secret-of-the-role</SecretAccessKey>
    <SessionToken>token</SessionToken>
    <Expiration>2099-01-01T00:00:00Z</Expiration>
  </Credentials></AssumeRoleResult>
</AssumeRoleResponse>
"""
NOT_ASSUMED = """
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>AccessDenied</Code>
  <Message>not authorized to perform: sts:AssumeRole</Message></Error>
</ErrorResponse>
"""


def make_sts():
    """Return a handler that notes who may assume roles, and who asked where."""

    class Sts(BaseHTTPRequestHandler):
        trusted = {"local", "AKIDPROFILE"}
        asked = []

        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
            self.asked.append((key, form[b"RoleArn"][0].decode()))
            body = ASSUMED if key in self.trusted else NOT_ASSUMED
            self.send_response(200 if key in self.trusted else 403)
            self.send_header("Content-Length", str(len(body.strip())))
            self.end_headers()
            self.wfile.write(body.strip().encode())

        def log_message(self, *args):
            pass

    return Sts
