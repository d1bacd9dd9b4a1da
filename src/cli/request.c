/* SPDX-License-Identifier: MIT */

/*
 * The options of a run, one table for the commands that start one, and what they become: the
 * arguments of the API's `query`. The commands differ in a few rows only:
 *
 *      run      no --session: it ends with the program
 *      query    all of them
 *      resume   --session, which it needs; neither --provider, which is the session's, nor --resume
 *
 * A schema is read here and sent as the value that it is: the file is on this machine, the provider
 * perhaps on another. That it is a JSON object is all that is checked; what it may say the provider
 * knows.
 */

#include "cli/request-private.h"

#include "base/json.h"
#include "cli/error-private.h"
#include "term/json.h"

#include <string.h>

#define DEFAULT_PROVIDER "claude"

#define AT(member) G_STRUCT_OFFSET(AsmCliRequest, member)

/* clang-format off */
#define RUN_OPTIONS                                                                                \
        ASM_CLI_PLACE_OPTIONS(AsmCliRequest, place),                                               \
        { "resume", 0, ASM_CLI_TEXT, AT(resume), "ID",                                             \
          "go on with this conversation of the provider's" },                                      \
        PRINT_OPTIONS

#define PRINT_OPTIONS                                                                              \
        { "schema", 0, ASM_CLI_TEXT, AT(schema), "FILE",                                           \
          "print an object of this JSON schema instead of text" },                                 \
        { "verbose", 'v', ASM_CLI_FLAG, AT(is_verbose), NULL,                                      \
          "show what the agent thinks, and whole tool calls" }
/* clang-format on */

const AsmCliOption asm_cli_run_options[] = { RUN_OPTIONS, { NULL } };

const AsmCliOption asm_cli_query_options[] = {
        { "session",
          0,
          ASM_CLI_TEXT,
          AT(session),
          "SESSION",
          "run it in this session (default: in one of its own)" },
        RUN_OPTIONS,
        { NULL },
};

const AsmCliOption asm_cli_resume_options[] = {
        { "session", 0, ASM_CLI_TEXT, AT(session), "SESSION", "the session to go on with; needed" },
        ASM_CLI_PLACE_OVERRIDES(AsmCliRequest, place),
        PRINT_OPTIONS,
        { NULL },
};

gboolean
asm_cli_request_check(const AsmCliRequest *request, GError **error)
{
        if (request->session != NULL && request->place.provider != NULL)
                return asm_cli_usage(
                        error,
                        "--session and --provider do not go together: a session has its provider");
        return asm_cli_place_check(&request->place, error);
}

JsonNode *
asm_cli_schema_read(const char *path, GError **error)
{
        g_autoptr(GError) cause = NULL;
        g_autofree char *text = NULL, *fault = NULL;
        g_autoptr(JsonNode) node = NULL;
        gsize len;

        if (!g_file_get_contents(path, &text, &len, &cause)) {
                asm_cli_usage(error, "option --schema: %s", cause->message);
                return NULL;
        }
        if (len > ASM_CLI_SCHEMA_MAX) {
                asm_cli_usage(error,
                              "option --schema: '%s' has %" G_GSIZE_FORMAT
                              " bytes, at most %d are allowed",
                              path,
                              len,
                              ASM_CLI_SCHEMA_MAX);
                return NULL;
        }
        fault = asm_json_check(text, len, ASM_CLI_SCHEMA_MAX_DEPTH);
        if (fault != NULL) {
                asm_cli_usage(error, "option --schema: '%s' is no JSON: %s", path, fault);
                return NULL;
        }
        node = json_from_string(text, NULL);
        if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node)) {
                asm_cli_usage(error,
                              "option --schema: '%s' is no JSON object; a schema is one, as "
                              "{\"type\": \"object\", \"properties\": {...}}",
                              path);
                return NULL;
        }
        return g_steal_pointer(&node);
}

static guint
put_facts(AsmBuilder *args, const AsmCliRequest *request, const AsmCliRequestFacts *facts)
{
        guint n = 2;

        asm_cli_put_text_option(args, "run_id", facts->run_id);
        asm_builder_tuple(args, 2);
        asm_builder_atom(args, "subscriber");
        asm_builder_view(args, facts->subscriber);
        if (facts->new_session != NULL) {
                asm_cli_put_text_option(args, "session_id", facts->new_session);
                n++;
        }
        if (request->resume != NULL) {
                asm_cli_put_text_option(args, "resume", request->resume);
                n++;
        }
        return n;
}

void
asm_cli_put_request(AsmBuilder *args, const AsmCliRequest *request, const AsmCliRequestFacts *facts)
{
        AsmCliPlace place = request->place;
        AsmBuilderMark mark;
        guint n;

        asm_builder_list(args, 3);
        if (request->session != NULL)
                asm_builder_text(args, request->session);
        else
                asm_builder_atom(args, place.provider != NULL ? place.provider : DEFAULT_PROVIDER);
        asm_builder_text(args, facts->prompt);
        mark = asm_builder_list_begin(args);
        n = put_facts(args, request, facts);
        if (facts->schema != NULL) {
                g_auto(AsmBuilder) schema = ASM_BUILDER_INIT;

                /* it has been read within the depth that terms may have */
                if (asm_builder_json(&schema, facts->schema, NULL)) {
                        asm_builder_tuple(args, 2);
                        asm_builder_atom(args, "output_schema");
                        asm_builder_view(args, asm_builder_peek(&schema));
                        n++;
                }
        }
        place.provider = NULL;
        n += asm_cli_put_place(args, &place);
        asm_builder_list_end(args, mark, n);
        asm_builder_nil(args);
}
