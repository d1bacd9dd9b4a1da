/* SPDX-License-Identifier: MIT */

/*
 * An execution surface says where a CLI runs, below whatever node runs it, and is apart from the
 * execution mode (ASM_PROTOCOL.md section 1). Its fields are checked here once, for local runs as for
 * remote ones, and go to the remote start as the struct that is expected there. What
 * a field means is known by who uses it: ssh_exec here (room backend), guest_bridge on the other node.
 *
 * transport_options are about the way to the CLI and never about the CLI: what would change the
 * command is refused under any surface, so that there is one way to say it. Options that this
 * version does not know are carried as they are.
 */

#include "surface-private.h"

#include "term/print.h"
#include "term/reader.h"

#include <string.h>

#define SHOWN_MAX 200

const char *const asm_surface_names[] = { "local_subprocess", "ssh_exec", "guest_bridge", NULL };

typedef enum {
        FIELD_TEXT,
        FIELD_TEXT_OR_NIL,
        FIELD_NAME_OR_NIL, /* an atom or text */
        FIELD_MAP,
        FIELD_OPTIONS,
        FIELD_PLACE, /* text, or options */
        FIELD_VERSIONS,
        FIELD_MS,
        FIELD_SECRET,
} FieldType;

typedef struct {
        const char *key;
        FieldType type;
} Field;

static const Field surface_fields[] = {
        { "contract_version", FIELD_TEXT },      { "target_id", FIELD_TEXT_OR_NIL },
        { "lease_ref", FIELD_TEXT_OR_NIL },      { "surface_ref", FIELD_TEXT_OR_NIL },
        { "boundary_class", FIELD_NAME_OR_NIL }, { "observability", FIELD_MAP },
        { "transport_options", FIELD_OPTIONS },
};

static const Field bridge_fields[] = {
        { "endpoint", FIELD_PLACE },
        { "bridge_ref", FIELD_TEXT },
        { "attach_token", FIELD_SECRET },
        { "bridge_profile", FIELD_TEXT },
        { "supported_protocol_versions", FIELD_VERSIONS },
        { "extensions", FIELD_MAP },
        { "connect_timeout_ms", FIELD_MS },
        { "request_timeout_ms", FIELD_MS },
};

static const char *const command_options[] = {
        "command", "args", "cwd", "env", "clear_env?", "user"
};

static const char *
expected(FieldType type)
{
        switch (type) {
        case FIELD_TEXT:
        case FIELD_SECRET:
                return "a string";
        case FIELD_TEXT_OR_NIL:
                return "a string or nil";
        case FIELD_NAME_OR_NIL:
                return "an atom, a string or nil";
        case FIELD_MAP:
                return "a map";
        case FIELD_OPTIONS:
                return "a map or a keyword list";
        case FIELD_PLACE:
                return "a string, a map or a keyword list";
        case FIELD_VERSIONS:
                return "a list of positive numbers";
        case FIELD_MS:
                return "a positive number of milliseconds";
        }
        return "";
}

static gboolean
is_text(AsmView value)
{
        g_autofree char *text = asm_view_dup_text(value, /* accept_atoms= */ FALSE);

        return text != NULL && *text != '\0';
}

static gboolean
is_options(AsmView value)
{
        AsmOptionCursor cursor;
        AsmView key;
        AsmView ignored;

        asm_option_cursor_init(&cursor, value);
        while (asm_option_next(&cursor, &key, &ignored))
                ;
        return !asm_option_cursor_is_malformed(&cursor);
}

static gboolean
is_versions(AsmView value)
{
        AsmListCursor cursor = asm_view_list(value);
        AsmView element;
        gint64 version;
        guint n;

        if (!asm_view_get_list_length(value, &n))
                return FALSE;
        while (asm_list_next(&cursor, &element)) {
                if (!asm_view_get_int(element, &version) || version < 1)
                        return FALSE;
        }
        return n > 0;
}

static gboolean
is_valid(FieldType type, AsmView value)
{
        gint64 ms;

        switch (type) {
        case FIELD_TEXT:
        case FIELD_SECRET:
                return is_text(value);
        case FIELD_TEXT_OR_NIL:
                return asm_view_is_atom(value, "nil") || is_text(value);
        case FIELD_NAME_OR_NIL:
                return asm_view_kind(value) == ASM_KIND_ATOM || is_text(value);
        case FIELD_MAP:
                return asm_view_kind(value) == ASM_KIND_MAP;
        case FIELD_OPTIONS:
                return is_options(value);
        case FIELD_PLACE:
                return is_text(value) || is_options(value);
        case FIELD_VERSIONS:
                return is_versions(value);
        case FIELD_MS:
                return asm_view_get_int(value, &ms) && ms > 0 && ms <= G_MAXINT32;
        }
        return FALSE;
}

static gboolean
refuse(const Field *field, AsmView value, AsmFailure **ret_failure)
{
        g_autofree char *shown = field->type == FIELD_SECRET || field->type == FIELD_OPTIONS ||
                                                 field->type == FIELD_PLACE
                                         ? g_strdup("(not shown)")
                                         : asm_view_print(value, ASM_SYNTAX_ERLANG, SHOWN_MAX);

        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                       ASM_DOMAIN_CONFIG,
                                       "option execution_surface: %s: %s is not valid, expected %s",
                                       field->key,
                                       shown,
                                       expected(field->type));
        return FALSE;
}

static gboolean
check_fields(AsmView given, const Field *fields, gsize n, AsmFailure **ret_failure)
{
        AsmView value;

        for (gsize i = 0; i < n; i++) {
                if (asm_view_option_get(given, fields[i].key, &value) &&
                    !is_valid(fields[i].type, value))
                        return refuse(&fields[i], value, ret_failure);
        }
        return TRUE;
}

gboolean
asm_surface_check(AsmView given, AsmSurfaceKind kind, AsmFailure **ret_failure)
{
        AsmView options;
        AsmView ignored;

        if (!check_fields(given, surface_fields, G_N_ELEMENTS(surface_fields), ret_failure))
                return FALSE;
        if (!asm_view_option_get(given, "transport_options", &options))
                return TRUE;
        for (gsize i = 0; i < G_N_ELEMENTS(command_options); i++) {
                if (asm_view_option_get(options, command_options[i], &ignored)) {
                        *ret_failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                                       ASM_DOMAIN_CONFIG,
                                                       "option execution_surface: %s does not "
                                                       "belong into transport_options, "
                                                       "it is an option of the run",
                                                       command_options[i]);
                        return FALSE;
                }
        }
        return kind != ASM_SURFACE_GUEST_BRIDGE ||
               check_fields(options, bridge_fields, G_N_ELEMENTS(bridge_fields), ret_failure);
}

static void
put_surface_field(AsmBuilder *builder, AsmView given, const char *key, const char *fallback)
{
        AsmView value;

        asm_builder_atom(builder, key);
        if (asm_view_is_set(given) && asm_view_option_get(given, key, &value))
                asm_builder_view(builder, value);
        else if (strcmp(key, "transport_options") == 0)
                asm_builder_nil(builder);
        else if (strcmp(key, "observability") == 0)
                asm_builder_map(builder, 0);
        else if (fallback != NULL)
                asm_builder_text(builder, fallback);
        else
                asm_builder_nil_atom(builder);
}

void
asm_builder_surface(AsmBuilder *builder, const AsmOptions *options)
{
        static const char *const keys[] = {
                "transport_options", "target_id",      "lease_ref",
                "surface_ref",       "boundary_class", "observability"
        };
        AsmView given = ASM_VIEW_NONE;

        if (options->surface != NULL &&
            asm_view_kind(asm_term_view(options->surface)) != ASM_KIND_ATOM)
                given = asm_term_view(options->surface);
        asm_builder_map(builder, 3 + G_N_ELEMENTS(keys));
        asm_builder_atom(builder, "__struct__");
        asm_builder_atom(builder, "Elixir.CliSubprocessCore.ExecutionSurface");
        asm_builder_atom(builder, "surface_kind");
        asm_builder_atom(builder, asm_surface_names[options->surface_kind]);
        put_surface_field(builder, given, "contract_version", "execution_surface.v1");
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
                put_surface_field(builder, given, keys[i], NULL);
}
