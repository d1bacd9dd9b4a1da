/* SPDX-License-Identifier: MIT */

/*
 * A reader of the part of Erlang's term syntax that tests need, so that a test says
 * `test_term("{start, [{lane, remote}]}")` and not ten lines of builder calls. Text is written by
 * the tests themselves: what is malformed ends the test.
 */

#include "erlang.h"

#include <stdarg.h>
#include <string.h>

#include "term/builder.h"

typedef struct {
        const char *at;
        va_list *args;
        AsmBuilder *out;
} Text;

static void read_term(Text *text);

static void
skip_space(Text *text)
{
        while (g_ascii_isspace(*text->at))
                text->at++;
}

static gboolean
take(Text *text, const char *token)
{
        skip_space(text);
        if (!g_str_has_prefix(text->at, token))
                return FALSE;
        text->at += strlen(token);
        return TRUE;
}

static void
must_take(Text *text, const char *token)
{
        if (!take(text, token))
                g_error("'%s' expected before '%s'", token, text->at);
}

/* up to the closing @quote; a backslash takes the next character as it is */
static char *
read_quoted(Text *text, char quote)
{
        GString *value = g_string_new(NULL);

        while (*text->at != quote && *text->at != '\0') {
                if (*text->at == '\\')
                        text->at++;
                g_string_append_c(value, *text->at++);
        }
        if (*text->at == quote)
                text->at++;
        return g_string_free(value, FALSE);
}

static guint
read_items(Text *text, const char *end, gboolean is_map)
{
        guint n = 0;

        if (take(text, end))
                return 0;
        do {
                read_term(text);
                if (is_map) {
                        must_take(text, "=>");
                        read_term(text);
                }
                n++;
        } while (take(text, ","));
        if (!g_str_equal(end, "]") || !take(text, "|"))
                must_take(text, end);
        return n;
}

static void
read_tuple(Text *text)
{
        g_auto(AsmBuilder) items = ASM_BUILDER_INIT;
        AsmBuilder *out = text->out;
        guint n;

        text->out = &items;
        n = read_items(text, "}", /* is_map= */ FALSE);
        text->out = out;
        asm_builder_tuple(out, n);
        asm_builder_raw(out, items.data, items.len);
}

static void
read_map(Text *text)
{
        AsmBuilderMark mark = asm_builder_map_begin(text->out);
        guint n = read_items(text, "}", /* is_map= */ TRUE);

        asm_builder_map_end(text->out, mark, n);
}

static void
read_list(Text *text)
{
        g_auto(AsmBuilder) items = ASM_BUILDER_INIT;
        AsmBuilder *out = text->out;
        guint n;

        text->out = &items;
        n = read_items(text, "]", /* is_map= */ FALSE);
        text->out = out;
        if (n > 0) {
                asm_builder_list(out, n);
                asm_builder_raw(out, items.data, items.len);
        }
        if (text->at[-1] == '|') {
                read_term(text);
                must_take(text, "]");
        } else {
                asm_builder_nil(out);
        }
}

static void
read_binary(Text *text)
{
        g_autofree char *value = NULL;

        if (take(text, "\""))
                value = read_quoted(text, '"');
        must_take(text, ">>");
        asm_builder_binary(text->out,
                           value != NULL ? value : "",
                           value != NULL ? strlen(value) : 0);
}

static void
read_word(Text *text)
{
        const char *start = text->at;
        g_autofree char *word = NULL;

        while (g_ascii_isalnum(*text->at) ||
               (*text->at != '\0' && strchr("_@-.", *text->at) != NULL))
                text->at++;
        word = g_strndup(start, (gsize)(text->at - start));
        if (g_ascii_isdigit(*word) || *word == '-') {
                if (strchr(word, '.') != NULL)
                        asm_builder_double(text->out, g_ascii_strtod(word, NULL));
                else
                        asm_builder_int(text->out, g_ascii_strtoll(word, NULL, 10));
        } else if (g_ascii_islower(*word)) {
                asm_builder_atom(text->out, word);
        } else {
                g_error("no term: '%s'", start);
        }
}

static void
read_term(Text *text)
{
        g_autofree char *value = NULL;

        if (take(text, "~w"))
                asm_builder_view(text->out, va_arg(*text->args, AsmView));
        else if (take(text, "#{"))
                read_map(text);
        else if (take(text, "{"))
                read_tuple(text);
        else if (take(text, "["))
                read_list(text);
        else if (take(text, "<<"))
                read_binary(text);
        else if (take(text, "\""))
                asm_builder_charlist(text->out, value = read_quoted(text, '"'));
        else if (take(text, "'"))
                asm_builder_atom(text->out, value = read_quoted(text, '\''));
        else
                read_word(text);
}

AsmTerm *
test_term(const char *source, ...)
{
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        va_list args;
        Text text = { source, &args, &out };

        va_start(args, source);
        read_term(&text);
        skip_space(&text);
        if (*text.at != '\0')
                g_error("text behind a term: '%s'", text.at);
        va_end(args);
        return asm_builder_end(&out);
}

char *
test_show(AsmView view)
{
        return asm_view_is_set(view) ? asm_view_print(view, ASM_SYNTAX_ERLANG, 0)
                                     : g_strdup("(unset)");
}
