// Bytes and signatures, and the members of the case that is being judged.
#ifndef CODES_H
#define CODES_H

#include <sodium.h>
#include <stdio.h>

#include "json.h"

typedef const unsigned char *bytes;

extern struct given { // the case that is being judged
    json context, fields;
    bool pays; // use "P", else "E"
    number now, amount, skew;
} given;

static inline json of(const char *name) { return json_member(given.context, name); }
static inline number num(const char *name, number other) { return json_number(of(name), other); }
static inline bool is_true(json value, bool otherwise) { return value ? *value == 't' : otherwise; }
static inline bool yes(const char *name, bool otherwise) { return is_true(of(name), otherwise); }
static inline bool has_bit(number mask, number bit) { return bit < 16 && mask >> bit & 1; }

static inline number big(bytes raw, int size) {
    number value = 0;
    for (int at = 0; at < size; at++) value = value << 8 | raw[at];
    return value;
}

static inline unsigned char *put(unsigned char *out, number value, int size) { // where it ends
    for (int at = size; at--; value >>= 8) out[at] = (unsigned char)value;
    return out + size;
}

// Exactly `size` bytes.
static inline bool unhex_text(const char *text, size_t length, unsigned char *out, size_t size) {
    size_t made = 0;
    return length == 2 * size && !sodium_hex2bin(out, size, text, length, NULL, &made, NULL)
        && made == size;
}

static inline bool unhex(json at, unsigned char *out, size_t size) {
    return at && *at == '"' && unhex_text(at + 1, (size_t)(json_skip(at) - at) - 2, out, size);
}

static inline const char *hex(bytes raw, size_t size) {
    static char text[65];
    return sodium_bin2hex(text, sizeof text, raw, size);
}

static inline size_t strip(const char *text, size_t length) { // less one CR LF, CR, LF or TAB
    if (length > 1 && !memcmp(text + length - 2, "\r\n", 2)) return length - 2;
    return length - (length && memchr("\r\n\t", text[length - 1], 3) ? 1 : 0);
}

// libsodium: S < L, key and R canonical, not of small order, no cofactor. At most 1024 bytes.
static inline bool is_signed(bytes key, const char *tag, bytes raw, size_t size, bytes signature) {
    unsigned char message[1024];
    size_t start = strlen(tag);
    if (start + size > sizeof message) return false;
    memcpy(message, tag, start), memcpy(message + start, raw, size);
    return !crypto_sign_verify_detached(signature, message, start + size, key);
}

// The verdict on a stripped text of each of the three signed codes, in the case that is given.
const char *cc1(const char *, size_t), *ccq(const char *, size_t), *ccr(const char *, size_t);

#endif
