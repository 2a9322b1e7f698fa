// WeChat Pay by two packages, and the message crypto of WeCom's own.
import { createRequire } from 'node:module';
import { serve } from './serve.mjs';

const require = createRequire(import.meta.url);
const { Aes, Formatter, Hash, Rsa, Transformer, Wechatpay } = require('wechatpay-axios-plugin');
const WxPay = require('wechatpay-node-v3');
const crypto = require('@wecom/crypto');

const payOf = ({ merchant }) =>
  new WxPay({
    appid: merchant.app_id,
    mchid: merchant.mchid,
    serial_no: merchant.serial_no,
    publicKey: Buffer.from(merchant.certificate),
    privateKey: Buffer.from(merchant.private_key),
    key: merchant.api_v3_key,
  });

await serve({
  // wechatpay-axios-plugin
  axiosAuthorisation({ merchant, method, target, seconds, nonce, body }) {
    const text = Formatter.request(method, target, seconds, nonce, body);
    const signature = Rsa.sign(text, Rsa.from(merchant.private_key));
    return Formatter.authorization(merchant.mchid, nonce, signature, seconds, merchant.serial_no);
  },
  axiosSign({ merchant, lines }) {
    return Rsa.sign(Formatter.joinedByLineFeed(...lines), Rsa.from(merchant.private_key));
  },
  axiosVerifies({ key, seconds, nonce, body, signature }) {
    const text = Formatter.response(seconds, nonce, body);
    return Rsa.verify(text, signature, Rsa.from(key, Rsa.KEY_TYPE_PUBLIC));
  },
  axiosOpens({ sealed, key }) {
    return Aes.AesGcm.decrypt(sealed.ciphertext, key, sealed.nonce, sealed.associated_data);
  },
  axiosSeals({ text, key, nonce, associated }) {
    return Aes.AesGcm.encrypt(text, key, nonce, associated);
  },
  axiosV2Signature({ kind, fields, key }) {
    return Hash.sign(kind, fields, key);
  },
  axiosReadsXml({ xml }) {
    return Transformer.toObject(xml);
  },
  axiosWritesXml({ fields }) {
    return Transformer.toXml(fields);
  },
  async axiosTalks({ merchant, base, order, scan }) {
    const pay = new Wechatpay({
      baseURL: base,
      proxy: false,
      mchid: merchant.mchid,
      serial: merchant.serial_no,
      privateKey: Rsa.from(merchant.private_key),
      certs: { [merchant.public_key_id]: Rsa.from(merchant.public_key, Rsa.KEY_TYPE_PUBLIC) },
      secret: merchant.api_v2_key,
      headers: { 'Wechatpay-Serial': merchant.public_key_id },
    });
    const params = { mchid: merchant.mchid };
    const made = await pay.chain('v3/pay/transactions/jsapi').post(order);
    const found = await pay
      .chain(`v3/pay/transactions/out-trade-no/${order.out_trade_no}`)
      .get({ params });
    const scanned = await pay.chain('v2/pay/micropay').post(scan);
    return { made: made.data, found: found.data, scanned: scanned.data };
  },
  // wechatpay-node-v3
  nodeAuthorisation({ merchant, method, target, seconds, nonce, body }) {
    const pay = payOf({ merchant });
    const signature = pay.getSignature(method, nonce, `${seconds}`, target, body || undefined);
    return pay.getAuthorization(nonce, `${seconds}`, signature);
  },
  nodeSerial({ merchant }) {
    return payOf({ merchant }).getSN(merchant.certificate);
  },
  nodeOpens({ merchant, sealed }) {
    const { ciphertext, associated_data, nonce } = sealed;
    return payOf({ merchant }).decipher_gcm(ciphertext, associated_data, nonce);
  },
  // @wecom/crypto
  wecomEncrypts({ key, text, receiver }) {
    return crypto.encrypt(key, text, receiver);
  },
  wecomDecrypts({ key, encrypted }) {
    const { message, id } = crypto.decrypt(key, encrypted);
    return { message, id };
  },
  wecomSignature({ token, timestamp, nonce, encrypted }) {
    return crypto.getSignature(token, timestamp, nonce, encrypted);
  },
});
