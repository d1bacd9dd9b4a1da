#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
#
# asmd on the network: its name, epmd, cookies, addresses, and what it says when one is wrong.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "asmd on the network"

# ping NODE [ERL-ARGUMENT]...: prints pong or pang
ping() {
        local node=$1
        shift
        local own=(-sname "ping$RANDOM")
        [[ $node != *.* ]] || own=(-name "ping$RANDOM@127.0.0.1")
        "$ASM_ERL" -noinput "${own[@]}" "$@" \
                -eval "io:put_chars(atom_to_list(net_adm:ping('$node'))), halt()." 2>>"$LOGS/ping.log"
}

epmd_knows() {
        epmd -names 2>/dev/null | grep "^name $1 at port " >/dev/null
}

epmd_forgot() {
        ! epmd_knows "$1"
}

# fails STATUS REGEX OPTION...: asmd ends at once with the status and says why
fails() {
        local name=$1 status=$2 regex=$3 output got
        shift 3
        output=$(timeout 15 "$ASMD" "$@" 2>&1)
        got=$?
        check_equal "$name: status" "$status" "$got"
        check_match "$name: says why" "$regex" "$output"
}

check_match "--version names the version" '^asmd [0-9]+\.[0-9]+\.[0-9]+$' "$("$ASMD" --version)"
check_match "--help names the options" '--cookie-file' "$("$ASMD" --help)"

check_equal "no epmd runs at first" "" "$(epmd_pids)"
start_asmd first
check_equal "ready says the node's name" "first@$HOST" "$ASMD_NODE"
check "asmd starts epmd when there is none" epmd_knows first
check_equal "a BEAM node finds it" pong "$(ping "$ASMD_NODE")"
check_equal "a wrong cookie is refused" pang "$(ping "$ASMD_NODE" -setcookie wrong)"
check_equal "the right cookie is taken after it" pong "$(ping "$ASMD_NODE")"
check_match "stdout is the line ready, nothing else" "^ready first@$HOST$" "$(cat "$LOGS/first.out")"

stop_epmd
start_epmd
check "asmd registers again after epmd was restarted" wait_until 30 epmd_knows first
check_equal "and is found again" pong "$(ping "$ASMD_NODE")"

fails "a second asmd of the same name" 1 'first' --sname first --cookie-file "$COOKIE_FILE"
check_equal "the first one goes on" pong "$(ping "$ASMD_NODE")"

start_asmd second
check_equal "two daemons live side by side" pong "$(ping "$ASMD_NODE")"
stop_process "$ASMD_PID"
check_equal "SIGTERM ends asmd with status 0" 0 $?
check "an ended asmd is unknown to epmd" wait_until 5 epmd_forgot second
check_equal "ping of an ended asmd gives pang" pang "$(ping "$ASMD_NODE")"

start_asmd interrupted
stop_process "$ASMD_PID" INT
check_equal "SIGINT ends asmd with status 0" 0 $?

start_asmd long --name "long@127.0.0.1"
check_equal "--name gives a long name" "long@127.0.0.1" "$ASMD_NODE"
check_equal "a BEAM with a long name finds it" pong "$(ping "$ASMD_NODE")"

port=$((10000 + RANDOM % 9000))
start_asmd fixed --listen "127.0.0.1:$port"
check_match "--listen takes a port" "name fixed at port $port$" "$(epmd -names)"
check_equal "a BEAM node finds it there" pong "$(ping "$ASMD_NODE")"
fails "a port that is taken" 1 "$port" --sname taken --cookie-file "$COOKIE_FILE" --listen "127.0.0.1:$port"

printf 'secret' >"$ASM_TMP/open-cookie" && chmod 644 "$ASM_TMP/open-cookie"
fails "a cookie file that others may read" 1 'open-cookie' --sname x --cookie-file "$ASM_TMP/open-cookie"
fails "a cookie file that is not there" 1 'no-such-file' --sname x --cookie-file "$ASM_TMP/no-such-file"
fails "a config file that is not there" 1 'no-such-config' --sname x --config "$ASM_TMP/no-such-config"
fails "an unknown option" 2 'no-such-option' --no-such-option
fails "a name that is none" 1 'a b' --sname 'a b'
fails "a long name without a host" 1 '@' --name nohost
fails "two names" 2 'name' --sname one --name two@127.0.0.1
fails "an address that is none" 1 'nowhere:x' --sname x --cookie-file "$COOKIE_FILE" --listen nowhere:x
