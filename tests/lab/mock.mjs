// A provider that can be told to lie: `node mock.mjs <port>`, then one JSON line a change on stdin:
// {"claims": {...}, "header": {...}, "rotate": true}; null takes away.
import { OAuth2Server } from 'oauth2-mock-server';
import { createInterface } from 'node:readline';

const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');
let lie = {};
const told = (target, changes = {}) => {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete target[name];
    else target[name] = value;
  }
};
server.service.on('beforeTokenSigning', (token) => {
  told(token.payload, { sub: 'pupil0', employeeNumber: '007001', name: '示例甲&乙' });
  told(token.payload, lie.claims);
  told(token.header, lie.header);
});
server.service.on('beforeUserinfo', (answer) => {
  answer.body = { sub: 'pupil0', ...lie.userinfo };
});
await server.start(Number(process.argv[2]), '127.0.0.1');
server.issuer.url = `http://127.0.0.1:${process.argv[2]}`;
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  lie = JSON.parse(line);
  console.log('told');
}
