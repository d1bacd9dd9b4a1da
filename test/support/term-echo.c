/* SPDX-License-Identifier: MIT */

/*
 * The C end of the round trip of terms with a BEAM; term_roundtrip.erl is the other one. Both
 * talk over the pipes of a port in frames of a 32-bit length and an external term.
 *
 *     term-echo                      each term that comes is taken apart, built again and sent
 *                                    back; one that is refused is answered {error, Text}
 *     term-echo generate SEED COUNT  sends {sample, I, Term} COUNT times, expects each back as
 *                                    the BEAM encodes it, ends with {done, Passed, Failed}
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term-sample.h"
#include "term/print.h"

#define MAX_FRAME (64u << 20)

/* FALSE: the other side has closed */
static gboolean
read_frame(GByteArray *frame)
{
        guint32 len;

        if (fread(&len, sizeof len, 1, stdin) != 1 || GUINT32_FROM_BE(len) > MAX_FRAME) {
                return FALSE;
        }
        g_byte_array_set_size(frame, GUINT32_FROM_BE(len));
        return frame->len == 0 || fread(frame->data, frame->len, 1, stdin) == 1;
}

static gboolean
write_frame(AsmView term)
{
        const guint8 version = ASM_TERM_VERSION;
        guint32 len = GUINT32_TO_BE((guint32)(term.len + 1));

        return fwrite(&len, sizeof len, 1, stdout) == 1 && fwrite(&version, 1, 1, stdout) == 1 &&
               fwrite(term.data, term.len, 1, stdout) == 1 && fflush(stdout) == 0;
}

static int
run_echo(void)
{
        g_autoptr(GByteArray) frame = g_byte_array_new();
        g_auto(AsmBuilder) answer = ASM_BUILDER_INIT;

        while (read_frame(frame)) {
                g_autoptr(GError) error = NULL;
                AsmView view;

                asm_builder_reset(&answer);
                if (asm_view_from_bytes(frame->data, frame->len, NULL, &view, &error)) {
                        sample_rebuild(&answer, view);
                } else {
                        asm_builder_tuple(&answer, 2);
                        asm_builder_atom(&answer, "error");
                        asm_builder_text(&answer, error->message);
                }
                if (!write_frame(asm_builder_peek(&answer))) {
                        return EXIT_FAILURE;
                }
        }
        return EXIT_SUCCESS;
}

static gboolean
is_same(AsmView sent, const GByteArray *frame)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        AsmView view;

        if (!asm_view_from_bytes(frame->data, frame->len, NULL, &view, &error)) {
                fprintf(stderr, "term-echo: %s\n", error->message);
                return FALSE;
        }
        if (!sample_equal(sent, view)) {
                text = asm_view_print(sent, ASM_SYNTAX_ERLANG, 2000);
                fprintf(stderr, "term-echo: came back different: %s\n", text);
                g_free(text);
                text = asm_view_print(view, ASM_SYNTAX_ERLANG, 2000);
                fprintf(stderr, "term-echo: as: %s\n", text);
                return FALSE;
        }
        return TRUE;
}

static int
run_generate(guint32 seed, gint64 count)
{
        g_autoptr(GByteArray) frame = g_byte_array_new();
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_auto(AsmBuilder) sample = ASM_BUILDER_INIT;
        gint64 n_passed = 0;

        for (gint64 i = 0; i < count; i++) {
                asm_builder_reset(&sample);
                asm_builder_tuple(&sample, 3);
                asm_builder_atom(&sample, "sample");
                asm_builder_int(&sample, i);
                sample_append_random(&sample, random, 4);
                if (!write_frame(asm_builder_peek(&sample)) || !read_frame(frame)) {
                        return EXIT_FAILURE;
                }
                n_passed += is_same(asm_builder_peek(&sample), frame) ? 1 : 0;
        }
        asm_builder_reset(&sample);
        asm_builder_tuple(&sample, 3);
        asm_builder_atom(&sample, "done");
        asm_builder_int(&sample, n_passed);
        asm_builder_int(&sample, count - n_passed);
        return write_frame(asm_builder_peek(&sample)) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
        if (argc == 1) {
                return run_echo();
        }
        if (argc == 4 && strcmp(argv[1], "generate") == 0) {
                return run_generate((guint32)strtoul(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
        }
        fprintf(stderr, "usage: term-echo [generate SEED COUNT]\n");
        return EXIT_FAILURE;
}
