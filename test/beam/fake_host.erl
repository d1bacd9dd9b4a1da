%% SPDX-License-Identifier: MIT
%%
%% A backend host without a CLI: a BEAM node with the entry points of ASM's remote nodes, whose
%% sessions emit core events as the prompt says, as fast as the node can:
%%
%%   "events N"         run_started, N - 2 assistant_delta (payload index 0, 1, ..), result; the end
%%   "paced N MS"       the same with a pause before each event
%%   "silent"           run_started, then nothing until it is interrupted or closed
%%   "flood"            run_started, then assistant_delta without end
%%   "crash"            run_started, then the session exits with `crashed`
%%   "error CODE TEXT"  run_started, then an error event; the end
%%   "ask ID..."        run_started, approval_requested of each ID, then, as the answers come, an
%%                      assistant_delta "ID DECISION REASON " each; after the last a result
%%   "settle ID"        run_started, approval_requested, approval_resolved by itself, then as "silent"
%%   "tools NAME..."    run_started, tool_use of each NAME, result
%%   "deaf"             as "silent", but an interrupt does not end it; an assistant_delta tells that
%%                      the daemon has linked itself to the session: its start is over
%%   "stubborn"         as "deaf", but a close does not end it either
%%   "mute"             as "deaf", but it does not answer an interrupt either
%%   "refuse"           start_core_session gives {error, refused}
%%
%% sessions() says who lives, so that a test sees whether each run closed its session; options() is
%% what the last start_core_session was given, starts() how many there were.
-module(fake_host).

-behaviour(gen_server).

-export([start/0, start/1, override/1, entry/2, sessions/0, options/0, starts/0, event/4]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(SUPERVISOR, 'Elixir.ASM.Remote.BackendSupervisor').
-define(TAG, cli_subprocess_core_session).

start() ->
    start(#{}).

start(Override) ->
    override(Override),
    [ok = asm_test:define(Module, Functions, {?MODULE, entry})
     || {Module, Functions} <- [{'Elixir.Code', [{'ensure_loaded?', 1}]},
                                {'Elixir.Process', [{whereis, 1}]},
                                {'Elixir.Application', [{ensure_all_started, 1}]},
                                {'Elixir.ASM.Remote.Capabilities', [{handshake, 0}]},
                                {'Elixir.ASM.Remote.BackendStarter', [{start_core_session, 1}]}]],
    {ok, _} = gen_server:start({local, ?SUPERVISOR}, ?MODULE, supervisor, []),
    ok.

%% Fields of what handshake() answers, to be a host that does not fit. The atoms handshake, bootstrap
%% and start are entry points instead: `never` does not return before the next override, {raise, Reason}
%% raises, {answer, Term} answers so.
override(Override) ->
    persistent_term:put(fake_host, Override).

entry('ensure_loaded?', [Module]) -> code:ensure_loaded(Module) =:= {module, Module};
entry(whereis, [Name]) -> case whereis(Name) of undefined -> nil; Pid -> Pid end;
entry(ensure_all_started, [_]) ->
    overridden(bootstrap, fun() -> {ok, []} end);
entry(handshake, []) ->
    overridden(handshake, fun handshake/0);
entry(start_core_session, [Options]) ->
    overridden(start, fun() -> start_session(Options) end).

overridden(Entry, Fun) ->
    case persistent_term:get(fake_host) of
        #{Entry := never} -> while_never(Entry);
        #{Entry := {raise, Reason}} -> error(Reason);
        #{Entry := {answer, Answer}} -> Answer;
        #{Entry := {after_ms, Ms}} -> receive after Ms -> Fun() end;
        _ -> Fun()
    end.

while_never(Entry) ->
    case persistent_term:get(fake_host) of
        #{Entry := never} -> receive after 20 -> while_never(Entry) end;
        _ -> exit(given_up)
    end.

handshake() ->
    maps:merge(#{asm_version => <<"0.12.1">>, capabilities => [remote_backend_start_v1],
                 otp_release => list_to_binary(erlang:system_info(otp_release))},
               persistent_term:get(fake_host)).

start_session(Options) ->
    ets:insert(?MODULE, {options, Options}),
    ets:update_counter(?MODULE, starts, 1),
    case proplists:get_value(prompt, Options) of
        <<"refuse">> ->
            {error, refused};
        Prompt ->
            Provider = proplists:get_value(provider, Options),
            Subscriber = proplists:get_value(subscriber, Options),
            {ok, Pid} = gen_server:call(?SUPERVISOR, {start, Provider, Subscriber, Prompt}),
            {ok, Pid, info(Provider)}
    end.

info(Provider) ->
    #{capabilities => [interrupt], delivery => #{}, invocation => #{}, metadata => #{},
      profile => nil, provider => Provider, session_event_tag => ?TAG, subscribers => 1,
      runtime => #{metadata => #{}, provider => Provider, provider_session_id => nil, sequence => 0},
      transport => #{}}.

sessions() ->
    gen_server:call(?SUPERVISOR, sessions).

options() ->
    ets:lookup_element(?MODULE, options, 2).

starts() ->
    ets:lookup_element(?MODULE, starts, 2).

%% A core event as an ASM node sends it.
event(Provider, Sequence, Kind, Payload) ->
    #{'__struct__' => 'Elixir.CliSubprocessCore.Event', id => Sequence, kind => Kind,
      provider => Provider, sequence => Sequence, payload => payload(Kind, Payload), raw => nil,
      provider_session_id => <<"fake-1">>, metadata => #{}, extra => #{},
      timestamp => #{'__struct__' => 'Elixir.DateTime', calendar => 'Elixir.Calendar.ISO',
                     year => 2026, month => 1, day => 2, hour => 3, minute => 4, second => 5,
                     microsecond => {123456, 6}, time_zone => <<"Etc/UTC">>, zone_abbr => <<"UTC">>,
                     utc_offset => 0, std_offset => 0}}.

payload(Kind, Fields) ->
    {Struct, Defaults} =
        case Kind of
            run_started ->
                {'Elixir.CliSubprocessCore.Payload.RunStarted',
                 #{provider_session_id => nil, command => <<"fake">>, args => [], cwd => nil}};
            assistant_delta ->
                {'Elixir.CliSubprocessCore.Payload.AssistantDelta', #{format => text}};
            result ->
                {'Elixir.CliSubprocessCore.Payload.Result',
                 #{status => completed, stop_reason => end_turn, object => nil,
                   output => #{usage => #{input_tokens => 3, output_tokens => 4}, duration_ms => 5}}};
            approval_requested ->
                {'Elixir.CliSubprocessCore.Payload.ApprovalRequested',
                 #{subject => <<"Bash">>, details => #{<<"tool_input">> => #{<<"command">> => <<"ls">>}}}};
            approval_resolved ->
                {'Elixir.CliSubprocessCore.Payload.ApprovalResolved', #{decision => allow, reason => nil}};
            tool_use ->
                {'Elixir.CliSubprocessCore.Payload.ToolUse', #{tool_call_id => <<"t1">>, input => #{}}};
            error ->
                {'Elixir.CliSubprocessCore.Payload.Error', #{severity => fatal}}
        end,
    maps:merge(Defaults#{'__struct__' => Struct, metadata => #{}, extra => #{}}, Fields).

%%% the supervisor

init(supervisor) ->
    ets:new(?MODULE, [named_table, public]),
    ets:insert(?MODULE, [{options, none}, {starts, 0}]),
    {ok, []}.

handle_call({start, Provider, Subscriber, Prompt}, _From, Pids) ->
    Pid = proc_lib:spawn(fun() -> session(Provider, Subscriber, Prompt) end),
    erlang:monitor(process, Pid),
    {reply, {ok, Pid}, [Pid | Pids]};
handle_call(sessions, _From, Pids) ->
    {reply, Pids, Pids}.

handle_cast(_, Pids) -> {noreply, Pids}.

handle_info({'DOWN', _, process, Pid, _}, Pids) ->
    {noreply, lists:delete(Pid, Pids)}.

%%% a session
%%%
%%% As that of ASM it does not end because its subscriber is gone: who starts it must link to it or
%%% close it.

session(Provider, Subscriber, Prompt) ->
    Session = {Provider, Subscriber},
    emit(Session, 1, run_started, #{}),
    [What | Words] = string:lexemes(Prompt, " "),
    play(What, Words, Session).

play(<<"events">>, [N], Session) ->
    deltas(Session, 2, binary_to_integer(N) - 1, 0);
play(<<"paced">>, [N, Ms], Session) ->
    deltas(Session, 2, binary_to_integer(N) - 1, binary_to_integer(Ms));
play(<<"flood">>, [], Session) ->
    deltas(Session, 2, infinity, 0);
play(<<"silent">>, [], Session) ->
    serve(Session, 1, infinity),
    play(<<"silent">>, [], Session);
play(<<"ask">>, Ids, Session) ->
    Next = lists:foldl(fun(Id, Sequence) ->
                           emit(Session, Sequence, approval_requested, #{approval_id => Id}),
                           Sequence + 1
                       end, 2, Ids),
    answers(Session, Next, length(Ids));
play(<<"settle">>, [Id], Session) ->
    emit(Session, 2, approval_requested, #{approval_id => Id}),
    emit(Session, 3, approval_resolved, #{approval_id => Id}),
    serve(Session, 3, infinity);
play(<<"tools">>, Names, Session) ->
    [emit(Session, N, tool_use, #{tool_name => Name})
     || {N, Name} <- lists:zip(lists:seq(2, length(Names) + 1), Names)],
    emit(Session, length(Names) + 2, result, #{});
play(<<"deaf">>, [], Session) ->
    until_linked(),
    emit(Session, 2, assistant_delta, #{content => <<"linked ">>, index => 0}),
    deaf(Session, ends);
play(<<"stubborn">>, [], Session) ->
    process_flag(trap_exit, true),
    deaf(Session, stays);
play(<<"mute">>, [], Session) ->
    until_linked(),
    emit(Session, 2, assistant_delta, #{content => <<"linked ">>, index => 0}),
    mute();
play(<<"crash">>, [], _) ->
    exit(crashed);
play(<<"error">>, [Code | Text], Session) ->
    emit(Session, 2, error, #{code => Code, message => iolist_to_binary(lists:join(" ", Text))}).

%% the events differ in three fields only, so that making them costs the host little
deltas({Provider, _} = Session, Sequence, Last, Pause) ->
    Event = event(Provider, Sequence, assistant_delta, #{content => <<"word ">>, index => 0}),
    deltas(Session, Event, Sequence, Last, Pause).

deltas({_, {Pid, Ref}} = Session, #{payload := Payload} = Event, Sequence, Last, Pause)
  when Sequence =< Last ->
    serve(Session, Sequence - 1, Pause),
    Pid ! {?TAG, Ref, {event, Event#{id := Sequence, sequence := Sequence,
                                     payload := Payload#{index := Sequence - 2}}}},
    deltas(Session, Event, Sequence + 1, Last, Pause);
deltas(Session, _, Sequence, _, _) ->
    emit(Session, Sequence, result, #{}).

emit({Provider, {Pid, Ref}}, Sequence, Kind, Payload) ->
    Pid ! {?TAG, Ref, {event, event(Provider, Sequence, Kind, Payload)}}.

answers(Session, Sequence, 0) ->
    emit(Session, Sequence, result, #{});
answers(Session, Sequence, Left) ->
    receive
        {asm_approval_resolved, Id, Decision, Reason} ->
            Text = iolist_to_binary(io_lib:format("~s ~s ~s ", [Id, Decision, Reason])),
            emit(Session, Sequence, assistant_delta, #{content => Text, index => 0}),
            answers(Session, Sequence + 1, Left - 1);
        Message ->
            answer(Message, Session, Sequence),
            answers(Session, Sequence, Left)
    end.

until_linked() ->
    case process_info(self(), links) of
        {links, []} -> receive after 5 -> until_linked() end;
        _ -> ok
    end.

%% does not hear an interrupt; whether it hears a close says AtClose
deaf(Session, AtClose) ->
    receive
        {'$gen_call', From, _} ->
            gen_server:reply(From, ok),
            deaf(Session, AtClose);
        {system, From, {terminate, Reason}} when AtClose =:= ends ->
            gen_server:reply(From, ok),
            exit(Reason);
        _ ->
            deaf(Session, AtClose)
    end.

%% answers no call; a close ends it
mute() ->
    receive
        {system, From, {terminate, Reason}} ->
            gen_server:reply(From, ok),
            exit(Reason);
        _ ->
            mute()
    end.

%% what a session answers, while it has time to
serve(Session, Sequence, Pause) ->
    receive
        Message ->
            answer(Message, Session, Sequence + 1),
            serve(Session, Sequence, Pause)
    after Pause -> ok
    end.

answer({'$gen_call', From, interrupt}, Session, Sequence) ->
    gen_server:reply(From, ok),
    emit(Session, Sequence, error, #{code => <<"transport_exit">>,
                                     message => <<"CLI exited with code 2">>}),
    exit(normal);
answer({'$gen_call', From, info}, {Provider, _}, _) ->
    gen_server:reply(From, info(Provider));
answer({'$gen_call', From, _}, _, _) ->
    gen_server:reply(From, ok);
answer({system, From, {terminate, Reason}}, _, _) ->
    gen_server:reply(From, ok),
    exit(Reason);
answer(_, _, _) ->
    ok.
