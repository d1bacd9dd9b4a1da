%% SPDX-License-Identifier: MIT
%% What this host can do. remote_backend_start_v1: start_core_session/1 as ASM 0.12 has it;
%% raw_lines_v1: with {event_delivery, raw_lines} the CLI's lines are shipped undecoded.
%% run_pause_v1: a session waits between {asm_pause, Ref} and {asm_resume, Ref}.
-module('Elixir.ASM.Remote.Capabilities').

-export([handshake/0]).

-spec handshake() -> #{asm_version := binary(), otp_release := binary(), capabilities := [atom()]}.
handshake() ->
    #{asm_version => <<"0.12.1">>,
      otp_release => list_to_binary(erlang:system_info(otp_release)),
      capabilities => [remote_backend_start_v1, raw_lines_v1, run_pause_v1]}.
