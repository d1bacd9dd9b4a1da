#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
#
# asmd below a service manager: what it tells it, the sockets that it takes from it, and the units.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "systemd"
[ -x "$ASMCTL" ] || skip_all "systemd" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
here=$ASM_ROOT/test/cli

ctl() {
        timeout 30 "$ASMCTL" "$@" >out 2>err </dev/null
        status=$?
}

configured() {
        printf '%s\n' "$@" >asmd.conf
}

# serve [OPTION]...: asmd as a service, with asmd.conf; service_pid is the manager's, which hands signals on
serve() {
        rm -f messages service.out service.err
        touch messages
        python3 "$here/fake_systemd.py" messages "$@" -- "$ASMD" --sname asmd --cookie-file "$COOKIE_FILE" \
                --config asmd.conf >service.out 2>service.err &
        service_pid=$!
        started_pids+=("$service_pid")
}

# told PYTHON-EXPRESSION: true of the list of messages, ms, each a list of lines
told() {
        python3 -c '
import json, sys
ms = [json.loads(line) for line in open("messages", encoding="utf-8")]
sys.exit(not eval(sys.argv[1]))' "$1"
}

is_ready="['READY=1'] in ms"

# --- ready, reloading, stopping, watchdog -----------------------------------------------------

# a CLI that tells what it was given
cat >codex <<'CLI'
#!/bin/sh
env >cli.env
ls /proc/self/fd >cli.fds
exec "$ASM_ROOT/priv/providers/codex" "$@"
CLI
chmod +x codex
export CODEX_PATH=$ASM_TMP/codex

configured '[node]' 'shutdown_grace_ms = 70000'
serve --watchdog 500000
check "READY=1 comes" wait_until 20 told "$is_ready"
check "when the name is registered" grep -q 'name asmd at port' <(epmd -names)
check "the watchdog is served again and again" wait_until 20 told "ms.count(['WATCHDOG=1']) >= 4"
ctl start --provider codex
session=$(cat out)
check "the status tells how many sessions there are" wait_until 20 told \
        "any(m[0].startswith('STATUS=asmd@') and ': 1 sessions, 0 runs, 0 waiting' in m[0] for m in ms)"
ctl query --session "$session" "hello"
check_equal "a run ends" 0 "$status"
check_equal "its CLI cannot speak for asmd, nor take sockets" 0 \
        "$(grep -cE '^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_)' cli.env)"
kill -HUP "$service_pid"
reloads="[m for m in ms if m[0] in ('READY=1', 'RELOADING=1')]"
check "SIGHUP is told, and its end" wait_until 20 told "[m[0] for m in ${reloads}] == ['READY=1', 'RELOADING=1', 'READY=1']"
check "with the time of its beginning" told \
        "(lambda now: 0 < now - int(${reloads}[1][1].removeprefix('MONOTONIC_USEC=')) < 6e7)(__import__('time').monotonic_ns() / 1000)"
stop_process "$service_pid"
check_equal "asmd ends" 0 $?
check "the stop is told once, and how long it may take" told \
        "[m for m in ms if 'STOPPING=1' in m] == [['STOPPING=1', 'EXTEND_TIMEOUT_USEC=75000000']]"

configured '[node]' 'start_epmd = false'
epmd_before=$(epmd_pids)
stop_epmd
serve
wait "$service_pid"
check_equal "without epmd asmd does not start" 1 $?
check "and was never ready" told "not any('READY=1' in m for m in ms)"
[ -z "$epmd_before" ] || start_epmd

# --- sockets ----------------------------------------------------------------------------------

# a_port: one that is free
a_port() {
        python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

configured '[node]' 'listen = 127.0.0.1:1'
port=$(a_port)
serve --abstract --listen "127.0.0.1:$port"
check "a socket of the manager is taken instead of listen" wait_until 20 told "$is_ready"
check_match "its port is registered with epmd" "name asmd at port $port" "$(epmd -names)"
ctl status
check_equal "and peers come in" 0 "$status"
ctl query --provider codex "hello"
check_equal "CLIs do not have it: of descriptors they have" "0 1 2 3" "$(tr '\n' ' ' <cli.fds | sed 's/ $//')"
stop_process "$service_pid"
check_equal "asmd ends" 0 $?

serve --listen "127.0.0.1:$port" --listen "127.0.0.1:$(a_port)"
wait "$service_pid"
check_equal "two ports are refused" 1 $?
check_match "with the reason" 'but a node has one port' "$(cat service.err)"
serve --datagram "$(a_port)"
wait "$service_pid"
check_equal "a socket that nobody can connect to is refused" 1 $?
check_match "with its number" 'descriptor 3, .* is no IPv4 TCP socket that listens' "$(cat service.err)"

# --- the units --------------------------------------------------------------------------------

if ! command -v systemd-analyze >/dev/null; then
        echo "ok - the units # SKIP no systemd-analyze here"
        exit
fi
mkdir units run
for unit in asmd.service asmd-user.service; do
        sed "s|@bindir@|$ASM_BUILD/src|" "$ASM_ROOT/priv/systemd/$unit.in" >"units/$unit"
done
cp "$ASM_ROOT/priv/systemd/asmd.socket" units
check_equal "systemd finds no mistake in the units" "" \
        "$(systemd-analyze verify --man=no units/asmd.service units/asmd.socket 2>&1 | grep asmd)"
check_equal "nor in that of a user" "" \
        "$(XDG_RUNTIME_DIR=$ASM_TMP/run systemd-analyze verify --user --man=no units/asmd-user.service 2>&1 | grep asmd)"
# 1.5 of 10; a later systemd looks at more
check "the service is exposed to little, as systemd counts" \
        systemd-analyze security --offline=yes --threshold=25 units/asmd.service
