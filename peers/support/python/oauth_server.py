"""An OAuth 1.0a provider and a JWT-bearer token endpoint (RFC 7523), both made with Authlib."""

import os
import secrets
import sys
import time

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth1 import AuthorizationServer, ResourceProtector
from authlib.integrations.flask_oauth1 import current_credential
from authlib.integrations.flask_oauth2 import AuthorizationServer as AuthorizationServer2
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth1 import ClientMixin, TemporaryCredentialMixin, TokenCredentialMixin
from authlib.oauth2.rfc6749 import ClientMixin as ClientMixin2
from authlib.oauth2.rfc7523 import JWTBearerGrant
from flask import Flask, jsonify, redirect, request

port, public_key_file = int(sys.argv[1]), sys.argv[2]
app = Flask(__name__)
app.config["OAUTH1_SUPPORTED_SIGNATURE_METHODS"] = ["HMAC-SHA1"]


class Client(ClientMixin):
    client_id, secret = "consumer", "consumer-secret/with+odd=characters"

    def get_default_redirect_uri(self):
        return "oob"

    def get_client_secret(self):
        return self.secret

    def get_rsa_public_key(self):
        return None


class Credential(TemporaryCredentialMixin, TokenCredentialMixin):
    def __init__(self, token, secret, callback=None, user=None):
        self.token, self.secret, self.callback = token, secret, callback
        self.verifier, self.user = None, user

    def get_client_id(self):
        return Client.client_id

    def get_oauth_token(self):
        return self.token

    def get_oauth_token_secret(self):
        return self.secret

    def get_redirect_uri(self):
        return self.callback

    def check_verifier(self, verifier):
        return self.verifier == verifier

    def get_user_id(self):
        return self.user

    def get_user(self):
        return self.user


temporary, lasting, nonces = {}, {}, set()
server = AuthorizationServer(app, query_client=lambda client_id: Client() if client_id == Client.client_id else None)


def remember_temporary(token, client_id, redirect_uri):
    temporary[token["oauth_token"]] = Credential(token["oauth_token"], token["oauth_token_secret"], redirect_uri)
    return temporary[token["oauth_token"]]


def remember_lasting(token, credential):
    lasting[token["oauth_token"]] = Credential(token["oauth_token"], token["oauth_token_secret"], user="ann")
    return lasting[token["oauth_token"]]


def nonce_is_used(nonce, timestamp, client_id, oauth_token):
    key = f"{nonce}/{timestamp}/{client_id}/{oauth_token}"
    used = key in nonces
    nonces.add(key)
    return used


def verify(credential, user, verifier):
    credential.verifier, credential.user = verifier, user
    return credential


server.register_hook("create_temporary_credential", remember_temporary)
server.register_hook("get_temporary_credential", temporary.get)
server.register_hook("delete_temporary_credential", lambda token: temporary.pop(token, None))
server.register_hook("create_authorization_verifier", verify)
server.register_hook("create_token_credential", remember_lasting)
server.register_hook("exists_nonce", nonce_is_used)

protect = ResourceProtector(
    app,
    query_client=lambda client_id: Client() if client_id == Client.client_id else None,
    query_token=lambda client_id, token: lasting.get(token),
    exists_nonce=nonce_is_used,
)


@app.route("/oauth1/request", methods=["POST"])
def temporary_credential():
    return server.create_temporary_credentials_response()


@app.route("/oauth1/authorize")
def authorize():
    return server.create_authorization_response(request, grant_user="ann")


@app.route("/oauth1/token", methods=["POST"])
def token_credential():
    return server.create_token_response()


@app.route("/oauth1/api/<path:rest>", methods=["GET", "POST"])
@protect()
def api(rest):
    return jsonify(user=current_credential.user, path=rest, query=request.args.to_dict(flat=False))


# JWT bearer.
TOKENS = set()
SERVICE_ACCOUNT = "service@example.com"


class ServiceClient(ClientMixin2):
    def get_client_id(self):
        return SERVICE_ACCOUNT

    def check_grant_type(self, grant_type):
        return grant_type == JWTBearerGrant.GRANT_TYPE

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_endpoint_auth_method(self, method, endpoint):
        return True


class Bearer(JWTBearerGrant):
    def resolve_issuer_client(self, issuer):
        return ServiceClient() if issuer == SERVICE_ACCOUNT else None

    def resolve_client_key(self, client, headers, payload):
        with open(public_key_file) as file:
            return JsonWebKey.import_key(file.read(), {"kty": "RSA"})

    def authenticate_user(self, subject):
        return subject

    def has_granted_permission(self, client, user):
        return True

    def get_audiences(self):
        return [f"http://127.0.0.1:{port}/jwt/token"]


def generate(grant_type, client, user=None, scope=None, expires_in=None, include_refresh_token=False):
    token = secrets.token_hex(16)
    TOKENS.add(token)
    return {"access_token": token, "token_type": "Bearer", "expires_in": 3600}


second = AuthorizationServer2(app, query_client=lambda client_id: ServiceClient(), save_token=lambda token, req: None)
second.register_token_generator("default", generate)
second.register_grant(Bearer)


@app.route("/jwt/token", methods=["POST"])
def jwt_token():
    return second.create_token_response()


@app.route("/jwt/api")
def jwt_api():
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    return (jsonify(ok=True), 200) if token in TOKENS else (jsonify(error="unknown token"), 401)


app.run(host="127.0.0.1", port=port, threaded=True)
