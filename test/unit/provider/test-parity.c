/* SPDX-License-Identifier: MIT */
/*
 * Everything that an ASM node sent in seven recorded sessions. Each event has in `raw` what it was
 * decoded from: a line, a piece of stderr or an exit. The same is fed to a decoder here, and the
 * event that comes out must be the same but for its time.
 *
 * Known differences, all of the recorded node's age (ASM 0.9): its results have no `object` yet,
 * those that it makes up have no `synthetic` and no reason, its exit status is the system's
 * number, 768 for code 3, and its provider_session_id is the text "nil" whatever the CLI says.
 */
#include "conversation.h"

#include "../../support/term-text.h"
#include "term/json.h"
#include "term/reader.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(parity, .timeout = 300);

static void
cut(char *text, const char *part)
{
        char *at = strstr(text, part);

        if (at != NULL)
                memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

static void
feed_start(Conversation *conversation, AsmView payload)
{
        static const char *const keys[] = { "command", "args", "cwd", NULL };
        g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *command = NULL, *cwd = NULL;
        AsmListCursor cursor;
        AsmView found[3], arg;

        asm_view_map_pick(payload, keys, found);
        command = asm_view_dup_text(found[0], FALSE);
        cwd = asm_view_dup_text(found[2], FALSE);
        cursor = asm_view_list(found[1]);
        while (asm_list_next(&cursor, &arg))
                g_ptr_array_add(args, asm_view_dup_text(arg, FALSE));
        g_ptr_array_add(args, NULL);
        asm_decoder_started(conversation->decoder, command, (const char *const *)args->pdata, cwd);
}

/* what the event was decoded from */
static void
feed(Conversation *conversation, const AsmCoreEvent *core)
{
        g_autofree char *text = NULL;
        AsmView exit, code;
        const guint8 *data;
        gint64 number;
        gsize len;

        if (core->kind == ASM_EVENT_RUN_STARTED) {
                feed_start(conversation, core->payload);
        } else if (asm_view_get_binary(core->raw, &data, &len)) {
                if (core->kind == ASM_EVENT_STDERR)
                        asm_decoder_stderr(conversation->decoder, (const char *)data, len);
                else
                        asm_decoder_line(conversation->decoder, (const char *)data, len);
        } else if (asm_view_map_get(core->raw, "exit", &exit)) {
                cr_assert(asm_view_map_get(exit, "code", &code));
                cr_assert(asm_view_get_int(code, &number));
                asm_decoder_exit(conversation->decoder, (gint)number, 0);
        } else {
                text = asm_view_to_json_text(core->raw);
                conversation_line(conversation, text);
        }
}

static void
compare(Conversation *conversation, AsmView event, gint64 sequence)
{
        static const char *const keys[] = { "kind",     "payload",  "raw",  "provider",
                                            "sequence", "metadata", "extra" };

        cr_assert_eq(conversation->events->len, sequence);
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                g_autofree char *ours =
                        conversation_event(conversation, (guint)sequence - 1, keys[i]);
                g_autofree char *theirs = term_text_of(event, keys[i]);

                cut(ours, "object=>nil,");
                cut(ours, "synthetic=>true");
                if (strcmp(keys[i], "payload") == 0)
                        cut(ours, "reason=>normal,");
                cut(ours, "reason=>{exit_status,3},");
                cut(theirs, "reason=>{exit_status,768},");
                cr_expect_str_eq(ours, theirs, "%s\n%s\n%s", keys[i], ours, theirs);
        }
}

Test(parity, what_an_asm_node_decoded_gives_the_same_events_here)
{
        g_autofree char *path =
                g_build_filename(g_getenv("ASM_TEST_DATA"), "asm", "remote-events.etf", NULL);
        g_autoptr(Conversation) conversation = NULL;
        g_autofree char *data = NULL;
        guint n_sessions = 0;
        gsize len, at = 0;

        cr_assert(g_file_get_contents(path, &data, &len, NULL));
        while (at < len) {
                AsmView message, parts[3], event[1];
                AsmCoreEvent core;
                guint32 size;

                memcpy(&size, data + at, 4);
                size = GUINT32_FROM_BE(size);
                cr_assert(asm_view_from_bytes((const guint8 *)data + at + 4,
                                              size,
                                              NULL,
                                              &message,
                                              NULL));
                at += 4 + size;
                cr_assert(asm_view_get_tuple(message, 3, parts));
                cr_assert(asm_view_get_tagged(parts[2], "event", 2, event));
                cr_assert(asm_core_event_from_view(event[0], &core));
                if (core.sequence == 1) {
                        g_autofree char *provider =
                                asm_view_dup_text(core.provider, /* accept_atoms= */ TRUE);

                        g_clear_pointer(&conversation, conversation_free);
                        conversation = conversation_new(provider);
                        n_sessions++;
                }
                feed(conversation, &core);
                compare(conversation, event[0], core.sequence);
        }
        cr_expect_eq(n_sessions, 7);
}
