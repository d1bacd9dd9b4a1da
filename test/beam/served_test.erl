%% SPDX-License-Identifier: MIT
%%
%% A daemon as the remote node of a BEAM: the calls that a session of Elixir's ASM makes of one, in
%% its order and with its options, and what can go wrong in between.
-module(served_test).

-export([main/1, refused/1, hold/2, full/2]).

-include("asm_test.hrl").

-define(T, 20000).
-define(STARTER, 'Elixir.ASM.Remote.BackendStarter').
-define(SUPERVISOR, 'Elixir.ASM.Remote.BackendSupervisor').
-define(TAG, cli_subprocess_core_session).

main([Daemon, Providers]) ->
    setup(Daemon, Providers),
    asm_test:main(?MODULE, checks()).

setup(Daemon, Providers) ->
    persistent_term:put(daemon, list_to_atom(Daemon)),
    persistent_term:put(providers, Providers),
    pong = net_adm:ping(daemon()).

checks() ->
    [{"the preflight of ASM passes", fun preflight/0},
     {"the preflight passes through erpc and through rex as well", fun preflight_otherwise/0},
     {"the handshake tells the caller's own release", fun handshake/0},
     {"nothing but the table can be reached", fun nothing_else/0},
     {"it tells what a doctor asks", fun facts/0},
     {"minimal options run a CLI, from run_started to DOWN normal", fun minimal/0},
     {"the options of a real ASM session are understood", fun real_options/0},
     {"events and info have the keys that ASM's have", fun shapes/0},
     {"cwd, env and clear_env? are the CLI's, and no value is told", fun place/0},
     {"a session is a child while it lives", fun children/0},
     {"a bare pid and {pid, legacy} get session_event", fun legacy/0},
     {"subscribers come and go", fun subscribers/0},
     {"nothing comes between asm_pause and asm_resume, and then all that is left", fun paused/0},
     {"who has paused a session and goes holds nobody up", fun paused_and_gone/0},
     {"an own event tag is used and told", fun event_tag/0},
     {"a thousand events arrive in order", fun many_events/0},
     {"interrupt: SIGINT, an error event, DOWN normal", fun interrupt/0},
     {"a stop like GenServer.stop ends session and CLI", fun stop/0},
     {"an exit signal ends session and CLI, with its reason", fun exit_signal/0},
     {"a broken link ends session and CLI", fun broken_link/0},
     {"text, maps and lists go to the CLI's stdin", fun input/0},
     {"stdin that is closed takes nothing", fun closed_input/0},
     {"stdin of the options is there from the start", fun first_input/0},
     {"a decision about a tool reaches the CLI", fun approvals/0},
     {"a CLI that would wait for answers is for callers that give them", fun conversation/0},
     {"what is not a decision is ignored", fun no_approval/0},
     {"casts, messages and unknown calls do no harm", fun noise/0},
     {"sys asks it like any process", fun sys/0},
     {"a CLI without subscribers ends after its time", fun headless/0},
     {"a subscriber that comes in time keeps the CLI", fun rescued/0},
     {"refusals have ASM's form", fun refusals/0},
     {"options that are no options are refused", fun hostile/0},
     {"the supervisor answers calls", fun supervisor/0},
     {"a hundred sessions at once", fun hundred/0, 60000}].

daemon() -> persistent_term:get(daemon).
provider(Name) -> list_to_binary(filename:join(persistent_term:get(providers), Name)).

rpc(M, F, A) -> rpc:call(daemon(), M, F, A, ?T).

%%% starting and following

options(Provider, Prompt, Subscriber) ->
    [{provider, Provider}, {prompt, Prompt}, {command, provider(Provider)},
     {subscriber, Subscriber}].

start(Options) -> rpc(?STARTER, start_core_session, [Options]).

%% The session, the reference of its events and a monitor.
begin_session(Provider, Prompt) -> begin_session(Provider, Prompt, []).

begin_session(Provider, Prompt, More) ->
    Ref = make_ref(),
    {ok, Pid, _} = ?EXPECT({ok, _, #{}}, start(More ++ options(Provider, Prompt, {self(), Ref}))),
    {Pid, Ref, monitor(process, Pid)}.

%% The events up to the end of the session, and its reason.
follow({Pid, Ref, Monitor} = Session) ->
    receive
        {?TAG, Ref, {event, Event}} ->
            {Events, Reason} = follow(Session),
            {[Event | Events], Reason};
        {'DOWN', Monitor, process, Pid, noproc} ->
            {[], normal};
        {'DOWN', Monitor, process, Pid, Reason} ->
            {[], Reason}
    after ?T ->
        throw({unexpected, "the end of the session", process_info(self(), messages)})
    end.

next({_, Ref, _}, Kind) ->
    receive
        {?TAG, Ref, {event, #{kind := Kind, payload := Payload}}} -> Payload
    after ?T ->
        throw({unexpected, io_lib:format("an event ~s", [Kind]), process_info(self(), messages)})
    end.

said(Session) ->
    #{content := [Block]} = next(Session, assistant_message),
    text(Block).

%% A session that ends at once may be over before it is monitored.
down(Monitor) ->
    receive
        {'DOWN', Monitor, process, _, noproc} -> normal;
        {'DOWN', Monitor, process, _, Reason} -> Reason
    after ?T -> throw({unexpected, "a DOWN", process_info(self(), messages)})
    end.

%% What the CLI says in messages; claude has blocks, codex texts.
texts(Events) ->
    [text(Block) || #{kind := assistant_message, payload := #{content := Blocks}} <- Events,
                    Block <- Blocks].

text(#{<<"text">> := Text}) -> Text;
text(Text) -> Text.

kinds(Events) -> [Kind || #{kind := Kind} <- Events].

%% A CLI that waits for ever, and the ids of it and of its child.
begin_hanging(Words, More) ->
    File = pid_file(),
    Session = begin_session(codex, iolist_to_binary(["hang ", Words]),
                            More ++ [{env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(File)}}]),
    {Session, pids(File)}.

pid_file() ->
    filename:join(os:getenv("ASM_TMP"),
                  "pids." ++ integer_to_list(erlang:unique_integer([positive])) ++ os:getpid()).

pids(File) ->
    asm_test:wait_until(fun() -> filelib:is_regular(File) end),
    {ok, Text} = file:read_file(File),
    string:lexemes(binary_to_list(Text), "\n").

%% A zombie has a status line, but it is over.
lives(Pid) ->
    case file:read_file("/proc/" ++ Pid ++ "/stat") of
        {ok, Stat} -> string:find(Stat, ") Z ") =:= nomatch;
        {error, _} -> false
    end.

are_gone(Pids) ->
    asm_test:wait_until(fun() -> not lists:any(fun lives/1, Pids) end).

child_pids() ->
    [Pid || {undefined, Pid, worker, [_]} <-
                rpc('Elixir.DynamicSupervisor', which_children, [?SUPERVISOR])].

none_left() ->
    asm_test:wait_until(fun() -> child_pids() =:= [] end).

%%% before the start

preflight() -> preflight(fun rpc/3).

preflight(Call) ->
    ?EXPECT(true, Call('Elixir.Code', 'ensure_loaded?', [?STARTER])),
    ?EXPECT(false, Call('Elixir.Code', 'ensure_loaded?', ['Elixir.Enum'])),
    ?EXPECT(true, Call(erlang, function_exported, [?STARTER, start_core_session, 1])),
    ?EXPECT(false, Call(erlang, function_exported, [?STARTER, start_core_session, 2])),
    ?EXPECT(false, Call(erlang, function_exported, [erlang, halt, 0])),
    ?EXPECT(#{asm_version := <<"0.12.", _/binary>>, capabilities := [remote_backend_start_v1 | _]},
            Call('Elixir.ASM.Remote.Capabilities', handshake, [])),
    Pid = Call('Elixir.Process', whereis, [?SUPERVISOR]),
    true = is_pid(Pid),
    ?EXPECT(Pid, Call(erlang, whereis, [?SUPERVISOR])),
    ?EXPECT({ok, []}, Call('Elixir.Application', ensure_all_started, [agent_session_manager])),
    ?EXPECT({error, {nothing, {_, "nothing.app"}}},
            Call('Elixir.Application', ensure_all_started, [nothing])),
    ?EXPECT([], Call('Elixir.DynamicSupervisor', which_children, [?SUPERVISOR])).

preflight_otherwise() ->
    preflight(fun(M, F, A) -> erpc:call(daemon(), M, F, A, ?T) end),
    preflight(fun(M, F, A) -> rpc:block_call(daemon(), M, F, A, ?T) end).

handshake() ->
    Own = list_to_binary(erlang:system_info(otp_release)),
    #{otp_release := Own} = rpc('Elixir.ASM.Remote.Capabilities', handshake, []),
    %% by many at once
    Results = asm_test:parallel(20, fun(_) -> rpc('Elixir.ASM.Remote.Capabilities', handshake, []) end),
    [#{otp_release := Own}] = lists:usort(Results).

nothing_else() ->
    [?EXPECT({badrpc, {'EXIT', {undef, _}}}, rpc(M, F, A))
     || {M, F, A} <- [{os, cmd, ["true"]}, {erlang, halt, []}, {file, read_file, ["/etc/passwd"]},
                      {'Elixir.Code', eval_string, [<<"1">>]}, {?STARTER, start_core_session, []},
                      {?STARTER, start_core_session, [a, b]}, {'Elixir.Code', 'ensure_loaded?', [a | b]},
                      {'Elixir.DynamicSupervisor', start_child, [?SUPERVISOR, x]}]],
    ?EXPECT(nil, rpc('Elixir.Process', whereis, [asm])),
    ?EXPECT(undefined, rpc(erlang, whereis, [rex])),
    ?EXPECT(nil, rpc('Elixir.Process', whereis, [12])),
    ?EXPECT(undefined, rpc(erlang, system_info, [system_architecture])).

%% What asmctl doctor wants to know.
facts() ->
    Daemon = daemon(),
    ?EXPECT(Daemon, rpc(erlang, node, [])),
    ?EXPECT("25", rpc(erlang, system_info, [otp_release])),
    Apart = rpc(erlang, system_time, [millisecond]) - erlang:system_time(millisecond),
    true = abs(Apart) < ?T,
    ?EXPECT("/" ++ _, rpc(os, find_executable, ["sh"])),
    ?EXPECT(false, rpc(os, find_executable, ["no-such-cli"])),
    ?EXPECT({error, enoent}, rpc(file, read_file_info, ["/nowhere"])),
    {ok, Info} = rpc(file, read_file_info, [os:getenv("ASM_TMP")]),
    {ok, Same} = file:read_file_info(os:getenv("ASM_TMP")),
    true = tuple_size(Info) =:= tuple_size(Same),
    [{file_info, directory, read_write}, {file_info, directory, read_write}] =
        [{element(1, I), element(3, I), element(4, I)} || I <- [Info, Same]].

%%% a session

minimal() ->
    Session = begin_session(codex, <<"hello">>),
    {Events, Reason} = follow(Session),
    normal = Reason,
    [run_started, raw, raw, thinking, assistant_message | _] = kinds(Events),
    result = lists:last(kinds(Events)),
    Numbers = [N || #{sequence := N} <- Events],
    Numbers = lists:seq(1, length(Events)),
    <<"You asked: hello It has 1 word(s). I am a stand-in without a model.">> =
        iolist_to_binary(texts(Events)),
    #{payload := #{status := completed, stop_reason := end_turn}} = lists:last(Events),
    none_left().

real_options() ->
    Ref = make_ref(),
    Options =
        [{subscriber, {self(), Ref}},
         {provider, codex},
         {profile, 'Elixir.CliSubprocessCore.ProviderProfiles.Codex'},
         {metadata, #{session_id => <<"01M84CA57FM9GD9X0ZG3HMQB3X">>, run_id => <<"RUN1">>,
                      lane => core, asm_provider => codex, governed_authority => false,
                      execution_context => #{scope => standalone, authority_ref => nil}}},
         {execution_surface, #{'__struct__' => 'Elixir.CliSubprocessCore.ExecutionSurface',
                               transport_options => [], lease_ref => nil,
                               surface_kind => local_subprocess, target_id => nil,
                               surface_ref => nil, boundary_class => nil, observability => #{},
                               contract_version => <<"execution_surface.v1">>}},
         {command, provider(codex)},
         {prompt, <<"args env:MODEL_SAYS">>},
         {model_payload, #{'__struct__' => 'Elixir.CliSubprocessCore.ModelRegistry.Selection',
                           extra => #{}, errors => [], resolved_model => <<"gpt-5.4">>,
                           reasoning => <<"medium">>, provider => codex,
                           env_overrides => #{<<"MODEL_SAYS">> => <<"so">>},
                           requested_model => nil, visibility => public}},
         {provider_permission_mode, default}, {permission_mode, default},
         {additional_directories, []}, {output_schema, nil}, {dynamic_tools, []}, {host_tools, []},
         {app_server, false}, {skip_git_repo_check, false}, {system_prompt, nil}, {debug, false},
         {max_queued_runs, 10}, {max_concurrent_runs, 1}, {max_stderr_buffer_bytes, 65536},
         {max_stdout_buffer_bytes, 1048576}, {transport_headless_timeout_ms, 5000},
         {transport_timeout_ms, 60000}, {approval_timeout_ms, 120000},
         {subscriber_queue_limit, 500}, {subscriber_queue_warn, 100}, {overflow_policy, fail_run},
         {queue_limit, 1000}, {args, []}, {env, #{}}, {cwd, nil}],
    {ok, Pid, Info} = ?EXPECT({ok, _, _}, start(Options)),
    #{metadata := #{run_id := <<"RUN1">>, execution_context := #{scope := standalone}},
      runtime := #{metadata := #{lane := core}}} = Info,
    {Events, normal} = follow({Pid, Ref, monitor(process, Pid)}),
    [Args, <<"so">>] = texts(Events),
    <<"exec --json --model gpt-5.4 --config model_reasoning_effort=\"medium\" ", _/binary>> = Args.

shapes() ->
    Ref = make_ref(),
    {ok, Pid, Info} = start(options(claude, <<"stdin">>, {self(), Ref})),
    Session = {Pid, Ref, monitor(process, Pid)},
    Command = provider(claude),
    [capabilities, delivery, invocation, metadata, profile, provider, runtime, session_event_tag,
     subscribers, transport] = lists:sort(maps:keys(Info)),
    #{capabilities := [approval, cost, interrupt, resume, streaming, thinking, tools],
      delivery := #{'__struct__' := 'Elixir.CliSubprocessCore.Session.Delivery',
                    legacy_message := session_event, tagged_event_tag := ?TAG,
                    tagged_payload := event},
      invocation := #{'__struct__' := 'Elixir.CliSubprocessCore.Command', args := [_ | _] = Args,
                      command := Command, cwd := nil, env := #{}, 'clear_env?' := false, user := nil},
      metadata := Empty, profile := 'Elixir.CliSubprocessCore.ProviderProfiles.Claude',
      provider := claude,
      runtime := #{provider := claude, provider_session_id := nil, sequence := 1},
      session_event_tag := ?TAG, subscribers := 1,
      transport := #{status := connected, interrupt_mode := signal, stderr := <<>>,
                     'pty?' := false}} = Info,
    0 = map_size(Empty),
    <<"stdin">> = lists:last(Args),
    asm_test:wait_until(fun() ->
                            #{runtime := Runtime} = gen_server:call(Pid, info),
                            is_binary(maps:get(provider_session_id, Runtime))
                        end),
    ok = gen_server:call(Pid, end_input),
    {[First | _] = Events, normal} = follow(Session),
    #{payload := #{'__struct__' := 'Elixir.CliSubprocessCore.Payload.RunStarted',
                   command := Command, args := Args, cwd := nil}} = First,
    [['__struct__', extra, id, kind, metadata, payload, provider, provider_session_id, raw,
      sequence, timestamp]] = lists:usort([lists:sort(maps:keys(Event)) || Event <- Events]).

place() ->
    Secret = <<"do-not-tell-4711">>,
    Dir = list_to_binary(os:getenv("ASM_TMP")),
    Ref = make_ref(),
    {ok, Pid, Info} =
        start([{cwd, Dir}, {env, #{<<"ASM_SECRET">> => Secret}}
               | options(codex, <<"sleep:0.3 cwd env:ASM_SECRET env:HOME">>, {self(), Ref})]),
    nomatch = binary:match(term_to_binary({Info, sys:get_status(Pid)}), Secret),
    {Events, normal} = follow({Pid, Ref, monitor(process, Pid)}),
    [Dir, Secret, Home] = texts(Events),
    true = Home =/= <<"unset">>,
    Cleared = begin_session(codex, <<"env:HOME env:ONLY">>,
                            [{'clear_env?', true},
                             {env, [{<<"ONLY">>, this}, {<<"PATH">>, list_to_binary(os:getenv("PATH"))}]}]),
    {Bare, normal} = follow(Cleared),
    [<<"unset">>, <<"this">>] = texts(Bare).

children() ->
    none_left(),
    {Pid, _, Monitor} = begin_session(claude, <<"stdin">>),
    [{undefined, Pid, worker, [_]}] =
        rpc('Elixir.DynamicSupervisor', which_children, [?SUPERVISOR]),
    #{active := 1, specs := 1, supervisors := 0, workers := 1} =
        rpc('Elixir.DynamicSupervisor', count_children, [?SUPERVISOR]),
    ok = gen_server:stop(Pid),
    normal = down(Monitor),
    [] = child_pids().

legacy() ->
    [begin
         {ok, Pid, _} = start(options(codex, <<"hello">>, Subscriber)),
         Monitor = monitor(process, Pid),
         receive {session_event, #{kind := run_started}} -> ok after ?T -> throw(no_event) end,
         normal = down(Monitor)
     end || Subscriber <- [self(), {self(), legacy}]].

subscribers() ->
    {Pid, Ref, Monitor} = Session = begin_session(claude, <<"stdin">>),
    Other = spawn_link(fun() -> receive stop -> ok end end),
    ok = gen_server:call(Pid, {subscribe, Other, make_ref()}),
    ok = gen_server:call(Pid, {subscribe, Other, legacy}),
    #{subscribers := 2} = gen_server:call(Pid, info),
    Other ! stop,
    asm_test:wait_until(fun() -> maps:get(subscribers, gen_server:call(Pid, info)) =:= 1 end),
    New = make_ref(),
    ok = gen_server:call(Pid, {subscribe, self(), New}),
    ok = gen_server:call(Pid, {send, <<"renewed">>}),
    <<"renewed">> = said({Pid, New, Monitor}),
    ok = gen_server:call(Pid, {unsubscribe, self()}),
    ok = gen_server:call(Pid, {unsubscribe, self()}),
    #{subscribers := 0} = gen_server:call(Pid, info),
    ok = gen_server:call(Pid, {subscribe, self(), Ref}),
    ok = gen_server:call(Pid, end_input),
    {_, normal} = follow(Session).

paused() ->
    {Pid, Ref, _} = Session = begin_session(claude, <<"stdin count:5000">>),
    Pid ! {asm_pause, make_ref()},
    Pid ! {asm_pause, Ref},
    ok = gen_server:call(Pid, end_input),
    Before = taken(Session),
    [begin
         #{} = gen_server:call(Pid, info),
         [] = ?EXPECT([], taken(Session))
     end || _ <- lists:seq(1, 100)],
    Pid ! {asm_resume, Ref},
    {After, normal} = follow(Session),
    Events = Before ++ After,
    true = ?EXPECT(true, [N || #{sequence := N} <- Events] =:= lists:seq(1, length(Events))),
    5000 = ?EXPECT(5000, length(texts(Events))).

%% what has come until now
taken({_, Ref, _} = Session) ->
    receive
        {?TAG, Ref, {event, Event}} -> [Event | taken(Session)]
    after 0 -> []
    end.

paused_and_gone() ->
    [begin
         {Pid, _, _} = Session = begin_session(claude, <<"stdin count:5000">>),
         Ref = make_ref(),
         Other = spawn_link(fun() -> receive stop -> ok end end),
         ok = gen_server:call(Pid, {subscribe, Other, Ref}),
         Pid ! {asm_pause, Ref},
         ok = gen_server:call(Pid, end_input),
         Go(Pid, Other),
         {Events, normal} = follow(Session),
         5000 = ?EXPECT(5000, length(texts(Events)))
     end || Go <- [fun(_, Other) -> Other ! stop end,
                   fun(Pid, Other) -> ok = gen_server:call(Pid, {unsubscribe, Other}) end,
                   fun(Pid, Other) ->
                       New = make_ref(),
                       ok = gen_server:call(Pid, {subscribe, Other, New}),
                       Pid ! {asm_resume, New}
                   end]].

event_tag() ->
    Ref = make_ref(),
    {ok, Pid, #{session_event_tag := mine}} =
        start([{session_event_tag, mine} | options(codex, <<"hello">>, {self(), Ref})]),
    Monitor = monitor(process, Pid),
    receive {mine, Ref, {event, #{kind := run_started}}} -> ok after ?T -> throw(no_event) end,
    normal = down(Monitor).

many_events() ->
    {Events, normal} = follow(begin_session(codex, <<"count:1000">>)),
    Numbers = [N || #{sequence := N} <- Events],
    Numbers = lists:seq(1, length(Events)),
    1000 = length(texts(Events)).

interrupt() ->
    {{Pid, _, _} = Session, Pids} = begin_hanging("", []),
    next(Session, assistant_message),
    ok = gen_server:call(Pid, interrupt),
    {Events, normal} = follow(Session),
    #{kind := error, payload := #{code := <<"transport_exit">>, message := Message}} =
        lists:last(Events),
    <<"Codex CLI exited with code 130", _/binary>> = Message,
    are_gone(Pids).

stop() ->
    {{Pid, _, Monitor}, Pids} = begin_hanging("", []),
    ok = gen_server:stop(Pid, normal, ?T),
    normal = down(Monitor),
    are_gone(Pids),
    {{Other, _, Watch}, More} = begin_hanging("stubborn", []),
    ok = proc_lib:stop(Other, shutdown, ?T),
    shutdown = down(Watch),
    are_gone(More),
    ?EXPECT(gone, try gen_server:call(Other, info) catch exit:{noproc, _} -> gone end).

exit_signal() ->
    [begin
         {{Pid, _, Monitor}, Pids} = begin_hanging("", []),
         exit(Pid, Signal),
         Reason = down(Monitor),
         are_gone(Pids)
     end || {Signal, Reason} <- [{shutdown, shutdown}, {kill, killed}, {{any, term}, {any, term}}]],
    {Pid, _, Monitor} = Session = begin_session(claude, <<"stdin">>),
    exit(Pid, normal),
    ok = gen_server:call(Pid, {send, <<"alive">>}),
    <<"alive">> = said(Session),
    gen_server:stop(Pid),
    normal = down(Monitor).

broken_link() ->
    {{Pid, _, Monitor}, Pids} = begin_hanging("", []),
    Linked = spawn(fun() -> link(Pid), receive stop -> exit(crashed) end end),
    Linked ! stop,
    crashed = down(Monitor),
    are_gone(Pids).

%%% input and approvals

input() ->
    {Pid, _, _} = Session = begin_session(claude, <<"stdin">>),
    [begin
         ok = gen_server:call(Pid, {send, Input}),
         Said = said(Session)
     end || {Input, Said} <- [{<<"a binary">>, <<"a binary">>},
                              {["io", [<<"da">>], $t, "a\n"], <<"iodata">>},
                              {#{type => user, <<"n">> => 1}, <<"{\"type\":\"user\",\"n\":1}">>},
                              {[#{<<"a">> => nil}], <<"[{\"a\":null}]">>},
                              {<<"h\x{e9}"/utf8>>, <<"h\x{e9}"/utf8>>}]],
    {error, {unsupported_input, _}} = gen_server:call(Pid, {send, an_atom}),
    {error, {unsupported_input, _}} = gen_server:call(Pid, {send, 12}),
    {error, input_too_large} =
        gen_server:call(Pid, {send, binary:copy(<<"x">>, 16 * 1024 * 1024 + 1)}, ?T),
    ok = gen_server:call(Pid, end_input),
    {_, normal} = follow(Session).

closed_input() ->
    {Pid, _, _} = Session = begin_session(codex, <<"sleep:0.5 stdin cwd">>),
    {error, stdin_closed} = gen_server:call(Pid, {send, <<"too late">>}),
    ok = gen_server:call(Pid, end_input),
    {_, normal} = follow(Session),
    {Claude, _, _} = Other = begin_session(claude, <<"sleep:0.5 stdin cwd">>),
    ok = gen_server:call(Claude, end_input),
    {error, stdin_closed} = gen_server:call(Claude, {send, <<"too late">>}),
    {_, normal} = follow(Other).

first_input() ->
    {Pid, _, _} = Session = begin_session(claude, <<"stdin">>, [{stdin, <<"first">>}]),
    <<"first">> = said(Session),
    ok = gen_server:call(Pid, end_input),
    {_, normal} = follow(Session),
    {error, {stdin_closed, <<"x">>}} =
        start([{stdin, <<"x">>} | options(codex, <<"hello">>, self())]).

approvals() ->
    [begin
         {Pid, _, _} = Session = begin_session(claude, <<"approve">>),
         #{approval_id := Id, subject := <<"Bash">>} = next(Session, approval_requested),
         Pid ! {asm_approval_resolved, <<"another">>, allow, nil},
         Pid ! {asm_approval_resolved, Id, Decision, Reason},
         Said = said(Session),
         {_, normal} = follow(Session)
     end || {Decision, Reason, Said} <- [{allow, nil, <<"Bash was allowed. ">>},
                                         {deny, <<"no">>, <<"Bash was denied. ">>}]].

%% Who says that it answers gets a CLI that is talked with; nobody else does.
conversation() ->
    {Plain, normal} = follow(begin_session(claude, <<"args">>)),
    [Args] = texts(Plain),
    nomatch = binary:match(Args, <<"--permission-prompt-tool">>),
    {ok, Pid, Info} = start([{answers_approvals, true} | options(claude, <<"approve">>, self())]),
    #{invocation := #{args := Asking}} = Info,
    true = lists:member(<<"--permission-prompt-tool">>, Asking),
    ok = gen_server:stop(Pid),
    {error, {invalid_option, answers_approvals, 1}} =
        start([{answers_approvals, 1} | options(claude, <<"hello">>, self())]).

no_approval() ->
    {Pid, _, Monitor} = Session = begin_session(claude, <<"approve">>),
    #{approval_id := Id} = next(Session, approval_requested),
    [Pid ! Message || Message <- [{asm_approval_resolved, Id, 'maybe', nil},
                                  {asm_approval_resolved, 12, allow, nil},
                                  {asm_approval_resolved, Id, allow}]],
    #{subscribers := 1} = gen_server:call(Pid, info),
    ok = gen_server:stop(Pid),
    normal = down(Monitor).

%%% manners

noise() ->
    {Pid, _, Monitor} = begin_session(claude, <<"stdin">>),
    gen_server:cast(Pid, anything),
    Pid ! what_is_this,
    Pid ! {session_event, #{}},
    {error, {unsupported_call, _}} = gen_server:call(Pid, what),
    {error, {unsupported_call, _}} = gen_server:call(Pid, {subscribe, not_a_pid, legacy}),
    {error, {unsupported_call, _}} = gen_server:call(Pid, {subscribe, self(), not_a_tag}),
    ok = gen_server:call(Pid, {unsubscribe, not_a_pid}),
    #{subscribers := 1} = gen_server:call(Pid, info),
    gen_server:stop(Pid),
    normal = down(Monitor).

sys() ->
    {Pid, _, Monitor} = begin_session(claude, <<"stdin">>),
    #{provider := claude} = sys:get_state(Pid),
    {status, Pid, {module, _}, _} = sys:get_status(Pid),
    ok = sys:suspend(Pid),
    ok = sys:resume(Pid),
    gen_server:stop(Pid),
    normal = down(Monitor).

headless() ->
    Self = self(),
    Listener = spawn(fun() -> receive stop -> Self ! stopped end end),
    File = pid_file(),
    {ok, Pid, _} = start([{transport_headless_timeout_ms, 300},
                          {env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(File)}}
                          | options(codex, <<"hang">>, {Listener, make_ref()})]),
    Monitor = monitor(process, Pid),
    Pids = pids(File),
    Listener ! stop,
    receive stopped -> ok end,
    %% it has its time
    #{provider := codex} = gen_server:call(Pid, info),
    normal = down(Monitor),
    are_gone(Pids),
    %% also one that never had a subscriber
    {ok, Alone, _} = start([{transport_headless_timeout_ms, 100},
                            {provider, codex}, {prompt, <<"hang">>},
                            {env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(pid_file())}},
                            {command, provider(codex)}]),
    normal = down(monitor(process, Alone)).

rescued() ->
    {{Pid, _, Monitor}, Pids} = begin_hanging("", [{transport_headless_timeout_ms, 700}]),
    ok = gen_server:call(Pid, {unsubscribe, self()}),
    ok = gen_server:call(Pid, {subscribe, self(), make_ref()}),
    receive {'DOWN', Monitor, _, _, _} -> throw(ended) after 1500 -> ok end,
    true = lists:all(fun lives/1, Pids),
    ok = gen_server:stop(Pid),
    normal = down(Monitor),
    are_gone(Pids).

%%% refusals

refusals() ->
    Good = options(codex, <<"hello">>, self()),
    Claude = 'Elixir.CliSubprocessCore.ProviderProfiles.Claude',
    [?EXPECT({error, Reason}, start(Options))
     || {Reason, Options} <-
            [{missing, [{command, <<"/nowhere/codex">>} | Good]},
             {missing, [{command, <<"no-such-cli">>} | Good]},
             {{provider_not_found, gemini}, [{provider, gemini} | Good]},
             {{invalid_provider, <<"codex">>}, [{provider, <<"codex">>} | Good]},
             {missing_provider, lists:keydelete(provider, 1, Good)},
             {{provider_profile_mismatch, codex, claude}, [{profile, Claude} | Good]},
             {{invalid_profile, 'Elixir.Kernel'}, [{profile, 'Elixir.Kernel'} | Good]},
             {{invalid_profile, 12}, [{profile, 12} | Good]},
             {{invalid_subscriber, me}, [{subscriber, me} | Good]},
             {{invalid_subscriber, {self(), me}}, [{subscriber, {self(), me}} | Good]},
             {{invalid_metadata, []}, [{metadata, []} | Good]},
             {{invalid_session_event_tag, <<"t">>}, [{session_event_tag, <<"t">>} | Good]},
             {{missing_option, prompt}, lists:keydelete(prompt, 1, Good)},
             {{invalid_option, prompt, <<>>}, [{prompt, <<>>} | Good]},
             {{invalid_option, prompt, <<"a\0b">>}, [{prompt, <<"a\0b">>} | Good]},
             {{invalid_option, cwd, 12}, [{cwd, 12} | Good]},
             {{cwd_not_found, <<"/nowhere">>}, [{cwd, <<"/nowhere">>} | Good]},
             {{unsupported_event_delivery, raw_lines}, [{event_delivery, raw_lines} | Good]},
             {{unsupported_surface_kind, guest_bridge},
              [{execution_surface, #{surface_kind => guest_bridge}} | Good]},
             {{unsupported_surface_kind, guest_bridge}, [{surface_kind, guest_bridge} | Good]},
             {{invalid_option, transport_headless_timeout_ms, -1},
              [{transport_headless_timeout_ms, -1} | Good]}]],
    %% looked for and not there
    ?EXPECT({error, #{'__struct__' := 'Elixir.CliSubprocessCore.ProviderCLI.Error',
                      kind := cli_not_found, provider := amp, message := <<_, _/binary>>}},
            start([{provider, amp}, {prompt, <<"hello">>}, {subscriber, self()}])),
    %% what the provider or the command refuses
    [?EXPECT({error, #{'__struct__' := 'Elixir.ASM.Error', kind := config_invalid,
                       message := <<_, _/binary>>}}, start(Bad ++ Good))
     || Bad <- [[{permission_mode, unheard_of}], [{env, [{<<"A=B">>, <<"x">>}]}], [{env, 12}],
                [{'clear_env?', perhaps}], [{max_turns, 0}, {provider, claude}]]],
    %% of a profile alone the provider is known
    {ok, Pid, #{provider := claude}} =
        start([{profile, Claude}, {prompt, <<"hello">>}, {subscriber, self()},
               {cli_path, provider(claude)}]),
    normal = down(monitor(process, Pid)),
    none_left().

hostile() ->
    Good = options(codex, <<"hello">>, self()),
    [?EXPECT({error, _}, start(Bad))
     || Bad <- [nothing, 12, <<"text">>, #{}, [], {}, [12 | Good], [{a, b, c} | Good],
                [{12, 13} | Good], Good ++ improper, lists:duplicate(5000, {x, y}) ++ Good,
                lists:duplicate(100000, 0)]],
    %% a value that is large is not sent back whole
    Large = binary:copy(<<"x">>, 1000000),
    {error, {invalid_provider, Shown}} = start([{provider, Large} | Good]),
    true = byte_size(Shown) < 1000,
    {error, #{kind := config_invalid}} = start([{prompt, Large} | Good]),
    none_left().

supervisor() ->
    Supervisor = {?SUPERVISOR, daemon()},
    {Pid, _, Monitor} = begin_session(claude, <<"stdin">>),
    [{undefined, Pid, worker, [_]}] = gen_server:call(Supervisor, which_children),
    [{specs, 1}, {active, 1}, {supervisors, 0}, {workers, 1}] =
        gen_server:call(Supervisor, count_children),
    {error, not_found} = gen_server:call(Supervisor, {terminate_child, self()}),
    {error, not_found} = gen_server:call(Supervisor, anything),
    ok = gen_server:call(Supervisor, {terminate_child, Pid}),
    shutdown = down(Monitor),
    exit(rpc('Elixir.Process', whereis, [?SUPERVISOR]), kill),
    [] = gen_server:call(Supervisor, which_children).

hundred() ->
    Results = asm_test:parallel(100, fun(K) ->
        Prompt = iolist_to_binary(io_lib:format("count:~b", [K])),
        {Events, Reason} = follow(begin_session(codex, Prompt)),
        {length(texts(Events)) - K, Reason}
    end),
    [{0, normal}] = lists:usort(Results),
    none_left().

%%% other entries, for daemons that are set up differently

%% Every call of the preflight is undef.
refused([Daemon, Providers]) ->
    setup(Daemon, Providers),
    Calls = [{'Elixir.Code', 'ensure_loaded?', [?STARTER]},
             {erlang, function_exported, [?STARTER, start_core_session, 1]},
             {'Elixir.ASM.Remote.Capabilities', handshake, []},
             {'Elixir.Process', whereis, [?SUPERVISOR]},
             {'Elixir.Application', ensure_all_started, [agent_session_manager]},
             {?STARTER, start_core_session, [options(codex, <<"hello">>, self())]}],
    asm_test:main(?MODULE,
        [{lists:flatten(io_lib:format("~s:~s is undef for who may not", [M, F])),
          fun() -> ?EXPECT({badrpc, {'EXIT', {undef, [{M, F, A, _}]}}}, rpc(M, F, A)) end}
         || {M, F, A} <- Calls]).

%% A node that starts a CLI which waits for ever, with or without a link, and stays.
hold(Daemon, Link) ->
    setup(atom_to_list(Daemon), os:getenv("ASM_ROOT") ++ "/priv/providers"),
    Options = [{env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(os:getenv("ASM_STANDIN_PIDFILE"))}}],
    spawn(fun() ->
              {Pid, _, _} = begin_session(codex, <<"hang">>, Options),
              Link andalso link(Pid),
              receive never -> ok end
          end),
    ok.

%% As many sessions as there may be, and one more.
full(Daemon, Max) ->
    setup(atom_to_list(Daemon), os:getenv("ASM_ROOT") ++ "/priv/providers"),
    Sessions = [begin_session(claude, <<"stdin">>) || _ <- lists:seq(1, Max)],
    {error, #{kind := at_capacity, message := Message}} =
        start(options(claude, <<"stdin">>, self())),
    [gen_server:stop(Pid) || {Pid, _, _} <- Sessions],
    {Again, _, _} = begin_session(claude, <<"stdin">>),
    gen_server:stop(Again),
    Message.
