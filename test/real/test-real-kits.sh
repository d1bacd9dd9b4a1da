#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 900
#
# The kits of priv/kits, with the vendors' SDKs, as asmd runs them, against a scripted model.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "the kits"
[ -z "${ASM_REAL_KITS_SKIP-}" ] || skip_all "the kits" "$ASM_REAL_KITS_SKIP"
[ -d "${ASM_REAL_KITS-}" ] || skip_all "the kits" "not installed: run scripts/test-real-clis"
work=$ASM_TMP/project
mkdir -p "$work" "$HOME/.codex"
cd "$ASM_TMP" || exit
start_model

export ASMD_KIT_PATH=$ASM_REAL_KITS
export ANTHROPIC_BASE_URL=http://127.0.0.1:$model_port ANTHROPIC_API_KEY=not-a-key
export DISABLE_TELEMETRY=1 DISABLE_ERROR_REPORTING=1 DISABLE_AUTOUPDATER=1
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 OPENAI_API_KEY=not-a-key
cat >"$HOME/.codex/config.toml" <<TEXT
model = "scripted"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:$model_port/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
TEXT
cat >"$ASM_TMP/asmd.conf" <<'TEXT'
[defaults]
lane = sdk
[defaults codex]
lane = sdk
skip_git_repo_check = true
TEXT
start_asmd asmd --config "$ASM_TMP/asmd.conf"

no_kit_runs() {
        [ -z "$(own_processes '/kit\.mjs')" ]
}

plain() {
        start_session && ask 'hello' || return
        says status 0 "$status" && says answer 'Turn 1 of the scripted model.' "$out"
}

allowed() {
        answer_tool allow "use-tool:touch_$work/allowed" || return
        says status 0 "$status" || return
        says 'the tool result is an error' false "$(field tool_result 'e["payload"]["is_error"]')" || return
        says 'the file' "$work/allowed" "$(ls "$work/allowed" 2>&1)"
}

denied() {
        answer_tool deny "use-tool:touch_$work/denied" || return
        says status 0 "$status" || return
        says 'the tool result is an error' true "$(field tool_result 'e["payload"]["is_error"]')" || return
        [ ! -e "$work/denied" ] || echo "the tool ran"
        [ ! -e "$work/denied" ]
}

interrupted() {
        local run
        start_session || return
        : >model.log
        begin 'slow'
        wait_until "$PATIENCE" grep -q 'slow' model.log || return
        run=$(field run_started 'e["run_id"]')
        "$ASMCTL" interrupt "$session" "$run" || return
        wait "$stream_pid"
        says status 130 $? || return
        wait_until 20 no_kit_runs
}

resumed() {
        start_session && ask 'hello' || return
        says 'first answer' 'Turn 1 of the scripted model.' "$out" || return
        out=$(timeout "$PATIENCE" "$ASMCTL" resume --session "$session" 'and again' 2>err)
        says 'second answer' 'Turn 2 of the scripted model.' "$out"
}

structured() {
        local object
        object=$(timeout "$PATIENCE" "$ASM_ERL" -noinput -sname structured -eval '
                Schema = #{<<"type">> => <<"object">>, <<"required">> => [<<"n">>],
                           <<"additionalProperties">> => false,
                           <<"properties">> => #{<<"n">> => #{<<"type">> => <<"integer">>}}},
                {ok, #{object := #{<<"n">> := N}, metadata := #{lane := Lane}}} =
                        erpc:call('"'$ASMD_NODE'"', asm, query,
                                  ['"$cli"', <<"an object">>, [{output_schema, Schema},
                                                               {cwd, <<"'"$work"'">>}]]),
                io:format("~w ~w~n", [N, Lane]), halt(0).' 2>err)
        says object '7 sdk' "$object"
}

api_error() {
        start_session && ask 'fail:400' || return
        says status 1 "$status" || return
        contains 'the scripted model fails as asked' "$err"
}

cli=claude
check "kit claude: a plain answer" plain
check "kit claude: a tool runs when it is allowed" allowed
check "kit claude: a tool does not run when it is denied" denied
check "kit claude: an interrupt ends the answer and the kit" interrupted
check "kit claude: a conversation is resumed" resumed
check "kit claude: a schema gives an object" structured
check "kit claude: an error of the API is the error of the run" api_error
cli=codex
check "kit codex: a plain answer" plain
check "kit codex: an interrupt ends the answer and the kit" interrupted
check "kit codex: a conversation is resumed" resumed
check "kit codex: a schema gives an object" structured
check "kit codex: an error of the API is the error of the run" api_error
check "no kit is left" wait_until 20 no_kit_runs
