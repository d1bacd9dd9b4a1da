/* SPDX-License-Identifier: MIT */
/*
 * Foreign JSON as json-glib's tree. The text is checked first (json-check.c), as terms are before
 * libei gets them, so that what reads it afterwards can be short: it looks at nothing twice and
 * recurses no deeper than the check allowed.
 *
 * json-glib's own parser is not used, for it changes what it reads: an integer beyond 64 bits
 * becomes -1, and a string ends at its first \u0000. Here
 *
 *      integer of 64 bits          integer
 *      larger, up to 1000 digits   its digits, see asm_json_get_digits()
 *      larger still, 1e999         a problem: no BEAM has a float for it
 *      \u0000 in a string          U+FFFD, since C text cannot have it
 *      a name for the second time  the last value counts, as with Elixir's JSON libraries
 *
 * A node has no room for an integer that large. It is kept as a string that begins with the byte
 * 0xff, which no JSON text can contain: nothing that a peer writes is taken for one.
 */

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* an integer's longest text: what takes the square of it to convert must be short */
#define DIGITS_MAX 1000

#define DIGITS_MARK '\xff'

typedef struct {
        const char *start;
        const char *at;
        GString *text; /* the string that is being read */
        char *problem; /* the first one */
} Reader;

static JsonNode *read_value(Reader *reader);

static void
skip_space(Reader *reader)
{
        while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' ||
               *reader->at == '\r')
                reader->at++;
}

static guint
read_hex(Reader *reader)
{
        guint value = 0;

        for (guint i = 0; i < 4; i++)
                value = value * 16 + (guint)g_ascii_xdigit_value(*reader->at++);
        return value;
}

/* behind the backslash */
static void
read_escape(Reader *reader)
{
        static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        char letter = *reader->at++;
        const char *known = strchr(letters, letter);
        guint code;

        if (letter != 'u') {
                g_string_append_c(reader->text, known != NULL ? meanings[known - letters] : letter);
                return;
        }
        code = read_hex(reader);
        if (code >= 0xd800 && code <= 0xdbff) {
                reader->at += 2;
                code = 0x10000 + ((code - 0xd800) << 10) + (read_hex(reader) - 0xdc00);
        }
        g_string_append_unichar(reader->text, code != 0 ? code : 0xfffd);
}

/* borrowed until the next string */
static const char *
read_string(Reader *reader)
{
        g_string_truncate(reader->text, 0);
        reader->at++;
        while (*reader->at != '"') {
                gsize len = strcspn(reader->at, "\"\\");

                g_string_append_len(reader->text, reader->at, (gssize)len);
                reader->at += len;
                if (*reader->at == '\\') {
                        reader->at++;
                        read_escape(reader);
                }
        }
        reader->at++;
        return reader->text->str;
}

static void
complain(Reader *reader, const char *at, const char *what)
{
        if (reader->problem == NULL)
                reader->problem = g_strdup_printf("%s at position %" G_GSIZE_FORMAT,
                                                  what,
                                                  (gsize)(at - reader->start));
}

static JsonNode *
big_integer(Reader *reader, const char *number, gsize len)
{
        g_autofree char *digits = NULL;

        if (len - (*number == '-') > DIGITS_MAX) {
                complain(reader, number, "integer of more than 1000 digits");
                return json_node_init_null(json_node_alloc());
        }
        digits = g_strdup_printf("%c%.*s", DIGITS_MARK, (int)len, number);
        return json_node_init_string(json_node_alloc(), digits);
}

static JsonNode *
read_number(Reader *reader)
{
        const char *number = reader->at;
        gsize len = strspn(number, "+-0123456789.eE");
        gint64 integer;
        double real;

        reader->at += len;
        if (strcspn(number, ".eE") < len) {
                real = g_ascii_strtod(number, NULL);
                if (isinf(real))
                        complain(reader, number, "number too large for a float");
                return json_node_init_double(json_node_alloc(), real);
        }
        errno = 0;
        integer = g_ascii_strtoll(number, NULL, 10);
        return errno == ERANGE ? big_integer(reader, number, len)
                               : json_node_init_int(json_node_alloc(), integer);
}

static JsonNode *
read_object(Reader *reader)
{
        JsonNode *node = json_node_alloc();
        JsonObject *object = json_object_new();

        reader->at++;
        for (skip_space(reader); *reader->at != '}'; skip_space(reader)) {
                g_autofree char *name = NULL;

                if (*reader->at == ',') {
                        reader->at++;
                        skip_space(reader);
                }
                name = g_strdup(read_string(reader));
                skip_space(reader);
                reader->at++;
                skip_space(reader);
                json_object_set_member(object, name, read_value(reader));
        }
        reader->at++;
        json_node_init_object(node, object);
        json_object_unref(object);
        return node;
}

static JsonNode *
read_array(Reader *reader)
{
        JsonNode *node = json_node_alloc();
        JsonArray *array = json_array_new();

        reader->at++;
        for (skip_space(reader); *reader->at != ']'; skip_space(reader)) {
                if (*reader->at == ',')
                        reader->at++;
                skip_space(reader);
                json_array_add_element(array, read_value(reader));
        }
        reader->at++;
        json_node_init_array(node, array);
        json_array_unref(array);
        return node;
}

static JsonNode *
read_value(Reader *reader)
{
        switch (*reader->at) {
        case '{':
                return read_object(reader);
        case '[':
                return read_array(reader);
        case '"':
                return json_node_init_string(json_node_alloc(), read_string(reader));
        case 't':
                reader->at += strlen("true");
                return json_node_init_boolean(json_node_alloc(), TRUE);
        case 'f':
                reader->at += strlen("false");
                return json_node_init_boolean(json_node_alloc(), FALSE);
        case 'n':
                reader->at += strlen("null");
                return json_node_init_null(json_node_alloc());
        default:
                return read_number(reader);
        }
}

JsonNode *
asm_json_parse(const char *text, gsize len, guint max_depth, char **ret_problem)
{
        g_autofree char *problem = asm_json_check(text, len, max_depth);
        g_autofree char *copy = NULL;
        Reader reader = { 0 };
        JsonNode *root;

        if (problem != NULL) {
                *ret_problem = g_steal_pointer(&problem);
                return NULL;
        }
        /* with a NUL behind it */
        copy = g_strndup(text, len);
        reader.start = reader.at = copy;
        reader.text = g_string_sized_new(256);
        skip_space(&reader);
        root = read_value(&reader);
        g_string_free(reader.text, TRUE);
        if (reader.problem != NULL) {
                json_node_unref(root);
                *ret_problem = reader.problem;
                return NULL;
        }
        return root;
}

const char *
asm_json_get_digits(JsonNode *node)
{
        const char *text = node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                                           json_node_get_value_type(node) == G_TYPE_STRING
                                   ? json_node_get_string(node)
                                   : NULL;

        return text != NULL && text[0] == DIGITS_MARK ? text + 1 : NULL;
}
