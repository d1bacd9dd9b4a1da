#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# asmctl from outside: what it prints, where, and its exit codes. The CLIs are the stand-ins, run by
# the host application on a BEAM node.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "asmctl"
[ -x "$ASMCTL" ] || skip_all "asmctl" "no $ASMCTL: build it with scripts/build"

# ctl ARGUMENT...: sets out, err and status
ctl() {
        timeout 30 "$ASMCTL" "$@" >"$ASM_TMP/out" 2>"$ASM_TMP/err" </dev/null
        status=$?
        out=$(cat "$ASM_TMP/out")
        err=$(cat "$ASM_TMP/err")
}

# expect NAME STATUS OUT-REGEX ERR-REGEX ARGUMENT...; an empty regex wants nothing there
expect() {
        local name=$1 wanted=$2 out_regex=$3 err_regex=$4
        shift 4
        ctl "$@"
        check_equal "$name: status" "$wanted" "$status"
        if [ -n "$out_regex" ]; then
                check_match "$name: stdout" "$out_regex" "$out"
        else
                check_equal "$name: nothing on stdout" "" "$out"
        fi
        if [ -n "$err_regex" ]; then
                check_match "$name: stderr" "$err_regex" "$err"
        else
                check_equal "$name: nothing on stderr" "" "$err"
        fi
}

# is_json_lines TEXT: each line is an object of JSON
is_json_lines() {
        python3 -c 'import json, sys
lines = sys.stdin.read().splitlines()
assert lines and all(isinstance(json.loads(line), dict) for line in lines)' <<<"$1"
}

expect "no command" 2 '' 'usage|asmctl --help'
expect "an unknown command" 2 '' "no-such-command" no-such-command
expect "an unknown option" 2 '' '(no-such-option|unknown)' ping --no-such-option
expect "--help" 0 'query' '' --help
expect "--version" 0 '^asmctl [0-9]+\.[0-9]+\.[0-9]+$' '' --version
expect "no epmd, no daemon" 3 '' 'epmd|asmd' ping

start_beam_host host
expect "no daemon" 3 '' 'asmd' ping
start_asmd asmd
remote=(--remote "host@$HOST" --provider codex)

expect "ping" 0 "asmd@$HOST" '' ping
expect "ping by node" 0 "asmd@$HOST" '' --node asmd ping
expect "ping of a node that is not there" 3 '' 'nobody' --node nobody ping
expect "status" 0 "asmd@$HOST" '' status
summary='^run [0-9A-HJKMNP-TV-Z]{26}: [0-9]+ ms, [0-9]+ tokens in, [0-9]+ tokens out'
expect "query" 0 'You asked: say hello' "$summary" query "${remote[@]}" 'say hello'

expect "query --json" 0 '"kind":"?' "$summary" query --json "${remote[@]}" 'count:3'
check "query --json prints one object a line" is_json_lines "$out"
expect "stream" 0 'event 3' "$summary" stream "${remote[@]}" 'count:3'

expect "a query that fails" 1 '' 'exit|fail|code' query "${remote[@]}" 'fail:7'
expect "a query without a prompt" 2 '' 'prompt' query "${remote[@]}"
expect "an unknown provider" 2 '' 'no_such_provider' query --remote "host@$HOST" --provider no_such_provider hello
expect "a remote node that is not there" 1 '' 'nobody@' query --remote "nobody@$HOST" --provider codex hello
expect "a query in a folder" 0 "$ASM_TMP" "$summary" query "${remote[@]}" --cwd "$ASM_TMP" cwd

expect "start" 0 '.' '' start --provider codex --remote "host@$HOST"
session=$(grep -oE '[0-9A-HJKMNP-TV-Z]{26}' <<<"$out" | head -n 1)
check_match "start prints the id of the session" '.' "$session"
expect "sessions lists it" 0 "$session" '' sessions
expect "query in a session" 0 'You asked: hello' "$summary" query --session "$session" hello
expect "stop" 0 '' '' stop "$session"
expect "stop of a session that is not there" 4 '' "$session" stop "$session"
expect "interrupt of a session that is not there" 4 '' 'nothing-here' interrupt nothing-here run

printf 'another' >"$ASM_TMP/wrong-cookie" && chmod 400 "$ASM_TMP/wrong-cookie"
expect "a wrong cookie" 3 '' 'cookie' --cookie-file "$ASM_TMP/wrong-cookie" ping
expect "a cookie file that is not there" 3 '' 'no-such-file' --cookie-file "$ASM_TMP/no-such-file" ping

# ctrl-C: once interrupts the run, which ends with 130
"$ASMCTL" query "${remote[@]}" 'hang' >"$ASM_TMP/hang.out" 2>"$ASM_TMP/hang.err" &
ctl_pid=$!
started_pids+=("$ctl_pid")
wait_until 10 grep -q hanging "$ASM_TMP/hang.out"
kill -INT "$ctl_pid"
wait "$ctl_pid"
check_equal "ctrl-C ends a query with 130" 130 $?
check_match "ctrl-C says what it did" 'interrupt' "$(cat "$ASM_TMP/hang.err" "$ASM_TMP/hang.out")"
no_cli_runs() {
        [ -z "$(own_processes 'providers/codex exec')" ]
}
check "and the CLI is gone" wait_until 10 no_cli_runs

check_match "providers asks the daemon" '^codex  ' "$("$ASMCTL" providers)"
check_match "providers of one" '^command +claude$' "$("$ASMCTL" providers claude)"

stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
