#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# any-otp
#
# peer_test against a BEAM: what it expects of asmd is what OTP does.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

start_beam reference -hidden -eval 'ok = peer_reference:start().'
erl_test checker peer_test main "reference@$HOST" reference
