/* SPDX-License-Identifier: MIT */

/*
 * From a spec to what execve() takes. The CLI is looked for in this order, and the first that is
 * given decides, even if nothing is there: somebody who names a file wants that file.
 *
 *      the option cli_path     a name is looked for in PATH, a path is taken as it is
 *      the provider's variable (CODEX_PATH, ...) in this program's environment, likewise
 *      the provider's command  in this program's PATH
 *
 * A relative path counts from the run's directory. The environment is this program's (nothing with
 * `clear_env?`), changed by the option `env`: a text, an atom or an integer sets a variable, nil and
 * false remove it. That is how hosts on BEAM nodes read the same options, so that a run does not
 * change its meaning when it moves.
 *
 * Messages never show the value of a variable of `env`: those are where keys and tokens are.
 */

#include "backend/command-private.h"
#include "backend/scratch-private.h"

#include "term/print.h"
#include "term/reader.h"

#include <errno.h>
#include <string.h>

/* how much of foreign text an error message shows */
#define SHOWN_MAX 200

/* execve() has limits as well, but answers with E2BIG and not with the reason */
#define VARIABLES_MAX 1024

G_GNUC_PRINTF(2, 3)
static AsmFailure *
invalid(const AsmBackendSpec *spec, const char *format, ...)
{
        g_autofree char *message = NULL;
        AsmFailure *failure;
        va_list args;

        va_start(args, format);
        message = g_strdup_vprintf(format, args);
        va_end(args);
        failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID, ASM_DOMAIN_CONFIG, "%s", message);
        failure->provider = g_strdup(spec->provider->name);
        return failure;
}

/* (transfer full): text of a caller, safe and short enough for a message */
static char *
shown(const char *text)
{
        g_autofree char *escaped = g_strescape(text, NULL);

        return strlen(escaped) <= SHOWN_MAX ? g_steal_pointer(&escaped)
                                            : g_strdup_printf("%.*s...", SHOWN_MAX, escaped);
}

/* --- the file -------------------------------------------------------------------------------- */

/* (transfer full): not canonical, as `..` behind a link is not what it looks like */
static char *
make_absolute(const char *path, const char *base)
{
        g_autofree char *here = NULL;

        if (g_path_is_absolute(path))
                return g_strdup(path);
        if (base == NULL)
                base = here = g_get_current_dir();
        return g_build_filename(base, path, NULL);
}

static gboolean
is_program(const char *path)
{
        return g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
               g_file_test(path, G_FILE_TEST_IS_EXECUTABLE);
}

/* (transfer full) (nullable) */
static char *
find_in_path(const char *name, const char *path)
{
        g_auto(GStrv) dirs =
                g_strsplit(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin", ":", -1);

        for (guint i = 0; dirs[i] != NULL; i++) {
                g_autofree char *file = NULL;

                /* an empty or relative entry means wherever this program happens to be: not here */
                if (!g_path_is_absolute(dirs[i]))
                        continue;
                file = g_build_filename(dirs[i], name, NULL);
                if (is_program(file))
                        return g_steal_pointer(&file);
        }
        return NULL;
}

/* (transfer full) (nullable): the file that @given, a name or a path, means */
static char *
find_given(const AsmBackendSpec *spec, const char *given, const char *path)
{
        g_autofree char *file = NULL;

        if (strchr(given, G_DIR_SEPARATOR) == NULL)
                return find_in_path(given, path);
        file = make_absolute(given, spec->cwd);
        return is_program(file) ? g_steal_pointer(&file) : NULL;
}

static AsmFailure *
not_found(const AsmBackendSpec *spec, const char *source, const char *given)
{
        const AsmProvider *provider = spec->provider;
        AsmFailure *failure;

        if (given == NULL) {
                failure = asm_failure_new(
                        ASM_FAILURE_CLI_NOT_FOUND,
                        ASM_DOMAIN_PROVIDER,
                        "%s not found: no '%s' in PATH; install it, or name its executable with "
                        "the option cli_path or the environment variable %s",
                        provider->display_name,
                        provider->command,
                        provider->path_variable);
        } else {
                g_autofree char *text = shown(given);
                gboolean is_name = strchr(given, G_DIR_SEPARATOR) == NULL;
                g_autofree char *file = make_absolute(given, spec->cwd);
                gboolean exists = !is_name && g_file_test(file, G_FILE_TEST_EXISTS);

                failure = asm_failure_new(
                        ASM_FAILURE_CLI_NOT_FOUND,
                        ASM_DOMAIN_PROVIDER,
                        "%s not found: %s is '%s', %s; give the path of an executable there, or "
                        "leave it out to have '%s' looked for in PATH",
                        provider->display_name,
                        source,
                        text,
                        is_name  ? "which is not in PATH"
                        : exists ? "which is not an executable file"
                                 : "which does not exist",
                        provider->command);
        }
        failure->provider = g_strdup(provider->name);
        return failure;
}

AsmFailure *
asm_command_find(const AsmBackendSpec *spec, const char *const *inherited, char **ret_path)
{
        const char *path = g_environ_getenv((char **)inherited, "PATH");
        const char *given = spec->cli_path;
        g_autofree char *source = g_strdup("the option cli_path");
        g_autofree char *found = NULL;

        if (given == NULL) {
                given = g_environ_getenv((char **)inherited, spec->provider->path_variable);
                g_free(source);
                source = g_strdup_printf("the environment variable %s",
                                         spec->provider->path_variable);
                if (given != NULL && *given == '\0')
                        given = NULL;
        }
        found = given != NULL ? find_given(spec, given, path)
                              : find_in_path(spec->provider->command, path);
        if (found == NULL)
                return not_found(spec, source, given);
        *ret_path = g_steal_pointer(&found);
        return NULL;
}

/* --- the environment ------------------------------------------------------------------------- */

static AsmFailure *
set_variable(const AsmBackendSpec *spec, GStrv *envp, AsmView key, AsmView value)
{
        g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);
        g_autofree char *text = NULL;
        gint64 number;

        if (name == NULL || *name == '\0' || strchr(name, '=') != NULL) {
                g_autofree char *printed = asm_view_print(key, ASM_SYNTAX_ERLANG, SHOWN_MAX);
                return invalid(spec,
                               "option env: %s is not a variable's name, expected text without "
                               "'=' and NUL",
                               printed);
        }
        if (asm_view_is_atom(value, "nil") || asm_view_is_atom(value, "false")) {
                *envp = g_environ_unsetenv(*envp, name);
                return NULL;
        }
        text = asm_view_get_int(value, &number)
                       ? g_strdup_printf("%" G_GINT64_FORMAT, number)
                       : asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        if (text == NULL) {
                g_autofree char *printed = shown(name);
                return invalid(spec,
                               "option env: the value of '%s' is not valid, expected text without "
                               "NUL",
                               printed);
        }
        *envp = g_environ_setenv(*envp, name, text, /* overwrite= */ TRUE);
        return NULL;
}

static AsmFailure *
set_listed(const AsmBackendSpec *spec, GStrv *envp, AsmView list)
{
        AsmListCursor cursor = asm_view_list(list);
        AsmFailure *failure = NULL;
        AsmView element;
        AsmView pair[2];

        while (failure == NULL && asm_list_next(&cursor, &element)) {
                if (asm_view_get_tuple(element, 2, pair))
                        failure = set_variable(spec, envp, pair[0], pair[1]);
                else
                        failure = invalid(spec, "option env: expected pairs of name and value");
        }
        return failure;
}

static AsmFailure *
set_mapped(const AsmBackendSpec *spec, GStrv *envp, AsmView map)
{
        AsmMapCursor cursor = asm_view_map(map);
        AsmFailure *failure = NULL;
        AsmView key;
        AsmView value;

        while (failure == NULL && asm_map_next(&cursor, &key, &value))
                failure = set_variable(spec, envp, key, value);
        return failure;
}

AsmFailure *
asm_command_build_environment(const AsmBackendSpec *spec,
                              const char *const *inherited,
                              GStrv *ret_envp)
{
        g_auto(GStrv) envp = NULL;
        AsmFailure *failure = NULL;
        gboolean is_cleared = FALSE;
        guint n = 0;
        AsmView value;

        if (asm_view_option_get(spec->options, "clear_env?", &value) &&
            !asm_view_is_atom(value, "nil") && !asm_view_get_bool(value, &is_cleared)) {
                g_autofree char *printed = asm_view_print(value, ASM_SYNTAX_ERLANG, SHOWN_MAX);
                return invalid(spec,
                               "option clear_env?: %s is not valid, expected true or false",
                               printed);
        }
        envp = is_cleared ? g_new0(char *, 1) : g_strdupv((char **)inherited);
        if (asm_view_option_get(spec->options, "env", &value) && !asm_view_is_atom(value, "nil")) {
                gboolean is_map = asm_view_get_map_size(value, &n);

                if (!is_map && !asm_view_get_list_length(value, &n))
                        return invalid(spec,
                                       "option env: expected a map or a keyword list of text");
                if (n > VARIABLES_MAX)
                        return invalid(spec,
                                       "option env: %u variables, the limit is %d",
                                       n,
                                       VARIABLES_MAX);
                failure = is_map ? set_mapped(spec, &envp, value) : set_listed(spec, &envp, value);
        }
        if (failure == NULL)
                *ret_envp = g_steal_pointer(&envp);
        return failure;
}

/* --- arguments ------------------------------------------------------------------------------- */

/* some CLIs are told their directory as well (cursor's --workspace): it is an option for them */
static void
build_options(const AsmBackendSpec *spec, AsmBuilder *options)
{
        AsmOptionCursor cursor;
        AsmBuilderMark mark = asm_builder_list_begin(options);
        AsmView pair[2];
        guint n = 0;

        if (spec->cwd != NULL) {
                asm_builder_tuple(options, 2);
                asm_builder_atom(options, "cwd");
                asm_builder_text(options, spec->cwd);
                n++;
        }
        asm_option_cursor_init(&cursor, spec->options);
        for (; asm_option_next(&cursor, &pair[0], &pair[1]); n++) {
                asm_builder_tuple(options, 2);
                asm_builder_view(options, pair[0]);
                asm_builder_view(options, pair[1]);
        }
        asm_builder_list_end(options, mark, n);
}

/* what the CLI is to read from a file, and where that is */
static AsmFailure *
build_file(const AsmBackendSpec *spec, AsmProviderLaunch *launch, AsmCommand *command)
{
        const AsmProvider *provider = spec->provider;
        g_autofree char *text = provider->build_file != NULL ? provider->build_file(launch) : NULL;
        g_autoptr(GError) error = NULL;
        AsmFailure *failure;

        if (text == NULL)
                return NULL;
        launch->file_path = command->file = asm_scratch_new(text, &error);
        if (command->file != NULL)
                return NULL;
        failure = asm_failure_new(ASM_FAILURE_TRANSPORT_ERROR,
                                  ASM_DOMAIN_TRANSPORT,
                                  "%s",
                                  error->message);
        failure->provider = g_strdup(provider->name);
        return failure;
}

AsmFailure *
asm_command_build_argv(AsmCommand *command, const AsmBackendSpec *spec)
{
        AsmProviderLaunch launch = { .prompt = spec->prompt,
                                     .answers_approvals = spec->answers_approvals };
        g_auto(GStrv) args = NULL;
        g_autoptr(GError) error = NULL;
        AsmFailure *failure;
        guint n;

        build_options(spec, &command->options);
        launch.options = asm_builder_peek(&command->options);
        failure = build_file(spec, &launch, command);
        if (failure != NULL)
                return failure;
        args = spec->provider->build_args(&launch, &error);
        if (args == NULL)
                return invalid(spec, "%s", error->message);
        n = g_strv_length(args);
        command->argv = g_new0(char *, n + 2);
        command->argv[0] = g_strdup(command->path);
        memcpy(command->argv + 1, args, n * sizeof *args);
        g_free(g_steal_pointer(&args));
        command->has_stdin =
                spec->provider->stdin_open || asm_provider_is_conversation(spec->provider, &launch);
        return NULL;
}

/* the arguments of a kit are what it is told when it runs: nothing */
static AsmFailure *
build_kit_argv(const char *program, AsmCommand *made)
{
        made->path = g_strdup(program);
        made->argv = g_new0(char *, 2);
        made->argv[0] = g_strdup(program);
        made->has_stdin = TRUE;
        return NULL;
}

/* @program: (nullable): of a kit; NULL: the provider's CLI */
static AsmFailure *
init_command(AsmCommand *command,
             const AsmBackendSpec *spec,
             const char *program,
             const char *const *inherited)
{
        g_auto(GStrv) own = inherited == NULL ? g_get_environ() : NULL;
        g_auto(AsmCommand) made = { 0 };
        AsmBackendSpec absolute = *spec;
        AsmFailure *failure = NULL;

        if (inherited == NULL)
                inherited = (const char *const *)own;
        if (spec->cwd != NULL && !g_file_test(spec->cwd, G_FILE_TEST_IS_DIR)) {
                g_autofree char *text = shown(spec->cwd);
                return invalid(spec, "option cwd: '%s' is not a directory", text);
        }
        if (spec->cwd != NULL) {
                absolute.cwd = made.cwd = make_absolute(spec->cwd, NULL);
                spec = &absolute;
        }
        if (program == NULL)
                failure = asm_command_find(spec, inherited, &made.path);
        if (failure == NULL)
                failure = asm_command_build_environment(spec, inherited, &made.envp);
        if (failure == NULL)
                failure = program != NULL ? build_kit_argv(program, &made)
                                          : asm_command_build_argv(&made, spec);
        if (failure != NULL)
                return failure;
        *command = made;
        made = (AsmCommand){ 0 };
        return NULL;
}

AsmFailure *
asm_command_init(AsmCommand *command, const AsmBackendSpec *spec, const char *const *inherited)
{
        return init_command(command, spec, /* program= */ NULL, inherited);
}

AsmFailure *
asm_command_init_kit(AsmCommand *command, const AsmBackendSpec *spec, const char *program)
{
        return init_command(command, spec, program, /* inherited= */ NULL);
}

void
asm_command_clear(AsmCommand *command)
{
        g_free(command->path);
        g_strfreev(command->argv);
        g_strfreev(command->envp);
        g_free(command->cwd);
        asm_scratch_free(command->file);
        asm_builder_clear(&command->options);
        *command = (AsmCommand){ 0 };
}

/* --- what the system said --------------------------------------------------------------------- */

static gsize
count_bytes(const char *const *strings)
{
        gsize n = 0;

        for (; *strings != NULL; strings++)
                n += strlen(*strings) + 1;
        return n;
}

/* (transfer full) */
static AsmFailure *
exec_failure(const AsmCommand *command, const AsmProvider *provider, int error)
{
        const char *hint = error == ENOENT    ? " (the interpreter that its first line names?)"
                           : error == ENOEXEC ? " (a script needs a first line like #!/bin/sh)"
                                              : "";

        if (error == E2BIG)
                return asm_failure_new(
                        ASM_FAILURE_CONFIG_INVALID,
                        ASM_DOMAIN_CONFIG,
                        "the prompt and options are too long for a command line: %" G_GSIZE_FORMAT
                        " bytes of arguments and %" G_GSIZE_FORMAT " of environment",
                        count_bytes((const char *const *)command->argv),
                        count_bytes((const char *const *)command->envp));
        if (error != ENOENT && error != EACCES && error != ENOEXEC)
                return asm_failure_new(ASM_FAILURE_TRANSPORT_ERROR,
                                       ASM_DOMAIN_TRANSPORT,
                                       "'%s' could not be started: %s",
                                       command->path,
                                       g_strerror(error));
        return asm_failure_new(ASM_FAILURE_CLI_NOT_FOUND,
                               ASM_DOMAIN_PROVIDER,
                               "'%s' cannot be executed: %s%s; name another with the option "
                               "cli_path or the environment variable %s",
                               command->path,
                               g_strerror(error),
                               hint,
                               provider->path_variable);
}

AsmFailure *
asm_command_failure(const AsmCommand *command,
                    const AsmProvider *provider,
                    AsmSpawnStage stage,
                    int error)
{
        AsmFailure *failure = NULL;

        /* the limit is the same for the guard, who gets it all first */
        if (stage == ASM_SPAWN_STAGE_GUARD && error == E2BIG)
                stage = ASM_SPAWN_STAGE_EXEC;
        switch (stage) {
        case ASM_SPAWN_STAGE_GUARD:
                failure = asm_failure_new(ASM_FAILURE_TRANSPORT_ERROR,
                                          ASM_DOMAIN_TRANSPORT,
                                          "the helper program asm_exec of asmd cannot be executed: "
                                          "%s; install it in " ASM_LIBEXECDIR
                                          ", or name it with the environment variable ASM_EXEC",
                                          g_strerror(error));
                break;
        case ASM_SPAWN_STAGE_SETUP:
                failure = asm_failure_new(ASM_FAILURE_TRANSPORT_ERROR,
                                          ASM_DOMAIN_TRANSPORT,
                                          "no process for '%s' could be made: %s",
                                          command->path,
                                          g_strerror(error));
                break;
        case ASM_SPAWN_STAGE_CWD:
                failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                          ASM_DOMAIN_CONFIG,
                                          "option cwd: '%s' cannot be entered: %s",
                                          command->cwd,
                                          g_strerror(error));
                break;
        case ASM_SPAWN_STAGE_EXEC:
                failure = exec_failure(command, provider, error);
                break;
        }
        failure->provider = g_strdup(provider->name);
        return failure;
}
