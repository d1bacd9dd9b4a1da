#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# Approvals, interrupts, pause and resume, order of runs, owners; then options, lanes and what of them
# arrives at the host.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "control of runs"

# codex has a kit here, the others have none
mkdir -p "$ASM_TMP/kits" && cp -R "$ASM_ROOT/priv/kits/reference" "$ASM_TMP/kits/codex"
export ASMD_KIT_PATH=$ASM_TMP/kits
cat >"$ASM_TMP/asmd.conf" <<'TEXT'
[defaults]
house = of-all
room = of-all

[defaults cursor]
room = of-cursor
model = of-config
cwd = /of-config
run_deadline_ms = 400000

[defaults amp]
max_concurrent_runs = 2
max_queued_runs = 0
TEXT

start_beam host -eval 'ok = fake_host:start().'
start_asmd asmd --config "$ASM_TMP/asmd.conf"
erl_test checker control_test main "$ASMD_NODE" "host@$HOST"
erl_test checker option_test main "$ASMD_NODE" "host@$HOST"
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
