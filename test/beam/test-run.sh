#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
#
# Runs on a remote node, and what stays there when the daemon is killed: nothing.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "runs on a remote node"

start_beam host -eval 'ok = fake_host:start().'
start_asmd asmd
erl_test checker run_test main "$ASMD_NODE" "host@$HOST"
check "asmd still runs" is_running "$ASMD_PID"

# evaluate EXPRESSION: on a hidden node of its own, which prints the value
evaluate() {
        "$ASM_ERL" -noinput -hidden -sname "eval$RANDOM" -pa "$ASM_BEAMS" \
                -eval "io:format(\"~0p~n\", [begin $1 end]), halt()." 2>&1
}

host_has_sessions() {
        [ "$(evaluate "length(erpc:call('host@$HOST', fake_host, sessions, []))")" = "$1" ]
}

run="{ok, S} = erpc:call('$ASMD_NODE', asm, start_session, [[{provider, codex}]]),
     {ok, _} = erpc:call('$ASMD_NODE', asm, stream, [S, <<\"silent\">>,
               [{execution_mode, remote_node}, {remote_node, 'host@$HOST'}]]), started"
check_equal "a run is started" started "$(evaluate "$run")"
check "the host has its session" wait_until host_has_sessions 1
stop_process "$ASMD_PID" KILL
check "a killed asmd leaves no session on the host" wait_until host_has_sessions 0

printf '%s\n' '[node]' 'shutdown_grace_ms = 100' >"$ASM_TMP/asmd.conf"
start_asmd asmd --config "$ASM_TMP/asmd.conf"
check_equal "a run is started again" started "$(evaluate "$run")"
check "the host has its session again" wait_until host_has_sessions 1
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0, a run or not" 0 $?
check "an asmd that was told to end leaves no session on the host" wait_until host_has_sessions 0
