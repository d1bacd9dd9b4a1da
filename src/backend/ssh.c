/* SPDX-License-Identifier: MIT */

/*
 * A CLI on another host, below the user's own ssh with its configuration, keys, agent and known hosts.
 * ssh never asks (BatchMode): what it would ask is an error that its words explain.
 *
 * Nothing of a run is on ssh's command line, which any user of this host may read, and which the login
 * shell over there, whatever it is, would have to quote. It is always
 *
 *      exec /bin/sh -c 'eval "$(dd bs=1 count=N 2>/dev/null)"'
 *
 * and N bytes of a POSIX sh script come first on stdin: directory, environment, CLI and arguments in
 * single quotes, where only the single quote itself is special. dd takes exactly these bytes. The
 * script is one pair of braces, so half of it is a syntax error and not half a command.
 *
 * What follows on stdin is one line per item, for a reader that stands in front of the CLI:
 *
 *      I TEXT    a line for the CLI          E    the end of the CLI's stdin
 *      S NAME    a signal for its group      end of file: the connection is gone, end all
 *
 * On stdout the script says `MARK started`, `MARK exit N`, or why it refuses; MARK is random, and what
 * comes before the first of them is noise of the login shell. sshd has made a session and group for the
 * command, so signals and the end are sent to group 0. The end is SIGTERM and two seconds later SIGKILL;
 * should the reader be stuck in writing to a CLI that does not read, a second watch looks at sshd.
 */

#include "backend/ssh-private.h"

#include "base/random.h"
#include "term/reader.h"

#include <string.h>

/* how much of ssh's words an error shows */
#define ERRORS_MAX 2000

/* a script is sent at once and read there byte by byte */
#define SCRIPT_MAX (1024 * 1024)

#define ARGUMENTS_MAX 64

static const char reader[] = "{\n"
                             "trap : INT TERM HUP PIPE\n"
                             "while IFS= read -r l; do\n"
                             "case $l in\n"
                             "'I '*) printf '%s\\n' \"${l#I }\" 2>/dev/null ;;\n"
                             "'S '*) kill -s \"${l#S }\" 0 ;;\n"
                             "E) exec >/dev/null ;;\n"
                             "esac\n"
                             "done\n"
                             "exec >/dev/null 2>&1\n"
                             "kill -s TERM 0\n"
                             "sleep 2\n"
                             "kill -s KILL 0\n"
                             "}";

static const char watch[] =
        "{ while kill -0 $PPID; do sleep 5; done; kill -s TERM 0; sleep 2; kill -s KILL 0; } "
        "</dev/null >/dev/null 2>&1 &\n";

/* signals would reach whoever shares our group; ps is asked only if it is there */
static const char own_group[] =
        "g=$(ps -o pgid= -p $$ 2>/dev/null | tr -d ' ')\n"
        "if [ -n \"$g\" ] && [ \"$g\" != $$ ]; then say group; exit 1; fi\n";

static const char clear_environment[] =
        "for v in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do "
        "command unset \"$v\" 2>/dev/null; done\n";

G_GNUC_PRINTF(2, 3)
static AsmFailure *
invalid(const AsmProvider *provider, const char *format, ...)
{
        g_autofree char *message = NULL;
        AsmFailure *failure;
        va_list args;

        va_start(args, format);
        message = g_strdup_vprintf(format, args);
        va_end(args);
        failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                  ASM_DOMAIN_CONFIG,
                                  "option execution_surface: transport_options %s",
                                  message);
        failure->provider = g_strdup(provider->name);
        return failure;
}

gboolean
asm_ssh_is_wanted(AsmView surface)
{
        AsmView kind;

        return asm_view_is_set(surface) && asm_view_option_get(surface, "surface_kind", &kind) &&
               asm_view_is_atom(kind, "ssh_exec");
}

/* --- the ssh --------------------------------------------------------------------------------- */

/* a text, atom or number as an argument; NULL: it is none */
static char *
dup_argument(AsmView view)
{
        gint64 number;

        return asm_view_get_int(view, &number) ? g_strdup_printf("%" G_GINT64_FORMAT, number)
                                               : asm_view_dup_text(view, /* accept_atoms= */ TRUE);
}

static gboolean
get_option(AsmView options, const char *key, AsmView *ret_value)
{
        return asm_view_option_get(options, key, ret_value) && !asm_view_is_atom(*ret_value, "nil");
}

/* @format with the option's value, if it is given; FALSE: it is no argument */
static gboolean
add_option(GPtrArray *argv, AsmView options, const char *key, const char *flag)
{
        g_autofree char *text = NULL;
        AsmView value;

        if (!get_option(options, key, &value))
                return TRUE;
        text = dup_argument(value);
        if (text == NULL || *text == '\0')
                return FALSE;
        g_ptr_array_add(argv, g_strdup(flag));
        g_ptr_array_add(argv, g_steal_pointer(&text));
        return TRUE;
}

static gboolean
add_port(GPtrArray *argv, AsmView options)
{
        gint64 port;
        AsmView value;

        if (!get_option(options, "port", &value))
                return TRUE;
        return asm_view_get_int(value, &port) && port >= 1 && port <= 65535 &&
               add_option(argv, options, "port", "-p");
}

/* ssh_options: [{'Key', Value}] as -o Key=Value */
static gboolean
add_ssh_options(GPtrArray *argv, AsmView options)
{
        AsmOptionCursor cursor;
        AsmView list;
        AsmView key;
        AsmView value;

        if (!get_option(options, "ssh_options", &list))
                return TRUE;
        asm_option_cursor_init(&cursor, list);
        while (asm_option_next(&cursor, &key, &value)) {
                g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);
                g_autofree char *text = dup_argument(value);

                if (name == NULL || text == NULL || argv->len > ARGUMENTS_MAX)
                        return FALSE;
                g_ptr_array_add(argv, g_strdup("-o"));
                g_ptr_array_add(argv, g_strdup_printf("%s=%s", name, text));
        }
        return !asm_option_cursor_is_malformed(&cursor);
}

static gboolean
add_ssh_args(GPtrArray *argv, AsmView options)
{
        AsmListCursor cursor;
        AsmView list;
        AsmView element;
        guint n;

        if (!get_option(options, "ssh_args", &list))
                return TRUE;
        if (!asm_view_get_list_length(list, &n) || n > ARGUMENTS_MAX)
                return FALSE;
        cursor = asm_view_list(list);
        while (asm_list_next(&cursor, &element)) {
                char *text = dup_argument(element);

                if (text == NULL)
                        return FALSE;
                g_ptr_array_add(argv, text);
        }
        return TRUE;
}

/* a value that ssh is given first wins: the caller's before ours, ours before the configuration's */
static const char *
add_options(GPtrArray *argv, AsmView options)
{
        static const char *const ours[] = { "-T",
                                            "-o",
                                            "BatchMode=yes",
                                            "-o",
                                            "ConnectTimeout=20",
                                            "-o",
                                            "ServerAliveInterval=15",
                                            "-o",
                                            "ServerAliveCountMax=3",
                                            "-o",
                                            "ClearAllForwardings=yes",
                                            "-o",
                                            "RemoteCommand=none" };

        if (!add_ssh_options(argv, options))
                return "ssh_options: expected a keyword list of texts";
        if (!add_ssh_args(argv, options))
                return "ssh_args: expected a list of at most 64 texts";
        if (!add_port(argv, options))
                return "port: expected a number from 1 to 65535";
        if (!add_option(argv, options, "ssh_user", "-l"))
                return "ssh_user: expected some text";
        if (!add_option(argv, options, "identity_file", "-i"))
                return "identity_file: expected some text";
        for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
                g_ptr_array_add(argv, g_strdup(ours[i]));
        return NULL;
}

static AsmFailure *
find_ssh(const AsmProvider *provider, AsmView options, char **ret_path)
{
        g_autofree char *given = NULL;
        AsmFailure *failure;
        AsmView value;

        if (get_option(options, "ssh_path", &value))
                given = dup_argument(value);
        *ret_path = g_find_program_in_path(given != NULL ? given : "ssh");
        if (*ret_path != NULL)
                return NULL;
        failure =
                asm_failure_new(ASM_FAILURE_CONNECTION_FAILED,
                                ASM_DOMAIN_TRANSPORT,
                                "there is no program '%s' on this host: ssh_exec needs an ssh "
                                "client, install one or name it in transport_options with ssh_path",
                                given != NULL ? given : "ssh");
        failure->provider = g_strdup(provider->name);
        return failure;
}

/* --- the script ------------------------------------------------------------------------------ */

static void
add_quoted(GString *script, const char *text)
{
        g_string_append_c(script, '\'');
        for (; *text != '\0'; text++) {
                if (*text == '\'')
                        g_string_append(script, "'\\''");
                else
                        g_string_append_c(script, *text);
        }
        g_string_append_c(script, '\'');
}

static gboolean
is_shell_name(const char *name, gsize len)
{
        if (len == 0 || g_ascii_isdigit(*name))
                return FALSE;
        for (gsize i = 0; i < len; i++) {
                if (!g_ascii_isalnum(name[i]) && name[i] != '_')
                        return FALSE;
        }
        return TRUE;
}

/* what `env` removes: it is not among what it sets */
static AsmFailure *
add_removals(GString *script, const AsmBackendSpec *spec, GStrv set)
{
        AsmOptionCursor cursor;
        AsmView list;
        AsmView key;
        AsmView value;

        if (!get_option(spec->options, "env", &list))
                return NULL;
        asm_option_cursor_init(&cursor, list);
        while (asm_option_next(&cursor, &key, &value)) {
                g_autofree char *name = asm_view_dup_text(key, /* accept_atoms= */ TRUE);

                if (name == NULL || !is_shell_name(name, strlen(name)))
                        return invalid(spec->provider,
                                       "ssh_exec: a variable of the option env has a name that no "
                                       "shell takes");
                if (g_environ_getenv(set, name) == NULL)
                        g_string_append_printf(script, "command unset %s 2>/dev/null\n", name);
        }
        return NULL;
}

static AsmFailure *
add_environment(GString *script, const AsmBackendSpec *spec)
{
        static const char *const nothing[] = { NULL };
        g_auto(GStrv) set = NULL;
        gboolean is_cleared = FALSE;
        AsmFailure *failure = asm_command_build_environment(spec, nothing, &set);
        AsmView value;

        if (failure != NULL)
                return failure;
        if (asm_view_option_get(spec->options, "clear_env?", &value) &&
            asm_view_get_bool(value, &is_cleared) && is_cleared)
                g_string_append(script, clear_environment);
        failure = add_removals(script, spec, set);
        for (guint i = 0; failure == NULL && set[i] != NULL; i++) {
                const char *equals = strchr(set[i], '=');

                g_string_append_printf(script, "export %.*s=", (int)(equals - set[i]), set[i]);
                add_quoted(script, equals + 1);
                g_string_append_c(script, '\n');
        }
        return failure;
}

static AsmFailure *
build_script(AsmSsh *ssh, const AsmBackendSpec *spec)
{
        g_autoptr(GString) script = g_string_new("{\n");
        AsmFailure *failure;

        g_string_append_printf(script, "say() { printf '%s %%s\\n' \"$1\"; }\n", ssh->mark);
        g_string_append(script, own_group);
        g_string_append(script, "trap : INT TERM HUP\n");
        g_string_append(script, watch);
        g_string_append_printf(script, "%s | {\ntrap : INT TERM HUP\n", reader);
        if (spec->cwd != NULL) {
                g_string_append(script, "cd ");
                add_quoted(script, spec->cwd);
                g_string_append(script, " || { say cwd; kill -s KILL 0; }\n");
        }
        failure = add_environment(script, spec);
        if (failure != NULL)
                return failure;
        g_string_append(script, "command -v ");
        add_quoted(script, ssh->cli.path);
        g_string_append(script, " >/dev/null || { say missing; kill -s KILL 0; }\nsay started\n");
        for (guint i = 0; ssh->cli.argv[i] != NULL; i++) {
                add_quoted(script, ssh->cli.argv[i]);
                g_string_append_c(script, ' ');
        }
        /* what it has left in the group goes with it, as everywhere */
        g_string_append(script, "\nsay \"exit $?\"\nkill -s KILL 0\n}\n}\n");
        if (script->len > SCRIPT_MAX)
                return invalid(spec->provider,
                               "ssh_exec: the prompt and options have %" G_GSIZE_FORMAT
                               " bytes, the limit is %d",
                               script->len,
                               SCRIPT_MAX);
        ssh->preamble = g_string_free(g_steal_pointer(&script), FALSE);
        return NULL;
}

/* --- both ------------------------------------------------------------------------------------ */

static AsmFailure *
read_destination(AsmSsh *ssh, const AsmBackendSpec *spec, AsmView *ret_options)
{
        AsmView value;

        *ret_options = ASM_VIEW_NONE;
        if (asm_view_option_get(spec->surface, "transport_options", ret_options) &&
            get_option(*ret_options, "destination", &value))
                ssh->destination = asm_view_dup_text(value, /* accept_atoms= */ TRUE);
        if (ssh->destination == NULL || *ssh->destination == '\0' || *ssh->destination == '-')
                return invalid(
                        spec->provider,
                        "destination is missing or no host: ssh_exec needs the host to go to");
        return NULL;
}

static AsmFailure *
build_cli(AsmSsh *ssh, const AsmBackendSpec *spec)
{
        AsmFailure *failure;

        ssh->cli.path = g_strdup(spec->cli_path != NULL ? spec->cli_path : spec->provider->command);
        ssh->cli.cwd = g_strdup(spec->cwd);
        if (*ssh->cli.path == '-')
                return invalid(spec->provider, "ssh_exec: option cli_path begins with a dash");
        failure = asm_command_build_argv(&ssh->cli, spec);
        if (failure == NULL && ssh->cli.file != NULL)
                return invalid(spec->provider,
                               "ssh_exec: the CLI reads option output_schema from a file, which is "
                               "not carried to another host; with permission_mode default it goes "
                               "over the CLI's input");
        return failure;
}

static AsmFailure *
build_ssh(AsmSsh *ssh, const AsmBackendSpec *spec, AsmView options, AsmCommand *command)
{
        g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *path = NULL;
        AsmFailure *failure = find_ssh(spec->provider, options, &path);
        const char *wrong;

        if (failure != NULL)
                return failure;
        g_ptr_array_add(argv, g_strdup(path));
        wrong = add_options(argv, options);
        if (wrong != NULL)
                return invalid(spec->provider, "%s", wrong);
        g_ptr_array_add(argv, g_strdup("--"));
        g_ptr_array_add(argv, g_strdup(ssh->destination));
        g_ptr_array_add(argv,
                        g_strdup_printf("exec /bin/sh -c 'eval \"$(dd bs=1 count=%" G_GSIZE_FORMAT
                                        " 2>/dev/null)\"'",
                                        strlen(ssh->preamble)));
        g_ptr_array_add(argv, NULL);
        *command = (AsmCommand){ .path = g_steal_pointer(&path),
                                 .argv = (GStrv)g_ptr_array_free(g_steal_pointer(&argv), FALSE),
                                 .envp = g_get_environ(),
                                 .has_stdin = TRUE };
        return NULL;
}

AsmFailure *
asm_ssh_new(const AsmBackendSpec *spec, AsmCommand *command, AsmSsh **ret_ssh)
{
        AsmSsh *ssh = g_new0(AsmSsh, 1);
        guint32 secret[4];
        AsmView options;
        AsmFailure *failure = read_destination(ssh, spec, &options);

        asm_random_bytes(secret, sizeof secret);
        ssh->mark = g_strdup_printf("asm-ssh-%08x%08x%08x%08x",
                                    secret[0],
                                    secret[1],
                                    secret[2],
                                    secret[3]);
        ssh->errors = g_string_new(NULL);
        if (failure == NULL)
                failure = build_cli(ssh, spec);
        if (failure == NULL)
                failure = build_script(ssh, spec);
        if (failure == NULL)
                failure = build_ssh(ssh, spec, options, command);
        if (failure != NULL)
                asm_ssh_free(ssh);
        else
                *ret_ssh = ssh;
        return failure;
}

void
asm_ssh_free(AsmSsh *ssh)
{
        if (ssh == NULL)
                return;
        asm_command_clear(&ssh->cli);
        g_free(ssh->destination);
        g_free(ssh->preamble);
        g_free(ssh->mark);
        g_free(ssh->refusal);
        if (ssh->errors != NULL)
                g_string_free(ssh->errors, TRUE);
        g_free(ssh);
}

char *
asm_ssh_frame_input(const char *data, gsize len, gsize *ret_len)
{
        GString *framed = g_string_sized_new(len + 8);
        const char *end = data + len;

        while (data < end) {
                const char *newline = memchr(data, '\n', (gsize)(end - data));
                const char *stop = newline != NULL ? newline : end;

                g_string_append(framed, "I ");
                g_string_append_len(framed, data, stop - data);
                g_string_append_c(framed, '\n');
                data = newline != NULL ? newline + 1 : end;
        }
        *ret_len = framed->len;
        return g_string_free(framed, FALSE);
}

AsmSshWord
asm_ssh_read(AsmSsh *ssh, const char *line, gsize len, gsize *ret_len)
{
        gsize mark_len = strlen(ssh->mark);
        const char *mark = memmem(line, len, ssh->mark, mark_len);
        g_autofree char *word = NULL;

        *ret_len = len;
        if (mark == NULL || ssh->has_exited)
                return ssh->is_started ? ASM_SSH_LINE : ASM_SSH_NOISE;
        *ret_len = (gsize)(mark - line);
        word = g_strndup(mark + mark_len, len - *ret_len - mark_len);
        g_strstrip(word);
        if (strcmp(word, "started") == 0) {
                ssh->is_started = TRUE;
                return ASM_SSH_STARTED;
        }
        if (g_str_has_prefix(word, "exit ")) {
                ssh->has_exited = TRUE;
                ssh->exit_code = (gint)g_ascii_strtoll(word + strlen("exit "), NULL, 10);
                return ASM_SSH_EXITED;
        }
        g_free(ssh->refusal);
        ssh->refusal = g_steal_pointer(&word);
        return ASM_SSH_REFUSED;
}

void
asm_ssh_add_errors(AsmSsh *ssh, const char *data, gsize len)
{
        g_string_append_len(ssh->errors, data, (gssize)len);
        if (ssh->errors->len > ERRORS_MAX)
                g_string_erase(ssh->errors, 0, (gssize)(ssh->errors->len - ERRORS_MAX));
}

AsmFailure *
asm_ssh_failure(const AsmSsh *ssh, const AsmProvider *provider, gint code, gint signo)
{
        const char *refusal = ssh->refusal != NULL ? ssh->refusal : "";
        g_autofree char *words = g_utf8_make_valid(ssh->errors->str, (gssize)ssh->errors->len);
        g_autofree char *status = signo != 0 ? g_strdup_printf("signal %d", signo)
                                             : g_strdup_printf("status %d", code);
        AsmFailure *failure;

        g_strdelimit(g_strstrip(words), "\r\n", ' ');
        if (strcmp(refusal, "cwd") == 0)
                failure = asm_failure_new(ASM_FAILURE_CONFIG_INVALID,
                                          ASM_DOMAIN_CONFIG,
                                          "option cwd: '%s' cannot be entered on '%s'",
                                          ssh->cli.cwd,
                                          ssh->destination);
        else if (strcmp(refusal, "missing") == 0)
                failure = asm_failure_new(ASM_FAILURE_CLI_NOT_FOUND,
                                          ASM_DOMAIN_PROVIDER,
                                          "%s not found: no '%s' on '%s' in the PATH of a login "
                                          "without terminal; name its file there with the option "
                                          "cli_path",
                                          provider->display_name,
                                          ssh->cli.path,
                                          ssh->destination);
        else
                failure = asm_failure_new(ASM_FAILURE_CONNECTION_FAILED,
                                          ASM_DOMAIN_TRANSPORT,
                                          "ssh to '%s' has not started the CLI (%s)%s%s",
                                          ssh->destination,
                                          status,
                                          *words != '\0' ? ": " : "",
                                          strcmp(refusal, "group") == 0
                                                  ? "its sshd gives no process group of its own"
                                                  : words);
        failure->provider = g_strdup(provider->name);
        return failure;
}
