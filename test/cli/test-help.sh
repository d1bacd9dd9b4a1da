#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Help and manual pages: they tell of everything that there is, and are what man makes no complaint
# about.
# shellcheck source=../beam/lib.sh
. "$(dirname "$0")/../beam/lib.sh"
need_asmd "help"
[ -x "$ASMCTL" ] || skip_all "help" "no $ASMCTL: build it with scripts/build"

pages=("$ASM_BUILD/doc/asmctl.1" "$ASM_BUILD/doc/asmd.8" "$ASM_BUILD/doc/asmd.conf.5")
manual=$(sed 's/\\-/-/g' "${pages[0]}")
commands=$("$ASMCTL" --help | sed -nE 's/^  ([a-z]+)  .*/\1/p')
check_match "the help lists the commands" '^run query stream ' "$(tr '\n' ' ' <<<"$commands")"
for command in $commands; do
        help=$("$ASMCTL" help "$command")
        check_match "the manual tells of $command" "^\.Ss $command( |$)" "$manual"
        check_equal "help $command and $command --help are the same" "$help" "$("$ASMCTL" "$command" --help)"
        check_match "help $command has an example" '^  \$ .*asmctl ' "$help"
        check_equal "help $command fits a terminal of 80 columns, but for examples" '' \
                "$(grep -v '^  \$ ' <<<"$help" | grep -E '.{81}')"
        while read -r option; do
                grep -E "Fl .*-$option( |\$)" <<<"$manual" >/dev/null ||
                        not_ok "the manual tells of --$option" "of $command"
        done < <(sed -nE 's/^  (-., |    )--([a-z-]+).*/\2/p' <<<"$help")
done
while read -r code; do
        check_match "the manual tells of status $code" "^\.It $code$" "$manual"
done < <("$ASMCTL" --help | sed -nE 's/^ +([0-9]+)  .*/\1/p')
while read -r option; do
        check_match "asmd(8) tells of --$option" "^\.It Fl .*-$option( |$)" "$(cat "${pages[1]}")"
done < <("$ASMD" --help | sed -nE 's/^  (-., )?--([a-z-]+).*/\2/p')

for page in "${pages[@]}"; do
        level=style
        [[ $page != *.conf.5 ]] || level=warning
        # pages that are installed nowhere yet are no fault of the text
        check_equal "mandoc finds no fault in ${page##*/}" '' \
                "$(mandoc -T lint -W "$level" "$page" 2>/dev/null | grep -v 'referenced manual not found')"
        check_equal "man finds no fault in ${page##*/}" '' "$(man --warnings -l "$page" 2>&1 >/dev/null)"
        check_match "${page##*/} is shown" 'NAME' "$(man -l "$page" 2>/dev/null)"
done

# --- what is misspelt -----------------------------------------------------------------------------

# hint NAME EXPECTED ARGUMENT...
hint() {
        local name=$1 expected=$2 said
        shift 2
        said=$("$ASMCTL" "$@" 2>&1)
        check_equal "$name: status" 2 $?
        check_match "$name" "did you mean '?$expected'?\?" "$said"
}
hint "a command" status statsu
hint "a command behind help" query help qurey
hint "an option of asmctl" --cookie-file --cookiefile x status
hint "an option of a command" --permission query --permision plan x
hint "an option of asmctl behind a command" --timeout status --timout 3
