// A certified OpenID provider: `node oidc.mjs <port> <settings as JSON>`.
import { Provider } from 'oidc-provider';
import { generateKeyPairSync } from 'node:crypto';

const [port, given] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const client = (id, more) => ({
  client_id: id,
  client_secret: given.secret,
  redirect_uris: [given.callback],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  ...more,
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    client('campus-card', {}),
    client('campus-card-post', { token_endpoint_auth_method: 'client_secret_post' }),
    client('campus-card-hs', { id_token_signed_response_alg: 'HS256' }),
  ],
  jwks: { keys: [{ ...jwk, kid: 'k1', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['only on this machine'] },
  pkce: { required: () => true },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'HS256'] },
  claims: { openid: ['sub'], profile: ['name', 'employeeNumber'] },
  findAccount: (ctx, id) => {
    const person = given.people[id];
    return person && {
      accountId: id,
      claims: () => ({ sub: id, name: person.name, employeeNumber: person.number }),
    };
  },
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
