/* SPDX-License-Identifier: MIT */

/*
 * What a careful caller asks a node before it runs something there (asmctl doctor): its name, its
 * release, its time, whether a CLI and a folder are there. Answers have the form of the Erlang
 * functions of these names, as far as the questions go; nothing is run and no file is opened.
 */

#include "host-private.h"

#include "term/reader.h"

#include <unistd.h>

/* a #file_info{} has 13 fields */
#define FILE_INFO_ARITY 14

void
asm_host_node(AsmHostCall *call)
{
        AsmNode *node = asm_procs_get_node(call->host->backend.procs);

        asm_reply_atom(call->reply, asm_node_get_name(node));
}

void
asm_host_system_info(AsmHostCall *call)
{
        const char *release = call->host->config.otp_release;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (asm_view_is_atom(call->args[0], "otp_release"))
                asm_builder_charlist(&value, release != NULL ? release : ASM_HOST_OTP_OLDEST);
        else
                asm_builder_atom(&value, "undefined");
        call->reply->send(call->reply, asm_builder_peek(&value));
}

void
asm_host_system_time(AsmHostCall *call)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (asm_view_is_atom(call->args[0], "millisecond"))
                asm_builder_int(&value, g_get_real_time() / 1000);
        else
                asm_builder_atom(&value, "undefined");
        call->reply->send(call->reply, asm_builder_peek(&value));
}

void
asm_host_find_executable(AsmHostCall *call)
{
        g_autofree char *name = asm_view_dup_text(call->args[0], /* accept_atoms= */ FALSE);
        g_autofree char *path = name != NULL ? g_find_program_in_path(name) : NULL;
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        if (path != NULL)
                asm_builder_charlist(&value, path);
        else
                asm_builder_atom(&value, "false");
        call->reply->send(call->reply, asm_builder_peek(&value));
}

static const char *
access_name(const char *path)
{
        gboolean can_read = access(path, R_OK) == 0;
        gboolean can_write = access(path, W_OK) == 0;

        return can_read ? (can_write ? "read_write" : "read") : (can_write ? "write" : "none");
}

/* {ok, #file_info{type, access, the rest undefined}} or {error, enoent} */
void
asm_host_read_file_info(AsmHostCall *call)
{
        g_autofree char *path = asm_view_dup_text(call->args[0], /* accept_atoms= */ FALSE);
        gboolean exists = path != NULL && g_file_test(path, G_FILE_TEST_EXISTS);
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, exists ? "ok" : "error");
        if (exists) {
                asm_builder_tuple(&value, FILE_INFO_ARITY);
                asm_builder_atom(&value, "file_info");
                asm_builder_atom(&value, "undefined");
                asm_builder_atom(&value,
                                 g_file_test(path, G_FILE_TEST_IS_DIR) ? "directory" : "other");
                asm_builder_atom(&value, access_name(path));
                for (guint i = 4; i < FILE_INFO_ARITY; i++)
                        asm_builder_atom(&value, "undefined");
        } else {
                asm_builder_atom(&value, "enoent");
        }
        call->reply->send(call->reply, asm_builder_peek(&value));
}
