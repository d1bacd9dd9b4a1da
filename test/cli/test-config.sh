#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
#
# The configuration as who installs asmd meets it: where files are looked for, what --check-config
# says of a bad one, and what a running daemon tells of its own.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "the configuration"
[ -x "$ASMCTL" ] || skip_all "the configuration" "no $ASMCTL: build it with scripts/build"

cd "$ASM_TMP" || exit
unset ASMD_CONFIG
export XDG_CONFIG_HOME=$ASM_TMP/user XDG_CONFIG_DIRS=$ASM_TMP/first:$ASM_TMP/second
mkdir -p user/asmd first/asmd second/asmd

# configured FILE LINE...
configured() {
        local file=$1
        shift
        printf '%s\n' "$@" >"$file"
        chmod 600 "$file"
}

# asmctl reads the files that asmd reads, but these are about asmd
# ctl ARGUMENT...: sets status; its words are in the files out and err
ctl() {
        ASMD_CONFIG=/dev/null timeout 30 "$ASMCTL" "$@" >out 2>err </dev/null
        status=$?
}

# told PYTHON-EXPRESSION: it holds for c, what `asmctl --json config` tells, and s, its settings by group and key
told() {
        ASMD_CONFIG=/dev/null timeout 30 "$ASMCTL" --json config 2>err </dev/null | python3 -c '
import json, sys
c = json.load(sys.stdin)
s = {(x["group"], x["key"]): x for x in c["settings"]}
if not eval(sys.argv[1]):
    sys.exit("no: " + repr([x for x in c["settings"] if x["origin"] != "default" or x["pending"]]))' "$1"
}

# --- asmd --check-config ------------------------------------------------------------------------------

"$ASMD" --check-config "$ASM_BUILD/doc/asmd.conf.example" >out 2>err
check_equal "the example is no mistake" 0 $?
check_equal "and nothing is to be warned of" '' "$(cat err)"
sed 's/^#\([a-z]\)/\1/' "$ASM_BUILD/doc/asmd.conf.example" >all.conf
check_match "it has keys" '^max_runs = ' "$(cat all.conf)"
"$ASMD" --check-config all.conf >out 2>err
check_equal "nor is it with its defaults given" 0 $?
check_equal "without a warning" '' "$(cat err)"

configured bad.conf '[limits]' 'max_runs = many' 'max_sesions = 5' '' '[lmits]' 'x = 1' \
        '[node]' 'net_ticktime = 0' 'listen = here' 'nonsense' 'name = a' 'name = b'
ASMD_HOST_ENABLED=maybe "$ASMD" --check-config bad.conf >out 2>err
check_equal "a file with mistakes is refused" 1 $?
check_equal "with nothing on standard output" '' "$(cat out)"
while read -r mistake; do
        check_match "it tells: $mistake" "^asmd: $mistake" "$(cat err)"
done <<'MISTAKES'
bad\.conf:2: \[limits\] max_runs: 'many' is not valid, expected a number
bad\.conf:3: \[limits\] max_sesions: there is no such key; did you mean max_sessions\?
bad\.conf:5: \[lmits\]: there is no such group; did you mean \[limits\]\?
bad\.conf:8: \[node\] net_ticktime: '0' is not valid, expected a number from 1 to 86400
bad\.conf:9: \[node\] listen: 'here' is not valid
bad\.conf:10: neither a \[group\]
bad\.conf:12: \[node\] name: is given twice, before in line 11
ASMD_HOST_ENABLED: 'maybe' is not valid, expected true or false
MISTAKES
check_equal "each once" 8 "$(wc -l <err)"
"$ASMD" --sname asmd --config bad.conf >out 2>err2
check_equal "asmd does not start with it" 1 $?
check_match "and says the same" '^asmd: bad\.conf:2: \[limits\] max_runs: ' "$(cat err2)"
"$ASMD" --check-config missing.conf >out 2>err
check_equal "a file that is named must be there" 1 $?
check_match "it is named" 'missing\.conf' "$(cat err)"

# --- places ----------------------------------------------------------------------------------------------

configured second/asmd/asmd.conf '[limits]' 'max_runs = 2' 'max_sessions = 2' 'max_approvals = 2' 'max_mailbox = 22'
configured first/asmd/asmd.conf '[limits]' 'max_runs = 3' 'max_sessions = 3'
configured user/asmd/asmd.conf '[limits]' 'max_runs = 4' 'max_result = 100000' '' \
        '[defaults codex]' 'model = one' 'deploy_token = s3cr3t-one'
"$ASMD" --check-config >out 2>err
check_equal "all files together are good" 0 $?
check_equal "and are named, the weakest first" \
        "  $ASM_TMP/second/asmd/asmd.conf   $ASM_TMP/first/asmd/asmd.conf   $ASM_TMP/user/asmd/asmd.conf" \
        "$(grep "^  $ASM_TMP" out | paste -sd' ')"

export ASMD_LIMITS_MAX_RESULT=200000 ASMD_LOG_LEVEL=info
start_asmd asmd --listen 127.0.0.1
unset ASMD_LIMITS_MAX_RESULT ASMD_LOG_LEVEL
check "the user's file wins" told \
        "s['limits', 'max_runs'] == dict(group='limits', key='max_runs', value=4, origin='file', where='$ASM_TMP/user/asmd/asmd.conf', line=2, pending=None)"
check "over the first folder of the system, which wins" told \
        "s['limits', 'max_sessions']['value'] == 3 and s['limits', 'max_sessions']['where'] == '$ASM_TMP/first/asmd/asmd.conf'"
check "over the second" told \
        "s['limits', 'max_approvals']['value'] == 2 and s['limits', 'max_approvals']['line'] == 4"
check "the environment wins over files" told \
        "(s['limits', 'max_result']['value'], s['limits', 'max_result']['origin'], s['limits', 'max_result']['where']) == (200000, 'environment', 'ASMD_LIMITS_MAX_RESULT')"
check "an option is told as such" told \
        "(s['node', 'listen']['origin'], s['node', 'listen']['where']) == ('option', '--listen') and s['node', 'cookie_file']['where'] == '--cookie-file'"
check "what nobody gave is a default" told \
        "s['limits', 'max_subscribers'] == dict(group='limits', key='max_subscribers', value=1000, origin='default', where=None, line=None, pending=None)"
check "the files that were read are told" told "len([f for f in c['files'] if f.startswith('$ASM_TMP')]) == 3"

# --- asmctl config ---------------------------------------------------------------------------------------

ctl config
check_equal "a person can read it" 0 "$status"
check_match "with headings" '^GROUP +KEY +VALUE +FROM$' "$(head -n 1 out)"
check_match "a line per key" "^limits +max_runs +4 +$ASM_TMP/user/asmd/asmd.conf:2$" "$(cat out)"
check_match "the variable" '^log +level +info +ASMD_LOG_LEVEL$' "$(cat out)"
check_match "and the defaults" '^limits +max_subscribers +1000 +default$' "$(cat out)"
check_match "options of runs are there" '^defaults codex +model +one +' "$(cat out)"
check_match "but no secret" '^defaults codex +deploy_token +\*+ +.*:7$' "$(cat out)"
ctl config --given
check_equal "--given leaves out defaults" 0 "$(grep -c ' default$' out)"
check_match "and nothing else" '^limits +max_mailbox +22 ' "$(cat out)"
ctl --json config --given
check_equal "also in JSON" 0 "$(grep -c '"origin":"default"' out)"
check_equal "where no secret is, either" 0 "$(grep -c s3cr3t out)"

# --- SIGHUP ----------------------------------------------------------------------------------------------

configured user/asmd/asmd.conf '# one line more' '[limits]' 'max_runs = 5' 'max_mailbox = 33' '[defaults]' 'model = two'
kill -HUP "$ASMD_PID"
check "SIGHUP changes what can change" wait_until told \
        "(s['limits', 'max_runs']['value'], s['limits', 'max_runs']['line'], s['limits', 'max_runs']['pending']) == (5, 3, None)"
check "a key that needs a new start keeps its value, and tells the next one" told \
        "s['limits', 'max_mailbox']['value'] == 22 and s['limits', 'max_mailbox']['where'] == '$ASM_TMP/second/asmd/asmd.conf' and s['limits', 'max_mailbox']['pending'] == dict(value=33, origin='file', where='$ASM_TMP/user/asmd/asmd.conf', line=4)"
check "options of runs are the new ones" told \
        "s['defaults', 'model']['value'] == 'two' and ('defaults codex', 'model') not in s"
ctl config --given
check_match "a person sees it" \
        "^limits +max_mailbox +22 +$ASM_TMP/second/asmd/asmd.conf:5 +33 \\($ASM_TMP/user/asmd/asmd.conf:4\\)$" "$(cat out)"
configured user/asmd/asmd.conf '[limits]' 'max_runs = 6' 'max_mailbox = x'
kill -HUP "$ASMD_PID"
check "a mistake is logged" wait_until grep -q 'SIGHUP: what was configured stays' "$LOGS/asmd.log"
check "and changes nothing" told "s['limits', 'max_runs']['value'] == 5"
check_equal "no secret is in the log" 0 "$(grep -c s3cr3t "$LOGS/asmd.log")"

stop_process "$ASMD_PID"
check_equal "asmd ends" 0 $?

# --- who may ask -----------------------------------------------------------------------------------------

configured rights.conf '[peers]' 'allow = *' 'default_rights = query'
start_asmd asmd --config rights.conf
ctl status
check_equal "who may query asks for the status" 0 "$status"
ctl config
check_equal "but not for the configuration" 5 "$status"
