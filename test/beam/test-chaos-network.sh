#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 150
#
# A bad network between asmd and a host in a network namespace of its own: packets are lost, late and
# out of order; it is cut and heals.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "a bad network"
need_host_app

tag=$((RANDOM << 15 | RANDOM))
namespace=asmbad$tag
# a network of documentation's, by the process number: tests may run side by side
here=198.19.$((($$ >> 6) % 256)).$((($$ % 64) * 4 + 1))
there=${here%.*}.$((($$ % 64) * 4 + 2))

network_is_ready() {
        grep -q '^ready' "$LOGS/network.out"
}

make_network() {
        mkfifo "$ASM_TMP/network" &&
                ip netns add "$namespace" &&
                ip -n "$namespace" link set lo up || return
        python3 "$(dirname "$0")/bad_network.py" "asma$tag" "asmb$tag" 20260101 "$ASM_TMP/network" \
                >"$LOGS/network.out" 2>"$LOGS/network.log" &
        started_pids+=($!)
        wait_until 5 network_is_ready || {
                tail -n 1 "$LOGS/network.log"
                return 1
        }
        ip link set "asmb$tag" netns "$namespace" &&
                ip addr add "$here/30" dev "asma$tag" && ip link set "asma$tag" up &&
                ip -n "$namespace" addr add "$there/30" dev "asmb$tag" &&
                ip -n "$namespace" link set "asmb$tag" up
}

command -v ip >/dev/null || skip_all "a bad network" "there is no ip command: install iproute2"
command -v python3 >/dev/null || skip_all "a bad network" "there is no python3"
end_test_and_network() {
        local status=$?
        ip netns del "$namespace" 2>/dev/null
        (exit $status)
        end_test
}
trap end_test_and_network EXIT
make_network >"$ASM_TMP/made" 2>&1 ||
        skip_all "a bad network" "no network namespace with tun devices can be made here: $(head -n 1 "$ASM_TMP/made")"

printf '[node]\nnet_ticktime = 4\n' >"$ASM_TMP/asmd.conf"
start_asmd asmd --name "asmd@$here" --listen "$here" --config "$ASM_TMP/asmd.conf"
plain_erl_test chaos_network_test 'chaos_network_test:main(init:get_plain_arguments()).' \
        -name "checker@$here" -kernel net_ticktime 4 -connect_all false \
        -extra "$ASMD_NODE" "$namespace" "$there" "$ASM_TMP/network" 4
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
