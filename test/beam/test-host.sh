#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
#
# The backend host application of priv/erlang, used from another node.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_host_app
start_epmd
ASMD_PROVIDERS=$ASM_ROOT/priv/providers plain_erl_test host_test "host_test:start()." -pa "$ASM_ROOT/priv/erlang/ebin"
