// What the npm package alipay-sdk makes of our bytes, and the bytes it makes itself.
import { AlipaySdk } from 'alipay-sdk';

import { serve } from './serve.mjs';

// The package writes the machine's local time; the gateway reads Shanghai's.
process.env.TZ = 'Asia/Shanghai';

const open = (config) => new AlipaySdk({ keyType: 'PKCS8', camelcase: false, ...config });

await serve({
  // The rule of a request is the rule of a V2 notice: all fields but the signature, sorted.
  fields_are_signed: ({ config, form }) =>
    open(config).checkNotifySignV2(Object.fromEntries(new URLSearchParams(form))),
  signed_text: ({ config, method, params, content }) =>
    open(config).sdkExecute(method, { ...params, biz_content: content }),
  answer_is_signed: ({ config, body, key, sign }) => {
    try {
      open(config).checkResponseSign(body, key, sign, '');
      return true;
    } catch {
      return false;
    }
  },
  serials: ({ config }) => {
    const { appCertSn, alipayCertSn, alipayRootCertSn } = open(config).config;
    return { app: appCertSn, alipay: alipayCertSn, root: alipayRootCertSn };
  },
  content_is_signed: ({ config, content, sign }) => open(config).rsaCheck(content, sign),
  decrypt: ({ config, text }) => open(config).aesDecrypt(text),
  encrypt: ({ config, content }) => {
    const text = open(config).sdkExecute('sample', { needEncrypt: true, biz_content: content });
    return new URLSearchParams(text).get('biz_content');
  },
  call: async ({ config, method, content }) => {
    try {
      return await open(config).exec(method, { bizContent: content }, { validateSign: true });
    } catch (error) {
      return error.message.split('，')[0];
    }
  },
});
