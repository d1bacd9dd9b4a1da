/* SPDX-License-Identifier: MIT */

/*
 * Agents call their tools by different names, but with few kinds of input, which have the same keys
 * wherever they are seen:
 *
 *      command                             "$ make test"
 *      file_path, old_string, new_string   "src/a.c", "- old line", "+ new line"
 *      file_path, content                  "src/a.c", "+ line"
 *      path, file_path, pattern, url, ...  what a label shows
 *
 * What has other keys besides is shown with them, as JSON: nobody shall agree to what he does not
 * see. Everything is foreign text and made safe line by line.
 */

#include "cli/tool-private.h"

#include "cli/text-private.h"
#include "term/json.h"
#include "term/reader.h"

#include <string.h>

/* the keys that a label is made of, in this order; the first one that is there counts */
static const char *const label_keys[] = { "command", "file_path", "path",  "pattern", "query",
                                          "url",     "prompt",    "title", NULL };

/* how many characters a label looks at */
#define LABEL_MAX 400

typedef struct {
        GString *text;
        const char *shown[4]; /* keys of the input that need not be shown again */
        guint n_shown;
} Description;

/* (nullable) (transfer full): a command may be a list of words */
static char *
dup_field(AsmView input, const char *key)
{
        g_autoptr(GString) words = NULL;
        AsmListCursor cursor;
        AsmView value, word;
        guint n;

        if (!asm_view_is_set(input) || !asm_view_option_get(input, key, &value) ||
            asm_view_is_atom(value, "nil"))
                return NULL;
        if (asm_view_kind(value) != ASM_KIND_LIST || !asm_view_get_list_length(value, &n))
                return asm_view_dup_text(value, /* accept_atoms= */ FALSE);
        words = g_string_new(NULL);
        cursor = asm_view_list(value);
        while (asm_list_next(&cursor, &word)) {
                g_autofree char *text = asm_view_dup_text(word, /* accept_atoms= */ FALSE);

                if (text == NULL)
                        return NULL;
                g_string_append_printf(words, "%s%s", words->len > 0 ? " " : "", text);
        }
        return g_string_free(g_steal_pointer(&words), FALSE);
}

char *
asm_tool_label(const char *tool, AsmView input)
{
        g_autofree char *text = NULL;
        GString *label = g_string_new(NULL);

        asm_text_append_safe(label, tool, strlen(tool), ASM_TEXT_ONE_LINE);
        for (guint i = 0; label_keys[i] != NULL && text == NULL; i++)
                text = dup_field(input, label_keys[i]);
        if (text == NULL && asm_view_is_set(input) && !asm_view_is_atom(input, "nil"))
                text = asm_view_to_json_text(input);
        if (text == NULL || *text == '\0' || strcmp(text, "{}") == 0)
                return g_string_free(label, FALSE);
        g_string_append_c(label, ' ');
        asm_text_append_safe(label, text, MIN(strlen(text), LABEL_MAX), ASM_TEXT_ONE_LINE);
        return g_string_free(label, FALSE);
}

static void
add_line(Description *description, const char *prefix, const char *line, gsize len)
{
        g_string_append_printf(description->text, "\n%s", prefix);
        asm_text_append_safe(description->text, line, len, ASM_TEXT_ONE_LINE);
}

/* @first: before its first line, @rest: before the others */
static void
add_lines(Description *description, const char *first, const char *rest, const char *text)
{
        const char *prefix = first;

        for (;;) {
                const char *end = strchrnul(text, '\n');

                add_line(description, prefix, text, (gsize)(end - text));
                if (*end == '\0' || end[1] == '\0')
                        return;
                text = end + 1;
                prefix = rest;
        }
}

static gboolean
add_field(Description *description,
          AsmView input,
          const char *key,
          const char *first,
          const char *rest)
{
        g_autofree char *text = dup_field(input, key);

        if (text == NULL)
                return FALSE;
        if (*text != '\0')
                add_lines(description, first, rest, text);
        description->shown[description->n_shown++] = key;
        return TRUE;
}

/* as JSON: the fields that were not shown */
static void
add_others(Description *description, AsmView input)
{
        g_autoptr(JsonNode) node = asm_view_to_json(input);
        g_autofree char *text = NULL;

        if (JSON_NODE_HOLDS_OBJECT(node)) {
                JsonObject *object = json_node_get_object(node);

                for (guint i = 0; i < description->n_shown; i++)
                        json_object_remove_member(object, description->shown[i]);
                if (json_object_get_size(object) == 0)
                        return;
        }
        text = json_to_string(node, FALSE);
        add_line(description, "  ", text, strlen(text));
}

char *
asm_tool_describe(const char *tool, AsmView input)
{
        Description description = { .text = g_string_new(NULL) };

        asm_text_append_safe(description.text, tool, strlen(tool), ASM_TEXT_ONE_LINE);
        if (!asm_view_is_set(input) || asm_view_is_atom(input, "nil"))
                return g_string_free(description.text, FALSE);
        if (asm_view_kind(input) == ASM_KIND_MAP) {
                if (!add_field(&description, input, "command", "  $ ", "    ") &&
                    add_field(&description, input, "file_path", "  ", "  ")) {
                        add_field(&description, input, "old_string", "  - ", "  - ");
                        if (!add_field(&description, input, "new_string", "  + ", "  + "))
                                add_field(&description, input, "content", "  + ", "  + ");
                }
        }
        add_others(&description, input);
        return g_string_free(description.text, FALSE);
}
