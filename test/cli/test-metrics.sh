#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
#
# What the daemon counts: asmctl metrics, and the endpoint for Prometheus.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "metrics"
[ -x "$ASMCTL" ] || skip_all "metrics" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
export CODEX_PATH=$ASM_ROOT/priv/providers/codex CLAUDE_CLI_PATH=$ASM_ROOT/priv/providers/claude

ctl() {
        timeout 30 "$ASMCTL" "$@" >out 2>err </dev/null
        status=$?
}

configured() {
        printf '%s\n' "$@" >asmd.conf
}

# counts EXPRESSION: true of what asmctl metrics shows, see metrics_text.py
counts() {
        timeout 30 "$ASMCTL" metrics | python3 "$ASM_ROOT/test/cli/metrics_text.py" "$1"
}

# http PORT LINE...: the answer to a request with these lines of a head
http() {
        local port=$1
        shift
        {
                printf '%s\r\n' "$@" 'Host: localhost' 'Connection: close' ''
        } | python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
s.sendall(sys.stdin.buffer.read())
answer = b""
while part := s.recv(65536):
    answer += part
sys.stdout.buffer.write(answer)' "$port"
}

a_port() {
        python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# --- asmctl metrics ---------------------------------------------------------------------------

start_asmd asmd
check "metrics are text as Prometheus has it" counts "m['asmd_sessions{provider=\"codex\"}'] == 0"
ctl metrics --json
check "and JSON" python3 -c '
import json
m = json.load(open("out"))
assert any(f["name"] == "asmd_runs" and f["type"] == "gauge" and f["samples"][0]["labels"] for f in m), m'
ctl start --provider codex
session=$(cat out)
ctl query --session "$session" hello
ctl query --session "$session" 'fail:3'
"$ASMCTL" query --provider claude approve >asking.out 2>asking.err </dev/null &
asking_pid=$!
started_pids+=("$asking_pid")
check "a run waits for an approval" wait_until 30 grep -q 'asmctl approve' asking.err
check "it is pending" counts "m['asmd_approvals_pending{provider=\"claude\"}'] == 1 and m['asmd_runs{provider=\"claude\",state=\"running\"}'] == 1"
check "who watches it is a subscriber" counts "m['asmd_subscribers{provider=\"claude\"}'] == 1"
eval "$(sed -n 's/^allow it with: asmctl \(approve [^ ]* [^ ]*\) .*/ctl \1/p' asking.err)"
wait "$asking_pid"
check "runs are counted by outcome" wait_until counts \
        "m['asmd_runs_ended_total{provider=\"codex\",outcome=\"completed\"}'] == 1 and m['asmd_runs_ended_total{provider=\"codex\",outcome=\"failed\"}'] == 1 and m['asmd_runs_ended_total{provider=\"claude\",outcome=\"completed\"}'] == 1"
check "none runs any more" counts "sum(v for k, v in m.items() if k.startswith('asmd_runs{')) == 0"
check "their events stay counted" counts "m['asmd_run_events_total{provider=\"codex\"}'] > 4"
check "tokens, too" counts "m['asmd_run_tokens_total{provider=\"codex\",direction=\"output\"}'] > 0"
check "sessions" counts "m['asmd_sessions{provider=\"codex\"}'] == 1 and m['asmd_sessions_started_total{provider=\"claude\"}'] == 1"
check "and the node" counts \
        "m['asmd_peers'] >= 1 and m['asmd_links_opened_total'] > 5 and m['asmd_received_bytes_total'] > 1000 and m['asmd_sent_frames_total'] > 10 and m['asmd_calls_total{function=\"query\"}'] + m['asmd_calls_total{function=\"stream\"}'] >= 3"
check "and the process" counts \
        "m['process_resident_memory_bytes'] > 1e6 and 5 < m['process_open_fds'] < m['process_max_fds'] and m['asmd_uptime_seconds'] > 0 and m['asmd_loop_lag_seconds_count'] > 0"
check "no message waits when nothing happens" counts "m['asmd_mailbox_messages'] <= 1"
stop_process "$ASMD_PID"
check_equal "asmd ends" 0 $?

# --- the endpoint -----------------------------------------------------------------------------

port=$(a_port)
configured '[metrics]' "listen = 127.0.0.1:$port"
# nobody must take the word of the one before for its own
: >"$LOGS/asmd.out"
"$ASMD" --sname asmd --cookie-file "$COOKIE_FILE" --config asmd.conf >"$LOGS/asmd.out" 2>"$LOGS/asmd.log" &
ASMD_PID=$!
started_pids+=("$ASMD_PID")
wait_until 20 said_ready_or_ended "$LOGS/asmd.out" "$ASMD_PID"
if grep -q 'was built without libsoup' "$LOGS/asmd.log"; then
        echo "ok - the endpoint # SKIP this asmd was built without libsoup"
        exit
fi
check "asmd starts with an endpoint" grep -q '^ready' "$LOGS/asmd.out"
http "$port" 'GET /metrics HTTP/1.1' >answer
check_match "the endpoint answers" '^HTTP/1.1 200 OK' "$(head -n 1 answer)"
check_match "as Prometheus wants it" '^Content-Type: text/plain; version=0.0.4; charset=utf-8' "$(tr -d '\r' <answer)"
sed '1,/^\r$/d' answer >body
check "with metrics" python3 "$ASM_ROOT/test/cli/metrics_text.py" "m['asmd_peers'] >= 0" <body
ctl metrics
check_equal "which are those of asmctl metrics" "$(grep '^#' out)" "$(grep '^#' body)"
check_match "there is nothing else" '^HTTP/1.1 404 ' "$(http "$port" 'GET / HTTP/1.1' | head -n 1)"
check_match "and nothing can be sent" '^HTTP/1.1 405 ' "$(http "$port" 'POST /metrics HTTP/1.1' 'Content-Length: 0' | head -n 1)"
check "connections are bounded, and free again when they are closed" python3 -c '
import socket, sys
def connect():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
    return s
def is_answered(s):
    try:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return s.recv(12).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
first = [connect() for _ in range(16)]
assert not is_answered(connect()), "one more is not served"
assert is_answered(first[0]), "those that are open are"
for s in first:
    s.close()
while not is_answered(connect()):
    pass' "$port"
stop_process "$ASMD_PID"
check_equal "asmd ends" 0 $?

# refused NAME LISTEN REGEX [LINE]...
refused() {
        local name=$1 listen=$2 regex=$3
        shift 3
        configured '[metrics]' "listen = $listen" "$@"
        "$ASMD" --sname asmd --cookie-file "$COOKIE_FILE" --config asmd.conf >"$LOGS/asmd.out" 2>err
        check_equal "$name is refused" 1 $?
        check_match "$name: with the reason" "$regex" "$(cat err)"
}
refused "an endpoint for everybody" 0.0.0.0:9568 'is no loopback address.* allow_remote = true'
refused "an endpoint without a port" 127.0.0.1 'expected ADDRESS:PORT'
python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(300)' >taken &
started_pids+=($!)
wait_until test -s taken
refused "a port that is taken" "127.0.0.1:$(cat taken)" 'in use'
