/* SPDX-License-Identifier: MIT */
/*
 * The tables of doc/conformance.md and the source: each operation has the name that the decoder
 * gives it, what goes out is what the encoders make, and the flags are ours. What becomes of a message
 * that came in is tried on the wire (test/beam/conformance_wire_test.erl).
 */
#include "control-terms.h"
#include "dist/control.h"
#include "dist/flags.h"
#include "hex.h"
#include "term/reader.h"

TestSuite(conformance, .timeout = 300);

#define N_OPS 38

/* the cells of a row, without the white space around them */
static GStrv
split_row(const char *row)
{
        GStrv cells = g_strsplit(row, "|", -1);

        for (guint i = 0; cells[i] != NULL; i++)
                g_strstrip(cells[i]);
        return cells;
}

/* the rows of the table behind "<!-- @mark -->", without its head; each as "| a | b |" */
static GStrv
read_table(const char *mark)
{
        g_autofree char *path = g_build_filename(g_getenv("ASM_TEST_DATA"),
                                                 "..",
                                                 "..",
                                                 "doc",
                                                 "conformance.md",
                                                 NULL);
        g_autofree char *begin = g_strdup_printf("<!-- %s -->\n", mark);
        g_autofree char *text = NULL;
        char *start;
        char *end;

        cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
        start = strstr(text, begin);
        cr_assert_not_null(start, "%s has no %s", path, begin);
        end = strstr(start, "<!-- end -->");
        cr_assert_not_null(end);
        *end = '\0';
        for (guint i = 0; i < 3; i++)
                start = strchr(start, '\n') + 1;
        return g_strsplit(g_strchomp(start), "\n", -1);
}

/* "LINK", or "none" when there is no such operation; from what the decoder says of {@op} */
static char *
name_of(guint op)
{
        static const guint8 head[] = { 112, 131, 104, 1 };
        g_auto(AsmBuilder) body = ASM_BUILDER_INIT;
        g_autoptr(GError) error = NULL;
        g_autofree char *unknown = g_strdup_printf("unknown operation %u", op);
        AsmControl control;
        const char *open;

        asm_builder_raw(&body, head, sizeof(head));
        asm_builder_int(&body, op);
        cr_assert_not(asm_control_decode(body.data, body.len, NULL, &control, &error));
        if (strcmp(error->message, unknown) == 0)
                return g_strdup("none");
        open = strchr(error->message, '(');
        cr_assert_not_null(open, "%s", error->message);
        return g_strndup(open + 1, strcspn(open + 1, ")"));
}

/* --- what goes out --------------------------------------------------------------------------- */

typedef struct {
        gboolean is_sent[N_OPS];
        gboolean is_alternative_sent[32]; /* by the flags of ALTACT_SIG_SEND */
} Sent;

static void
take_frame(Sent *sent, AsmBuilder *out)
{
        AsmView tuple;
        AsmView elements[7];
        guint arity;
        gint64 op;
        gint64 flags;

        /* the length, 112, 131 */
        tuple.data = out->data + 6;
        cr_assert(asm_term_check(tuple.data, out->len - 6, NULL, &tuple.len, NULL));
        cr_assert(asm_view_get_tuple_arity(tuple, &arity));
        cr_assert(arity <= G_N_ELEMENTS(elements) && asm_view_get_tuple(tuple, arity, elements));
        cr_assert(asm_view_get_int(elements[0], &op) && op > 0 && op < N_OPS);
        sent->is_sent[op] = TRUE;
        if (op == N_OPS - 1) {
                cr_assert(asm_view_get_int(elements[1], &flags) && flags >= 0 && flags < 32);
                sent->is_alternative_sent[flags] = TRUE;
        }
        asm_builder_reset(out);
}

/* every message that there is an encoder for, to a peer with @flags */
static Sent
send_everything(guint64 flags)
{
        g_auto(AsmBuilder) a_term = hex_decode(PID_A);
        g_auto(AsmBuilder) b_term = hex_decode(PID_B);
        g_auto(AsmBuilder) ref_term = hex_decode(REF_3);
        g_auto(AsmBuilder) args = hex_decode(FOUR_ARGS);
        g_auto(AsmBuilder) out = ASM_BUILDER_INIT;
        g_auto(AsmPid) a = { 0 };
        g_auto(AsmPid) b = { 0 };
        g_auto(AsmRef) ref = { 0 };
        AsmView to = asm_builder_peek(&b_term);
        AsmView ref_view = asm_builder_peek(&ref_term);
        AsmView term = asm_builder_peek(&args);
        Sent sent = { 0 };

        cr_assert(asm_pid_from_view(asm_builder_peek(&a_term), &a));
        cr_assert(asm_pid_from_view(to, &b));
        cr_assert(asm_ref_from_view(ref_view, &ref));
        asm_control_encode_send(&out, flags, &a, to, term);
        take_frame(&sent, &out);
        asm_control_encode_send(&out, flags, /* from= */ NULL, to, term);
        take_frame(&sent, &out);
        asm_control_encode_reg_send(&out, &a, "rex", term);
        take_frame(&sent, &out);
        asm_control_encode_alias_send(&out, flags, &a, ref_view, term);
        take_frame(&sent, &out);
        asm_control_encode_link(&out, &a, &b);
        take_frame(&sent, &out);
        asm_control_encode_unlink_id(&out, 1, &a, &b);
        take_frame(&sent, &out);
        asm_control_encode_unlink_id_ack(&out, 1, &a, &b);
        take_frame(&sent, &out);
        asm_control_encode_exit(&out, flags, &a, &b, term);
        take_frame(&sent, &out);
        asm_control_encode_exit2(&out, flags, &a, &b, term);
        take_frame(&sent, &out);
        asm_control_encode_monitor(&out, &a, to, &ref);
        take_frame(&sent, &out);
        asm_control_encode_demonitor(&out, &a, to, &ref);
        take_frame(&sent, &out);
        asm_control_encode_monitor_exit(&out, flags, to, to, ref_view, term);
        take_frame(&sent, &out);
        asm_control_encode_spawn_reply(&out, ref_view, to, ASM_SPAWN_FLAG_MONITOR, to);
        take_frame(&sent, &out);
        asm_control_encode_spawn_request(&out, &ref, &a, "erpc", "execute_call", 4, term);
        take_frame(&sent, &out);
        return sent;
}

/* "yes", "no", "with FLAG" or "without FLAG": to whom @op goes */
static char *
sent_to(guint op)
{
        gboolean is_sent_to_all = send_everything(G_MAXUINT64).is_sent[op];
        gboolean is_sent_to_none = send_everything(0).is_sent[op];

        if (is_sent_to_all == is_sent_to_none)
                return g_strdup(is_sent_to_all ? "yes" : "no");
        for (guint bit = 0; bit < 64; bit++) {
                guint64 flag = G_GUINT64_CONSTANT(1) << bit;

                if (send_everything(flag).is_sent[op] != is_sent_to_none) {
                        g_autofree char *name = asm_flags_to_string(flag);

                        return g_strdup_printf("%s %s", is_sent_to_all ? "with" : "without", name);
                }
        }
        return g_strdup("with several flags");
}

Test(conformance, operations_of_the_document_are_those_of_the_source)
{
        g_auto(GStrv) rows = read_table("control messages");

        cr_assert_eq(g_strv_length(rows), N_OPS - 1);
        for (guint op = 1; op < N_OPS; op++) {
                g_autofree char *name = name_of(op);
                g_autofree char *sent = sent_to(op);
                g_auto(GStrv) cells = split_row(rows[op - 1]);
                gboolean is_none = strcmp(name, "none") == 0;

                cr_assert_geq(g_strv_length(cells), 5, "%s", rows[op - 1]);
                cr_expect_eq(g_ascii_strtoull(cells[1], NULL, 10), op, "%s", rows[op - 1]);
                cr_expect_str_eq(cells[2], name, "%s, but it is %s", rows[op - 1], name);
                cr_expect(!is_none || strcmp(cells[3], "refused") == 0, "%s", rows[op - 1]);
                cr_expect_str_eq(cells[4], sent, "%s, but it is %s", rows[op - 1], sent);
        }
}

Test(conformance, kinds_of_altact_sig_send_of_the_document_are_those_that_go_out)
{
        g_auto(GStrv) rows = read_table("ALTACT_SIG_SEND");
        Sent sent = send_everything(ASM_FLAG_ALTACT_SIG);

        for (guint i = 0; rows[i] != NULL; i++) {
                g_auto(GStrv) cells = split_row(rows[i]);
                guint64 flags = g_ascii_strtoull(cells[1], NULL, 10);

                cr_assert_lt(flags, G_N_ELEMENTS(sent.is_alternative_sent));
                cr_expect_str_eq(cells[4],
                                 sent.is_alternative_sent[flags] ? "yes" : "no",
                                 "%s",
                                 rows[i]);
                sent.is_alternative_sent[flags] = FALSE;
        }
        for (guint i = 0; i < G_N_ELEMENTS(sent.is_alternative_sent); i++)
                cr_expect_not(sent.is_alternative_sent[i], "the document lacks flags %u", i);
}

/* --- flags ----------------------------------------------------------------------------------- */

/* what the document has to say of @bit */
static void
check_flag(guint bit, const char *row, const GStrv cells)
{
        guint64 flag = G_GUINT64_CONSTANT(1) << bit;
        g_autofree char *name = asm_flags_to_string(flag);
        gboolean is_ours = (asm_flags_ours() & flag) != 0;
        gboolean is_needed = (asm_flags_mandatory() & flag) != 0;

        cr_expect_str_eq(cells[2], g_str_has_prefix(name, "bit ") ? "none" : name, "%s", row);
        cr_expect_str_eq(cells[3], is_ours ? "yes" : "no", "%s", row);
        cr_expect_eq(strcmp(cells[4], "needed") == 0, is_needed, "%s", row);
}

Test(conformance, flags_of_the_document_are_those_of_the_source)
{
        g_auto(GStrv) rows = read_table("flags");
        guint next = 0;

        for (guint i = 0; rows[i] != NULL; i++) {
                g_auto(GStrv) cells = split_row(rows[i]);
                g_auto(GStrv) bits = NULL;
                guint64 last;

                cr_assert_geq(g_strv_length(cells), 5, "%s", rows[i]);
                bits = g_strsplit(cells[1], " to ", 2);
                last = g_ascii_strtoull(bits[bits[1] != NULL ? 1 : 0], NULL, 10);
                cr_assert_eq(g_ascii_strtoull(bits[0], NULL, 10), next, "%s", rows[i]);
                cr_assert(last >= next && last < 64, "%s", rows[i]);
                for (; next <= last; next++)
                        check_flag(next, rows[i], cells);
        }
        cr_assert_eq(next, 64, "the document ends with bit %u", next - 1);
}
