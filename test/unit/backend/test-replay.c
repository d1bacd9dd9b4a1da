/* SPDX-License-Identifier: MIT */
/*
 * What CLIs have really printed, fed in pieces: however a stream is cut, its run has the same
 * result, to the byte. The cuts are drawn from a fixed seed; every cut in two is tried, too.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "backend/line-private.h"
#include "provider/provider.h"
#include "result/reducer.h"

TestSuite(replay, .timeout = 300);

#define SEED   20260102
#define ROUNDS 100
#define MOST   (16 * 1024 * 1024)

static const struct {
        const char *file;
        const char *provider;
        AsmRunStatus status;
} recordings[] = {
        { "claude_plain.jsonl", "claude", ASM_RUN_STATUS_COMPLETED },
        { "claude_approval_allow.jsonl", "claude", ASM_RUN_STATUS_COMPLETED },
        { "claude_approval_deny.jsonl", "claude", ASM_RUN_STATUS_COMPLETED },
        { "codex_plain.jsonl", "codex", ASM_RUN_STATUS_COMPLETED },
};

/* (transfer full): what the CLI wrote: in a conversation the lines behind "< " */
static GString *
load(const char *file)
{
        g_autofree char *path = g_build_filename(g_getenv("ASM_TEST_DATA"), "provider", file, NULL);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        GString *stream = g_string_new(NULL);

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i] != NULL; i++) {
                const char *line = g_str_has_prefix(lines[i], "< ") ? lines[i] + 2 : lines[i];

                if (*line != '\0' && !g_str_has_prefix(line, "> "))
                        g_string_append_printf(stream, "%s\n", line);
        }
        return stream;
}

static gint64
no_time(void)
{
        return 1000000;
}

static void
on_event(AsmView view, gpointer user_data)
{
        AsmCoreEvent event;

        cr_assert(asm_core_event_from_view(view, &event));
        asm_reducer_feed(user_data, &event);
}

typedef struct {
        AsmLineReader reader;
        AsmDecoder *decoder;
        AsmReducer *reducer;
} Replay;

static void
replay_init(Replay *replay, const char *provider)
{
        asm_line_reader_init(&replay->reader, MOST);
        replay->reducer = asm_reducer_new(provider, MOST);
        replay->decoder = asm_decoder_new(asm_provider_find(provider, NULL),
                                          no_time,
                                          on_event,
                                          replay->reducer);
        asm_decoder_started(replay->decoder, provider, NULL, NULL);
}

static void
take_lines(Replay *replay)
{
        const char *line;
        gsize len;

        while (asm_line_reader_next(&replay->reader, &line, &len) == ASM_LINE_READY)
                asm_decoder_line(replay->decoder, line, len);
}

static void
feed(Replay *replay, const char *data, gsize len)
{
        memcpy(asm_line_reader_reserve(&replay->reader, len), data, len);
        asm_line_reader_commit(&replay->reader, len);
        take_lines(replay);
}

/* (transfer full): the result; the CLI has exited with @code */
static AsmTerm *
finish(Replay *replay, gint code, AsmRunStatus *ret_status)
{
        g_auto(AsmBuilder) result = ASM_BUILDER_INIT;

        asm_line_reader_end(&replay->reader);
        take_lines(replay);
        asm_decoder_exit(replay->decoder, code, 0);
        *ret_status = asm_reducer_get_status(replay->reducer);
        asm_builder_result(&result, replay->reducer, "run", "session", ASM_VIEW_NONE, 1);
        asm_decoder_free(replay->decoder);
        asm_reducer_free(replay->reducer);
        asm_line_reader_clear(&replay->reader);
        return asm_builder_end(&result);
}

/* in pieces that @cuts end, an increasing list of offsets */
static AsmTerm *
play(const char *provider,
     const GString *stream,
     const GArray *cuts,
     gint code,
     AsmRunStatus *ret_status)
{
        Replay replay = { 0 };
        gsize at = 0;

        replay_init(&replay, provider);
        for (guint i = 0; i < cuts->len; i++) {
                gsize cut = g_array_index(cuts, gsize, i);

                if (cut > at)
                        feed(&replay, stream->str + at, cut - at);
                at = MAX(at, cut);
        }
        if (at < stream->len)
                feed(&replay, stream->str + at, stream->len - at);
        return finish(&replay, code, ret_status);
}

static void
expect_same(const AsmTerm *one, const AsmTerm *other, const char *what, guint round)
{
        AsmView a = asm_term_view(one);
        AsmView b = asm_term_view(other);

        cr_assert(a.len == b.len && memcmp(a.data, b.data, a.len) == 0,
                  "%s, round %u of seed %d",
                  what,
                  round,
                  SEED);
}

static gint
compare_offsets(gconstpointer a, gconstpointer b)
{
        gsize one = *(const gsize *)a;
        gsize two = *(const gsize *)b;

        return one < two ? -1 : one > two;
}

static void
draw_cuts(GRand *rand, GArray *cuts, gsize len)
{
        gint n = g_rand_int_range(rand, 1, 64);

        g_array_set_size(cuts, 0);
        for (gint i = 0; i < n; i++) {
                gsize cut = (gsize)g_rand_int_range(rand, 0, (gint32)len + 1);

                g_array_append_val(cuts, cut);
        }
        g_array_sort(cuts, compare_offsets);
}

Test(replay, a_stream_in_any_pieces_has_the_result_that_it_has_in_one)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(SEED);
        g_autoptr(GArray) cuts = g_array_new(FALSE, FALSE, sizeof(gsize));

        for (gsize i = 0; i < G_N_ELEMENTS(recordings); i++) {
                GString *stream = load(recordings[i].file);
                AsmRunStatus status;
                g_autoptr(AsmTerm) whole = NULL;

                g_array_set_size(cuts, 0);
                whole = play(recordings[i].provider, stream, cuts, 0, &status);
                cr_expect_eq(status, recordings[i].status, "%s", recordings[i].file);
                for (guint round = 0; round < ROUNDS; round++) {
                        g_autoptr(AsmTerm) pieces = NULL;

                        draw_cuts(rand, cuts, stream->len);
                        pieces = play(recordings[i].provider, stream, cuts, 0, &status);
                        expect_same(whole, pieces, recordings[i].file, round);
                }
                g_string_free(stream, TRUE);
        }
}

Test(replay, a_stream_that_breaks_off_has_one_result_however_it_is_cut)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(SEED);
        g_autoptr(GArray) cuts = g_array_new(FALSE, FALSE, sizeof(gsize));

        for (gsize i = 0; i < G_N_ELEMENTS(recordings); i++) {
                for (guint round = 0; round < ROUNDS; round++) {
                        GString *stream = load(recordings[i].file);
                        AsmRunStatus status;
                        g_autoptr(AsmTerm) whole = NULL;
                        g_autoptr(AsmTerm) pieces = NULL;

                        g_string_truncate(stream,
                                          (gsize)g_rand_int_range(rand, 0, (gint32)stream->len));
                        g_array_set_size(cuts, 0);
                        whole = play(recordings[i].provider, stream, cuts, 7, &status);
                        cr_expect(asm_run_status_is_final(status));
                        draw_cuts(rand, cuts, stream->len);
                        pieces = play(recordings[i].provider, stream, cuts, 7, &status);
                        expect_same(whole, pieces, recordings[i].file, round);
                        g_string_free(stream, TRUE);
                }
        }
}

Test(replay, a_cut_at_every_byte_changes_nothing)
{
        g_autoptr(GArray) cuts = g_array_new(FALSE, FALSE, sizeof(gsize));
        GString *stream = load("codex_plain.jsonl");
        g_autoptr(AsmTerm) whole = NULL;
        AsmRunStatus status;

        whole = play("codex", stream, cuts, 0, &status);
        g_array_set_size(cuts, 1);
        for (gsize cut = 0; cut <= stream->len; cut++) {
                g_autoptr(AsmTerm) pieces = NULL;

                g_array_index(cuts, gsize, 0) = cut;
                pieces = play("codex", stream, cuts, 0, &status);
                expect_same(whole, pieces, "codex_plain.jsonl", (guint)cut);
        }
        g_string_free(stream, TRUE);
}
