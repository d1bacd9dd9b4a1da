#!/bin/bash
# SPDX-License-Identifier: MIT
#
# usage: provider.sh BUILD: lines decoded per second for each provider beside jq on the same file, and
# the time from the start of a CLI to its first event beside a plain posix_spawn. scripts/bench runs
# it; the files are the conversations of the tests, repeated.

set -euo pipefail
build=$1
data=$(dirname "$0")/../data/provider
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# repeat LINES FILE...: what the CLI printed, in a file of about LINES lines
repeat() {
        local lines=$1
        shift
        sed -n -E 's/^< //; /^> /d; /^\{.*\}$/p' "$@" |
                awk -v lines="$lines" '{ line[n++] = $0 }
                        END { for (i = 0; i < lines; i++) print line[i % n] }'
}

# jq_rate FILE: lines per second and MB per second, of the processor's time as well
jq_rate() {
        local TIMEFORMAT='%U %S' taken
        taken=$({ time jq -c . "$1" >"$folder/out"; } 2>&1)
        awk -v l="$(wc -l <"$1")" -v b="$(wc -c <"$1")" -v taken="$taken" 'BEGIN {
                split(taken, t, " ")
                s = t[1] + t[2]
                printf "%.0f %.1f\n", l / s, b / s / 1e6
        }'
}

# row NAME PROVIDER FILE
row() {
        local ours theirs
        read -r -a ours <<<"$("$build/test/bench/bench-decode" "$2" "$3")"
        read -r -a theirs <<<"$(jq_rate "$3")"
        printf '%-24s %12s %8s %12s %8s %7s\n' "$1" "${ours[0]}" "${ours[1]}" "${theirs[0]}" "${theirs[1]}" \
                "$(awk -v a="${ours[0]}" -v b="${theirs[0]}" 'BEGIN { printf "%.1f", a / b }')"
}

printf '%-24s %12s %8s %12s %8s %7s\n' "decoding" "lines/s" "MB/s" "jq lines/s" "jq MB/s" "ratio"
repeat 100000 "$data"/amp_tools.jsonl >"$folder/amp"
repeat 100000 "$data"/claude_plain.jsonl "$data"/claude_approval_allow.jsonl "$data"/claude_vocabulary.jsonl >"$folder/claude"
repeat 100000 "$data"/codex_plain.jsonl "$data"/codex_vocabulary.jsonl >"$folder/codex"
repeat 100000 "$data"/cursor_tools.jsonl >"$folder/cursor"
for provider in amp claude codex cursor; do
        row "$provider" "$provider" "$folder/$provider"
done
# a file read by a tool: 64 KiB of text with escapes
awk 'BEGIN {
        text = "line of a file with \\\"quotes\\\" and a tab\\t\\n"
        while (length(text) < 65536) text = text text
        for (i = 0; i < 500; i++)
                print "{\"type\":\"tool_result\",\"tool_use_id\":\"t" i "\",\"content\":\"" text "\"}"
}' >"$folder/large"
row "claude, 64 KiB lines" claude "$folder/large"
tr -d '{}' <"$folder/codex" >"$folder/plain"
read -r -a rate <<<"$("$build/test/bench/bench-decode" antigravity "$folder/plain")"
printf '%-24s %12s %8s %12s\n' "antigravity, plain text" "${rate[0]}" "${rate[1]}" "-"

printf '#!/bin/sh\necho '"'"'{"type":"turn.started"}'"'"'\n' >"$folder/cli"
chmod +x "$folder/cli"
echo
printf '%-24s %12s %12s\n' "start to first event" "median us" "p99 us"
ASM_EXEC=$build/src/asm_exec "$build/test/bench/bench-spawn" "$folder/cli" "${ASM_BENCH_SPAWNS:-300}" |
        while read -r what median p99; do printf '%-24s %12s %12s\n' "$what" "$median" "$p99"; done
