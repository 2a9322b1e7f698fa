// CC1, CCQ and CCR: what the strings say, who signed them, and the order of the refusals.
//
// Integers in bytes are big-endian, times are Unix seconds, amounts are fen. Nothing is allocated.
#include "codes.h"

// A number field: name, first byte, size. Size 0 is the high nibble of byte 0, -1 the low one.
typedef struct { const char *name; int at, size; } field;
static const field CC1[] = {{"version", 0, 0}, {"kind", 0, -1}, {"issuer", 1, 2}, {"kid", 3, 1},
    {"capTag", 4, 4}, {"passNo", 8, 2}, {"notBefore", 10, 4}, {"ttl", 14, 1}, {"capClass", 15, 1},
    {"flags", 16, 1}, {"mask", 17, 2}, {"t", 115, 3}, {"scene", 118, 1}, {0}};
static const field CCQ[] = {{"version", 0, 0}, {"purpose", 0, -1}, {"issuer", 1, 2},
    {"keyNo", 3, 1}, {"terminalNo", 4, 4}, {"batchNo", 8, 3}, {"seqNo", 11, 3},
    {"createdAt", 14, 4}, {"life", 18, 1}, {"minorAmount", 19, 4}, {0}};
static const field CCR[] = {{"version", 0, 0}, {"outcome", 0, -1}, {"issuer", 1, 2}, {"kid", 3, 1},
    {"terminalNo", 4, 4}, {"batchNo", 8, 3}, {"seqNo", 11, 3}, {"minorAmount", 14, 4},
    {"answeredAt", 18, 4}, {0}};
static const char CAPS[] = "[{\"capClass\":1,\"a\":2000,\"n\":3,\"b\":5000},"
    "{\"capClass\":2,\"a\":1000,\"n\":2,\"b\":2000},"
    "{\"capClass\":3,\"a\":5000,\"n\":4,\"b\":10000,\"high\":true}]";

static const char ALPHABET[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

// Strict RFC 9285 behind a prefix of 4 characters; exactly `size` bytes.
static bool base45(const char *text, size_t length, const char *tag, unsigned char *out, int size) {
    if (length != 4 + (size_t)(3 * size + 1) / 2 || strncmp(text, tag, 4)) return false;
    for (text += 4; size > 0; size -= 2) {
        number sum = 0, place = 1;
        for (int digits = size > 1 ? 3 : 2; digits--; place *= 45) {
            const char *digit = memchr(ALPHABET, *text++, 45);
            if (!digit) return false;
            sum += place * (digit - ALPHABET);
        }
        if (sum >> (size > 1 ? 16 : 8)) return false;
        out = put(out, sum, size > 1 ? 2 : 1);
    }
    return true;
}

static number get(const field *form, bytes raw, const char *name) {
    while (strcmp(form->name, name)) form++;
    if (form->size > 0) return big(raw + form->at, form->size);
    return form->size ? raw[0] & 15 : raw[0] >> 4;
}

static const char *other_field(const field *form, bytes raw) { // one that the case has otherwise
    static char said[40];
    for (; given.fields && form->name; form++) {
        number got = get(form, raw, form->name);
        snprintf(said, sizeof said, "FIELDS %s", form->name);
        if (json_number(json_member(given.fields, form->name), got) != got) return said;
    }
    return NULL;
}

// The published key for one of two uses that may have signed at `at`.
static bool find_key(number issuer, number kid, number at, const char *use, const char *other,
                     unsigned char *out, number *drop_after) {
    EACH(key, of("keys")) {
        if (json_count(key, "issuer") != issuer || json_count(key, "kid") != kid) continue;
        json its = json_member(key, "use");
        number site = json_number(json_member(key, "siteNo"), 0);
        if (!json_is(its, use) && !json_is(its, other)) return false;
        if (json_is(its, "EDGE") && site != num("siteNo", 0)) return false;
        *drop_after = json_count(key, "dropAfter");
        return at >= json_count(key, "signFrom") && at <= json_count(key, "signUntil")
            && unhex(json_member(key, "publicKey"), out, 32);
    }
    return false;
}


static const char BASE64URL[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// A challenge, nothing of it verified: its refusal, or NULL.
static const char *read_ccq(const char *text, size_t length, unsigned char *raw) {
    bool url = length > 124 && !strncmp(text, "https://", 8);
    size_t made = 0;
    for (size_t at = 0; url && at < length; at++) url = text[at] >= '!' && text[at] <= '~';
    if (url) {
        const char *last = text + length - 116, before = last[-1];
        if (memchr(BASE64URL, before, 64)) return "FORMAT";
        int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
        if (sodium_base642bin(raw, 87, last, 116, NULL, &made, NULL, variant) || made != 87)
            return "FORMAT";
    } else if (!base45(text, length, "CCQ:", raw, 87)) return "FORMAT";
    number purpose = raw[0] & 15, batch = get(CCQ, raw, "batchNo"), seq = get(CCQ, raw, "seqNo");
    if (raw[0] >> 4 != 1) return "VERSION";
    if (url && purpose != 3) return "FORMAT";
    bool paid = get(CCQ, raw, "minorAmount") > 0;
    bool numbered = batch >= 1 && batch <= 999999 && raw[18] && paid == (purpose == 1);
    bool good = purpose == 3 ? !batch && !raw[18] : numbered;
    return good && purpose >= 1 && purpose <= 3 && seq >= 1 && seq <= 999999 ? NULL : "MALFORMED";
}

static bool is_outstanding(bytes raw) {
    number age = given.now - get(CCQ, raw, "createdAt");
    return (raw[0] & 15) == (given.pays ? 1 : 2) && age >= -given.skew
        && age <= raw[18] + given.skew;
}

static const char *pay(bytes raw) { // rows 18 to 21
    number class = raw[15], above = num("challengeAbove", -1), times = 0, sum = 0;
    bool offline = yes("offline", true);
    json cap = NULL;
    EACH(each, of("caps") ? of("caps") : CAPS) {
        if (json_count(each, "capClass") == class) cap = each;
    }
    if (offline) {
        if (num("denyListAge", 0) > 86400 || yes("storeFull", false)) return "OFFLINE_OFF";
        if (!yes("offlineMoney", true) || !cap || !class) return "OFFLINE_OFF";
        bool high = is_true(json_member(cap, "high"), false);
        if (high && !has_bit(raw[16], 5)) return "OFFLINE_OFF";
        if ((raw[0] & 15) == 2 && !has_bit(raw[16], 2)) return "OFFLINE_OFF";
        if (!has_bit(get(CC1, raw, "mask"), num("site", 0))) return "SITE_NOT_ALLOWED";
    }
    if (above >= 0 && given.amount > above && !(raw[118] & 128)) return "CHALLENGE_REQUIRED";
    if (!offline) return "ACCEPTED";
    EACH(each, of("spent")) {
        bool same = json_is(json_member(each, "capTag"), hex(raw + 4, 4));
        if (!same || json_count(each, "issuer") != get(CC1, raw, "issuer")) continue;
        times += json_count(each, "count"), sum += json_count(each, "sum");
    }
    if (given.amount > json_count(cap, "a")) return "CAP_AMOUNT";
    if (times + 1 > json_count(cap, "n")) return "CAP_COUNT";
    return sum + given.amount > json_count(cap, "b") ? "CAP_TOTAL" : "ACCEPTED";
}

static const char *enter(bytes raw) { // rows 19 and 22
    bool entry = (raw[0] & 15) == 3, opens = !entry && yes("commonDoor", false);
    EACH(pair, of("doors")) {
        json profile = json_first(pair);
        bool fits = has_bit(get(CC1, raw, "mask"), json_number(json_next(profile), 99));
        if (entry && json_number(profile, -1) == raw[15] && fits) opens = true;
    }
    if (yes("offline", true) && !opens) return "DOOR_NOT_ALLOWED";
    return yes("passback", false) ? "PASSBACK" : "ACCEPTED";
}

const char *cc1(const char *text, size_t length) { // row by row
    static char challenge[1024];
    unsigned char raw[184], key[32], asked[87], shown[119 + 32], spent[14] = {2};
    if (!base45(text, length, "CC1:", raw, 183)) return "FORMAT";
    if (other_field(CC1, raw)) return other_field(CC1, raw);
    number kind = raw[0] & 15, intent = raw[118] & 15, issuer = get(CC1, raw, "issuer"), drop_after;
    number t = get(CC1, raw, "t"), not_before = get(CC1, raw, "notBefore"), size = 119;
    number life = num("life", 45), age = given.now - not_before;
    number end = raw[14] * (kind == 3 ? 3600 : 900);
    if (raw[0] >> 4 != 1) return "VERSION";
    if (kind < 1 || kind > 4 || !raw[14] || raw[16] & 0xC0) return "MALFORMED";
    if (raw[118] & 0x70 || intent > 2 || (kind == 3 && raw[16] & 1)) return "MALFORMED";
    if (!json_counts(of("issuers"), issuer)) return "ISSUER_NOT_ACCEPTED";
    bool trusted = !yes("offline", true) || yes("clockTrusted", true);
    bool known = find_key(issuer, raw[3], not_before, "PASS", "PASS", key, &drop_after);
    if (!known || (trusted && given.now > drop_after)) return "KEY_UNKNOWN";
    if (!is_signed(key, "cc1p", raw, 51, raw + 51)) return "ISSUER_SIGNATURE";
    memcpy(shown, raw, 119);
    if (raw[118] & 128) {
        size_t got = json_text(of("challenge"), challenge, sizeof challenge);
        if (read_ccq(challenge, strip(challenge, got), asked)) return "CHALLENGE_UNEXPECTED";
        if (!is_outstanding(asked)) return "CHALLENGE_UNEXPECTED";
        crypto_hash_sha256(shown + 119, asked, 87), size += 32;
    }
    if (!is_signed(raw + 19, "cc1d", shown, (size_t)size, raw + 119)) return "DEVICE_SIGNATURE";
    if (!trusted && (given.pays || !yes("openOnLostClock", false))) return "CLOCK_UNTRUSTED";
    if (trusted && age < -given.skew) return "PASS_NOT_YET_VALID";
    if (trusted && (age > end + given.skew || t > end)) return "PASS_EXPIRED";
    if (trusted && age < t - given.skew) return "CODE_FROM_FUTURE";
    if (trusted && age > t + life + given.skew) return "CODE_EXPIRED";
    if (json_has(of("deny"), hex(raw + 4, 6))) return "REVOKED";
    json kinds = of(given.pays ? "payKinds" : "entryKinds");
    bool taken = kinds ? json_counts(kinds, kind) : !given.pays || kind != 3;
    if (!taken) return "KIND_NOT_ACCEPTED";
    int flag = given.pays ? 1 : 2, other_intent = given.pays ? 2 : 1;
    if (!(raw[16] & flag) || intent == other_intent) return "USE_NOT_ALLOWED";
    memcpy(spent + 1, raw + 1, 2), memcpy(spent + 3, raw + 4, 6), memcpy(spent + 9, raw + 115, 4);
    spent[13] = given.pays ? 'P' : 'E';
    if (json_has(of("seen"), hex(spent, 14))) return "CODE_USED";
    return given.pays ? pay(raw) : enter(raw);
}

const char *ccq(const char *text, size_t length) { // as far as no database is needed
    unsigned char raw[87], key[32];
    const char *refusal = read_ccq(text, length, raw);
    if (refusal) return refusal;
    if (other_field(CCQ, raw)) return other_field(CCQ, raw);
    number issuer = get(CCQ, raw, "issuer"), created = get(CCQ, raw, "createdAt"), unused;
    bool known = false, found = false, printed = (raw[0] & 15) == 3;
    if (!json_counts(of("issuers"), issuer)) return "ISSUER_NOT_ACCEPTED";
    EACH(each, of("terminals")) {
        if (json_count(each, "issuer") != issuer) continue;
        if (json_count(each, "terminalNo") != get(CCQ, raw, "terminalNo")) continue;
        known = true;
        if (json_count(each, "keyNo") != raw[3]) continue;
        found = unhex(json_member(each, "publicKey"), key, 32);
    }
    if (!known) return "TERMINAL_UNKNOWN";
    if (printed) found = find_key(issuer, raw[3], created, "ANSWER", "ANSWER", key, &unused);
    if (!found) return "KEY_UNKNOWN";
    if (!is_signed(key, "ccq1", raw, 23, raw + 23)) return "SIGNATURE";
    return printed || is_outstanding(raw) ? "ACCEPTED" : "CHALLENGE_EXPIRED";
}

const char *ccr(const char *text, size_t length) { // only an outcome is an answer
    static const char *const OUTCOMES[] = {
        "APPROVED", "DECLINED", "VOIDED", "PIN_REQUIRED", "IN_PROGRESS"};
    unsigned char raw[100], key[32];
    if (!base45(text, length, "CCR:", raw, 100)) return "FORMAT";
    if (other_field(CCR, raw)) return other_field(CCR, raw);
    number issuer = get(CCR, raw, "issuer"), at = get(CCR, raw, "answeredAt"), unused;
    int outcome = raw[0] & 15;
    if (raw[0] >> 4 != 1) return "VERSION";
    if (outcome < 1 || outcome > 5) return "MALFORMED";
    for (int i = 22; i < 36; i++) {
        if (!memchr(ALPHABET, raw[i], 36)) return "MALFORMED";
    }
    if (!find_key(issuer, raw[3], at, "ANSWER", "EDGE", key, &unused)) return "KEY_UNKNOWN";
    if (!is_signed(key, "ccr1", raw, 36, raw + 36)) return "SIGNATURE";
    json mine = of("mine"), asked = of("outstanding");
    bool own = json_count(mine, "issuer") == issuer;
    if (!own || json_count(mine, "terminalNo") != get(CCR, raw, "terminalNo")) return "NOT_MINE";
    bool same = json_count(asked, "batchNo") == get(CCR, raw, "batchNo");
    if (!same || json_count(asked, "seqNo") != get(CCR, raw, "seqNo")) return "NOT_OUTSTANDING";
    bool differs = json_count(asked, "amount") != get(CCR, raw, "minorAmount");
    if (outcome == 1 && differs) return "AMOUNT_MISMATCH";
    number age = at - json_count(asked, "createdAt"), life = json_count(asked, "life");
    bool late = age < -given.skew || age > life + given.skew;
    return yes("scanned", false) && late ? "RECEIPT_EXPIRED" : OUTCOMES[outcome - 1];
}
