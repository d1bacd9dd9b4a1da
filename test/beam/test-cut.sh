#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# Packets that are dropped between asmd and a host, which lives in a network namespace of its own.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "a network that is cut"
need_host_app

name=asmcut$$
# a network of documentation's, by the process number: tests may run side by side
here=198.18.$((($$ >> 6) % 256)).$((($$ % 64) * 4 + 1))
there=${here%.*}.$((($$ % 64) * 4 + 2))

remove_network() {
        ip netns del "$name" 2>/dev/null
        ip link del "$name" 2>/dev/null
}

make_network() {
        ip netns add "$name" &&
                ip link add "$name" type veth peer name inside netns "$name" &&
                ip addr add "$here/30" dev "$name" &&
                ip link set "$name" up &&
                ip -n "$name" addr add "$there/30" dev inside &&
                ip -n "$name" link set inside up &&
                ip -n "$name" link set lo up
}

command -v ip >/dev/null || skip_all "a network that is cut" "there is no ip command"
if ! made=$(make_network 2>&1); then
        remove_network
        skip_all "a network that is cut" "no network namespace can be made here: $(head -n 1 <<<"$made")"
fi
trap 'remove_network; end_test' EXIT

host_is_ready() {
        grep -q '^ready ' "$LOGS/inside.log"
}

# not in a function: the process to end is this one, not a shell around it
PATH=$ASM_ROOT/priv/providers:$PATH ip netns exec "$name" "$ASM_ERL" -noinput -name "inside@$there" \
        -kernel net_ticktime 4 -connect_all false -pa "$ASM_ROOT/priv/erlang/ebin" \
        -eval '{ok, _} = application:ensure_all_started(asmd_host), io:format("~nready ~s~n", [node()]).' \
        >"$LOGS/inside.log" 2>&1 &
started_pids+=($!)
check "the host starts" wait_until 20 host_is_ready

printf '[node]\nnet_ticktime = 4\n' >"$ASM_TMP/asmd.conf"
start_asmd asmd --name "asmd@$here" --listen "$here" --config "$ASM_TMP/asmd.conf"

# the address goes, the neighbour stays known: what is sent is not refused, it is lost
cut="ip neigh replace $there lladdr $(ip netns exec "$name" cat /sys/class/net/inside/address) dev $name nud permanent"
cut+="; ip -n $name addr del $there/30 dev inside"
plain_erl_test cut_test 'cut_test:main(init:get_plain_arguments()).' -name "checker@$here" -kernel net_ticktime 4 \
        -extra "$ASMD_NODE" "inside@$there" "$cut" "$ASM_TMP/pids" 4
check "asmd still runs" is_running "$ASMD_PID"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
