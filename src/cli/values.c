/* SPDX-License-Identifier: MIT */

/*
 * Where the values of placeholders come from: from the tables of this program, and from the daemon.
 * Somebody waits with a finger on the tab key, so it is asked once and for a short time, and what
 * cannot be told is passed over without a word. Only providers are known here as well: `asmctl run`
 * needs no daemon, and may find none.
 */

#include "cli/candidates-private.h"

#include "provider/provider.h"
#include "term/reader.h"

#include <string.h>

/* for connecting, and for the answer, unless --timeout says otherwise */
#define TIMEOUT_MS 500

/* names of nodes that are clients like this one */
#define CLIENT_PREFIX "asmctl-"

typedef struct {
        AsmCli *cli;
        const AsmValuesScope *scope;
        AsmCandidates *candidates;
} Context;

/* (nullable) (transfer full): @arguments: of binaries, NULL-terminated */
static AsmTerm *
ask(const Context *context, const char *function, const char *const *arguments, AsmView *ret_value)
{
        g_auto(AsmBuilder) args = ASM_BUILDER_INIT;
        g_autoptr(GError) error = NULL;

        if (context->cli->globals.timeout_ms == 0)
                context->cli->globals.timeout_ms = TIMEOUT_MS;
        asm_cli_put_texts(&args, arguments);
        return asm_cli_ask(context->cli, function, asm_builder_peek(&args), ret_value, &error);
}

/* (nullable) (transfer full): a text or an atom in a map */
static char *
dup_field(AsmView map, const char *key)
{
        AsmView value;

        return asm_view_map_get(map, key, &value)
                       ? asm_view_dup_text(value, /* accept_atoms= */ TRUE)
                       : NULL;
}

/* @describe: up to two fields, joined by a blank */
static void
add_field(AsmCandidates *candidates, AsmView map, const char *key, const char *const *describe)
{
        g_autofree char *value = dup_field(map, key);
        g_autoptr(GString) said = g_string_new(NULL);

        for (guint i = 0; describe[i] != NULL; i++) {
                g_autofree char *text = dup_field(map, describe[i]);

                if (text != NULL)
                        g_string_append_printf(said, "%s%s", said->len > 0 ? " " : "", text);
        }
        if (value != NULL)
                asm_candidates_add(candidates, value, said->str);
}

static void
add_sessions(const Context *context)
{
        static const char *const describe[] = { "provider", "status", NULL };
        AsmView sessions, session;
        g_autoptr(AsmTerm) answer =
                ask(context, "list_sessions", (const char *const[]){ NULL }, &sessions);
        AsmListCursor cursor;

        if (answer == NULL)
                return;
        cursor = asm_view_list(sessions);
        while (asm_list_next(&cursor, &session))
                add_field(context->candidates, session, "session_id", describe);
}

static void
add_runs_of(const Context *context, AsmView session)
{
        static const char *const describe[] = { "status", NULL };
        g_autofree char *id = dup_field(session, "session_id");
        AsmListCursor cursor;
        AsmView runs, run;

        if (!asm_view_map_get(session, "runs", &runs) ||
            g_strcmp0(id, context->scope->session) != 0)
                return;
        cursor = asm_view_list(runs);
        while (asm_list_next(&cursor, &run))
                add_field(context->candidates, run, "run_id", describe);
}

/* those that can be ended: what names a session with its run ends it, or takes it out of the queue */
static void
add_open_runs(const Context *context)
{
        AsmView sessions, session;
        g_autoptr(AsmTerm) answer =
                ask(context, "list_sessions", (const char *const[]){ NULL }, &sessions);
        AsmListCursor cursor;

        if (answer == NULL)
                return;
        cursor = asm_view_list(sessions);
        while (asm_list_next(&cursor, &session))
                add_runs_of(context, session);
}

/* those that are known, also the ones that are over */
static void
add_all_runs(const Context *context)
{
        static const char *const describe[] = { "provider", "status", NULL };
        AsmView known, runs, run;
        g_autoptr(AsmTerm) answer =
                ask(context, "list_runs", (const char *const[]){ NULL }, &known);
        AsmListCursor cursor;

        if (answer == NULL || !asm_view_map_get(known, "runs", &runs))
                return;
        cursor = asm_view_list(runs);
        while (asm_list_next(&cursor, &run))
                add_field(context->candidates, run, "run_id", describe);
}

static void
add_approvals(const Context *context)
{
        static const char *const describe[] = { "subject", NULL };
        AsmView approvals, approval;
        g_autoptr(AsmTerm) answer = NULL;
        AsmListCursor cursor;

        if (context->scope->session == NULL)
                return;
        answer = ask(context,
                     "approvals",
                     (const char *const[]){ context->scope->session, NULL },
                     &approvals);
        if (answer == NULL)
                return;
        cursor = asm_view_list(approvals);
        while (asm_list_next(&cursor, &approval))
                add_field(context->candidates, approval, "approval_id", describe);
}

/* the daemon and its peers, for it does not matter to a shell which of them is meant */
static void
add_nodes(const Context *context)
{
        AsmView status, peers, peer;
        g_autoptr(AsmTerm) answer = ask(context, "status", (const char *const[]){ NULL }, &status);
        g_autofree char *own = NULL;
        AsmListCursor cursor;

        if (answer == NULL)
                return;
        own = dup_field(status, "node");
        if (own != NULL)
                asm_candidates_add(context->candidates, own, "asmd");
        if (!asm_view_map_get(status, "peers", &peers))
                return;
        cursor = asm_view_list(peers);
        while (asm_list_next(&cursor, &peer)) {
                g_autofree char *node = dup_field(peer, "node");

                if (node != NULL && !g_str_has_prefix(node, CLIENT_PREFIX))
                        asm_candidates_add(context->candidates, node, "connected");
        }
}

/* (nullable) (transfer full): a list of what provider_info tells */
static AsmTerm *
ask_providers(const Context *context, AsmView *ret_infos)
{
        return ask(context, "provider_info", (const char *const[]){ NULL }, ret_infos);
}

static void
add_providers(const Context *context)
{
        static const char *const describe[] = { "display_name", NULL };
        AsmView infos, info;
        g_autoptr(AsmTerm) answer = ask_providers(context, &infos);
        AsmListCursor cursor;

        if (answer == NULL) {
                for (const AsmProvider *const *all = asm_provider_all(); *all != NULL; all++)
                        asm_candidates_add(context->candidates, (*all)->name, (*all)->display_name);
                return;
        }
        cursor = asm_view_list(infos);
        while (asm_list_next(&cursor, &info))
                add_field(context->candidates, info, "provider", describe);
}

/* each entry of the list @list of the chosen provider; of several what each of them has, once */
static void
add_of_provider(const Context *context,
                const char *list,
                const char *key,
                const char *end,
                const char *const *describe)
{
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        AsmView infos, info, entries, entry;
        g_autoptr(AsmTerm) answer = ask_providers(context, &infos);
        AsmListCursor cursor, inner;

        if (answer == NULL)
                return;
        cursor = asm_view_list(infos);
        while (asm_list_next(&cursor, &info)) {
                g_autofree char *provider = dup_field(info, "provider");

                if (context->scope->provider != NULL &&
                    g_strcmp0(provider, context->scope->provider) != 0)
                        continue;
                if (!asm_view_map_get(info, list, &entries))
                        continue;
                inner = asm_view_list(entries);
                while (asm_list_next(&inner, &entry)) {
                        g_autofree char *name = dup_field(entry, key);
                        g_autofree char *said = dup_field(entry, describe[0]);
                        g_autofree char *value = g_strconcat(name != NULL ? name : "", end, NULL);

                        if (name != NULL && g_hash_table_add(seen, g_strdup(name)))
                                asm_candidates_add(context->candidates, value, said);
                }
        }
}

static void
add_commands(AsmCandidates *candidates)
{
        const AsmCliCommand *command;

        for (guint i = 0; (command = asm_cli_command_nth(i)) != NULL; i++)
                asm_candidates_add(candidates, command->name, command->summary);
}

void
asm_values_add(AsmCli *cli,
               const AsmPlaceholder *placeholder,
               const AsmValuesScope *scope,
               AsmCandidates *candidates)
{
        const Context context = { cli, scope, candidates };

        switch (placeholder->values) {
        case ASM_VALUES_ANY:
                break;
        case ASM_VALUES_WORDS:
                asm_candidates_add_words(candidates, placeholder->words);
                break;
        case ASM_VALUES_FILES:
                candidates->kind = "files";
                break;
        case ASM_VALUES_FOLDERS:
                candidates->kind = "folders";
                break;
        case ASM_VALUES_COMMANDS:
                add_commands(candidates);
                break;
        case ASM_VALUES_NODES:
                add_nodes(&context);
                break;
        case ASM_VALUES_PROVIDERS:
                add_providers(&context);
                break;
        case ASM_VALUES_SESSIONS:
                add_sessions(&context);
                break;
        case ASM_VALUES_RUNS:
                if (scope->session != NULL)
                        add_open_runs(&context);
                else
                        add_all_runs(&context);
                break;
        case ASM_VALUES_APPROVALS:
                add_approvals(&context);
                break;
        case ASM_VALUES_MODES:
                add_of_provider(&context,
                                "permission_modes",
                                "mode",
                                "",
                                (const char *const[]){ "native", NULL });
                break;
        case ASM_VALUES_SETTINGS:
                add_of_provider(&context,
                                "options",
                                "option",
                                "=",
                                (const char *const[]){ "type", NULL });
                break;
        }
}
