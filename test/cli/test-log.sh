#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
#
# What the log says and in which form, and that nobody has to read it for asmd to work.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "the log"
[ -x "$ASMCTL" ] || skip_all "the log" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
here=$ASM_ROOT/test/cli
export CODEX_PATH=$ASM_ROOT/priv/providers/codex

# ctl ARGUMENT...: sets status; its words are in the files out and err
ctl() {
        timeout 30 "$ASMCTL" "$@" >out 2>err </dev/null
        status=$?
}

configured() {
        printf '%s\n' "$@" >asmd.conf
}

# has_line FILE PYTHON-EXPRESSION: one of its JSON lines, r, is such; each line must be JSON
has_line() {
        python3 -c '
import json, sys
rs = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
sys.exit(not any(eval(sys.argv[2]) for r in rs))' "$@"
}

# --- text -------------------------------------------------------------------------------------

start_asmd asmd
check_match "a line has time, level and domain" \
        "^20[0-9-]+T[0-9:.]+Z notice asm-daemon: 'asmd@$HOST' is ready on port [0-9]+$" "$(cat "$LOGS/asmd.log")"
stop_process "$ASMD_PID"
check_equal "asmd ends" 0 $?

configured '[log]' 'format = xml'
"$ASMD" --sname asmd --config asmd.conf 2>err
check_equal "a form that there is not is refused" 1 $?
check_match "by name" "\[log\] format: 'xml' is not valid, expected auto, text, json or journal" "$(cat err)"

# --- JSON -------------------------------------------------------------------------------------

configured '[log]' 'format = json' 'level = info'
: >"$LOGS/asmd.log"
start_asmd asmd --config asmd.conf
ctl query --provider codex 'hello s3cr3t'
check_equal "a run ends" 0 "$status"
run=$(sed -n 's/^run \([^:]*\):.*/\1/p' err)
log=$LOGS/asmd.log
check "its end is a record with its ids" wait_until has_line "$log" \
        "r.get('event') == 'run_ended' and r['run'] == '$run' and r['session'] and r['provider'] == 'codex'"
check "its beginning, too" has_line "$log" "r.get('event') == 'run_started' and r['run'] == '$run'"
check "and that of its session" has_line "$log" "r.get('event') == 'session_started' and r['level'] == 'info'"
check "the client that asked is a peer" has_line "$log" "r.get('event') == 'peer_up' and r['peer'].startswith('asmctl-')"
check_equal "no prompt is in the log" 0 "$(grep -c s3cr3t "$log")"
configured '[log]' 'format = text'
kill -HUP "$ASMD_PID"
check "SIGHUP changes the form" wait_until grep -q 'Z notice asmd: SIGHUP: configuration read again$' "$log"
stop_process "$ASMD_PID"

# --- nobody reads -----------------------------------------------------------------------------

mkfifo pipe
exec 7<>pipe
# the smallest pipe there is: it is full after some dozens of lines
python3 -c 'import fcntl; fcntl.fcntl(7, 1031, 4096)'
configured '[log]' 'level = info'
"$ASMD" --sname asmd --cookie-file "$COOKIE_FILE" --config asmd.conf >"$LOGS/asmd.out" 2>pipe 7>&- &
ASMD_PID=$!
started_pids+=("$ASMD_PID")
check "asmd starts with a pipe as its log" wait_until 20 grep -q '^ready' "$LOGS/asmd.out"
for _ in $(seq 40); do ctl status; done
check_equal "asmd answers, though the pipe is full and nobody reads it" 0 "$status"
ctl query --provider codex 'count:3'
check_equal "and runs agents" 0 "$status"
kill -TERM "$ASMD_PID"
wait "$ASMD_PID"
check_equal "and ends" 0 $?
check "the pipe holds whole lines" python3 -c '
import os
text = os.read(7, 65536).decode()
assert len(text) > 3000 and text.startswith("20"), text
assert all(line.startswith("20") and " asm-" in line for line in text.split("\n")[:-1]), text'
exec 7>&-

# --- the journal ------------------------------------------------------------------------------

if ! unshare --mount true 2>err; then
        echo "ok - the journal # SKIP no mount namespace can be made here: $(cat err)"
        exit
fi
configured '[log]' 'level = info'
# shellcheck disable=SC2016 # for the inner shell
unshare --mount --propagation private sh -c \
        'mkdir -p /run/systemd && mount -t tmpfs asm-journal /run/systemd && exec "$@"' sh \
        python3 "$here/fake_journal.py" "$ASM_TMP/records" \
        "$ASMD" --sname asmd --cookie-file "$COOKIE_FILE" --config asmd.conf >journal.out 2>journal.err &
journal_pid=$!
started_pids+=("$journal_pid")
check "asmd starts below a journal" wait_until 20 grep -q '^ready' journal.out
ctl query --provider codex 'hello'
check_equal "a run ends" 0 "$status"
run=$(sed -n 's/^run \([^:]*\):.*/\1/p' err)
check "its end is a record with fields" wait_until has_line records \
        "r.get('ASMD_EVENT') == 'run_ended' and r['ASMD_RUN'] == '$run' and len(r['ASMD_SESSION']) > 9 and r['PRIORITY'] == '6' and len(r['MESSAGE_ID']) == 32 and r['SYSLOG_IDENTIFIER'] == 'asmd'"
check "the start is one of higher priority" has_line records "r.get('ASMD_EVENT') == 'ready' and r['PRIORITY'] == '5'"
stop_process "$journal_pid"
check_equal "and it ends" 0 $?
check "its last words are there" has_line records "r.get('ASMD_EVENT') == 'stopping'"
