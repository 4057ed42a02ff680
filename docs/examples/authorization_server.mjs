// An authorization server for USSs and a node, with the npm package oidc-provider.
//
//     npm install oidc-provider
//     node authorization_server.mjs ISSUER PORT JWKS CLIENTS
//
// ISSUER is the address under which it is known, PORT that on which it listens on loopback: put a proxy with TLS before it. JWKS is a
// file with the private keys, made if it is not there; CLIENTS one with `{"uss1": {"secret": "...", "scopes": ["utm...."]}}`.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const [issuer, port, keys, names] = process.argv.slice(2);
if (!existsSync(keys)) {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = { ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: new Date().toISOString() };
  writeFileSync(keys, JSON.stringify({ keys: [key] }), { mode: 0o600 });
}
const clients = Object.entries(JSON.parse(readFileSync(names, "utf8")));
const scopes = new Map(clients.map(([name, client]) => [name, client.scopes.join(" ")]));

const provider = new Provider(issuer, {
  jwks: JSON.parse(readFileSync(keys, "utf8")),
  clients: clients.map(([name, client]) => ({
    client_id: name,
    client_secret: client.secret,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    scope: client.scopes.join(" "),
    id_token_signed_response_alg: "ES256",
  })),
  scopes: [...new Set(clients.flatMap(([, client]) => client.scopes))],
  clientAuthMethods: ["client_secret_basic"],
  ttl: { ClientCredentials: 3600 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // The audience is the host name, as the standard wants it.
      getResourceServerInfo: (_, resource, client) => ({
        audience: new URL(resource).hostname,
        scope: scopes.get(client.clientId),
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});
provider.proxy = true;
provider.listen(Number(port), "127.0.0.1", () => console.log(`listening on 127.0.0.1:${port}`));
