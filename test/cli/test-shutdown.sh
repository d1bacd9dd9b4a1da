#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# How the daemon ends (it refuses what is new, lets runs finish, interrupts the rest), what SIGHUP
# changes, and who holds a name that is taken.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "the end of asmd"
[ -x "$ASMCTL" ] || skip_all "the end of asmd" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
export CODEX_PATH=$ASM_ROOT/priv/providers/codex CLAUDE_CLI_PATH=$ASM_ROOT/priv/providers/claude

# ctl ARGUMENT...: sets status; its words are in the files out and err
ctl() {
        timeout 30 "$ASMCTL" "$@" >out 2>err </dev/null
        status=$?
}

# begin NAME ARGUMENT...: asmctl in the background; its output is in NAME.out and NAME.err
begin() {
        local name=$1
        shift
        "$ASMCTL" "$@" >"$name.out" 2>"$name.err" </dev/null &
        ctl_pid=$!
        started_pids+=("$ctl_pid")
}

# configured TEXT...: writes asmd.conf
configured() {
        printf '%s\n' "$@" >asmd.conf
}

is_refused() {
        ctl query --provider codex 'count:1'
        [ "$status" -eq 5 ]
}

# hangs: a run hangs, and its processes are known
hangs() {
        rm -f standin.pids
        begin hanging query --provider codex hang
        hanging_pid=$ctl_pid
        check "a run hangs" wait_until test -s standin.pids
        cli_pid=$(head -n 1 standin.pids)
}

# --- runs finish ------------------------------------------------------------------------------

configured '[node]' 'shutdown_grace_ms = 120000'
start_asmd asmd --config asmd.conf
session=$("$ASMCTL" start --provider claude)
begin asking query --session "$session" approve
asking_pid=$ctl_pid
check "a run waits for an approval" wait_until grep -q 'asmctl approve' asking.err
id=$(sed -n 's/^allow it with: asmctl approve [^ ]* \([^ ]*\) .*/\1/p' asking.err)
kill -TERM "$ASMD_PID"
check "an asmd that is stopping refuses a new run" wait_until is_refused
check_match "and says why" 'asmd is stopping' "$(cat err)"
ctl approve "$session" "$id"
check_equal "but takes an answer for a run that it has" 0 "$status"
wait "$asking_pid"
check_equal "which then finishes" 0 $?
wait "$ASMD_PID"
check_equal "and asmd ends with status 0" 0 $?

# --- runs that do not finish ------------------------------------------------------------------

configured '[node]' 'shutdown_grace_ms = 200'
start_asmd asmd --config asmd.conf
hangs
stop_process "$ASMD_PID"
check_equal "asmd does not wait longer than it was told" 0 $?
wait "$hanging_pid"
check_equal "who waits for the run hears that it was interrupted: status" 130 $?
check_match "who waits for the run hears that it was interrupted" 'user_cancelled' "$(cat hanging.err)"
check "the CLI of the run is gone" is_gone "$cli_pid"
check_match "the log says so" '1 runs are interrupted' "$(cat "$LOGS/asmd.log")"

configured '[node]' 'shutdown_grace_ms = 120000'
start_asmd asmd --config asmd.conf
hangs
kill -TERM "$ASMD_PID"
check "asmd waits for the run" wait_until is_refused
kill -TERM "$ASMD_PID"
wait "$ASMD_PID"
check_equal "a second signal ends it now" 0 $?
wait "$hanging_pid"
check_equal "and the run is interrupted" 130 $?
check "and its CLI gone" is_gone "$cli_pid"

# --- SIGHUP -----------------------------------------------------------------------------------

# has_logged TEXT
has_logged() {
        grep -qF -- "$1" "$LOGS/asmd.log"
}

# read_again TEXT...: asmd.conf is TEXT and asmd has looked at it
read_again() {
        : >"$LOGS/asmd.log"
        configured "$@"
        kill -HUP "$ASMD_PID"
        wait_until has_logged SIGHUP
}

configured '[limits]' 'max_sessions = 10'
start_asmd asmd --config asmd.conf
ctl start --provider codex
check_equal "a session starts" 0 "$status"
check "the configuration is read again" read_again '[limits]' 'max_sessions = 1' '[node]' 'net_ticktime = 77'
check "what needs another start is named" has_logged 'net_ticktime in [node] has changed'
ctl start --provider codex
check_equal "the new limit holds" 5 "$status"
check "a mistake is named" read_again '[limits]' 'max_sessions = many'
check "with its key and value" has_logged "[limits] max_sessions: 'many' is not valid"
ctl start --provider codex
check_equal "and the old limit stays" 5 "$status"
check "defaults are read" read_again '[defaults]' 'provider = codex'
ctl start
check_equal "the new defaults hold" 0 "$status"

# --- a name that is taken -----------------------------------------------------------------------

second=$("$ASMD" --sname asmd --cookie-file "$COOKIE_FILE" 2>&1)
check_equal "a second asmd of the same name does not start" 1 $?
check_match "it says who has the name" "'asmd' is taken .* held by process $ASMD_PID \(asmd\), which listens on port [0-9]+" "$second"
stop_process "$ASMD_PID"
check_equal "an asmd without runs ends at once" 0 $?
