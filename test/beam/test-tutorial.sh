#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# doc/tutorial.md, executed from its first line to its last. Only what installs packages and builds does
# nothing here, for the runner has done it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_asmd "the tutorial"
need_host_app
command -v iex >/dev/null || skip_all "the tutorial" "elixir is not installed: scripts/install-deps test"

tree=$ASM_TMP/tree
mkdir -p "$tree/build" "$tree/scripts" "$tree/priv"
ln -s "$ASM_BUILD/src" "$tree/build/src"
for folder in erlang providers; do ln -s "$ASM_ROOT/priv/$folder" "$tree/priv/$folder"; done
cp -r "$ASM_ROOT/priv/shell" "$tree/priv/shell"
for script in build install-deps; do
        printf '#!/bin/sh\nexit 0\n' >"$tree/scripts/$script"
        chmod +x "$tree/scripts/$script"
done

python3 "$ASM_ROOT/test/beam/transcripts.py" --host "$HOST" --folder "$tree" --erl false --iex false --all \
        "$ASM_ROOT/doc/tutorial.md"
cp "$tree/asmd.log" "$LOGS/asmd.log"
