# shellcheck shell=bash disable=SC2034 # some of this is for the tests that source it
# SPDX-License-Identifier: MIT
#
# For the tests of real CLIs that scripts/test-real-clis starts: a scripted model, an asmd that runs
# the CLI, and the words of the cases. Each case is a function that prints what is wrong.
#
# From the script: ASM_REAL_<CLI>, the executable, and ASM_REAL_<CLI>_SKIP, why it cannot be run.
# shellcheck source=../beam/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../beam/lib.sh"

# need_real_cli NAME: sets cli; the working directory of the runs is $work
need_real_cli() {
        local path=ASM_REAL_${1^^} reason=ASM_REAL_${1^^}_SKIP
        cli=$1
        [ -z "${!reason-}" ] || skip_all "the real $1" "${!reason}"
        [ -x "${!path-}" ] || skip_all "the real $1" "no executable: run scripts/test-real-clis"
        need_asmd "the real $1"
        cli_path=${!path}
        work=$ASM_TMP/project
        mkdir -p "$work"
        cd "$ASM_TMP" || exit
}

# start_model: sets model_port; each request is a line in model.log
start_model() {
        "$ASM_ROOT/test/real/model-api" "$ASM_TMP/model.port" "$ASM_TMP/model.log" >"$LOGS/model.log" 2>&1 &
        started_pids+=("$!")
        wait_until test -s "$ASM_TMP/model.port" || {
                not_ok "the scripted model starts" "$(cat "$LOGS/model.log")"
                exit 1
        }
        model_port=$(cat "$ASM_TMP/model.port")
}

# Real CLIs take seconds to start, more on a busy machine.
PATIENCE=60

# start_session: sets session
start_session() {
        session=$("$ASMCTL" start --provider "$cli" --cwd "$work")
}

# ask PROMPT [ARGUMENT]...: asmctl query in the session; sets out, err and status
ask() {
        local prompt=$1
        shift
        timeout "$PATIENCE" "$ASMCTL" query --session "$session" "$@" >out 2>err <<<"$prompt"
        status=$?
        out=$(cat out)
        err=$(cat err)
}

# begin PROMPT: asmctl stream --json in the session, in the background, into events.json
begin() {
        : >events.json
        timeout "$PATIENCE" "$ASMCTL" --json stream --session "$session" "$1" \
                >events.json 2>err </dev/null &
        stream_pid=$!
}

# field KIND EXPRESSION: of the last event of this kind, as Python sees it in `e`; "*" is the last line
field() {
        python3 - "$1" "$2" <<'PYTHON'
import json, sys
found = None
for line in open("events.json", encoding="utf-8"):
    try:
        e = json.loads(line)
    except ValueError:
        continue
    if sys.argv[1] in ("*", e.get("kind")):
        found = e
if found is None:
    sys.exit(1)
e = found
value = eval(sys.argv[2])
print(value if isinstance(value, str) else json.dumps(value))
PYTHON
}

has_event() {
        grep -q "\"kind\":\"$1\"" events.json
}

# says WHAT EXPECTED GOT: for the cases
says() {
        [ "$2" = "$3" ] || {
                echo "$1: expected '$2' got '$3'; $(tail -n 3 err | cut -c1-300)"
                return 1
        }
}

has_event_or_ended() {
        has_event "$1" || ! kill -0 "$stream_pid" 2>/dev/null
}

# contains PART TEXT: for the cases
contains() {
        [[ $2 == *"$1"* ]] || {
                echo "expected '$1' in '$2'"
                return 1
        }
}

# answer_tool allow|deny PROMPT: runs it and decides the approval that comes; sets status
answer_tool() {
        local id
        start_session || return
        begin "$2"
        wait_until "$PATIENCE" has_event_or_ended approval_requested
        has_event approval_requested || {
                echo "no approval was asked for: $(cut -c1-200 events.json err | tail -n 5)"
                return 1
        }
        id=$(field approval_requested 'e["payload"]["approval_id"]')
        if [ "$1" = allow ]; then
                "$ASMCTL" approve "$session" "$id"
        else
                "$ASMCTL" deny "$session" "$id"
        fi || return
        wait "$stream_pid"
        status=$?
}
