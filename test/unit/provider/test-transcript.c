/* SPDX-License-Identifier: MIT */
/*
 * Whole conversations in test/data/provider: what a CLI printed (NAME.jsonl, NAME.txt) and, in
 * NAME.events, every event that comes of it, a line each, and how the run ended. The provider
 * is the name up to its first "_". With ASM_TEST_WRITE in the environment the events are
 * written instead of compared: look at the difference before it is kept.
 */
#include "conversation.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(transcript, .timeout = 300);

static void
add_line(GString *all, const char *text)
{
        g_autofree char *line = g_strescape(text, "\"");

        g_string_append(all, line);
        g_string_append_c(all, '\n');
}

/* (transfer full) */
static char *
decode(const char *folder, const char *name)
{
        g_autofree char *provider = g_strndup(name, strcspn(name, "_"));
        g_autofree char *json = g_strconcat(name, ".jsonl", NULL);
        g_autofree char *plain = g_strconcat(name, ".txt", NULL);
        g_autofree char *path = g_build_filename(folder, json, NULL);
        g_autoptr(Conversation) conversation = conversation_new(provider);
        GString *all = g_string_new(NULL);
        g_autofree char *text = NULL;

        conversation_file(conversation, g_file_test(path, G_FILE_TEST_EXISTS) ? json : plain);
        asm_decoder_exit(conversation->decoder, 0, 0);
        for (guint i = 0; i < conversation->texts->len; i++)
                add_line(all, g_ptr_array_index(conversation->texts, i));
        text = g_strdup_printf("= %s \"%s\"",
                               asm_run_status_name(asm_reducer_get_status(conversation->reducer)),
                               asm_reducer_get_text(conversation->reducer));
        add_line(all, text);
        return g_string_free(all, FALSE);
}

static void
compare(const char *name, const char *ours, const char *expected)
{
        g_auto(GStrv) got = g_strsplit(ours, "\n", -1);
        g_auto(GStrv) wanted = g_strsplit(expected, "\n", -1);
        guint i = 0;

        for (; got[i] != NULL && wanted[i] != NULL; i++)
                cr_expect_str_eq(got[i],
                                 wanted[i],
                                 "%s, event %u\ngot:      %s\nexpected: %s",
                                 name,
                                 i + 1,
                                 got[i],
                                 wanted[i]);
        cr_expect_eq(got[i], wanted[i], "%s: %s", name, got[i] != NULL ? "too much" : "too little");
}

Test(transcript, what_a_cli_printed_gives_the_events_that_are_written_down)
{
        g_autofree char *folder = g_build_filename(g_getenv("ASM_TEST_DATA"), "provider", NULL);
        g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
        const char *file;
        guint n = 0;

        cr_assert_not_null(files);
        while ((file = g_dir_read_name(files)) != NULL) {
                g_autofree char *name = g_strndup(file, strcspn(file, "."));
                g_autofree char *path = g_build_filename(folder, file, NULL);
                g_autofree char *expected = NULL, *ours = NULL;

                if (!g_str_has_suffix(file, ".events"))
                        continue;
                ours = decode(folder, name);
                n++;
                if (g_getenv("ASM_TEST_WRITE") != NULL) {
                        cr_assert(g_file_set_contents(path, ours, -1, NULL));
                        continue;
                }
                cr_assert(g_file_get_contents(path, &expected, NULL, NULL));
                compare(name, ours, expected);
        }
        cr_expect_geq(n, 15);
}
