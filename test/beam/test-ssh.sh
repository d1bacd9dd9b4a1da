#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# The surface ssh_exec through a real sshd on loopback, with keys, known hosts and a port of its own.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "ssh_exec"
sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || skip_all "ssh_exec" "no sshd: run scripts/install-deps test"
command -v ssh ssh-keygen >/dev/null || skip_all "ssh_exec" "no ssh: run scripts/install-deps test"

export ASM_SSH_DIR=$ASM_TMP/ssh
mkdir -p "$ASM_SSH_DIR/work"
cd "$ASM_SSH_DIR" || exit
for key in host user stranger; do ssh-keygen -q -t ed25519 -N '' -C '' -f "$key"; done
cp user.pub authorized_keys
: >nobody_known
if [ "$(id -u)" -eq 0 ] && [ ! -d /run/sshd ]; then
        # compiled into sshd, for root only
        mkdir -m 755 /run/sshd
        trap 'rmdir /run/sshd; end_test' EXIT
fi

cat >codex <<'TEXT'
#!/bin/sh
# a codex that writes down how it was called
d=${0%/*}
for prompt; do :; done
message='{"type":"item.completed","item":{"type":"agent_message","text":"hello"}}'
case $prompt in
hang | stubborn)
        [ "$prompt" = hang ] || trap '' TERM
        trap 'echo interrupted >"$d/interrupted"; exit 0' INT
        (trap '' TERM INT HUP; echo $(exec sh -c 'echo $PPID') >"$d/child"; while :; do sleep 0.1; done) &
        echo $$ >"$d/pid"
        echo "$message"
        while :; do sleep 0.05; done
        ;;
fail) echo "it went wrong" >&2; exit 3 ;;
esac
printf %s "$prompt" >"$d/prompt"
printf %s "$SECRET" >"$d/secret"
printf %s "${GONE-unset}" >"$d/gone"
pwd >"$d/cwd"
cat >"$d/stdin"
echo "$message"
printf %s '{"type":"turn.completed","usage":{"input_tokens":1}}'
TEXT
chmod +x codex

port=
start_sshd() {
        port=$((20000 + RANDOM % 10000))
        cat >sshd_config <<TEXT
ListenAddress 127.0.0.1:$port
HostKey $ASM_SSH_DIR/host
AuthorizedKeysFile $ASM_SSH_DIR/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
SetEnv ASM_TEST_ID=$ASM_TEST_ID GONE=here
TEXT
        "$sshd" -D -e -f "$ASM_SSH_DIR/sshd_config" >"$LOGS/sshd.out" 2>&1 &
        sshd_pid=$!
        started_pids+=("$sshd_pid")
        wait_until 10 sshd_is_up_or_gone && kill -0 "$sshd_pid" 2>/dev/null
}
sshd_is_up_or_gone() {
        ! kill -0 "$sshd_pid" 2>/dev/null || (exec 3<>"/dev/tcp/127.0.0.1/$port")
}
start_sshd || start_sshd || {
        not_ok "sshd starts" "$(cat "$LOGS/sshd.out")"
        exit 1
}
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 host.pub)" >known_hosts

start_asmd asmd
erl_test checker ssh_test main "$ASMD_NODE" "$port" "$ASM_SSH_DIR"

rm -f pid child
start_asmd doomed
erl_test killer ssh_test launch "$ASMD_NODE" "$port" "$ASM_SSH_DIR" stubborn
check "the CLI runs" wait_until test -s pid
pid=$(cat pid) child=$(cat child)
kill -KILL "$ASMD_PID"
check "asmd killed: the CLI over there ends" wait_until is_gone "$pid"
check "and so does its child" wait_until is_gone "$child"
