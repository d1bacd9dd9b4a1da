/* SPDX-License-Identifier: MIT */

/*
 * Finding kits. A manifest looks like this:
 *
 *     { "name": "claude-agent-sdk", "version": "1.0.0", "protocol": 1, "providers": ["claude"],
 *       "program": "kit.mjs", "capabilities": ["approval", "interrupt"], "start_timeout_ms": 30000 }
 *
 * A kit is executed with this program's rights, so nobody else may be able to write one: manifest,
 * program and folder must belong to this user or to root, and must not be writable for all. The
 * program lies in the kit's folder.
 *
 * Each mistake is an error that names file and key: a kit that is quietly passed over is found by
 * nobody, and keys with a typing mistake would be as good as none.
 */

#include "backend/kit.h"

#include "base/json.h"
#include "provider/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_DEFINE_QUARK(asm_kit_error, asm_kit_error)

/* a manifest has some hundred bytes */
#define MANIFEST_MAX (64 * 1024)

#define DEPTH_MAX        8
#define TEXT_MAX         256
#define CAPABILITIES_MAX 32

#define START_TIMEOUT_DEFAULT_MS 30000
#define START_TIMEOUT_MIN_MS     100
#define START_TIMEOUT_MAX_MS     600000

/* of the configuration; NULL: not set */
static char *configured_path;

void
asm_kit_set_path(const char *path)
{
        g_free(configured_path);
        configured_path = g_strdup(path);
}

void
asm_kit_free(AsmKit *kit)
{
        if (kit == NULL)
                return;
        g_free(kit->folder);
        g_free(kit->name);
        g_free(kit->version);
        g_free(kit->program);
        g_strfreev(kit->capabilities);
        g_free(kit);
}

/* --- files ----------------------------------------------------------------------------------- */

G_GNUC_PRINTF(3, 4)
static gboolean
unusable(GError **error, const char *file, const char *format, ...)
{
        g_autofree char *message = NULL;
        va_list args;

        va_start(args, format);
        message = g_strdup_vprintf(format, args);
        va_end(args);
        g_set_error(error, ASM_KIT_ERROR, ASM_KIT_ERROR_UNUSABLE, "kit '%s': %s", file, message);
        return FALSE;
}

static gboolean
check_rights(const char *file, const struct stat *info, GError **error)
{
        if (info->st_uid != 0 && info->st_uid != geteuid())
                return unusable(error,
                                file,
                                "it belongs to user %u, expected root or the user of asmd (%u)",
                                info->st_uid,
                                geteuid());
        if ((info->st_mode & S_IWOTH) != 0)
                return unusable(error,
                                file,
                                "it is writable for everybody (mode %04o), run chmod o-w",
                                info->st_mode & 07777);
        return TRUE;
}

static gboolean
check_file(const char *file, mode_t type, GError **error)
{
        struct stat info;

        if (stat(file, &info) != 0)
                return unusable(error, file, "%s", g_strerror(errno));
        if ((info.st_mode & S_IFMT) != type)
                return unusable(error,
                                file,
                                "it is not a %s",
                                type == S_IFDIR ? "folder" : "regular file");
        return check_rights(file, &info, error);
}

static gboolean
read_all(int fd, const char *file, GString *text, GError **error)
{
        char chunk[4096];
        ssize_t n;

        do {
                n = read(fd, chunk, sizeof chunk);
                if (n > 0)
                        g_string_append_len(text, chunk, n);
        } while ((n > 0 && text->len <= MANIFEST_MAX) || (n < 0 && errno == EINTR));
        if (n < 0)
                return unusable(error, file, "%s", g_strerror(errno));
        if (text->len > MANIFEST_MAX)
                return unusable(error, file, "it is longer than %d bytes", MANIFEST_MAX);
        return TRUE;
}

/* rights and content of the same file, whatever its name means later */
static gboolean
read_manifest(const char *file, GString *text, GError **error)
{
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat info;
        gboolean is_fine;

        if (fd < 0)
                return unusable(error, file, "%s", g_strerror(errno));
        if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
                is_fine = unusable(error, file, "it is not a regular file");
        else
                is_fine = check_rights(file, &info, error) && read_all(fd, file, text, error);
        close(fd);
        return is_fine;
}

/* --- keys ------------------------------------------------------------------------------------ */

static gboolean
is_word(const char *text)
{
        gsize len = text != NULL ? strlen(text) : 0;

        for (gsize i = 0; i < len; i++) {
                if (!g_ascii_islower(text[i]) && !g_ascii_isdigit(text[i]) &&
                    (i == 0 || strchr("._-", text[i]) == NULL))
                        return FALSE;
        }
        return len > 0 && len <= ASM_KIT_NAME_MAX;
}

static gboolean
wrong_key(GError **error, const char *file, const char *key, const char *expected)
{
        return unusable(error, file, "key '%s': expected %s", key, expected);
}

/* FALSE: missing and @is_required, or not text, or too long */
static gboolean
take_text(const char *file, JsonObject *object, const char *key, char **ret_text, GError **error)
{
        const char *text = asm_json_get_string(object, key);

        if (text == NULL || *text == '\0' || strlen(text) > TEXT_MAX)
                return wrong_key(error, file, key, "a text of 1 to 256 bytes");
        *ret_text = g_strdup(text);
        return TRUE;
}

/* a list of words; (transfer full); NULL with an error */
static GStrv
take_words(const char *file, JsonObject *object, const char *key, GError **error)
{
        JsonArray *array = asm_json_get_array(object, key);
        guint n = array != NULL ? json_array_get_length(array) : 0;
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
        gboolean is_fine = array != NULL && n <= CAPABILITIES_MAX;

        for (guint i = 0; i < n && is_fine; i++) {
                JsonNode *node = json_array_get_element(array, i);
                gboolean is_text = JSON_NODE_HOLDS_VALUE(node) &&
                                   json_node_get_value_type(node) == G_TYPE_STRING;

                is_fine = is_text && is_word(json_node_get_string(node));
                if (is_fine)
                        g_ptr_array_add(words, g_strdup(json_node_get_string(node)));
        }
        if (!is_fine) {
                wrong_key(error,
                          file,
                          key,
                          "a list of at most 32 words of a-z, 0-9, '.', '_', '-'");
                return NULL;
        }
        g_ptr_array_add(words, NULL);
        return (GStrv)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static gboolean
check_keys(const char *file, JsonObject *object, GError **error)
{
        static const char *const known[] = {
                "name",         "version",          "protocol",    "providers", "program",
                "capabilities", "start_timeout_ms", "description", NULL
        };
        JsonObjectIter iter;
        const char *key;

        json_object_iter_init(&iter, object);
        while (json_object_iter_next(&iter, &key, NULL)) {
                g_autofree char *valid = g_utf8_make_valid(key, (gssize)strnlen(key, TEXT_MAX));
                g_autofree char *shown = g_strescape(valid, NULL);

                if (!g_strv_contains(known, key))
                        return unusable(error,
                                        file,
                                        "key '%s' is not known, expected name, version, protocol, "
                                        "providers, program, capabilities, start_timeout_ms or "
                                        "description",
                                        shown);
        }
        return TRUE;
}

static gboolean
take_program(AsmKit *kit, const char *file, JsonObject *object, GError **error)
{
        g_autofree char *program = NULL;
        g_auto(GStrv) parts = NULL;

        if (!take_text(file, object, "program", &program, error))
                return FALSE;
        parts = g_strsplit(program, "/", -1);
        if (g_path_is_absolute(program) || g_strv_contains((const char *const *)parts, ".."))
                return wrong_key(error, file, "program", "a path inside of the kit's folder");
        kit->program = g_build_filename(kit->folder, program, NULL);
        if (!check_file(kit->program, S_IFREG, error))
                return FALSE;
        if (access(kit->program, X_OK) != 0)
                return unusable(error, kit->program, "it is not executable, run chmod +x");
        return TRUE;
}

static gboolean
take_provider(const char *file, JsonObject *object, const char *provider, GError **error)
{
        g_auto(GStrv) providers = take_words(file, object, "providers", error);

        if (providers == NULL)
                return FALSE;
        if (g_strv_contains((const char *const *)providers, provider))
                return TRUE;
        return unusable(error, file, "key 'providers': '%s' is not one of them", provider);
}

static gboolean
take_numbers(AsmKit *kit, const char *file, JsonObject *object, GError **error)
{
        gint64 protocol = asm_json_get_int(object, "protocol", -1);
        gint64 timeout_ms = START_TIMEOUT_DEFAULT_MS;

        if (protocol < 0)
                return wrong_key(error, file, "protocol", "an integer");
        if (protocol != ASM_KIT_PROTOCOL)
                return unusable(error,
                                file,
                                "key 'protocol': %" G_GINT64_FORMAT ", this asmd speaks %d",
                                protocol,
                                ASM_KIT_PROTOCOL);
        if (json_object_has_member(object, "start_timeout_ms"))
                timeout_ms = asm_json_get_int(object, "start_timeout_ms", -1);
        if (timeout_ms < START_TIMEOUT_MIN_MS || timeout_ms > START_TIMEOUT_MAX_MS)
                return wrong_key(error, file, "start_timeout_ms", "an integer from 100 to 600000");
        kit->start_timeout_ms = (guint)timeout_ms;
        return TRUE;
}

static gboolean
take_keys(AsmKit *kit, const char *file, JsonObject *object, const char *provider, GError **error)
{
        g_autofree char *description = NULL;

        if (!check_keys(file, object, error))
                return FALSE;
        kit->name = g_strdup(asm_json_get_string(object, "name"));
        if (!is_word(kit->name))
                return wrong_key(error,
                                 file,
                                 "name",
                                 "1 to 64 characters of a-z, 0-9, '.', '_', '-'");
        if (json_object_has_member(object, "description") &&
            !take_text(file, object, "description", &description, error))
                return FALSE;
        if (!json_object_has_member(object, "capabilities"))
                kit->capabilities = g_new0(char *, 1);
        else
                kit->capabilities = take_words(file, object, "capabilities", error);
        return kit->capabilities != NULL &&
               take_text(file, object, "version", &kit->version, error) &&
               take_numbers(kit, file, object, error) &&
               take_provider(file, object, provider, error) &&
               take_program(kit, file, object, error);
}

static AsmKit *
load(const char *folder, const char *file, const char *provider, GError **error)
{
        g_autoptr(AsmKit) kit = g_new0(AsmKit, 1);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(JsonParser) parser = json_parser_new();
        g_autofree char *problem = NULL;
        JsonNode *root = NULL;

        kit->folder = g_canonicalize_filename(folder, NULL);
        if (!check_file(kit->folder, S_IFDIR, error) || !read_manifest(file, text, error))
                return NULL;
        problem = asm_json_check(text->str, text->len, DEPTH_MAX);
        if (problem == NULL &&
            json_parser_load_from_data(parser, text->str, (gssize)text->len, NULL))
                root = json_parser_get_root(parser);
        if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
                unusable(error,
                         file,
                         "it is not a JSON object%s%s",
                         problem != NULL ? ": " : "",
                         problem != NULL ? problem : "");
                return NULL;
        }
        if (!take_keys(kit, file, json_node_get_object(root), provider, error))
                return NULL;
        return g_steal_pointer(&kit);
}

/* --- the search path ------------------------------------------------------------------------- */

/* (transfer full): of folders */
static GPtrArray *
get_search_path(void)
{
        const char *path = g_getenv("ASMD_KIT_PATH");
        const char *const *data_dirs = g_get_system_data_dirs();
        GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);

        if (path == NULL)
                path = configured_path;
        if (path != NULL) {
                g_auto(GStrv) parts = g_strsplit(path, ":", -1);

                for (guint i = 0; parts[i] != NULL; i++) {
                        /* a relative folder would be wherever asmd was started */
                        if (g_path_is_absolute(parts[i]))
                                g_ptr_array_add(folders, g_strdup(parts[i]));
                }
                return folders;
        }
        g_ptr_array_add(folders, g_build_filename(g_get_user_data_dir(), "asmd", "kits", NULL));
        for (guint i = 0; data_dirs[i] != NULL; i++)
                g_ptr_array_add(folders, g_build_filename(data_dirs[i], "asmd", "kits", NULL));
        return folders;
}

gboolean
asm_kit_find(const char *provider, AsmKit **ret_kit, GError **error)
{
        g_autoptr(GPtrArray) folders = get_search_path();
        AsmKit *kit = NULL;

        g_return_val_if_fail(provider != NULL && ret_kit != NULL, FALSE);

        for (guint i = 0; i < folders->len; i++) {
                g_autofree char *folder =
                        g_build_filename(g_ptr_array_index(folders, i), provider, NULL);
                g_autofree char *file = g_build_filename(folder, "kit.json", NULL);

                if (!g_file_test(file, G_FILE_TEST_EXISTS))
                        continue;
                kit = load(folder, file, provider, error);
                if (kit == NULL)
                        return FALSE;
                break;
        }
        *ret_kit = kit;
        return TRUE;
}
