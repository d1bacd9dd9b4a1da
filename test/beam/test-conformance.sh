#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 400
#
# The protocol as doc/conformance.md has it: its tables, tried on the wire, and what the suites of OTP ask.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "conformance"

document=$ASM_ROOT/doc/conformance.md
export PATH=$ASM_ROOT/priv/providers:$PATH
start_asmd asmd
erl_test checker conformance_wire_test main "$ASMD_NODE" "$document"
erl_test checker conformance_broken_test main "$ASMD_NODE"
erl_test checker conformance_peer_test main "$ASMD_NODE" "$ASMD_PID"

# erl_call is a C node made of libei: few flags, no monitors, calls through rex
erl_call=$(PATH=$PATH:$("$ASM_ERL" -noinput -eval 'io:put_chars(code:root_dir()), halt().')/bin command -v erl_call)
if [ -n "$erl_call" ]; then
        check_equal "a node of libei is served" "{unhealthy, not_found}" \
                "$("$erl_call" -sname asmd -a 'asm health [none]')"
        check_equal "a node of libei with a name of chance is served" "[]" \
                "$("$erl_call" -r -sname asmd -a 'asm list_sessions []' | sed 's/^\[.*\]$/[]/')"
        check_match "a node of libei is told what is not exported" "{badrpc, {'EXIT', {undef, " \
                "$("$erl_call" -sname asmd -a 'lists reverse [[a]]')"
        check_match "a node that wants to be given a name is refused" "failed to connect" \
                "$("$erl_call" -R -sname asmd -a 'asm list_sessions []' 2>&1)"
else
        echo "ok - a node of libei is served # SKIP there is no erl_call in this OTP"
fi
check_match "the log names the peer and what it has done" \
        "the link to 'raw[0-9]+@$HOST' is closed, the peer breaks the protocol: operation 4 \(UNLINK\)" \
        "$(cat "$LOGS/asmd.log")"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
