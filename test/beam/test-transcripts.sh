#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# The transcripts of Erlang shells and of iex, in the documents and in the comments of the library.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "transcripts of Erlang shells and iex"
command -v iex >/dev/null || skip_all "transcripts of Erlang shells and iex" \
        "elixir is not installed: scripts/install-deps test"

export PATH=$ASM_ROOT/priv/providers:$PATH
mkdir "$ASM_TMP/priv"
cp -r "$ASM_ROOT/priv/shell" "$ASM_TMP/priv/shell"
(cd "$ASM_TMP/priv/shell" && mix compile) >"$LOGS/mix.log" 2>&1
ebin=$ASM_TMP/priv/shell/_build/dev/lib/asm/ebin
check "the library compiles" test -f "$ebin/asm.beam"
start_asmd asmd
start_beam_host backend

# replay DOCUMENT...
replay() {
        python3 "$ASM_ROOT/test/beam/transcripts.py" --host "$HOST" --folder "$ASM_TMP" --only erl --only iex \
                --erl "$ASM_ERL -sname shell -pa $ebin" --iex "iex --sname iex -pa $ebin" "$@"
}

for document in "$ASM_ROOT"/doc/library.md "$ASM_ROOT"/README.md "$ASM_ROOT"/priv/shell/src/*.erl; do
        output=$(replay "$document")
        grep -E '^(not )?ok ' <<<"$output"
        case $output in
        *ok*) ;;
        *) [ "${document##*/}" != library.md ] || not_ok "$document has transcripts" ;;
        esac
done
