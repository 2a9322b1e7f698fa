// Reads the dynamic codes and says what a terminal must say; needs only libsodium-wrappers-sumo.
// `node verify.mjs FILE ...` (or lines on stdin) prints the id of each case, a tab and the verdict.
// Integers in bytes are big-endian, times are Unix seconds, amounts are fen. Node's own Ed25519 is
// not used: OpenSSL accepts keys and R of small order, libsodium (and so our server) does not.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sodium from 'libsodium-wrappers-sumo';

await sodium.ready;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const OUTCOMES = ['APPROVED', 'DECLINED', 'VOIDED', 'PIN_REQUIRED', 'IN_PROGRESS'];
const CAPS = [{ capClass: 1, a: 2000, n: 3, b: 5000 }, { capClass: 2, a: 1000, n: 2, b: 2000 },
  { capClass: 3, a: 5000, n: 4, b: 10000, high: true }];
// Name, first byte and size of each number field; the low nibble of byte 0 is named first.
const CC1 = 'kind: issuer 1 2 kid 3 1 capTag 4 4 passNo 8 2 notBefore 10 4 ttl 14 1 capClass 15 1 '
  + 'flags 16 1 mask 17 2 t 115 3 scene 118 1';
const CCQ = 'purpose: issuer 1 2 keyNo 3 1 terminalNo 4 4 batchNo 8 3 seqNo 11 3 createdAt 14 4 '
  + 'life 18 1 minorAmount 19 4';
const CCR = 'outcome: issuer 1 2 kid 3 1 terminalNo 4 4 batchNo 8 3 seqNo 11 3 minorAmount 14 4 '
  + 'answeredAt 18 4';

class Refusal extends Error {}
const refuse = (name) => { throw new Refusal(name); };
const verdict = (isGood, name) => (isGood ? 'ACCEPTED' : refuse(name));
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const hmac = (key, ...parts) => createHmac('sha256', key).update(Buffer.concat(parts)).digest();
const hex = (text) => Buffer.from(text, 'hex');
const utf8 = (text) => Buffer.from(text, 'utf8');
const u32 = (number) => hex(number.toString(16).padStart(8, '0'));
const u8 = (number) => Buffer.of(number);
const hasBit = (mask, bit) => Math.floor(mask / 2 ** bit) % 2 === 1;
const isNumber = (number) => number >= 1 && number <= 999999;
const strip = (text) => text.replace(/(\r\n|[\r\n\t])$/, '');
/** libsodium's rule: S < L, key and R canonical and not of small order, no cofactor. */
function isSigned(publicKey, message, signature) {
  const key = hex(publicKey);
  if (key.length !== 32 || signature.length !== 64) return false;
  return sodium.crypto_sign_verify_detached(signature, Buffer.concat(message), key);
}

/** Strict RFC 9285, after the exact length of the whole text. */
function base45(text, prefix, length) {
  if (text.length !== length || !text.startsWith(prefix)) refuse('FORMAT');
  const raw = [];
  for (let at = prefix.length; at < length; at += 3) {
    const digits = [...text.slice(at, at + 3)].map((character) => ALPHABET.indexOf(character));
    const number = digits.reduceRight((sum, digit) => sum * 45 + digit, 0);
    const isRound = digits.length > 1 && number < 256 ** (digits.length - 1);
    if (digits.includes(-1) || !isRound) refuse('FORMAT');
    raw.push(...(digits.length === 3 ? [number >> 8, number & 255] : [number]));
  }
  return Buffer.from(raw);
}

/** The number fields of a form; those that a case names are compared with it. */
function fieldsOf(raw, form, wanted = {}) {
  const fields = { raw, version: raw[0] >> 4, [form.split(':')[0]]: raw[0] & 15 };
  for (const [, name, at, size] of form.matchAll(/(\w+) (\d+) (\d)/g)) {
    fields[name] = raw.readUIntBE(Number(at), Number(size));
  }
  const other = Object.keys(wanted).find((name) => fields[name] !== wanted[name]);
  if (other) refuse(`FIELDS ${other}`);
  return fields.version === 1 ? fields : refuse('VERSION');
}

/** The published key for one of these uses that may have signed at `at`. */
function keyFor({ keys = [], siteNo = 0 }, issuer, kid, at, ...uses) {
  const key = keys.find((each) => each.issuer === issuer && each.kid === kid);
  const isKnown = key && uses.includes(key.use) && at >= key.signFrom && at <= key.signUntil;
  const isOwn = key?.use !== 'EDGE' || (key.siteNo ?? 0) === siteNo;
  return isKnown && isOwn ? key : refuse('KEY_UNKNOWN');
}

function readCcq(text, wanted) {
  const url = /^https:\/\/[!-~]*(?![\w-])[!-~]([\w-]{116})$/.exec(text);
  const raw = url ? Buffer.from(url[1], 'base64url') : base45(text, 'CCQ:', 135);
  const asked = fieldsOf(raw, CCQ, wanted);
  const { purpose, batchNo, life, minorAmount } = asked;
  if (url && purpose !== 3) refuse('FORMAT');
  if (purpose < 1 || purpose > 3 || !isNumber(asked.seqNo)) refuse('MALFORMED');
  if (purpose === 3 && (batchNo !== 0 || life !== 0)) refuse('MALFORMED');
  if (purpose !== 3 && (!isNumber(batchNo) || life === 0)) refuse('MALFORMED');
  if (purpose !== 3 && (purpose === 1) !== (minorAmount > 0)) refuse('MALFORMED');
  return asked;
}

function isOutstanding({ purpose, createdAt, life }, { use, now, context: { skew = 15 } }) {
  const isOwn = purpose === (use === 'P' ? 1 : 2);
  return isOwn && now >= createdAt - skew && now <= createdAt + life + skew;
}

/** What a bound code has signed: the digest of the terminal's own challenge, while it lasts. */
function outstandingDigest(given) {
  try {
    const asked = readCcq(strip(given.context.challenge ?? ''));
    return isOutstanding(asked, given) ? sha256(asked.raw) : null;
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** The rows of CC1, in their order. */
function verifyCc1(text, given) {
  const { use, now, context } = given;
  const { skew = 15, life = 45, offline = true, clockTrusted = true } = context;
  const code = fieldsOf(base45(text, 'CC1:', 279), CC1, given.fields);
  const { raw, issuer, kind, notBefore, flags, scene } = code;
  const intent = scene & 15;
  if (kind < 1 || kind > 4 || code.ttl === 0 || flags > 63) refuse('MALFORMED');
  if ((scene & 0x70) !== 0 || intent > 2 || (kind === 3 && hasBit(flags, 0))) refuse('MALFORMED');
  if (!(context.issuers ?? []).includes(issuer)) refuse('ISSUER_NOT_ACCEPTED');
  const isTrusted = clockTrusted || !offline;
  const key = keyFor(context, issuer, code.kid, notBefore, 'PASS');
  if (isTrusted && now > key.dropAfter) refuse('KEY_UNKNOWN');
  const pass = [utf8('cc1p'), raw.subarray(0, 51)];
  if (!isSigned(key.publicKey, pass, raw.subarray(51, 115))) refuse('ISSUER_SIGNATURE');
  const digest = hasBit(scene, 7) ? outstandingDigest(given) : Buffer.alloc(0);
  const show = [utf8('cc1d'), raw.subarray(0, 119), digest ?? refuse('CHALLENGE_UNEXPECTED')];
  const device = raw.subarray(19, 51).toString('hex');
  if (!isSigned(device, show, raw.subarray(119))) refuse('DEVICE_SIGNATURE');
  if (isTrusted) {
    const [end, shown] = [code.ttl * (kind === 3 ? 3600 : 900), code.t].map((s) => notBefore + s);
    if (now < notBefore - skew) refuse('PASS_NOT_YET_VALID');
    if (now > end + skew || shown > end) refuse('PASS_EXPIRED');
    if (now < shown - skew) refuse('CODE_FROM_FUTURE');
    if (now > shown + life + skew) refuse('CODE_EXPIRED');
  } else if (use === 'P' || !context.openOnLostClock) refuse('CLOCK_UNTRUSTED');
  const serial = raw.subarray(4, 10);
  if ((context.deny ?? []).includes(serial.toString('hex'))) refuse('REVOKED');
  const { payKinds = [1, 2, 4], entryKinds = [1, 2, 3, 4], seen = [] } = context;
  if (!(use === 'P' ? payKinds : entryKinds).includes(kind)) refuse('KIND_NOT_ACCEPTED');
  const isFlagged = hasBit(flags, use === 'P' ? 0 : 1);
  if (!isFlagged || intent === (use === 'P' ? 2 : 1)) refuse('USE_NOT_ALLOWED');
  const used = [u8(2), raw.subarray(1, 3), serial, raw.subarray(115, 119), utf8(use)];
  if (seen.includes(Buffer.concat(used).toString('hex'))) refuse('CODE_USED');
  return (use === 'P' ? pay : enter)(code, context, offline, given.amount ?? 0);
}

/** Rows 18 to 21. */
function pay(code, context, offline, amount) {
  const { caps = CAPS, challengeAbove = null, site = 0, spent = [] } = context;
  const cap = caps.find((each) => each.capClass === code.capClass);
  if (offline) {
    const { denyListAge = 0, storeFull = false, offlineMoney = true } = context;
    if (denyListAge > 86400 || storeFull || !offlineMoney) refuse('OFFLINE_OFF');
    if (!cap || code.capClass === 0 || (cap.high && !hasBit(code.flags, 5))) refuse('OFFLINE_OFF');
    if (code.kind === 2 && !hasBit(code.flags, 2)) refuse('OFFLINE_OFF');
    if (!hasBit(code.mask, site)) refuse('SITE_NOT_ALLOWED');
  }
  const isAbove = challengeAbove !== null && amount > challengeAbove;
  if (isAbove && !hasBit(code.scene, 7)) refuse('CHALLENGE_REQUIRED');
  if (offline) {
    const tag = u32(code.capTag).toString('hex');
    const before = spent.filter((each) => each.issuer === code.issuer && each.capTag === tag);
    if (amount > cap.a) refuse('CAP_AMOUNT');
    if (before.reduce((count, each) => count + each.count, 0) + 1 > cap.n) refuse('CAP_COUNT');
    if (before.reduce((sum, each) => sum + each.sum, amount) > cap.b) refuse('CAP_TOTAL');
  }
  return 'ACCEPTED';
}

/** Rows 19 and 22. */
function enter(code, { doors = [], commonDoor = false, passback = false }, offline) {
  const opens = ([profile, bit]) => profile === code.capClass && hasBit(code.mask, bit);
  const mayPass = code.kind === 3 ? doors.some(opens) : commonDoor;
  if (offline && !mayPass) refuse('DOOR_NOT_ALLOWED');
  return verdict(!passback, 'PASSBACK');
}

/** The order of CCQ, as far as no database is needed. */
function verifyCcq(text, given) {
  const asked = readCcq(text, given.fields);
  const { raw, issuer, purpose, terminalNo, keyNo, createdAt } = asked;
  const { issuers, terminals } = given.context;
  if (!issuers.includes(issuer)) refuse('ISSUER_NOT_ACCEPTED');
  const known = terminals.filter((t) => t.issuer === issuer && t.terminalNo === terminalNo);
  if (known.length === 0) refuse('TERMINAL_UNKNOWN');
  const key = purpose === 3 ? keyFor(given.context, issuer, keyNo, createdAt, 'ANSWER')
    : known.find((each) => each.keyNo === keyNo) ?? refuse('KEY_UNKNOWN');
  const message = [utf8('ccq1'), raw.subarray(0, 23)];
  if (!isSigned(key.publicKey, message, raw.subarray(23))) refuse('SIGNATURE');
  return verdict(purpose === 3 || isOutstanding(asked, given), 'CHALLENGE_EXPIRED');
}

/** The order of CCR; nothing but an outcome is an answer. */
function verifyCcr(text, { context, fields }) {
  const answer = fieldsOf(base45(text, 'CCR:', 154), CCR, fields);
  const [{ raw, answeredAt }, outcome] = [answer, OUTCOMES[answer.outcome - 1]];
  const isWritten = /^[0-9A-Z]{14}$/.test(raw.subarray(22, 36).toString('latin1'));
  if (!outcome || !isWritten) refuse('MALFORMED');
  const key = keyFor(context, answer.issuer, answer.kid, answeredAt, 'ANSWER', 'EDGE');
  const message = [utf8('ccr1'), raw.subarray(0, 36)];
  if (!isSigned(key.publicKey, message, raw.subarray(36))) refuse('SIGNATURE');
  const { mine, outstanding, scanned = false, skew = 15 } = context;
  const differs = (other, ...names) => names.some((name) => answer[name] !== other[name]);
  if (differs(mine, 'issuer', 'terminalNo')) refuse('NOT_MINE');
  if (differs(outstanding, 'batchNo', 'seqNo')) refuse('NOT_OUTSTANDING');
  const isSame = answer.minorAmount === outstanding.amount;
  if (outcome === 'APPROVED' && !isSame) refuse('AMOUNT_MISMATCH');
  const age = answeredAt - outstanding.createdAt;
  if (scanned && (age < -skew || age > outstanding.life + skew)) refuse('RECEIPT_EXPIRED');
  return outcome;
}

function totp(key, step) {
  const mac = hmac(key, u32(0), u32(step));
  return String((mac.readUInt32BE(mac[31] & 15) & 0x7fffffff) % 1e8).padStart(8, '0');
}
/** The order of T1; `aliases` are those that are good now. */
function verifyT1(text, { now, context }) {
  const [, issuer, alias, shown] = /^90(\d{3})(\d{7})(\d{8})$/.exec(text) ?? refuse('FORMAT');
  if (!context.issuers.includes(Number(issuer))) refuse('ISSUER_NOT_ACCEPTED');
  if (!Object.hasOwn(context.aliases, alias)) refuse('ALIAS_UNKNOWN');
  if ((context.locked ?? []).includes(alias)) refuse('ALIAS_LOCKED');
  const steps = [-1, 0, 1].map((more) => Math.floor(now / 30) + more);
  return verdict(steps.some((s) => totp(hex(context.aliases[alias]), s) === shown), 'TOTP_WRONG');
}

/** HKDF-SHA-256 (RFC 5869) with an empty salt, one block: the T1 key of a device. */
function verifyHkdf(text, { context: { schoolKey, deviceId, version } }) {
  const info = [utf8('cct1k'), hex(deviceId.replaceAll('-', '')), u32(version)];
  const key = hmac(hmac(Buffer.alloc(32), hex(schoolKey)), ...info, u8(1));
  return verdict(key.toString('hex') === text, 'T1_KEY_WRONG');
}

function verifyWater(text, { context: { key, group, unit, slotStart, seq } }) {
  const mac = hmac(hex(key), utf8('ccw1'), u32(group), u8(unit), u32(slotStart), u8(seq));
  const code = String(mac.readBigUInt64BE(0) % 100000000n).padStart(8, '0');
  return verdict(code === text, 'CODE8_WRONG');
}

/** An offline record: its texts, its place in the chain, the terminal's signature. */
function verifyRecord(text, { context }) {
  const record = hex(text);
  const start = sha256(utf8('cci0'), record.subarray(0, 9)).toString('hex');
  const link = sha256(utf8('cci1'), hex(context.previous ?? start), record);
  const texts = [context.presented, context.challenge ?? ''];
  const digests = Buffer.concat(texts.map((each) => sha256(utf8(strip(each)))));
  const isGood = isSigned(context.publicKey, [utf8('ccis'), link], hex(context.itemSignature));
  return verdict(record.subarray(30).equals(digests) && isGood, 'RECORD_SIGNATURE');
}

const INPUT = new RegExp(
  '^term=(\\("@method" "@path" "content-digest" "idempotency-key"\\)'
    + ';created=(0|[1-9]\\d{0,9});keyid="(0|[1-9]\\d{0,4})-([1-9]\\d{0,9})-(0|[1-9]\\d{0,2})"'
    + ';nonce="([\\w-]{21}[AQgw])";tag="cc-term")$',
);

/** A signed request: exactly one form of RFC 9421. */
function verifyRequest(body, { now, context }) {
  if (Buffer.byteLength(body) > 65536) refuse('BODY_TOO_LARGE');
  const find = (name, form) => form.exec(context.headers[name] ?? '') ?? refuse('HEADER_INVALID');
  const [, parameters, created, ...rest] = find('signature-input', INPUT);
  const [, signature] = find('signature', /^term=:([A-Za-z0-9+/]{85}[AQgw]==):$/);
  const [digest] = find('content-digest', /^sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:$/);
  const form = /^"([1-9]\d{0,9})\.(0|[1-9]\d{0,5})\.([1-9]\d{0,5})"$/;
  const [name, own, batchNo, seqNo] = find('idempotency-key', form);
  const [issuer, terminalNo, keyNo] = rest.slice(0, 3).map(Number);
  const fits = issuer < 2 ** 16 && terminalNo < 2 ** 32 && keyNo < 2 ** 8;
  if (!fits || Number(own) !== terminalNo) refuse('HEADER_INVALID');
  const isSigner = (t) => t.issuer === issuer && t.terminalNo === terminalNo && t.keyNo === keyNo;
  const terminal = context.terminals.find(isSigner) ?? refuse('KEY_UNKNOWN');
  const computed = sha256(utf8(body)).toString('base64');
  if (digest !== `sha-256=:${computed}:`) refuse('DIGEST_MISMATCH');
  const base = `"@method": POST\n"@path": /graphql\n"content-digest": ${digest}\n`
    + `"idempotency-key": ${name}\n"@signature-params": ${parameters}`;
  const made = Buffer.from(signature, 'base64');
  if (!isSigned(terminal.publicKey, [utf8(base)], made)) refuse('SIGNATURE_INVALID');
  if (Math.abs(now - Number(created)) > 120) refuse('CLOCK_SKEW');
  if ((context.nonces ?? []).includes(rest[3])) refuse('NONCE_REUSED');
  if (terminal.locked) refuse('TERMINAL_LOCKED');
  const { key } = JSON.parse(body).variables.input;
  return verdict(`${key.batchNo}.${key.seqNo}` === `${batchNo}.${seqNo}`, 'KEY_MISMATCH');
}

const isPoint = (raw) => raw.length === 32 && sodium.crypto_core_ed25519_is_valid_point(raw);
const VERDICTS = {
  CC1: verifyCc1, CCQ: verifyCcq, CCR: verifyCcr, T1: verifyT1, HKDF: verifyHkdf,
  WATER: verifyWater, RECORD: verifyRecord, REQUEST: verifyRequest,
  KEY: (text) => verdict(isPoint(hex(text)), 'DEVICE_KEY_INVALID'),
  SIGNATURE: (text, { context: { publicKey, message } }) =>
    verdict(isSigned(publicKey, [hex(message)], hex(text)), 'SIGNATURE'),
};

function judge(given) {
  try {
    return VERDICTS[given.type](given.type === 'REQUEST' ? given.text : strip(given.text), given);
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

for (const path of process.argv.length > 2 ? process.argv.slice(2) : ['/dev/stdin']) {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  for (const given of lines.map((line) => JSON.parse(line))) {
    console.log(`${given.id}\t${judge(given)}`);
  }
}
