// A SAML identity provider: `node saml.cjs <port> <settings as JSON>`. The name in the login form
// may end in words that make it lie: "pupil0 other-audience".
const express = require('express');
const samlp = require('samlp');

const [port, given] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const LIES = {
  'other-destination': { destination: 'https://evil.example/' },
  'other-recipient': { recipient: 'https://evil.example/' },
  'other-audience': { audience: 'https://other.example/' },
  'unsolicited': { inResponseTo: undefined },
  'sha1': { signatureAlgorithm: 'rsa-sha1', digestAlgorithm: 'sha1' },
  'unsigned': { signAssertion: false },
  'transient': { nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' },
  'encrypted': {
    encryptionCert: given.sp_cert,
    encryptionPublicKey: given.sp_public_key,
    encryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
    disallowEncryptionWithInsecureAlgorithm: false,
    warnOnInsecureEncryptionAlgorithm: false,
  },
  'signed-response': { signResponse: true, signAssertion: false },
};
function Mapper(user) {
  return {
    getClaims: () => ({ employeeNumber: user.number, cn: user.name }),
    getNameIdentifier: () => ({ nameIdentifier: user.login }),
    metadata: [],
  };
}
const base = {
  issuer: given.issuer,
  cert: given.cert,
  key: given.key,
  destination: given.callback,
  recipient: given.callback,
  lifetimeInSeconds: 240,
  nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  authnContextClassRef: 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password',
  sessionIndex: '_index1',
  profileMapper: Mapper,
  getPostURL: (audience, dom, req, done) => done(null, given.callback),
  getUserFromRequest: (req) => given.people[req.query.username.split(' ')[0]],
};
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;');
const app = express();
app.get('/sso', (req, res) => {
  const kept = Object.entries(req.query)
    .filter(([name]) => ['SAMLRequest', 'RelayState'].includes(name))
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`);
  res.send(`<form action="/auth">${kept.join('')}<input name="username"></form>`);
});
app.get('/auth', (req, res, next) => {
  const words = req.query.username.split(' ').slice(1);
  const options = Object.assign({}, base, ...words.map((word) => LIES[word]));
  samlp.auth(options)(req, res, next);
});
app.listen(port, '127.0.0.1', () => console.log('ready'));
