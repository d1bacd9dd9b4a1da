#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# Runs that somebody looks at later: watchers that attach while they stream, and what is kept of them
# when they are over.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "the history of runs"

mkdir "$ASM_TMP/cli"
export ASM_CLI_DIR=$ASM_TMP/cli
export CODEX_PATH=$ASM_TMP/codex
cat >"$CODEX_PATH" <<'TEXT'
#!/bin/sh
# a codex whose prompt is "GO N": it says N messages, and N more when the file GO is there
for prompt; do :; done
say() {
        awk -v n="${prompt#* }" 'BEGIN {
                for (i = 1; i <= n; i++)
                        printf "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"%d\"}}\n", i
        }'
}
say
until [ -e "$ASM_CLI_DIR/${prompt% *}" ]; do sleep 0.02; done
say
echo '{"type":"turn.completed","usage":{"input_tokens":1}}'
TEXT
chmod +x "$CODEX_PATH"

printf '[limits]\nmax_history_bytes = 67108864\nmax_run_history_bytes = 67108864\nmax_lag_bytes = 268435456\n' >"$ASM_TMP/asmd.conf"
printf '[limits]\nmax_history_bytes = 65536\nmax_run_history_bytes = 32768\n' >"$ASM_TMP/small.conf"
start_asmd asmd --config "$ASM_TMP/asmd.conf"
node=$ASMD_NODE
start_asmd small --config "$ASM_TMP/small.conf"
erl_test checker history_test main "$node" "$ASMD_NODE" "$ASM_CLI_DIR"
check "asmd still runs" is_running "$ASMD_PID"
