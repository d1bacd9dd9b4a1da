/* SPDX-License-Identifier: MIT */
/*
 * From an S frame to a running command.
 *
 * The child makes its own session first, then its descriptors, then its directory, then exec; any of
 * them may fail, and the parent must know which. The report pipe tells: it is marked close-on-exec, so
 * end of file on it means that exec went well, and anything else is errno and the stage. By then
 * the process group exists too, so from the P frame on a signal to the group reaches the command.
 *
 * Nothing leaks into the command: signals are reset, descriptors above 2 are marked, and should
 * this program be killed outright, the kernel kills the command (the death signal).
 */

#include "asm_exec.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#define MAX_STRINGS   65536u
#define START_WAIT_MS 10000 /* a chdir or exec on a dead network file system */

typedef enum {
        FLAG_CLEAR_ENV = 1,
        FLAG_NO_STDIN = 2,
} Flag;

typedef struct {
        const uint8_t *at, *end;
        bool broken;
} Cursor;

typedef struct {
        uint32_t flags;
        char *cwd;
        char **argv, **env;
} Request;

static uint32_t
cursor_u32(Cursor *cursor)
{
        uint32_t value;

        if (cursor->broken || cursor->end - cursor->at < 4) {
                cursor->broken = true;
                return 0;
        }
        value = get_u32(cursor->at);
        cursor->at += 4;
        return value;
}

static char *
cursor_str(Cursor *cursor)
{
        uint32_t n = cursor_u32(cursor);
        char *text;

        if (cursor->broken || (size_t)(cursor->end - cursor->at) < n ||
            memchr(cursor->at, '\0', n)) {
                cursor->broken = true;
                return NULL;
        }
        text = must(malloc((size_t)n + 1));
        memcpy(text, cursor->at, n);
        text[n] = '\0';
        cursor->at += n;
        return text;
}

/* NULL-terminated, also when the cursor broke on the way */
static char **
cursor_strings(Cursor *cursor)
{
        uint32_t n = cursor_u32(cursor);
        char **strings;

        if (cursor->broken || n > MAX_STRINGS) {
                cursor->broken = true;
                return NULL;
        }
        strings = must(calloc((size_t)n + 1, sizeof *strings));
        for (uint32_t i = 0; i < n && !cursor->broken; i++)
                strings[i] = cursor_str(cursor);
        return strings;
}

static void
free_strings(char **strings)
{
        for (char **string = strings; string && *string; string++)
                free(*string);
        free(strings);
}

static bool
parse_request(Helper *helper, Cursor *cursor, Request *request)
{
        request->flags = cursor_u32(cursor);
        helper->grace_ms = cursor_u32(cursor);
        helper->drain_ms = cursor_u32(cursor);
        helper->credit = cursor_u32(cursor);
        request->cwd = cursor_str(cursor);
        request->argv = cursor_strings(cursor);
        request->env = cursor_strings(cursor);
        return !cursor->broken && cursor->at == cursor->end && request->argv[0];
}

static bool
change_environment(const Request *request)
{
        if (request->flags & FLAG_CLEAR_ENV)
                clearenv();
        for (char **entry = request->env; *entry; entry++) {
                char *equals = strchr(*entry, '=');

                if (equals)
                        *equals = '\0';
                if ((equals ? setenv(*entry, equals + 1, 1) : unsetenv(*entry)) != 0)
                        return false; /* a name that is none */
        }
        return true;
}

static _Noreturn void
child_failed(int report_fd, Stage stage)
{
        int report[2] = { errno, (int)stage };
        ssize_t ignored = write(report_fd, report, sizeof report);

        (void)ignored;
        _exit(127);
}

_Noreturn void
run_child(char *const *argv, const char *cwd, const int fds[3], int report_fd, pid_t parent)
{
        sigset_t none;

        setsid();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(127);
        for (int signo = 1; signo <= SIGRTMAX; signo++)
                signal(signo, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (int i = 0; i < 3; i++) {
                if (fds[i] != i && dup2(fds[i], i) < 0)
                        child_failed(report_fd, STAGE_FORK);
        }
#ifdef SYS_close_range
        /* ours are marked already; these are what the parent may have leaked into us */
        syscall(SYS_close_range, 3u, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */);
#endif
        if (cwd[0] && chdir(cwd) != 0)
                child_failed(report_fd, STAGE_CWD);
        execv(argv[0], argv);
        child_failed(report_fd, STAGE_EXEC);
}

/* The report pipe is closed by a successful exec; what comes out of it is the failure. */
static bool
await_exec(Helper *helper, int report_fd)
{
        struct pollfd wait = { .fd = report_fd, .events = POLLIN };
        int report[2] = { 0, 0 };
        ssize_t n = -1;

        if (poll(&wait, 1, START_WAIT_MS) > 0)
                n = read(report_fd, report, sizeof report);
        if (n == 0)
                return true;
        kill(helper->pid, SIGKILL);
        waitpid(helper->pid, NULL, 0);
        if (n == (ssize_t)sizeof report)
                start_failed(helper, report[0], (Stage)report[1]);
        else
                start_failed(helper, ETIMEDOUT, STAGE_EXEC);
        return false;
}

/* pipes[0] stdin, [1] stdout, [2] stderr, [3] report; -1 where there is none */
static bool
open_pipes(int pipes[4][2], bool no_stdin)
{
        for (int i = 0; i < 4; i++) {
                if (i == 0 && no_stdin) {
                        pipes[0][0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
                        if (pipes[0][0] < 0)
                                return false;
                } else if (pipe2(pipes[i], O_CLOEXEC) != 0) {
                        return false;
                }
        }
        return true;
}

static void
adopt_pipes(Helper *helper, int pipes[4][2])
{
        helper->stdin_fd = pipes[0][1];
        helper->outputs[0] = (Output){ .fd = pipes[1][0], .tag = 'O' };
        helper->outputs[1] = (Output){ .fd = pipes[2][0], .tag = 'R' };
        if (helper->stdin_fd >= 0)
                fcntl(helper->stdin_fd, F_SETFL, O_NONBLOCK);
        fcntl(helper->outputs[0].fd, F_SETFL, O_NONBLOCK);
        fcntl(helper->outputs[1].fd, F_SETFL, O_NONBLOCK);
        helper->phase = PHASE_RUN;
        push_u32(helper, 'P', (uint32_t)helper->pid);
}

static void
start_command(Helper *helper, const Request *request)
{
        int pipes[4][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
        pid_t self = getpid();
        int error;

        if (!open_pipes(pipes, request->flags & FLAG_NO_STDIN)) {
                start_failed(helper, errno, STAGE_FORK);
                return;
        }
        helper->pid = fork();
        if (helper->pid == 0) {
                const int fds[3] = { pipes[0][0], pipes[1][1], pipes[2][1] };

                run_child(request->argv, request->cwd, fds, pipes[3][1], self);
        }
        error = errno;
        close_fd(&pipes[0][0]);
        close_fd(&pipes[1][1]);
        close_fd(&pipes[2][1]);
        close_fd(&pipes[3][1]);
        if (helper->pid < 0)
                start_failed(helper, error, STAGE_FORK);
        else if (await_exec(helper, pipes[3][0]))
                adopt_pipes(helper, pipes);
        close_fd(&pipes[3][0]);
}

void
helper_start(Helper *helper, const uint8_t *payload, size_t n)
{
        Cursor cursor = { .at = payload, .end = payload + n };
        Request request = { 0 };

        if (!parse_request(helper, &cursor, &request) || !change_environment(&request))
                start_failed(helper, EINVAL, STAGE_REQUEST);
        else
                start_command(helper, &request);
        free(request.cwd);
        free_strings(request.argv);
        free_strings(request.env);
}
