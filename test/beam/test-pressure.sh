#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
#
# Subscribers that do not read: a stopped node, a connection that nobody reads from; and a run with
# five hundred subscribers. What is promised: doc/operations.md.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "slow subscribers"

mkdir "$ASM_TMP/cli"
export ASM_CLI_DIR=$ASM_TMP/cli
export CODEX_PATH=$ASM_TMP/codex
cat >"$CODEX_PATH" <<'TEXT'
#!/bin/sh
# a codex whose prompt is "GO N": when the file GO is there it says N messages, each in a line of 2 KiB
for prompt; do :; done
until [ -e "$ASM_CLI_DIR/${prompt% *}" ]; do sleep 0.02; done
awk -v n="${prompt#* }" 'BEGIN {
        pad = sprintf("%2000s", ""); gsub(/ /, "x", pad)
        for (i = 1; i <= n; i++)
                printf "{\"type\":\"item.completed\",\"pad\":\"%s\",\"item\":{\"type\":\"agent_message\",\"text\":\"%d\"}}\n", pad, i
}'
echo '{"type":"turn.completed","usage":{"input_tokens":1}}'
TEXT
chmod +x "$CODEX_PATH"

limits() {
        printf '[limits]\nhigh_water = 1048576\nmax_lag_bytes = 4194304\nmax_held_bytes = 50331648\n'
        printf 'drop_slow_subscribers = %s\n' "$1"
}
limits true >"$ASM_TMP/drop.conf"
limits false >"$ASM_TMP/wait.conf"

start_asmd asmd --config "$ASM_TMP/drop.conf"
dropping=("$ASMD_NODE" "$ASMD_PID")
start_asmd patient --config "$ASM_TMP/wait.conf"
start_beam_host host
start_beam fake -eval 'ok = fake_host:start().'
start_beam other
start_beam slow
# max_held_bytes is above what the buffers of both kernels can have when a host is told to wait.
# In kB, as doc/operations.md adds it up: six links with twice high_water, max_held_bytes,
# max_lag_bytes, and a quarter for the rest. The address sanitizer keeps freed memory for a while.
bound_kb=81920
is_sanitized && bound_kb=2097152
erl_test checker pressure_test main "${dropping[@]}" "$ASMD_NODE" "$HOST" "$BEAM_PID" "$ASM_CLI_DIR" $bound_kb
grep -a '^# ' "$LOGS/pressure_test.log"
check "asmd still runs" is_running "${dropping[1]}"
