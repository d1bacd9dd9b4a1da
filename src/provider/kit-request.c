/* SPDX-License-Identifier: MIT */

/*
 * What asmd says to a kit: one JSON object per line, the member `type` first. A start is
 *
 *     {"type":"start","version":1,"provider":"claude","run_id":"..","session_id":"..","cwd":null,
 *      "cli_path":null,"options":{"model":".."},"prompt":".."}
 *
 * in this order, so that a kit in a language without JSON can find its way. Options are what the
 * caller gave, under the names that doc/kits.md lists: atoms are strings, nil is null.
 */

#include "provider/kit.h"

#include "term/json.h"
#include "term/reader.h"

#include <string.h>

static void
put_pair(AsmBuilder *line, const char *key, const char *value)
{
        asm_builder_text(line, key);
        asm_builder_text(line, value);
}

static gboolean
is_environment(AsmView key)
{
        g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);

        return name != NULL && (strcmp(name, "env") == 0 || strcmp(name, "clear_env?") == 0);
}

static void
put_options(AsmBuilder *line, AsmView options)
{
        AsmBuilderMark mark = asm_builder_map_begin(line);
        AsmOptionCursor cursor;
        AsmView key, value;
        guint n = 0;

        asm_option_cursor_init(&cursor, options);
        while (asm_option_next(&cursor, &key, &value)) {
                if (is_environment(key))
                        continue;
                asm_builder_view(line, key);
                asm_builder_view(line, value);
                n++;
        }
        asm_builder_map_end(line, mark, n);
}

static char *
end_line(const AsmBuilder *line)
{
        g_autofree char *text = asm_view_to_json_text(asm_builder_peek(line));

        return g_strconcat(text, "\n", NULL);
}

char *
asm_kit_start_line(const AsmKitStart *start)
{
        g_auto(AsmBuilder) line = ASM_BUILDER_INIT;

        g_return_val_if_fail(start->provider != NULL && start->prompt != NULL, NULL);

        asm_builder_map(&line, 9);
        put_pair(&line, "type", "start");
        asm_builder_text(&line, "version");
        asm_builder_int(&line, ASM_KIT_PROTOCOL);
        put_pair(&line, "provider", start->provider->name);
        put_pair(&line, "run_id", start->run_id);
        put_pair(&line, "session_id", start->session_id);
        put_pair(&line, "cwd", start->cwd);
        put_pair(&line, "cli_path", start->cli_path);
        asm_builder_text(&line, "options");
        put_options(&line, start->options);
        put_pair(&line, "prompt", start->prompt);
        return end_line(&line);
}

char *
asm_kit_approve_line(const char *approval_id, gboolean allow, const char *reason)
{
        g_auto(AsmBuilder) line = ASM_BUILDER_INIT;

        asm_builder_map(&line, 4);
        put_pair(&line, "type", "approve");
        put_pair(&line, "approval_id", approval_id);
        put_pair(&line, "decision", allow ? "allow" : "deny");
        put_pair(&line, "reason", reason);
        return end_line(&line);
}

char *
asm_kit_input_line(const char *data, gsize len)
{
        g_auto(AsmBuilder) line = ASM_BUILDER_INIT;

        asm_builder_map(&line, 2);
        put_pair(&line, "type", "input");
        asm_builder_text(&line, "text");
        if (data != NULL)
                asm_builder_binary(&line, data, len);
        else
                asm_builder_nil_atom(&line);
        return end_line(&line);
}
