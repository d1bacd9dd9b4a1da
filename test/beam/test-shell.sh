#!/bin/bash
# SPDX-License-Identifier: MIT
# any-otp
# timeout: 300
#
# The library of priv/shell from Erlang and from Elixir, as files to compile and as a project of mix and
# of rebar3.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "the library for Erlang and Elixir"

shell=$ASM_ROOT/priv/shell
ebin=$ASM_TMP/ebin
mkdir "$ebin"
export PATH=$ASM_ROOT/priv/providers:$PATH

# --- Erlang ------------------------------------------------------------------------------------

# by the OTP that runs it; a warning fails
check "the Erlang modules compile without a warning" "$ASM_ERL" -noinput -eval '
        Options = [report, debug_info, warnings_as_errors, {outdir, "'"$ebin"'"}],
        Bad = [F || F <- filelib:wildcard("'"$shell"'/src/*.erl"), error =:= compile:file(F, Options)],
        halt(length(Bad)).'
start_asmd asmd
asmd_node=$ASMD_NODE
printf '%s\n' '[peers]' 'allow = *' 'default_rights = query' >"$ASM_TMP/guarded.conf"
start_asmd guarded --config "$ASM_TMP/guarded.conf"
guarded_node=$ASMD_NODE
start_asmd mortal
plain_erl_test shell_test "shell_test:main(init:get_plain_arguments())." -sname checker -pa "$ebin" \
        -extra "$asmd_node" "$ASMD_NODE" "$ASMD_PID" "$guarded_node" "$ASM_ROOT/doc/security.md" \
        "$shell/src/asm_subscriber.erl"

check_match "what a node is told that is not distributed" 'this node is not distributed.*-sname NAME' \
        "$("$ASM_ERL" -noinput -pa "$ebin" -eval 'io:format("~0tp", [asm:status()]), halt().' 2>&1)"

if [ -n "$ASM_OTP" ]; then
        ok "the library for Elixir # SKIP elixir is not of this OTP"
        exit
fi

# --- types and documentation -----------------------------------------------------------------------

otp_beam() {
        "$ASM_ERL" -noinput -eval "io:put_chars(code:which($1)), halt()."
}

if command -v dialyzer >/dev/null; then
        # as small a table as will do: that of all of OTP takes minutes
        beams=$(dirname "$(otp_beam erpc)")/erpc.beam
        for module in application gen_server gen proplists lists maps io io_lib string unicode \
                supervisor proc_lib file re; do
                beams+=" $(otp_beam $module)"
        done
        # shellcheck disable=SC2086 # a list of files
        dialyzer --build_plt --output_plt "$ASM_TMP/plt" $beams >"$LOGS/plt.log" 2>&1
        check "dialyzer finds nothing in the Erlang modules" \
                dialyzer --plt "$ASM_TMP/plt" "$ebin"/*.beam
else
        ok "the types # SKIP dialyzer is not installed: scripts/install-deps test"
fi

if "$ASM_ERL" -noinput -eval 'halt(case code:which(edoc) of non_existing -> 1; _ -> 0 end).'; then
        check_equal "edoc makes pages of the comments, without a warning" "" "$("$ASM_ERL" -noinput -eval '
                edoc:files(filelib:wildcard("'"$shell"'/src/*.erl"),
                           [{dir, "'"$ASM_TMP/edoc"'"}, {preprocess, true}]), halt().' 2>&1)"
else
        ok "the documentation # SKIP edoc is not installed: scripts/install-deps test"
fi

# --- Elixir ---------------------------------------------------------------------------------------

if ! command -v elixir >/dev/null; then
        ok "the library for Elixir # SKIP elixir is not installed: scripts/install-deps test"
        exit
fi

# a copy: mix writes beside what it compiles
cp -r "$shell" "$ASM_TMP/library"
project=$ASM_TMP/project
mkdir -p "$project/lib"
cat >"$project/mix.exs" <<'EX'
defmodule Mine.MixProject do
  use Mix.Project

  def project, do: [app: :mine, version: "0.1.0", deps: [{:asm, path: "../library"}]]
end
EX
cat >"$project/lib/mine.ex" <<'EX'
defmodule Mine do
  def ask(prompt), do: ASMNode.query(:codex, prompt) |> ASMNode.text()
end
EX
# mix_in FOLDER ARGUMENT...
mix_in() {
        (cd "$1" && shift && MIX_ENV=prod mix "$@")
}
check "the Elixir modules are formatted" mix_in "$ASM_TMP/library" format --check-formatted
check "mix compiles the library without a warning" mix_in "$ASM_TMP/library" compile --warnings-as-errors
check "a project takes it as a path dependency, offline" mix_in "$project" compile
elixir_ebin=$ASM_TMP/library/_build/prod/lib/asm/ebin

# in_elixir NAME ARGUMENT...: a node of its own
in_elixir() {
        local name=$1
        shift
        elixir --sname "$name" --cookie "$(cat "$COOKIE_FILE")" "$@" 2>&1
}
answer='You asked: hello It has 1 word(s). I am a stand-in without a model.'
check_equal "and its code asks the daemon" "$answer" \
        "$(cd "$project" && MIX_ENV=prod in_elixir mine -S mix run -e 'IO.write(Mine.ask("hello"))')"
start_asmd mortal
in_elixir elixired -pa "$elixir_ebin" "$ASM_ROOT/test/beam/asm_node_test.exs" "mortal@$HOST" "$ASMD_PID" \
        "$ASM_ROOT/doc/security.md" >"$LOGS/elixir.log"
status=$?
grep -E '^ok - |^not ok - ' "$LOGS/elixir.log"
check_equal "the Elixir tests end well" 0 $status
if command -v dialyzer >/dev/null; then
        export ERL_LIBS
        ERL_LIBS=$(elixir -e 'IO.write(Path.dirname(:code.lib_dir(:elixir)))')
        core=$ERL_LIBS/elixir/ebin
        dialyzer --add_to_plt --plt "$ASM_TMP/plt" "$core"/Elixir.{Exception,Enumerable,Keyword,Supervisor,GenServer}.beam \
                "$core"/Elixir.{ErlangError,Map,IO,Stream,String}.beam >"$LOGS/plt.log" 2>&1
        check "dialyzer finds nothing in the Elixir modules" \
                dialyzer --plt "$ASM_TMP/plt" "$elixir_ebin"/*.beam
        unset ERL_LIBS
fi

if ! command -v rebar3 >/dev/null; then
        ok "the library as a project of rebar3 # SKIP rebar3 is not installed: scripts/install-deps test"
        exit
fi
check "rebar3 compiles the library, offline" env -C "$ASM_TMP/library" rebar3 compile
check "and says what it holds" test -f "$ASM_TMP/library/_build/default/lib/asm/ebin/asm_subscriber.beam"
