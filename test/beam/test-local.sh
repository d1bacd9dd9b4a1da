#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# CLIs that are children of asmd: five hundred at once, one that is faster than its subscriber, and
# what is left of them when asmd is killed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "local CLIs"

mkdir "$ASM_TMP/cli"
export ASM_CLI_DIR=$ASM_TMP/cli
mkfifo "$ASM_CLI_DIR/gate"
export CODEX_PATH=$ASM_TMP/codex
cat >"$CODEX_PATH" <<'TEXT'
#!/bin/sh
# a codex that does what its prompt says
for prompt; do :; done
message='{"type":"item.completed","item":{"type":"agent_message","text":"hello"}}'
case $prompt in
gate) # says something, waits until the gate opens, says more
        echo "$message"
        read -r _ <"$ASM_CLI_DIR/gate"
        echo "$message"
        ;;
silence) # as if it waited for the network
        exec sleep 1000
        ;;
flood) # for ever
        echo $$ >"$ASM_CLI_DIR/flood"
        exec yes "$message"
        ;;
runaway) # with a daemon: forked twice, in a session of its own, deaf to signals
        (setsid sh -c 'trap "" TERM HUP INT; echo $$ >"$ASM_CLI_DIR/daemon"; exec sleep 1000' \
                </dev/null >/dev/null 2>&1 &)
        while [ ! -s "$ASM_CLI_DIR/daemon" ]; do sleep 0.02; done
        echo $$ >"$ASM_CLI_DIR/runaway"
        while :; do sleep 0.05; done
        ;;
esac
echo '{"type":"turn.completed","usage":{"input_tokens":1}}'
TEXT
chmod +x "$CODEX_PATH"

# the address sanitizer keeps freed memory for a while
growth_kb=32768
is_sanitized && growth_kb=524288
start_asmd asmd
start_beam slow
erl_test checker local_test main "$ASMD_NODE" "$ASMD_PID" "slow@$HOST" "$BEAM_PID" "$ASM_CLI_DIR" 500 $growth_kb
grep -a '^# ' "$LOGS/local_test.log"
check "asmd still runs" is_running "$ASMD_PID"

start_asmd doomed
erl_test killer local_test begin_runs "$ASMD_NODE" runaway 3
wait_until 20 test -s "$ASM_CLI_DIR/runaway"
runaway=$(cat "$ASM_CLI_DIR/runaway")
daemon=$(cat "$ASM_CLI_DIR/daemon")
kill -KILL "$ASMD_PID"
check "asmd killed: its CLI ends" wait_until is_gone "$runaway"
check "and so does the daemon that it has started" wait_until is_gone "$daemon"
nobody_left() {
        [ -z "$(own_processes '(codex|asm_exec|sleep 1000)')" ]
}
check "nobody is left of any of them" wait_until nobody_left
