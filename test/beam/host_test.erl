%% SPDX-License-Identifier: MIT
%% The backend host, used from another node as asmd and Elixir's ASM use it. Each test has a host
%% node of its own. test/beam/run-host-test starts it, with an epmd, a cookie and a folder of its own.
-module(host_test).

-export([start/0, run/0]).
-export([count_lines/3]).

-import(host_support, [start_host/0, start_host/1, start_node/1, stop_node/1, os_pid/1, kill/2,
                       options/3, start/2, start/3, start_hanging/2, start_hanging/3,
                       events/1, events/2, lines/1, down/1, until/1, exists/1, gone/1,
                       pids/1, parent/1, stand_in/1, temp/1, script/2]).

-define(STARTER, 'Elixir.ASM.Remote.BackendStarter').
-define(SESSIONS, 'Elixir.ASM.Remote.BackendSupervisor').

-spec start() -> no_return().
start() ->
    halt(min(run(), 1)).

-spec run() -> non_neg_integer().
run() ->
    {ok, _} = net_kernel:start([list_to_atom("tests" ++ os:getpid()), shortnames]),
    host_support:run(host_test, contract() ++ delivery() ++ input() ++ ending() ++ refusals()
                     ++ host_unit_test:tests() ++ exec_test:tests()).

%%% the contract

contract() ->
    [{"preflight finds what ASM looks for", fun preflight/0},
     {"an idle node starts the host when asked by ASM's application name", fun bootstrap/0},
     {"the stand-ins of Elixir's modules stay off the code path where the real ones are",
      fun no_shim_beside_elixir/0},
     {"info has the keys of an ASM session and names the delivery", fun info/0},
     {"a session is a temporary child of the backend supervisor", fun children/0},
     {"a cast, unknown messages and unknown calls do no harm", fun unknown_messages/0},
     {"sys:get_status shows neither prompt nor environment", fun no_secrets/0}].

preflight() ->
    Host = start_host(),
    true = rpc:call(Host, 'Elixir.Code', 'ensure_loaded?', [?STARTER]),
    false = rpc:call(Host, 'Elixir.Code', 'ensure_loaded?', [no_such_module]),
    true = rpc:call(Host, erlang, function_exported, [?STARTER, start_core_session, 1]),
    Release = list_to_binary(erlang:system_info(otp_release)),
    #{asm_version := <<"0.12.", _/binary>>, otp_release := Release,
      capabilities := [remote_backend_start_v1, raw_lines_v1, run_pause_v1]} =
        rpc:call(Host, 'Elixir.ASM.Remote.Capabilities', handshake, []),
    true = is_pid(rpc:call(Host, 'Elixir.Process', whereis, [?SESSIONS])).

bootstrap() ->
    Node = start_node([]),
    {badrpc, {'EXIT', {undef, _}}} = rpc:call(Node, 'Elixir.Process', whereis, [?SESSIONS]),
    Home = filename:dirname(filename:dirname(code:which(asmd_host))),
    true = rpc:call(Node, code, add_pathz, [filename:join([Home, "shim", "ebin"])]),
    nil = rpc:call(Node, 'Elixir.Process', whereis, [?SESSIONS]),
    {ok, [asmd_host]} = rpc:call(Node, 'Elixir.Application', ensure_all_started,
                                 [agent_session_manager]),
    true = is_pid(rpc:call(Node, 'Elixir.Process', whereis, [?SESSIONS])),
    {ok, []} = rpc:call(Node, 'Elixir.Application', ensure_all_started, [agent_session_manager]),
    %% what the real Elixir does with that name
    {ok, [agent_session_manager]} = rpc:call(Node, application, ensure_all_started,
                                             [agent_session_manager]).

no_shim_beside_elixir() ->
    Node = start_node([]),
    %% what counts is that a module of this name is found, not what is in it
    Dir = temp("elixir"),
    ok = filelib:ensure_dir(filename:join(Dir, "x")),
    {ok, Module, Code} = compile:forms([{attribute, 1, module, 'Elixir.Code'}]),
    ok = file:write_file(filename:join(Dir, atom_to_list(Module) ++ ".beam"), Code),
    true = rpc:call(Node, code, add_pathz, [Dir]),
    {ok, _} = rpc:call(Node, application, ensure_all_started, [asmd_host]),
    non_existing = rpc:call(Node, code, which, ['Elixir.Process']).

info() ->
    Host = start_host(),
    Metadata = #{lane => core, run_id => <<"r">>},
    Given = [{metadata, Metadata}, {profile, 'Elixir.CliSubprocessCore.ProviderProfiles.Claude'},
             {execution_surface, #{surface_kind => local_subprocess}}, {model, <<"m">>},
             {env, #{<<"KEY">> => <<"secret">>}}],
    {ok, Session, Info} = start(Host, Given ++ options(claude, "hang", make_ref())),
    [capabilities, delivery, invocation, metadata, profile, provider, runtime, session_event_tag,
     subscribers, transport] = lists:sort(maps:keys(Info)),
    #{provider := claude, subscribers := 1, metadata := Metadata,
      session_event_tag := cli_subprocess_core_session,
      capabilities := [approval, cost, interrupt, resume, streaming, thinking, tools],
      runtime := #{provider_session_id := nil, sequence := 0},
      delivery := #{tagged_payload := raw_lines},
      transport := #{status := connected},
      invocation := #{command := Command, cwd := nil, env := #{<<"KEY">> := <<"...">>},
                      args := [<<"--output-format">>, <<"stream-json">>, <<"--verbose">>,
                               <<"--print">>, <<"--model">>, <<"m">>, <<"--permission-mode">>,
                               <<"default">>, <<"hang">>]}} = Info,
    Command = stand_in(claude),
    Info = gen_server:call(Session, info).

children() ->
    Host = start_host(),
    {Session, Ref, _} = start_hanging(Host, ""),
    [{undefined, Session, worker, [asmd_host_session]}] = which_children(Host),
    ok = gen_server:call(Session, interrupt),
    {exit, #{code := 130}} = lists:last(events(Ref)),
    until(fun() -> which_children(Host) =:= [] end).

which_children(Host) ->
    rpc:call(Host, supervisor, which_children, [?SESSIONS]).

unknown_messages() ->
    Host = start_host(),
    {Session, Ref, _} = start_hanging(Host, ""),
    Session ! {asm_approval_resolved, <<"a">>, allow, nil},
    Session ! what_is_this,
    gen_server:cast(Session, nor_this),
    {error, {unsupported_call, neither}} = gen_server:call(Session, neither),
    ok = gen_server:call(Session, interrupt),
    {exit, #{code := 130}} = lists:last(events(Ref)).

no_secrets() ->
    Host = start_host(),
    {Session, _, _} = start_hanging(Host, "hush", [{system_prompt, <<"hush">>},
                                                   {metadata, #{key => <<"hush">>}}]),
    Status = io_lib:format("~tp", [sys:get_status(Session)]),
    nomatch = string:find(Status, "hush"),
    nomatch = string:find(Status, "PIDFILE").

%%% what subscribers get

delivery() ->
    [{"a run is started, stdout lines in order, exit, DOWN normal", fun run_in_order/0},
     {"the event tag is the one asked for", fun event_tag/0},
     {"a bare pid gets legacy messages", fun legacy/0},
     {"100,000 lines arrive, all, in order, at most 100 in a message", fun many_lines/0},
     {"a line of 1 MB arrives whole", fun long_line/0},
     {"a line of the limit arrives, one byte more ends the CLI", fun line_limit/0},
     {"the last line needs no newline", fun last_line/0},
     {"stderr comes apart from stdout", fun stderr/0},
     {"the exit code is told", fun exit_code/0},
     {"a signal that ended the CLI is told", fun exit_signal/0},
     {"a second subscriber gets the events too, until it leaves", fun second_subscriber/0},
     {"a subscriber's node that does not read stops the CLI, not the host's memory",
      fun back_pressure/0},
     {"fifty sessions run side by side", fun side_by_side/0}].

run_in_order() ->
    Host = start_host(),
    Dir = list_to_binary(filename:dirname(temp("x"))),
    {Session, Ref} = start(Host, codex, {"hello \"you\"", [{cwd, Dir}]}),
    Monitor = monitor(process, Session),
    Command = stand_in(codex),
    [{started, #{command := Command, cwd := Dir,
                 args := [<<"exec">>, <<"--json">>, <<"hello \"you\"">>]}} | Events] = events(Ref),
    {exit, #{code := 0, signal := nil}} = lists:last(Events),
    [<<"{\"type\":\"thread.started\"", _/binary>>, <<"{\"type\":\"turn.started\"", _/binary>>,
     _Reasoning, Message, _, _, <<"{\"type\":\"turn.completed\"", _/binary>>] = lines(Events),
    {_, _} = binary:match(Message, <<"hello \\\"you\\\"">>),
    normal = down(Monitor).

event_tag() ->
    Host = start_host(),
    {_, Ref} = start(Host, claude, {"hi", [{session_event_tag, my_tag}]}),
    [{started, _} | _] = events(Ref, my_tag).

legacy() ->
    Host = start_host(),
    {ok, _, _} = start(Host, [{subscriber, self()} | options(codex, "hi", make_ref())]),
    receive {session_event, {started, _}} -> ok end,
    receive {session_event, {exit, #{code := 0}}} -> ok end.

many_lines() ->
    Host = start_host(),
    {_, Ref} = start(Host, codex, {"count:100000", []}),
    Events = events(Ref),
    Sizes = [length(Lines) || {stdout, Lines} <- Events],
    true = lists:max(Sizes) =< 100,
    Numbers = [binary_to_integer(Number)
               || Line <- lines(Events),
                  {match, [Number]} <- [re:run(Line, "event ([0-9]+) ", [{capture, [1], binary}])]],
    true = Numbers =:= lists:seq(1, 100000).

long_line() ->
    Host = start_host(),
    {_, Ref} = start(Host, codex, {"line:1000000", []}),
    [Length] = [byte_size(Line) || Line <- lines(events(Ref)), byte_size(Line) > 1000],
    true = Length > 1000000 andalso Length < 1000200.

line_limit() ->
    Host = start_host(),
    Cli = script("limit", "head -c \"$3\" /dev/zero | tr '\\0' x; echo; echo end; exec sleep 60"),
    AtLimit = [{command, Cli}, {max_line_bytes, 200000}],
    {Session, Ref} = start(Host, codex, {"200000", AtLimit}),
    receive {_, Ref, {started, _}} -> ok end,
    receive {_, Ref, {stdout, [Line]}} -> 200000 = byte_size(Line) end,
    ok = gen_server:stop(Session),
    {Over, OverRef} = start(Host, codex, {"200001", AtLimit}),
    Monitor = monitor(process, Over),
    [{started, _}, {line_too_long, 200000}, {exit, #{code := nil, signal := 15}}] = events(OverRef),
    normal = down(Monitor).

last_line() ->
    Host = start_host(),
    {_, Ref} = start(Host, codex, {"x", [{command, script("last", "printf 'one\\ntwo'")}]}),
    [<<"one">>, <<"two">>] = lines(events(Ref)).

stderr() ->
    Host = start_host(),
    {_, Ref} = start(Host, codex, {"stderr", []}),
    Events = events(Ref),
    <<"a warning\nand another\n">> = iolist_to_binary([Chunk || {stderr, Chunk} <- Events]),
    3 = length(lines(Events)).

exit_code() ->
    Host = start_host(),
    {_, Ref} = start(Host, claude, {"fail:3", []}),
    Events = events(Ref),
    [{stderr, <<"stand-in: failed as asked\n">>}] = [E || {stderr, _} = E <- Events],
    {exit, #{code := 3, signal := nil}} = lists:last(Events).

exit_signal() ->
    Host = start_host(),
    {_, Ref} = start(Host, codex, {"x", [{command, script("signal", "kill -9 $$")}]}),
    {exit, #{code := nil, signal := 9}} = lists:last(events(Ref)).

second_subscriber() ->
    Host = start_host(),
    Cli = script("second", "while read -r l; do echo $l; done"),
    {Session, Ref} = start(Host, claude, {"x", [{command, Cli}]}),
    Second = make_ref(),
    Self = self(),
    Other = spawn_link(fun() -> receive {_, Second, Event} -> Self ! {other, Event} end end),
    ok = gen_server:call(Session, {subscribe, Other, Second}),
    #{subscribers := 2} = gen_server:call(Session, info),
    ok = gen_server:call(Session, {send, <<"one">>}),
    receive {other, {stdout, [<<"one">>]}} -> ok end,
    until(fun() -> maps:get(subscribers, gen_server:call(Session, info)) =:= 1 end),
    ok = gen_server:call(Session, end_input),
    [<<"one">>] = lines(events(Ref)).

back_pressure() ->
    Host = start_host(),
    Client = start_node([]),
    Lines = 400000,
    Before = rpc:call(Host, erlang, memory, [total]),
    spawn_link(Client, ?MODULE, count_lines, [self(), Host, "count:" ++ integer_to_list(Lines)]),
    ClientPid = receive {client, OsPid} -> OsPid end,
    Session = receive {session, Pid} -> Pid end,
    kill(ClientPid, "STOP"),
    Status = fun() -> rpc:call(Host, erlang, process_info, [Session, status]) end,
    until(fun() -> Status() =:= {status, suspended} end),
    host_support:stays(fun() ->
                               rpc:call(Host, erlang, memory, [total]) - Before < 16 * 1024 * 1024
                       end, 1000),
    kill(ClientPid, "CONT"),
    receive {counted, Counted} -> Counted = Lines + 3 end.

%% Runs on a node of its own.
-spec count_lines(pid(), node(), string()) -> any().
count_lines(Test, Host, Prompt) ->
    Test ! {client, os:getpid()},
    {Session, Ref} = start(Host, codex, {Prompt, []}),
    Test ! {session, Session},
    Test ! {counted, count_lines(Ref, 0)}.

count_lines(Ref, N) ->
    receive
        {_, Ref, {stdout, Lines}} -> count_lines(Ref, N + length(Lines));
        {_, Ref, {exit, #{code := 0}}} -> N;
        {_, Ref, _} -> count_lines(Ref, N)
    end.

side_by_side() ->
    Host = start_host(),
    Runs = [start(Host, codex, {"count:100", []}) || _ <- lists:seq(1, 50)],
    [103 = length(lines(events(Ref))) || {_, Ref} <- Runs],
    until(fun() -> which_children(Host) =:= [] end).

%%% what goes in

input() ->
    [{"send writes lines, end_input ends them", fun send_lines/0},
     {"a CLI whose stdin is closed at the start gets nothing more", fun send_closed/0},
     {"what is not iodata cannot be sent", fun send_terms/0},
     {"option stdin is written at the start", fun stdin_option/0},
     {"env adds and removes, clear_env? empties, cwd is where it runs", fun environment/0},
     {"the path variable and PATH of the node find the CLI", fun path_variable/0}].

send_lines() ->
    Host = start_host(),
    {Session, Ref} = start(Host, claude, {"stdin", []}),
    ok = gen_server:call(Session, {send, <<"first">>}),
    ok = gen_server:call(Session, {send, ["sec", <<"ond\n">>]}),
    ok = gen_server:call(Session, end_input),
    %% once more does no harm; the CLI, and with it the session, may have ended by then
    try ok = gen_server:call(Session, end_input)
    catch exit:{Gone, _} when Gone =:= normal; Gone =:= noproc -> ok
    end,
    Lines = lines(events(Ref)),
    [1, 1] = [length([Line || Line <- Lines, binary:match(Line, Text) =/= nomatch])
              || Text <- [<<"\"first\"">>, <<"\"second\"">>]].

send_closed() ->
    Host = start_host(),
    {Session, _, _} = start_hanging(Host, ""),
    {error, stdin_closed} = gen_server:call(Session, {send, <<"x">>}).

send_terms() ->
    Host = start_host(),
    {Session, _} = start(Host, claude, {"stdin", []}),
    {error, {unsupported_input, #{a := 1}}} = gen_server:call(Session, {send, #{a => 1}}),
    {error, {unsupported_input, [{a, 1}]}} = gen_server:call(Session, {send, [{a, 1}]}),
    Limit = 16 * 1024 * 1024,
    {error, {input_too_large, Limit}} =
        gen_server:call(Session, {send, binary:copy(<<"x">>, Limit)}),
    ok = gen_server:call(Session, {send, binary:copy(<<"x">>, Limit - 1)}).

stdin_option() ->
    Host = start_host(),
    {_, Ref} = start(Host, codex, {"stdin", [{stdin, <<"given">>}]}),
    true = lists:any(fun(Line) -> binary:match(Line, <<"\"given\"">>) =/= nomatch end,
                     lines(events(Ref))).

environment() ->
    Host = start_host([{"REMOVED", "1"}, {"KEPT", "yes"}]),
    Cli = script("env", "echo ${REMOVED-unset} ${KEPT-unset} ${GIVEN-unset} $(pwd)"),
    Dir = filename:dirname(Cli),
    Env = {env, [{"REMOVED", nil}, {<<"GIVEN">>, <<"g=h">>}]},
    {_, Ref} = start(Host, codex, {"x", [{command, Cli}, {cwd, Dir}, Env]}),
    Expect = <<"unset yes g=h ", Dir/binary>>,
    [Expect] = lines(events(Ref)),
    {_, Clear} = start(Host, codex, {"x", [{command, Cli}, {'clear_env?', true}, {cwd, "/"}, Env]}),
    [<<"unset unset g=h /">>] = lines(events(Clear)).

path_variable() ->
    Host = start_host([{"CODEX_PATH", binary_to_list(stand_in(codex))}]),
    Ref = make_ref(),
    {ok, _, _} = start(Host, lists:keydelete(command, 1, options(codex, "hi", Ref))),
    {exit, #{code := 0}} = lists:last(events(Ref)),
    Dir = filename:dirname(binary_to_list(stand_in(claude))),
    ByPath = start_host([{"PATH", Dir ++ ":" ++ os:getenv("PATH")}]),
    ClaudeRef = make_ref(),
    {ok, _, _} = start(ByPath, lists:keydelete(command, 1, options(claude, "hi", ClaudeRef))),
    {exit, #{code := 0}} = lists:last(events(ClaudeRef)).

%%% every way to end

ending() ->
    [{"interrupt is SIGINT: the CLI says how it ends, the session ends normally",
      fun interrupt/0},
     {"when a close has been answered the whole group is gone", fun close/0},
     {"a CLI that ignores signals is killed after the grace", fun close_stubborn/0},
     {"a child that left the CLI's session is gone too", fun close_escaped/0},
     {"what a CLI leaves behind when it exits is ended", fun left_behind/0},
     {"subscriber dies: the CLI is ended", fun subscriber_dies/0},
     {"one of two subscribers dies: the CLI goes on", fun one_subscriber_dies/0},
     {"the last one unsubscribes: the CLI is ended after the headless time", fun unsubscribe/0},
     {"a linked process ends: the CLI is ended", fun linked_dies/0},
     {"exit(Session, shutdown): DOWN shutdown, the CLI is ended", fun exit_shutdown/0},
     {"exit(Session, kill): the CLI is ended", fun exit_kill/0},
     {"the subscriber's node is killed: the CLI is ended", fun client_node_killed/0},
     {"the host node is killed: the CLI is ended", fun host_node_killed/0},
     {"the helper is killed: the CLI is ended, subscribers are told", fun helper_killed/0},
     {"the application stops: the CLIs are ended", fun application_stops/0}].

interrupt() ->
    Host = start_host(),
    {Session, Ref, Pids} = start_hanging(Host, ""),
    Monitor = monitor(process, Session),
    ok = gen_server:call(Session, interrupt),
    {exit, #{code := 130, signal := nil}} = lists:last(events(Ref)),
    normal = down(Monitor),
    gone(Pids).

close() -> close("").
close_stubborn() -> close("stubborn").
close_escaped() -> close("stubborn escape").

close(Words) ->
    Host = start_host(),
    {Session, _, Pids} = start_hanging(Host, Words),
    Monitor = monitor(process, Session),
    ok = gen_server:stop(Session, normal, 10000),
    [] = [Pid || Pid <- Pids, exists(Pid)],
    normal = down(Monitor).

left_behind() ->
    Host = start_host(),
    File = temp("left"),
    Cli = script("left", "sleep 1000 & echo $! > " ++ File ++ "; echo done"),
    {_, Ref} = start(Host, codex, {"x", [{command, Cli}, {kill_grace_ms, 300}]}),
    [{started, _}, {stdout, [<<"done">>]}, {exit, #{code := 0}}] = events(Ref),
    {ok, Pid} = file:read_file(File),
    false = exists(string:trim(binary_to_list(Pid))).

subscriber_dies() ->
    Host = start_host(),
    {Subscriber, Pids} = hanging_for_another(Host),
    exit(Subscriber, kill),
    gone(Pids),
    until(fun() -> which_children(Host) =:= [] end).

%% a hanging session whose subscriber is a process of its own
hanging_for_another(Host) ->
    Self = self(),
    Subscriber = spawn(fun() ->
                               {Session, _, Pids} = start_hanging(Host, "stubborn"),
                               Self ! {started, Session, Pids},
                               receive never -> ok end
                       end),
    receive {started, Session, Pids} ->
            put(session, Session),
            {Subscriber, Pids}
    end.

one_subscriber_dies() ->
    Host = start_host(),
    {Subscriber, Pids} = hanging_for_another(Host),
    Session = get(session),
    ok = gen_server:call(Session, {subscribe, self(), make_ref()}),
    exit(Subscriber, kill),
    until(fun() -> maps:get(subscribers, gen_server:call(Session, info)) =:= 1 end),
    true = lists:all(fun host_support:exists/1, Pids).

unsubscribe() ->
    Host = start_host(),
    {Session, _, Pids} = start_hanging(Host, "", [{transport_headless_timeout_ms, 100}]),
    Monitor = monitor(process, Session),
    ok = gen_server:call(Session, {unsubscribe, self()}),
    normal = down(Monitor),
    gone(Pids).

linked_dies() ->
    Host = start_host(),
    {Session, _, Pids} = start_hanging(Host, ""),
    Monitor = monitor(process, Session),
    spawn(fun() -> link(Session), exit(crashed) end),
    {shutdown, crashed} = down(Monitor),
    gone(Pids).

exit_shutdown() ->
    Host = start_host(),
    {Session, _, Pids} = start_hanging(Host, ""),
    Monitor = monitor(process, Session),
    exit(Session, shutdown),
    shutdown = down(Monitor),
    gone(Pids).

exit_kill() ->
    Host = start_host(),
    {Session, _, Pids} = start_hanging(Host, "stubborn"),
    exit(Session, kill),
    gone(Pids).

client_node_killed() ->
    Host = start_host(),
    Client = start_node([]),
    File = temp("pids"),
    Subscriber = {rpc:call(Client, erlang, whereis, [user]), make_ref()},
    {ok, _, _} = start(Host, [{subscriber, Subscriber}, {env, #{"ASM_STANDIN_PIDFILE" => File}},
                              {kill_grace_ms, 300}
                              | options(codex, "hang stubborn", make_ref())]),
    Pids = pids(File),
    stop_node(Client),
    gone(Pids),
    until(fun() -> which_children(Host) =:= [] end).

host_node_killed() ->
    Host = start_host(),
    {_, _, Pids} = start_hanging(Host, "stubborn"),
    stop_node(Host),
    gone(Pids).

helper_killed() ->
    Host = start_host(),
    {Session, Ref, Pids} = start_hanging(Host, "stubborn"),
    Monitor = monitor(process, Session),
    kill(parent(hd(Pids)), "KILL"),
    {exit, _} = lists:last(events(Ref)),
    normal = down(Monitor),
    gone(Pids).

application_stops() ->
    Host = start_host(),
    {_, _, Pids} = start_hanging(Host, "stubborn"),
    ok = rpc:call(Host, asmd_host, stop, []),
    [] = [Pid || Pid <- Pids, exists(Pid)].

%%% what is refused

refusals() ->
    [{"a wrong option is named, and nothing is started", fun wrong_options/0},
     {"a CLI that is not installed is the error that ASM gives", fun cli_not_found/0},
     {"a CLI that cannot be executed is refused with the system's reason", fun not_executable/0},
     {"no more sessions than allowed", fun too_many/0},
     {"a host without its helper does not start", fun no_helper/0}].

wrong_options() ->
    Host = start_host(),
    Good = options(codex, "hi", make_ref()),
    Refused = fun(Options) -> {error, Reason} = start(Host, Options ++ Good), Reason end,
    {provider_not_found, nobody} = Refused([{provider, nobody}]),
    {provider_profile_mismatch, codex, claude} =
        Refused([{profile, 'Elixir.CliSubprocessCore.ProviderProfiles.Claude'}]),
    {unsupported_event_delivery, #{requested := nil, supported := [raw_lines]}} =
        Refused([{event_delivery, nil}]),
    {unsupported_event_delivery, #{requested := events}} = Refused([{event_delivery, events}]),
    {unsupported_surface_kind, ssh_exec} =
        Refused([{execution_surface, #{surface_kind => ssh_exec}}]),
    missing = Refused([{command, <<"/no/such/cli">>}]),
    missing = Refused([{command, <<"no-such-cli">>}]),
    {cwd_not_found, <<"/no/such/folder">>} = Refused([{cwd, <<"/no/such/folder">>}]),
    {missing_option, prompt} = Refused([{prompt, <<>>}]),
    {missing_option, subscriber} = Refused([{subscriber, nil}]),
    [{invalid_option, Key, Value} = Refused([{Key, Value}])
     || {Key, Value} <- [{prompt, 1}, {prompt, <<"a", 0>>}, {subscriber, me}, {metadata, []},
                         {session_event_tag, <<"x">>}, {env, 7}, {stdin, 1},
                         {'clear_env?', yes}, {max_line_bytes, 0}, {kill_grace_ms, 30001},
                         {permission_mode, what}, {permission_mode, true}, {model, {m}},
                         {config_values, <<"a=b">>}, {skip_git_repo_check, 1}, {cwd, <<0>>}]],
    {invalid_option, env, x} = Refused([{env, [x]}]),
    {invalid_option, env, {<<"A=B">>, <<"c">>}} = Refused([{env, #{<<"A=B">> => <<"c">>}}]),
    {error, {invalid_options, nonsense}} = start(Host, [nonsense]),
    {error, {invalid_options, not_a_list}} = start(Host, not_a_list),
    {error, missing_provider} = start(Host, []),
    [] = which_children(Host).

cli_not_found() ->
    Host = start_host([{"PATH", "/usr/bin:/bin"}, {"CLAUDE_CLI_PATH", "/no/such/claude"}]),
    Without = fun(Provider) -> lists:keydelete(command, 1, options(Provider, "x", make_ref())) end,
    [{error, #{'__struct__' := 'Elixir.CliSubprocessCore.ProviderCLI.Error',
               kind := cli_not_found, provider := Provider, message := <<_/binary>>}} =
         start(Host, Without(Provider)) || Provider <- [antigravity, claude]].

not_executable() ->
    Host = start_host(),
    File = temp("plain"),
    ok = file:write_file(File, "x"),
    {error, {start_failed, #{stage := exec, reason := eacces}}} =
        start(Host, [{command, File} | options(codex, "x", make_ref())]),
    ok = file:change_mode(File, 8#755),
    {error, {start_failed, #{stage := exec, reason := enoexec}}} =
        start(Host, [{command, File} | options(codex, "x", make_ref())]),
    until(fun() -> which_children(Host) =:= [] end).

too_many() ->
    Host = start_host(),
    ok = rpc:call(Host, application, set_env, [asmd_host, max_sessions, 1]),
    {Session, _, _} = start_hanging(Host, ""),
    {error, {too_many_sessions, 1}} = start(Host, options(codex, "x", make_ref())),
    ok = gen_server:stop(Session),
    {_, _, _} = start_hanging(Host, "").

no_helper() ->
    Node = start_node([]),
    ok = rpc:call(Node, application, load, [asmd_host]),
    ok = rpc:call(Node, application, set_env, [asmd_host, helper, "/no/such/helper"]),
    {error, {asmd_host, {{helper_not_found, "/no/such/helper"}, _}}} =
        rpc:call(Node, application, ensure_all_started, [asmd_host]).
