/* SPDX-License-Identifier: MIT */

/*
 * The prompt is the operand, or what comes on standard input: `asmctl query < file`, or a pipe. A
 * terminal is read only when that was asked for with `-`, since else a forgotten prompt would look
 * like a program that hangs. The newline that a shell puts at the end of a line is not part of the
 * prompt; everything else is taken as it is, if it is text.
 */

#include "cli/prompt-private.h"

#include "cli/error-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536

static GString *
read_all(int fd, GError **error)
{
        g_autoptr(GString) text = g_string_new(NULL);
        gssize n = 0;

        do {
                gsize len = text->len;

                g_string_set_size(text, len + CHUNK);
                n = read(fd, text->str + len, CHUNK);
                g_string_set_size(text, len + (gsize)MAX(n, 0));
        } while ((n > 0 || (n < 0 && errno == EINTR)) && text->len <= ASM_PROMPT_MAX);
        if (n < 0) {
                asm_cli_usage(error, "cannot read the prompt: %s", g_strerror(errno));
                return NULL;
        }
        if (text->len > 0 && text->str[text->len - 1] == '\n')
                g_string_truncate(text, text->len - 1);
        return g_steal_pointer(&text);
}

char *
asm_cli_prompt_read(const char *operand, int fd, GError **error)
{
        gboolean is_asked_for = operand != NULL && strcmp(operand, "-") == 0;
        g_autoptr(GString) text = NULL;

        if (operand == NULL && isatty(fd)) {
                asm_cli_usage(error, "no prompt; give one, or '-' to type it, ctrl-D at its end");
                return NULL;
        }
        text = operand == NULL || is_asked_for ? read_all(fd, error) : g_string_new(operand);
        if (text == NULL)
                return NULL;
        if (text->len == 0)
                asm_cli_usage(error, "the prompt is empty");
        else if (text->len > ASM_PROMPT_MAX)
                asm_cli_usage(error, "the prompt has more than %d bytes", ASM_PROMPT_MAX);
        else if (!g_utf8_validate(text->str, (gssize)text->len, NULL))
                asm_cli_usage(error, "the prompt is not UTF-8 text");
        else
                return g_string_free(g_steal_pointer(&text), FALSE);
        return NULL;
}
