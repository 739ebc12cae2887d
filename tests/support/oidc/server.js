// SPDX-License-Identifier: MIT
//
// A certified OpenID provider on the loopback: device flow, refresh tokens that
// rotate, client credentials. Nothing of the protocol is ours.
//
//     node server.js '{"accessTokenSeconds": 4}'     prints its URL, runs until stdin ends
//
//     GET  /work           what a job asks for: 200 with a good access token, else 401
//     POST /_test/revoke   an administrator takes every grant back
//     GET  /_test/seen     which grants were used, how often
import http from 'node:http';
import Provider from 'oidc-provider';

const { accessTokenSeconds = 3600, deviceCodeSeconds = 600, clientSecret } = JSON.parse(process.argv[2] ?? '{}');
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const NO_BROWSER = { response_types: [], redirect_uris: [] };

const clients = [
  { client_id: 'stoker', token_endpoint_auth_method: 'none', grant_types: [DEVICE, 'refresh_token'], ...NO_BROWSER },
  { client_id: 'desk', client_secret: clientSecret, grant_types: [DEVICE, 'refresh_token'], ...NO_BROWSER },
  { client_id: 'robot', client_secret: clientSecret, grant_types: ['client_credentials'], ...NO_BROWSER },
];

const configuration = {
  clients,
  scopes: ['openid', 'offline_access', 'work'],
  features: {
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
  },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: accessTokenSeconds,
    ClientCredentials: accessTokenSeconds,
    DeviceCode: deviceCodeSeconds,
    RefreshToken: 86400,
    Grant: 86400,
    Interaction: 600,
    Session: 86400,
    IdToken: 600,
  },
  cookies: { keys: ['only for tests'] },
};

const grants = new Set();
const seen = {};

function count(name) {
  seen[name] = (seen[name] ?? 0) + 1;
}

function watch(provider) {
  provider.on('access_token.saved', (token) => grants.add(token.grantId));
  provider.on('grant.success', (ctx) => count(ctx.oidc.params.grant_type));
  provider.on('grant.error', (ctx, error) => count(`${ctx.oidc.params?.grant_type} ${error.error}`));
}

async function revokeAll(provider) {
  for (const id of grants) {
    await provider.AccessToken.revokeByGrantId(id);
    await provider.RefreshToken.revokeByGrantId(id);
    await (await provider.Grant.find(id))?.destroy();
  }
}

async function showWork(provider, ctx) {
  const value = (ctx.get('authorization').match(/^Bearer (\S+)$/) ?? [])[1] ?? '';
  const token = (await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value));
  ctx.status = token ? 200 : 401;
  ctx.body = token ? { for: token.accountId ?? token.clientId, scope: token.scope ?? '' } : { error: 'invalid_token' };
}

function addRoutes(provider) {
  provider.use(async (ctx, next) => {
    if (ctx.path === '/work') return showWork(provider, ctx);
    if (ctx.path === '/_test/seen') {
      ctx.body = seen;
      return undefined;
    }
    if (ctx.path === '/_test/revoke' && ctx.method === 'POST') {
      await revokeAll(provider);
      ctx.body = {};
      return undefined;
    }
    return next();
  });
}

let answer;
const server = http.createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(url, configuration);
  watch(provider);
  addRoutes(provider);
  answer = provider.callback();
  process.stdout.write(`${url}\n`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
