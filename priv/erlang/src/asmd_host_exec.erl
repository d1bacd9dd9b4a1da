%% SPDX-License-Identifier: MIT
%% The frames of the helper program asm_exec, which documents them; the length in front of each is
%% the port's ({packet, 4}). Pure but for open/1.
-module(asmd_host_exec).

-export([open/1, start/1, input/1, end_input/0, signal/1, ack/1, terminate/0, decode/1]).

-export_type([request/0, frame/0]).

-type request() :: #{command := binary(), args := [binary()], cwd := binary() | nil,
                     env := [{binary(), binary() | false}], clear_env := boolean(),
                     stdin := open | none, grace_ms := non_neg_integer(),
                     window := pos_integer()}.
-type frame() :: {started, pos_integer()} | {failed, atom(), atom() | integer()}
               | {stdout, binary()} | {stderr, binary()} | {consumed, non_neg_integer()}
               | input_closed | {exit, nil | 0..255, nil | pos_integer()}.

%% how long output that the CLI's left-over children hold open is waited for
-define(DRAIN_MS, 300).

-spec open(file:filename()) -> port().
open(Helper) ->
    open_port({spawn_executable, Helper}, [{packet, 4}, binary, exit_status, use_stdio]).

-spec start(request()) -> iodata().
start(#{command := Command, args := Args, cwd := Cwd, env := Env, clear_env := ClearEnv,
        stdin := Stdin, grace_ms := Grace, window := Window}) ->
    Flags = flag(ClearEnv, 1) bor flag(Stdin =:= none, 2),
    [<<$S, Flags:32, Grace:32, ?DRAIN_MS:32, Window:32>>,
     str(case Cwd of nil -> <<>>; _ -> Cwd end),
     strs([Command | Args]),
     strs([env_entry(Entry) || Entry <- Env])].

-spec input(iodata()) -> iodata().
input(Data) -> [$I, Data].

-spec end_input() -> iodata().
end_input() -> <<$E>>.

%% to the CLI's whole process group
-spec signal(1..64) -> iodata().
signal(Number) -> <<$K, Number>>.

-spec ack(pos_integer()) -> iodata().
ack(Bytes) -> <<$A, Bytes:32>>.

-spec terminate() -> iodata().
terminate() -> <<$T>>.

-spec decode(binary()) -> frame().
decode(<<$P, Pid:32>>) -> {started, Pid};
decode(<<$F, Errno:32, Stage>>) -> {failed, stage(Stage), posix(Errno)};
decode(<<$O, Data/binary>>) -> {stdout, Data};
decode(<<$R, Data/binary>>) -> {stderr, Data};
decode(<<$W, Bytes:32>>) -> {consumed, Bytes};
decode(<<$B>>) -> input_closed;
decode(<<$X, 0, Code:32>>) -> {exit, Code, nil};
decode(<<$X, 1, Signal:32>>) -> {exit, nil, Signal}.

flag(true, Bit) -> Bit;
flag(false, _) -> 0.

str(Text) -> [<<(byte_size(Text)):32>>, Text].

strs(Texts) -> [<<(length(Texts)):32>> | [str(Text) || Text <- Texts]].

env_entry({Name, false}) -> Name;
env_entry({Name, Value}) -> <<Name/binary, $=, Value/binary>>.

stage(0) -> request;
stage(1) -> fork;
stage(2) -> cwd;
stage(3) -> exec.

posix(1) -> eperm;
posix(2) -> enoent;
posix(7) -> e2big;
posix(8) -> enoexec;
posix(11) -> eagain;
posix(12) -> enomem;
posix(13) -> eacces;
posix(20) -> enotdir;
posix(22) -> einval;
posix(24) -> emfile;
posix(36) -> enametoolong;
posix(110) -> etimedout;
posix(Errno) -> Errno.
