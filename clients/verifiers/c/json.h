// Walks the JSON of the cases in place, because C has no reader of its own; nothing is allocated.
// It trusts its files to be JSON and never reads beyond their end; take it into no product.
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef long long number;
typedef const char *json; // the first character of a value, NULL where there is none

static inline json json_space(json at) { return at + strspn(at, " \t\r\n,:"); }

static inline json json_skip(json at) {
    if (*at == '"') {
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\' && at[1]) at++;
        }
        return *at ? at + 1 : at;
    }
    if (*at != '{' && *at != '[') return at + strcspn(at, ",]} \t\r\n");
    for (at = json_space(at + 1); *at && *at != '}' && *at != ']';) at = json_space(json_skip(at));
    return *at ? at + 1 : at;
}

// Whether a string is this word; none of the words compared needs an escape.
static inline bool json_is(json text, const char *word) {
    size_t length = strlen(word);
    return text && *text == '"' && !strncmp(text + 1, word, length) && text[length + 1] == '"';
}

// The value of a member; NULL if it is absent or null.
static inline json json_member(json object, const char *name) {
    if (!object || *object != '{') return NULL;
    for (json at = json_space(object + 1); *at == '"';) {
        json value = json_space(json_skip(at));
        if (json_is(at, name)) return *value == 'n' ? NULL : value;
        at = json_space(json_skip(value));
    }
    return NULL;
}

static inline json json_here(json at) {
    at = json_space(at);
    return *at && *at != ']' && *at != '}' ? at : NULL;
}

static inline json json_first(json list) { return list ? json_here(list + 1) : NULL; }
static inline json json_next(json at) { return json_here(json_skip(at)); }

#define EACH(at, list) for (json at = json_first(list); at; at = json_next(at))

static inline number json_number(json at, number otherwise) {
    return at ? strtoll(at, NULL, 10) : otherwise;
}

static inline number json_count(json object, const char *name) {
    return json_number(json_member(object, name), -1);
}

static inline bool json_has(json list, const char *word) {
    EACH(at, list) {
        if (json_is(at, word)) return true;
    }
    return false;
}

static inline bool json_counts(json list, number wanted) {
    EACH(at, list) {
        if (json_number(at, -1) == wanted) return true;
    }
    return false;
}

// Unescapes a string into `out`, which ends with 0; the length, or 0 for what does not fit.
static inline size_t json_text(json at, char *out, size_t size) {
    static const char FROM[] = "nrtbf", TO[] = "\n\r\t\b\f";
    size_t length = 0;
    out[0] = 0;
    if (!at || *at != '"') return 0;
    for (at++; *at && *at != '"'; at++) {
        unsigned code = (unsigned char)*at;
        if (code == '\\' && at[1]) {
            code = (unsigned char)*++at;
            const char *escape = strchr(FROM, *at);
            if (escape) code = (unsigned char)TO[escape - FROM];
            if (*at == 'u' && strlen(at) > 4) { // escapes above U+007F do not occur in the cases
                code = (unsigned)strtoul((char[]){at[1], at[2], at[3], at[4], 0}, NULL, 16);
                at += 4;
            }
        }
        if (length + 1 >= size) return 0;
        out[length++] = (char)code;
        out[length] = 0;
    }
    return length;
}

#endif
