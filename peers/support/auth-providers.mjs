// Provider files that point each authentication mode at a server of the test.
import { generateKeyPairSync } from 'node:crypto';

/** A key pair as PEM texts. */
export function keyPair() {
    return generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
    });
}

/** One file; `at` names the base URL of each server. */
export const providers = (at) => `
[vendor]
name = "Peers"
docs = "https://example.com/docs"

[peer-oauth1]
name = "Peer OAuth 1.0a"
categories = ["other"]
auth = "oauth1"
request_token = "${at.authlib}/oauth1/request"
authorize = "${at.authlib}/oauth1/authorize"
token = "${at.authlib}/oauth1/token"
api = "${at.authlib}/oauth1/api"

[peer-assertion]
name = "Peer JWT bearer"
categories = ["other"]
auth = "token_exchange"
api = "${at.authlib}/jwt"
cred.account = { label = "Service account" }
cred.assertion = { automatic = true }
once.privateKey = { label = "Private key" }

[peer-assertion.exchange]
url = "${at.authlib}/jwt/token"
body = "form"
token = "access_token"
expires_in = "expires_in"
params = { grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion = "\${assertion}" }

[peer-assertion.exchange.assertion]
kind = "jwt"
key = "\${once.privateKey}"
lifetime_seconds = 3600
header = { alg = "RS256" }
claims = { iss = "\${cred.account}", sub = "\${cred.account}", aud = "${at.authlib}/jwt/token", jti = "\${uuid}" }

[peer-client]
name = "Peer client credentials"
categories = ["other"]
auth = "client_credentials"
token = "${at.node}/token"
api = "${at.node}"

[peer-client-basic]
name = "Peer client credentials in a header"
categories = ["other"]
auth = "client_credentials"
token = { url = "${at.node}/token", client_auth = "basic" }
api = "${at.node}"

[peer-password]
name = "Peer password grant"
categories = ["other"]
auth = "token_exchange"
api = "${at.node}"
cred.username = { label = "User" }
cred.password = { label = "Password", secret = true }

[peer-password.exchange]
url = "${at.node}/token"
body = "form"
token = "access_token"
expires_in = "expires_in"
refresh_token = "refresh_token"
params = { grant_type = "password", username = "\${cred.username}", password = "\${cred.password}", client_id = "machine", client_secret = "machine-secret" }
refresh = { params = { grant_type = "refresh_token", refresh_token = "\${refresh_token}", client_id = "machine", client_secret = "machine-secret" } }

[peer-odd]
name = "Peer with odd answers"
categories = ["other"]
auth = "oauth2"
authorize = "${at.mock}/authorize"
token = "${at.mock}/token"
api = "${at.mock}"
capture = { token = ["instance_url"] }

[peer-aws]
name = "Peer AWS"
categories = ["other"]
auth = "aws_sigv4"
api = "${at.moto}"
config.service = { automatic = true }
config.region = { label = "Region", optional = true }
cred.role_arn = { label = "Role" }
app.service = { label = "Service" }
app.defaultRegion = { label = "Region", optional = true }
app.awsAccessKeyId = { label = "Key", optional = true }
app.awsSecretAccessKey = { label = "Secret", optional = true, secret = true }
app.sts_endpoint = { label = "Token service", optional = true }

[peer-app]
name = "Peer app"
categories = ["other"]
auth = "app_installation"
authorize = "\${config.appPublicLink}/installations/new"
installation_token = "${at.git}/app/installations/\${config.installation_id}/access_tokens"
api = "${at.git}"
config.appPublicLink = { label = "Link", automatic = true }
config.installation_id = { label = "Installation", automatic = true }

[peer-app-user]
name = "Peer app with users"
categories = ["other"]
auth = "app_installation_user"
authorize = { url = "\${config.appPublicLink}/installations/new", unencoded = ["inputs"] }
token = "${at.git}/login/oauth/access_token"
installation_token = "${at.git}/app/installations/\${config.installation_id}/access_tokens"
api = "${at.git}"
config.appPublicLink = { label = "Link", automatic = true }
config.installation_id = { label = "Installation", automatic = true }

[peer-key]
name = "Peer key"
categories = ["other"]
auth = "api_key"
api = "${at.git}"
key_in = "header:x-api-key"
probe = "GET /whoami"

[peer-basic]
name = "Peer basic"
categories = ["other"]
auth = "basic"
api = "${at.git}"
probe = "GET /whoami"

[peer-none]
name = "Peer without auth"
categories = ["other"]
auth = "none"
api = "${at.git}"

[peer-jwt]
name = "Peer JWT"
categories = ["other"]
auth = "signed_jwt"
api = "${at.git}"
cred.privateKey = { label = "Key" }

[peer-jwt.jwt]
key = "\${cred.privateKey}"
algorithm = "RS256"
lifetime_seconds = 300
claims = { iss = "peer" }

[peer-session]
name = "Peer session login"
categories = ["other"]
auth = "session_login"
exchange = { url = "${at.git}/login" }
api = "${at.git}"
headers = { sessionid = "\${cred.session_id}", devkey = "\${cred.dev_key}" }

[peer-wsse]
name = "Peer WSSE"
categories = ["other"]
auth = "wsse"
api = "${at.git}"
headers = { x-wsse = "\${token}" }
bearer = false

[peer-tba]
name = "Peer token-based"
categories = ["other"]
auth = "token_based"
api = "${at.git}"
config.accountId = { label = "Account" }

[peer-plugin]
name = "Peer plugin"
categories = ["other"]
auth = "plugin_install"
api = "${at.git}"
probe = "GET /whoami"
capture = { callback = ["website_id"] }

[peer-mcp-known]
name = "Peer MCP server of the catalogue"
categories = ["mcp"]
auth = "mcp_oauth2"
authorize = "${at.mcp}/authorize"
token = "${at.mcp}/token"
register = "${at.mcp}/register"
api = "${at.mcp}"
`;
