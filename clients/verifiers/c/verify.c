// Reads cases and prints their verdicts: `./verify FILE ...`, or lines on stdin; needs libsodium.
//
// Here are also the codes made of digits, keys, offline records and signed requests. Integers in
// bytes are big-endian, times are Unix seconds, amounts are fen. Nothing is allocated.
#include "codes.h"

struct given given;

static void hmac(bytes key, bytes message, size_t size, unsigned char *out) {
    crypto_auth_hmacsha256_state state; // a key of 32 bytes
    crypto_auth_hmacsha256_init(&state, key, 32);
    crypto_auth_hmacsha256_update(&state, message, size);
    crypto_auth_hmacsha256_final(&state, out);
}

static const char *t1(const char *text, size_t length) { // `aliases` are those good now
    unsigned char key[32], step[8], mac[32];
    char issuer[4] = {0}, alias[8] = {0};
    if (length != 20 || strspn(text, "0123456789") != 20 || strncmp(text, "90", 2)) return "FORMAT";
    memcpy(issuer, text + 2, 3), memcpy(alias, text + 5, 7);
    if (!json_counts(of("issuers"), strtoll(issuer, NULL, 10))) return "ISSUER_NOT_ACCEPTED";
    if (!unhex(json_member(of("aliases"), alias), key, 32)) return "ALIAS_UNKNOWN";
    if (json_has(of("locked"), alias)) return "ALIAS_LOCKED";
    for (number at = given.now / 30 - 1; at <= given.now / 30 + 1; at++) {
        put(step, at, 8), hmac(key, step, 8, mac);
        number code = (big(mac + (mac[31] & 15), 4) & 0x7FFFFFFF) % 100000000;
        if (code == strtoll(text + 12, NULL, 10)) return "ACCEPTED";
    }
    return "TOTP_WRONG";
}

// HKDF-SHA-256 (RFC 5869) with an empty salt, one block: the T1 key of a device.
static const char *hkdf(const char *text, size_t length) {
    unsigned char zero[32] = {0}, key[32], made[32], info[26] = "cct1k";
    if (!unhex(of("schoolKey"), key, 32) || !of("deviceId")) return "T1_KEY_WRONG";
    sodium_hex2bin(info + 5, 16, of("deviceId") + 1, 36, "-", NULL, NULL);
    *put(info + 21, num("version", 0), 4) = 1;
    hmac(zero, key, 32, made), memcpy(key, made, 32), hmac(key, info, 26, made);
    return length == 64 && !memcmp(text, hex(made, 32), 64) ? "ACCEPTED" : "T1_KEY_WRONG";
}

static const char *water(const char *text, size_t length) {
    unsigned char key[32], mac[32], message[14] = "ccw1", *at = message + 4;
    char code[16];
    at = put(put(put(at, num("group", 0), 4), num("unit", 0), 1), num("slotStart", 0), 4);
    put(at, num("seq", 0), 1);
    if (!unhex(of("key"), key, 32)) return "CODE8_WRONG";
    hmac(key, message, 14, mac);
    unsigned long long value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | mac[i];
    snprintf(code, sizeof code, "%08llu", value % 100000000);
    return length == 8 && !memcmp(text, code, 8) ? "ACCEPTED" : "CODE8_WRONG";
}

// Canonical and in the prime-order subgroup. The second check is for libsodium of before 2026: it
// lets a key pass to which the point of order 2 was added (CVE-2025-69277; mended in Debian 12).
static bool is_point(bytes key) {
    unsigned char product[32];
    static const unsigned char ORDER[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
        0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    if (!crypto_core_ed25519_is_valid_point(key)) return false;
    return crypto_scalarmult_ed25519_noclamp(product, ORDER, key) != 0; // the identity is an error
}

static const char *key(const char *text, size_t length) {
    unsigned char raw[32];
    return unhex_text(text, length, raw, 32) && is_point(raw) ? "ACCEPTED" : "DEVICE_KEY_INVALID";
}

static const char *signature(const char *text, size_t length) {
    unsigned char public_key[32], made[64], message[256];
    json said = of("message");
    size_t size = said ? (size_t)(json_skip(said) - said) / 2 - 1 : 0;
    bool good = unhex(of("publicKey"), public_key, 32) && unhex_text(text, length, made, 64)
        && size <= sizeof message && unhex(said, message, size)
        && is_signed(public_key, "", message, size, made);
    return good ? "ACCEPTED" : "SIGNATURE";
}

// An offline record: its texts, its place in the chain, the terminal's signature.
static const char *record(const char *text, size_t length) {
    static char said[1024];
    unsigned char linked[4 + 32 + 94] = "cci1", start[13] = "cci0", *raw = linked + 36;
    unsigned char public_key[32], made[64], hash[32];
    if (!unhex_text(text, length, raw, 94)) return "RECORD_SIGNATURE";
    memcpy(start + 4, raw, 9);
    if (!unhex(of("previous"), linked + 4, 32)) crypto_hash_sha256(linked + 4, start, 13);
    for (int i = 0; i < 2; i++) {
        size_t got = json_text(of(i ? "challenge" : "presented"), said, sizeof said);
        crypto_hash_sha256(hash, (bytes)said, strip(said, got));
        if (memcmp(hash, raw + 30 + 32 * i, 32) != 0) return "RECORD_SIGNATURE";
    }
    crypto_hash_sha256(hash, linked, sizeof linked);
    bool good = unhex(of("publicKey"), public_key, 32) && unhex(of("itemSignature"), made, 64)
        && is_signed(public_key, "ccis", hash, 32, made);
    return good ? "ACCEPTED" : "RECORD_SIGNATURE";
}

// ---- Signed requests: exactly one form of RFC 9421

static bool eat(const char **at, const char *word) {
    size_t length = strlen(word);
    return !strncmp(*at, word, length) && (*at += length, true);
}

static bool decimal(const char **at, size_t digits, number *value) { // without leading zeros
    size_t length = strspn(*at, "0123456789");
    if (length < 1 || length > digits || (**at == '0' && length > 1)) return false;
    *value = strtoll(*at, (char **)at, 10);
    return true;
}

static bool blob(const char **at, const char *end, unsigned char *out, size_t size, int variant) {
    size_t made = 0, length = strcspn(*at, end);
    if (sodium_base642bin(out, size, *at, length, NULL, &made, NULL, variant)) return false;
    *at += length;
    return made == size;
}

static const char *header(const char *name, char *out, size_t size) {
    json_text(json_member(of("headers"), name), out, size);
    return out;
}

static const char *request(const char *body, size_t length) {
    static char digest[512], named[512], input[512], made[512], base[2048], nonce[23];
    unsigned char sum[32], hash[32], raw[64], random[16], public_key[32];
    const char *at = header("content-digest", digest, sizeof digest), *params;
    number own, batch, seq, created, issuer, terminal_no, key_no;
    int plain = sodium_base64_VARIANT_ORIGINAL, url = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    if (length > 65536) return "BODY_TOO_LARGE";
    bool good = eat(&at, "sha-256=:") && blob(&at, ":", sum, 32, plain) && !strcmp(at, ":");
    at = header("idempotency-key", named, sizeof named);
    good = good && eat(&at, "\"") && decimal(&at, 10, &own) && eat(&at, ".")
        && decimal(&at, 6, &batch) && eat(&at, ".") && decimal(&at, 6, &seq)
        && !strcmp(at, "\"") && own && seq;
    at = header("signature", made, sizeof made);
    good = good && eat(&at, "term=:") && blob(&at, ":", raw, 64, plain) && !strcmp(at, ":");
    at = params = header("signature-input", input, sizeof input) + 5;
    good = good && !strncmp(input, "term=", 5)
        && eat(&at, "(\"@method\" \"@path\" \"content-digest\" \"idempotency-key\");created=")
        && decimal(&at, 10, &created) && eat(&at, ";keyid=\"") && decimal(&at, 5, &issuer)
        && eat(&at, "-") && decimal(&at, 10, &terminal_no) && eat(&at, "-")
        && decimal(&at, 3, &key_no) && eat(&at, "\";nonce=\"");
    if (!good || issuer >> 16 || terminal_no >> 32 || key_no >> 8) return "HEADER_INVALID";
    snprintf(nonce, sizeof nonce, "%.22s", at);
    good = blob(&at, "\"", random, 16, url) && !strcmp(at, "\";tag=\"cc-term\"");
    if (!good || own != terminal_no) return "HEADER_INVALID";
    json terminal = NULL;
    EACH(each, of("terminals")) {
        bool his = json_count(each, "issuer") == issuer && json_count(each, "keyNo") == key_no;
        if (his && json_count(each, "terminalNo") == terminal_no) terminal = each;
    }
    if (!unhex(json_member(terminal, "publicKey"), public_key, 32)) return "KEY_UNKNOWN";
    crypto_hash_sha256(hash, (bytes)body, length);
    if (memcmp(hash, sum, 32) != 0) return "DIGEST_MISMATCH";
    int size = snprintf(base, sizeof base, "\"@method\": POST\n\"@path\": /graphql\n"
        "\"content-digest\": %s\n\"idempotency-key\": %s\n\"@signature-params\": %s",
        digest, named, params);
    if (!is_signed(public_key, "", (bytes)base, (size_t)size, raw)) return "SIGNATURE_INVALID";
    if (given.now - created > 120 || created - given.now > 120) return "CLOCK_SKEW";
    if (json_has(of("nonces"), nonce)) return "NONCE_REUSED";
    if (is_true(json_member(terminal, "locked"), false)) return "TERMINAL_LOCKED";
    json key = json_member(json_member(json_member(json_space(body), "variables"), "input"), "key");
    bool same = json_count(key, "batchNo") == batch && json_count(key, "seqNo") == seq;
    return same ? "ACCEPTED" : "KEY_MISMATCH";
}

typedef const char *verdict(const char *text, size_t length);
static const struct { const char *type; verdict *of; } VERDICTS[] = {
    {"CC1", cc1}, {"CCQ", ccq}, {"CCR", ccr}, {"T1", t1}, {"HKDF", hkdf}, {"WATER", water},
    {"KEY", key}, {"SIGNATURE", signature}, {"RECORD", record}, {"REQUEST", request}};

static void judge(json line) {
    static char text[1 << 17], id[256];
    json type = json_member(line, "type");
    size_t length = json_text(json_member(line, "text"), text, sizeof text);
    if (!json_is(type, "REQUEST")) length = strip(text, length);
    text[length] = 0;
    given.context = json_member(line, "context"), given.fields = json_member(line, "fields");
    given.pays = json_is(json_member(line, "use"), "P"), given.now = json_count(line, "now");
    given.amount = json_number(json_member(line, "amount"), 0), given.skew = num("skew", 15);
    json_text(json_member(line, "id"), id, sizeof id);
    for (size_t i = 0; i < sizeof VERDICTS / sizeof *VERDICTS; i++) {
        if (json_is(type, VERDICTS[i].type)) printf("%s\t%s\n", id, VERDICTS[i].of(text, length));
    }
}

int main(int count, char **paths) {
    static char line[1 << 18];
    if (sodium_init() < 0) return 1;
    for (int i = count > 1 ? 1 : 0; i < count; i++) {
        FILE *file = i ? fopen(paths[i], "r") : stdin;
        if (!file) return perror(paths[i]), 1;
        while (fgets(line, sizeof line, file)) {
            if (strlen(line) + 1 == sizeof line) return fputs("a line is too long\n", stderr), 1;
            judge(json_space(line));
        }
        if (i) fclose(file);
    }
    return 0;
}
