// OAuth 2 as an Apereo CAS server speaks it: `node apereo.mjs <port> <inner port> <settings as JSON>`.
// The codes, the tokens and PKCE are a certified provider's at the inner port; here is the dialect:
// a token by GET with the secret in the query, answered as a form, and a profile that nests.
import express from 'express';
import { Provider } from 'oidc-provider';
import { generateKeyPairSync } from 'node:crypto';

const [port, inner] = [Number(process.argv[2]), Number(process.argv[3])];
const given = JSON.parse(process.argv[4]);
const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const behind = `http://127.0.0.1:${inner}`;

const provider = new Provider(behind, {
  clients: [{
    client_id: 'campus-card',
    client_secret: given.secret,
    redirect_uris: [given.callback],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  jwks: { keys: [{ ...jwk, kid: 'k1', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['only on this machine'] },
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['name', 'employeeNumber'] },
  findAccount: (ctx, id) => {
    const person = given.people[id];
    return person && {
      accountId: id,
      claims: () => ({ sub: id, name: person.name, employeeNumber: person.number }),
    };
  },
});

const app = express();
app.get('/oauth2.0/authorize', (req, res) => {
  const asked = new URLSearchParams({ ...req.query, scope: 'openid profile' });
  res.redirect(302, `${behind}/auth?${asked}`);
});
app.get('/oauth2.0/accessToken', async (req, res) => {
  const body = new URLSearchParams(req.query);
  const answer = await fetch(`${behind}/token`, { method: 'POST', body });
  const said = await answer.json();
  if (!answer.ok) return res.status(answer.status).json({ error: said.error });
  const form = new URLSearchParams({ access_token: said.access_token, expires: said.expires_in });
  return res.type('text/plain').send(form.toString());
});
app.get('/oauth2.0/profile', async (req, res) => {
  const headers = { authorization: `Bearer ${req.query.access_token}` };
  const answer = await fetch(`${behind}/me`, { headers });
  if (!answer.ok) return res.status(401).json({ error: 'expired_accessToken' });
  const { sub, ...facts } = await answer.json();
  const attributes = Object.entries(facts).map(([name, value]) => ({ [name]: value }));
  return res.json({ id: sub, attributes });
});
provider.listen(inner, '127.0.0.1', () => {
  app.listen(port, '127.0.0.1', () => console.log('ready'));
});
