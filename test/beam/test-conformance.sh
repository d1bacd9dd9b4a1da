#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# The protocol as doc/conformance.md has it: its tables, tried on the wire.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "conformance"

document=$ASM_ROOT/doc/conformance.md
export PATH=$ASM_ROOT/priv/providers:$PATH
start_asmd asmd
erl_test checker conformance_wire_test main "$ASMD_NODE" "$document"
erl_test checker conformance_broken_test main "$ASMD_NODE"
check_match "the log names the peer and what it has done" \
        "the link to 'raw[0-9]+@$HOST' is closed, the peer breaks the protocol: operation 4 \(UNLINK\)" \
        "$(cat "$LOGS/asmd.log")"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
