/* SPDX-License-Identifier: MIT */
/*
 * A strict look at foreign JSON before json-glib gets it. json-glib 1.6 is generous: it takes comments,
 * `var x = {}`, single quotes, control characters in strings and whatever stands behind the
 * first document, and it recurses per level. Here a line of an agent's output is either one
 * document of RFC 8259 or it is not JSON, and the answer says where it stopped being so.
 *
 * The grammar is walked with one state and a stack of one bit per open container:
 *
 *      VALUE  a value must come           NEXT   a comma or the end of the container
 *      KEY    a member's name must come   FIRST  like KEY (object) or VALUE (array), or the end
 */

#include "base/json.h"

#include <string.h>

/* deepest nesting that the stack of bits has room for */
#define DEPTH_MAX 1024

typedef enum {
        STATE_VALUE,
        STATE_KEY,
        STATE_FIRST,
        STATE_NEXT,
} State;

typedef struct {
        const char *start;
        const char *at;
        const char *end;
        guint depth;
        guint max_depth;
        guint8 is_object[DEPTH_MAX / 8];
} Walk;

static gboolean
in_object(const Walk *walk)
{
        guint level = walk->depth - 1;

        return walk->depth > 0 && (walk->is_object[level / 8] >> (level % 8)) & 1;
}

static void
push(Walk *walk, gboolean is_object)
{
        guint8 bit = (guint8)(1u << (walk->depth % 8));

        if (is_object)
                walk->is_object[walk->depth / 8] |= bit;
        else
                walk->is_object[walk->depth / 8] &= (guint8)~bit;
        walk->depth++;
}

static gboolean
is_digit_at(const Walk *walk)
{
        return walk->at < walk->end && g_ascii_isdigit(*walk->at);
}

static void
skip_digits(Walk *walk)
{
        while (is_digit_at(walk))
                walk->at++;
}

static gboolean
take_number(Walk *walk)
{
        if (*walk->at == '-')
                walk->at++;
        if (!is_digit_at(walk))
                return FALSE;
        if (*walk->at == '0')
                walk->at++;
        else
                skip_digits(walk);
        if (walk->at < walk->end && *walk->at == '.') {
                walk->at++;
                if (!is_digit_at(walk))
                        return FALSE;
                skip_digits(walk);
        }
        if (walk->at < walk->end && (*walk->at == 'e' || *walk->at == 'E')) {
                walk->at++;
                if (walk->at < walk->end && (*walk->at == '+' || *walk->at == '-'))
                        walk->at++;
                if (!is_digit_at(walk))
                        return FALSE;
                skip_digits(walk);
        }
        return TRUE;
}

/* the four digits behind \u; -1 if they are not there */
static gint
take_hex(Walk *walk)
{
        gint value = 0;

        for (guint i = 0; i < 4; i++, walk->at++) {
                if (walk->at == walk->end || !g_ascii_isxdigit(*walk->at))
                        return -1;
                value = value * 16 + g_ascii_xdigit_value(*walk->at);
        }
        return value;
}

/* behind the backslash; surrogates must come as pairs, json-glib makes broken UTF-8 of others */
static gboolean
take_escape(Walk *walk)
{
        gint code;

        if (walk->at == walk->end)
                return FALSE;
        if (*walk->at != 'u') {
                if (*walk->at == '\0' || strchr("\"\\/bfnrt", *walk->at) == NULL)
                        return FALSE;
                walk->at++;
                return TRUE;
        }
        walk->at++;
        code = take_hex(walk);
        if (code < 0 || (code >= 0xdc00 && code <= 0xdfff))
                return FALSE;
        if (code < 0xd800 || code > 0xdfff)
                return TRUE;
        if (walk->end - walk->at < 2 || walk->at[0] != '\\' || walk->at[1] != 'u')
                return FALSE;
        walk->at += 2;
        code = take_hex(walk);
        return code >= 0xdc00 && code <= 0xdfff;
}

static gboolean
take_string(Walk *walk)
{
        walk->at++;
        while (walk->at < walk->end) {
                guint8 byte = (guint8)*walk->at;

                if (byte == '"') {
                        walk->at++;
                        return TRUE;
                }
                if (byte < 0x20)
                        return FALSE;
                walk->at++;
                if (byte == '\\' && !take_escape(walk))
                        return FALSE;
        }
        return FALSE;
}

static gboolean
take_word(Walk *walk, const char *word)
{
        gsize len = strlen(word);

        if ((gsize)(walk->end - walk->at) < len || memcmp(walk->at, word, len) != 0)
                return FALSE;
        walk->at += len;
        return TRUE;
}

static void
skip_space(Walk *walk)
{
        while (walk->at < walk->end &&
               (*walk->at == ' ' || *walk->at == '\t' || *walk->at == '\n' || *walk->at == '\r'))
                walk->at++;
}

/* a scalar, or the start of a container */
static gboolean
take_value(Walk *walk, State *state)
{
        char byte = *walk->at;

        *state = STATE_NEXT;
        switch (byte) {
        case '{':
        case '[':
                if (walk->depth == walk->max_depth)
                        return FALSE;
                push(walk, byte == '{');
                walk->at++;
                *state = STATE_FIRST;
                return TRUE;
        case '"':
                return take_string(walk);
        case 't':
                return take_word(walk, "true");
        case 'f':
                return take_word(walk, "false");
        case 'n':
                return take_word(walk, "null");
        default:
                return (byte == '-' || g_ascii_isdigit(byte)) && take_number(walk);
        }
}

static gboolean
take_key(Walk *walk, State *state)
{
        if (*walk->at != '"' || !take_string(walk))
                return FALSE;
        skip_space(walk);
        if (walk->at == walk->end || *walk->at != ':')
                return FALSE;
        walk->at++;
        *state = STATE_VALUE;
        return TRUE;
}

static gboolean
take_token(Walk *walk, State *state)
{
        char byte = *walk->at;
        gboolean is_object = in_object(walk);

        if ((*state == STATE_FIRST || *state == STATE_NEXT) && walk->depth > 0 &&
            byte == (is_object ? '}' : ']')) {
                walk->depth--;
                walk->at++;
                *state = STATE_NEXT;
                return TRUE;
        }
        switch (*state) {
        case STATE_VALUE:
                return take_value(walk, state);
        case STATE_KEY:
                return take_key(walk, state);
        case STATE_FIRST:
                return is_object ? take_key(walk, state) : take_value(walk, state);
        case STATE_NEXT:
                if (walk->depth == 0 || byte != ',')
                        return FALSE;
                walk->at++;
                *state = is_object ? STATE_KEY : STATE_VALUE;
                return TRUE;
        }
        return FALSE;
}

static char *
describe(const Walk *walk, State state)
{
        gsize position = (gsize)(walk->at - walk->start);
        gboolean wants_value = state == STATE_VALUE || (state == STATE_FIRST && !in_object(walk));
        guint8 byte;

        if (walk->at == walk->end)
                return g_strdup_printf("unexpected end of input at position %" G_GSIZE_FORMAT,
                                       position);
        byte = (guint8)*walk->at;
        if (wants_value && (byte == '{' || byte == '[') && walk->depth == walk->max_depth)
                return g_strdup_printf("nested deeper than %u levels at position %" G_GSIZE_FORMAT,
                                       walk->max_depth,
                                       position);
        if (g_ascii_isprint((char)byte))
                return g_strdup_printf("unexpected byte at position %" G_GSIZE_FORMAT
                                       ": 0x%02X (\"%c\")",
                                       position,
                                       byte,
                                       byte);
        return g_strdup_printf("unexpected byte at position %" G_GSIZE_FORMAT ": 0x%02X",
                               position,
                               byte);
}

char *
asm_json_check(const char *text, gsize len, guint max_depth)
{
        Walk walk = { .start = text, .at = text, .end = text + len };
        State state = STATE_VALUE, before;
        const char *valid_end;

        walk.max_depth = MIN(max_depth, DEPTH_MAX);
        if (!g_utf8_validate_len(text, len, &valid_end)) {
                walk.at = valid_end;
                return g_strdup_printf("not UTF-8 at position %" G_GSIZE_FORMAT ": byte 0x%02X",
                                       (gsize)(valid_end - text),
                                       (guint8)*valid_end);
        }
        for (;;) {
                skip_space(&walk);
                if (walk.at == walk.end)
                        break;
                before = state;
                if (!take_token(&walk, &state))
                        return describe(&walk, before);
        }
        if (state == STATE_NEXT && walk.depth == 0)
                return NULL;
        return describe(&walk, state);
}
