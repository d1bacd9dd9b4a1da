/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Kits: programs that run an agent by its vendor's SDK and speak the protocol of doc/kits.md. A kit
 * is a folder named like its provider, with a manifest `kit.json`, in a folder of the search path.
 */

#include <glib.h>

/* longest name of a kit; names become atoms */
#define ASM_KIT_NAME_MAX 64

typedef struct {
        char *folder; /* absolute */
        char *name;
        char *version;
        char *program; /* absolute path of the executable */
        GStrv capabilities;
        guint start_timeout_ms; /* how long it may take to be ready */
} AsmKit;

void asm_kit_free(AsmKit *kit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmKit, asm_kit_free)

typedef enum {
        ASM_KIT_ERROR_UNUSABLE, /* what is wrong with which file; the user repairs it */
} AsmKitError;

#define ASM_KIT_ERROR (asm_kit_error_quark())
GQuark asm_kit_error_quark(void);

/**
 * asm_kit_find: the kit of a provider, in the first folder of the search path that has one
 * @ret_kit: (transfer full) (nullable): NULL: no kit is installed
 *
 * The search path is the environment variable ASMD_KIT_PATH, or what asm_kit_set_path() was told, or
 * asmd/kits in the user's and the system's data folders; folders are separated by ':'. The first
 * manifest decides, also one that cannot be used.
 *
 * Returns: FALSE: there is one that cannot be used, ASM_KIT_ERROR_UNUSABLE
 */
gboolean asm_kit_find(const char *provider,
                      AsmKit **ret_kit,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* @path: (nullable): the search path of the configuration, for the whole program */
void asm_kit_set_path(const char *path);
