/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include "../../support/term-text.h"
#include "provider/kit.h"
#include <criterion/criterion.h>
#include <json-glib/json-glib.h>
#include <string.h>

static gint64
frozen_clock(void)
{
        return G_GINT64_CONSTANT(1795443403463563);
}

static void
cut(char *text, const char *part)
{
        char *at = strstr(text, part);

        if (at != NULL)
                memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

static char *
short_text(AsmView core_event)
{
        g_autofree char *kind = term_text_of(core_event, "kind");
        g_autofree char *payload = term_text_of(core_event, "payload");
        char *name = strstr(payload, "__struct__=>Elixir.");
        char *end = name != NULL ? name + strcspn(name, ",}") : NULL;

        cr_assert_not_null(name, "%s", payload);
        memmove(name, end + (*end == ','), strlen(end + (*end == ',')) + 1);
        cut(payload, "extra=>#{},");
        cut(payload, "extra=>#{}");
        cut(payload, "metadata=>#{},");
        cut(payload, ",metadata=>#{}");
        return g_strdup_printf("%s %s", kind, payload);
}

static void
on_event(AsmView core_event, gpointer user_data)
{
        Conversation *conversation = user_data;
        AsmCoreEvent event;
        gsize used = 0;

        cr_assert(asm_term_check(core_event.data, core_event.len, NULL, &used, NULL));
        cr_assert_eq(used, core_event.len);
        cr_assert(asm_core_event_from_view(core_event, &event));
        cr_assert_eq(event.sequence, (gint64)conversation->events->len + 1);
        asm_reducer_feed(conversation->reducer, &event);
        g_ptr_array_add(conversation->events, asm_term_new(core_event));
        g_ptr_array_add(conversation->texts, short_text(core_event));
}

static void
on_write(const char *data, gsize len, gpointer user_data)
{
        Conversation *conversation = user_data;

        if (data == NULL)
                g_string_append(conversation->written, "EOF");
        else
                g_string_append_len(conversation->written, data, (gssize)len);
}

Conversation *
conversation_new(const char *provider)
{
        Conversation *conversation = g_new0(Conversation, 1);
        const AsmProvider *entry = asm_provider_find(provider, NULL);

        cr_assert_not_null(entry);
        conversation->decoder = asm_decoder_new(entry, frozen_clock, on_event, conversation);
        asm_decoder_set_writer(conversation->decoder, on_write);
        conversation->written = g_string_new(NULL);
        conversation->reducer = asm_reducer_new(provider, 64 * 1024 * 1024);
        conversation->events = g_ptr_array_new_with_free_func((GDestroyNotify)asm_term_unref);
        conversation->texts = g_ptr_array_new_with_free_func(g_free);
        return conversation;
}

Conversation *
conversation_new_for_kit(const char *provider)
{
        Conversation *conversation = conversation_new(provider);

        asm_decoder_free(conversation->decoder);
        conversation->decoder = asm_decoder_new_for_kit(asm_provider_find(provider, NULL),
                                                        "kit-1",
                                                        frozen_clock,
                                                        on_event,
                                                        conversation);
        return conversation;
}

void
conversation_free(Conversation *conversation)
{
        asm_decoder_free(conversation->decoder);
        asm_reducer_free(conversation->reducer);
        g_ptr_array_unref(conversation->events);
        g_ptr_array_unref(conversation->texts);
        g_string_free(conversation->written, TRUE);
        g_free(conversation);
}

void
conversation_options(Conversation *conversation,
                     const char *option,
                     gint64 number,
                     const char *word)
{
        g_auto(AsmBuilder) options = ASM_BUILDER_INIT;
        AsmLineRules rules;

        asm_builder_list(&options, 1);
        asm_builder_tuple(&options, 2);
        asm_builder_atom(&options, option);
        if (word != NULL)
                asm_builder_atom(&options, word);
        else
                asm_builder_int(&options, number);
        asm_builder_nil(&options);
        cr_assert(asm_line_rules_read(asm_builder_peek(&options), &rules, NULL));
        asm_decoder_set_line_rules(conversation->decoder, &rules);
}

void
conversation_line(Conversation *conversation, const char *line)
{
        asm_decoder_line(conversation->decoder, line, strlen(line));
}

void
conversation_file(Conversation *conversation, const char *name)
{
        g_autofree char *path = g_build_filename(g_getenv("ASM_TEST_DATA"), "provider", name, NULL);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i] != NULL; i++) {
                if (g_str_has_prefix(lines[i], "> "))
                        continue;
                conversation_line(conversation,
                                  g_str_has_prefix(lines[i], "< ") ? lines[i] + 2 : lines[i]);
        }
}

void
conversation_expect_told(Conversation *conversation, const char *name)
{
        g_autofree char *path = g_build_filename(g_getenv("ASM_TEST_DATA"), "provider", name, NULL);
        g_auto(GStrv) written = g_strsplit(conversation->written->str, "\n", -1);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        guint n = 0;

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i] != NULL; i++) {
                g_autoptr(JsonNode) expected = NULL;
                g_autoptr(JsonNode) got = NULL;

                if (!g_str_has_prefix(lines[i], "> "))
                        continue;
                cr_assert_not_null(written[n], "missing: %s", lines[i]);
                expected = json_from_string(lines[i] + 2, NULL);
                got = json_from_string(written[n], NULL);
                cr_expect(got != NULL && json_node_equal(got, expected),
                          "got:      %s\nexpected: %s",
                          written[n],
                          lines[i] + 2);
                n++;
        }
        cr_expect_str_eq(written[n] != NULL ? written[n] : "", "");
        g_string_truncate(conversation->written, 0);
}

void
conversation_launch(Conversation *conversation, const char *prompt)
{
        AsmProviderLaunch launch = { .prompt = prompt, .answers_approvals = TRUE };

        asm_decoder_set_launch(conversation->decoder, &launch);
        asm_decoder_started(conversation->decoder, "/usr/bin/cli", NULL, NULL);
}

void
conversation_forget(Conversation *conversation)
{
        g_ptr_array_set_size(conversation->texts, 0);
}

void
conversation_expect_written(Conversation *conversation, const char *expected)
{
        cr_expect_str_eq(conversation->written->str,
                         expected,
                         "got:      %s\nexpected: %s",
                         conversation->written->str,
                         expected);
        g_string_truncate(conversation->written, 0);
}

void
conversation_expect(Conversation *conversation, ...)
{
        va_list expected;
        guint n = 0;

        va_start(expected, conversation);
        for (const char *text = va_arg(expected, const char *); text != NULL;
             text = va_arg(expected, const char *), n++) {
                cr_assert_lt(n, conversation->texts->len, "missing: %s", text);
                cr_expect_str_eq(g_ptr_array_index(conversation->texts, n),
                                 text,
                                 "got:      %s\nexpected: %s",
                                 (char *)g_ptr_array_index(conversation->texts, n),
                                 text);
        }
        va_end(expected);
        cr_expect_eq(n,
                     conversation->texts->len,
                     "too much: %s",
                     n < conversation->texts->len
                             ? (char *)g_ptr_array_index(conversation->texts, n)
                             : "");
        conversation_forget(conversation);
}

char *
conversation_result(Conversation *conversation, const char *key)
{
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        asm_builder_result(&builder, conversation->reducer, "r", "s", ASM_VIEW_NONE, 1);
        return term_text_of(asm_builder_peek(&builder), key);
}

char *
conversation_event(Conversation *conversation, guint i, const char *key)
{
        cr_assert_lt(i, conversation->events->len);
        return term_text_of(asm_term_view(g_ptr_array_index(conversation->events, i)), key);
}

GByteArray *
conversation_bytes(const Conversation *conversation)
{
        GByteArray *bytes = g_byte_array_new();
        g_auto(AsmBuilder) builder = ASM_BUILDER_INIT;

        for (guint i = 0; i < conversation->events->len; i++) {
                AsmView view = asm_term_view(g_ptr_array_index(conversation->events, i));

                g_byte_array_append(bytes, view.data, (guint)view.len);
        }
        asm_builder_result(&builder, conversation->reducer, "r", "s", ASM_VIEW_NONE, 1);
        g_byte_array_append(bytes, builder.data, (guint)builder.len);
        return bytes;
}
