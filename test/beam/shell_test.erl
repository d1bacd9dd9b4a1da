%% SPDX-License-Identifier: MIT
%%
%% The library of priv/shell, from Erlang. The module is a subscriber's callback module, too.
%%
%%   shell_test:main([Node, MortalNode, MortalOsPid, GuardedNode, SecurityDoc, SubscriberSource])
%%
%% A mortal daemon is one that is killed here; at the guarded one nodes have the right `query'. The
%% stand-in CLIs are in the PATH of all.
-module(shell_test).

-export([main/1]).
-export([init/1, handle_event/2, handle_approval/2, handle_info/2, handle_end/2]).

-include("asm_test.hrl").

-define(T, 60000).

main([Node, Mortal, MortalPid, Guarded, SecurityDoc, SubscriberSource]) ->
    ok = application:set_env(asm, node, list_to_atom(Node)),
    Mortally = {list_to_atom(Mortal), MortalPid},
    Checks =
        [{"every function that asmd exports is there", fun() -> exports(SecurityDoc) end},
         {"the daemon's node is the process's, else the application's", fun nodes/0},
         {"a session is started, named, asked and ended", fun session/0},
         {"calls give results, and failures in one shape", fun calls/0},
         {"an error says what to do next", fun errors/0},
         {"a stream has all events, in order", fun all_events/0},
         {"a run waits for who is slow to use its stream", fun demand/0},
         {"a stream is a run for each use", fun lazy/0},
         {"text is that of a result, an event and a stream", fun text/0},
         {"the text of a run that fails raises what happened", fun text_of_failure/0},
         {"a run that does not start raises why", fun no_start/0},
         {"who stops early gets no more messages, and the run goes on", fun unsubscribes/0},
         {"on_halt interrupt ends the run", fun interrupts/0},
         {"and does so when the owner of the stream is killed", fun interrupts_orphan/0},
         {"attach follows a run that is there, approvals let it go on", fun attach/0},
         {"a stopped session ends its streams", fun stopped/0},
         {"who was left behind catches up, or is told", fun lagged/0},
         {"attach gives what a run has said, also when it is over", fun history/0},
         {"mistaken options are told at once", fun options/0},
         {"a node with the right query streams, and is told what it may not", fun() -> rights(Guarded) end},
         {"a subscriber has the events, answers approvals and ends with the run", fun subscriber/0},
         {"a subscriber that says so ends early", fun subscriber_stops/0},
         {"a supervisor ends a subscriber, which is told", fun supervised/0},
         {"a subscriber of a run that cannot start does not start", fun no_subscriber/0},
         {"the subscriber of the documentation works", fun() -> documented(SubscriberSource) end},
         {"a session ends with its owner, and is made again by a supervisor", fun owner/0},
         {"a daemon that is killed ends streams and subscribers with an error",
          fun() -> killed(Mortally) end}],
    asm_test:main(shell_test, [{Name, Fun, ?T} || {Name, Fun} <- Checks]).

%%% calls

%% The table of functions and rights, which another test compares with the source.
exports(SecurityDoc) ->
    {ok, Text} = file:read_file(SecurityDoc),
    {match, Rows} = re:run(Text, "^\\| `([a-z_]+)/([0-9])` \\|", [multiline, global, {capture, [1, 2], list}]),
    true = length(Rows) > 30,
    {module, asm} = code:ensure_loaded(asm),
    Missing = [Row || [Name, Arity] = Row <- Rows,
                      not erlang:function_exported(asm, library_name(Name), list_to_integer(Arity))],
    ?EXPECT([], Missing).

library_name("stream") -> submit;
library_name(Name) -> list_to_atom(Name).

nodes() ->
    Node = asm:node(),
    ok = asm:node('other@host'),
    'other@host' = ?EXPECT('other@host', asm:node()),
    spawn_monitor(fun() -> exit(asm:node()) end),
    receive {'DOWN', _, process, _, Theirs} -> ?EXPECT(Node, Theirs) end.

session() ->
    {ok, S} = ?EXPECT({ok, _}, asm:start_session([{provider, codex}])),
    Id = asm:session_id(S),
    ?EXPECT(healthy, asm:health(Id)),
    ?EXPECT({ok, #{session_id := Id, provider := codex}}, asm:session_info(S)),
    ?EXPECT([Id], [I || #{session_id := I} <- asm:list_sessions(), I =:= Id]),
    ?EXPECT(#{cost_usd := _}, asm:cost(S)),
    ?EXPECT({ok, nil}, asm:checkpoint(S)),
    ?EXPECT(ok, asm:stop_session(Id)),
    ?EXPECT(nil, asm:session_id(S)).

calls() ->
    ?EXPECT({ok, #{stop_reason := _}}, asm:query(codex, ["he", "llo"])),
    ?EXPECT({ok, #{lane := core}}, asm:resolve(claude)),
    ?EXPECT({ok, #{lane := core}}, asm:resolve(claude, #{lane => core})),
    ?EXPECT({ok, #{default_lane := auto}}, asm:lane_info(codex)),
    ?EXPECT({ok, #{display_name := _}}, asm:provider_info(codex)),
    ?EXPECT({ok, [#{display_name := _} | _]}, asm:provider_info()),
    ?EXPECT({ok, [_, _, _, _, _]}, asm:providers()),
    ?EXPECT({ok, [#{provider := codex}]}, asm:providers(codex)),
    ?EXPECT({ok, #{version := _}}, asm:status()),
    ?EXPECT({ok, [_ | _]}, asm:doctor(asm:node(), [{provider, codex}])).

errors() ->
    ?EXPECT({error, #{kind := config_invalid, message := <<"option run_deadline_ms: ", _/binary>>}},
            asm:start_session([{run_deadline_ms, soon}])),
    ok = asm:node('nobody@nowhere'),
    {error, #{'__struct__' := 'Elixir.ASM.Error', kind := connection_failed, message := Message}} =
        asm:status(),
    contains(Message, "nobody@nowhere cannot be reached: is asmd running there").

%%% streams

all_events() ->
    Events = asm:collect(asm:stream(claude, "count:500")),
    Sequences = [N || #{sequence := N} <- Events],
    ?EXPECT(Sequences, lists:usort(Sequences)),
    500 = length([1 || #{kind := assistant_message} <- Events]),
    ?EXPECT(run_started, maps:get(kind, hd(Events))),
    ?EXPECT(result, maps:get(kind, lists:last(Events))),
    asm_test:no_message(0).

%% Batches are what the reader holds: it is let hold as much as it wants to.
demand() ->
    {ok, S} = asm:start_session([{provider, claude}]),
    {ok, Reader} = asm_stream:open(asm:stream(S, "count:5000")),
    {ok, First} = asm_stream:next(Reader),
    Sizes = batches(Reader),
    asm_stream:close(Reader),
    %% run_started, the first line of claude and the result are no messages
    5003 = length(First) + lists:sum(Sizes),
    ?EXPECT(true, lists:max(tl(Sizes)) =< 256),
    asm:stop_session(S).

batches(Reader) ->
    asm_test:wait_until(fun() ->
        State = tuple_to_list(sys:get_state(Reader)),
        [Held] = [length(Events) || Events <- State, is_list(Events)],
        Held > 127 orelse lists:member(done, State) orelse {held, Held}
    end, ?T),
    case asm_stream:next(Reader) of
        {ok, Events} -> [length(Events) | batches(Reader)];
        done -> []
    end.

lazy() ->
    {ok, S} = asm:start_session([{provider, codex}]),
    Stream = asm:stream(S, "hello"),
    ?EXPECT(#{input_tokens := 0}, asm:cost(S)),
    [#{run_id := First} | _] = asm:collect(Stream),
    [#{run_id := Second} | _] = asm:collect(Stream),
    true = First =/= Second,
    ok = asm:stop_session(S).

text() ->
    Answer = <<"You asked: hello It has 1 word(s). I am a stand-in without a model.">>,
    ?EXPECT(Answer, asm:text(asm:query(claude, "hello"))),
    ?EXPECT(Answer, asm:text(asm:stream(claude, "hello"))),
    ?EXPECT(Answer, << <<(asm:text(Event))/binary>> || Event <- asm:collect(asm:stream(codex, "hello")) >>),
    ?EXPECT(ok, asm:print(asm:stream(codex, "hello"))).

text_of_failure() ->
    {{asm_error, #{message := Message}} = Reason, [Raised | _]} =
        raised(fun() -> asm:text(asm:stream(codex, "fail:3")) end),
    contains(Message, "exited with code 3"),
    #{kind := transport_error, domain := transport} = element(2, Reason),
    {_, _, _, Info} = Raised,
    #{module := Formatter} = proplists:get_value(error_info, Info),
    #{general := Message} = Formatter:format_error(Reason, [Raised]).

raised(Fun) ->
    try Fun() catch error:Reason:Stack -> {Reason, Stack} end.

no_start() ->
    ?EXPECT_ERROR(error, {asm_error, #{kind := config_invalid}},
                  asm:collect(asm:stream(codex, "hello", [{run_deadline_ms, soon}]))),
    ?EXPECT_ERROR(error, {asm_error, #{message := <<"no session", _/binary>>}},
                  asm:collect(asm:attach(<<"elsewhere">>, <<"R">>))).

unsubscribes() ->
    {ok, S} = asm:start_session([{provider, claude}]),
    Run = first_run_id(asm:stream(S, "approve")),
    {ok, [#{approval_id := Id, run_id := Run}]} = pending(S),
    Readers = [P || P <- processes(), proc_lib_call(P) =:= {asm_reader, init, 1}],
    ?EXPECT([], Readers),
    asm_test:no_message(0),
    Events = asm:attach(S, Run),
    {ok, Reader} = asm_stream:open(Events),
    ok = asm:approve(S, Id, allow),
    result = last_kind(Reader),
    asm:stop_session(S).

proc_lib_call(Pid) ->
    proc_lib:translate_initial_call(Pid).

%% The run that the first event names; the stream is not used further.
first_run_id(Stream) ->
    try
        asm:foreach(fun(#{run_id := Run}) -> throw({run, Run}) end, Stream)
    catch
        throw:{run, Run} -> Run
    end.

pending(S) ->
    asm_test:wait_until(fun() ->
        case asm:approvals(S) of
            {ok, [_]} -> true;
            Other -> Other
        end
    end, ?T),
    asm:approvals(S).

last_kind(Reader) -> last_kind(Reader, none).

last_kind(Reader, Last) ->
    case asm_stream:next(Reader) of
        {ok, Events} -> last_kind(Reader, maps:get(kind, lists:last(Events)));
        done -> asm_stream:close(Reader), Last
    end.

interrupts() ->
    {ok, S} = asm:start_session([{provider, claude}]),
    Run = first_run_id(asm:stream(S, "hang", [{on_halt, interrupt}])),
    ?EXPECT({error, #{message := _}}, asm:interrupt(S, Run)),
    asm:stop_session(S),
    %% a provider's run has a session that only its events tell
    {ok, Reader} = asm_stream:open(asm:stream(claude, "hang", #{on_halt => interrupt})),
    ok = asm_stream:close(Reader),
    at_rest().

interrupts_orphan() ->
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() ->
        asm:foreach(fun(_) -> Self ! begun end, asm:stream(claude, "hang", [{on_halt, interrupt}]))
    end),
    receive begun -> ok after ?T -> throw({unexpected, "an event", none}) end,
    exit(Pid, kill),
    receive {'DOWN', Monitor, process, Pid, killed} -> ok end,
    at_rest().

at_rest() ->
    asm_test:wait_until(fun() ->
        case asm:status() of
            {ok, #{sessions := 0, runs := 0}} -> true;
            Other -> Other
        end
    end, ?T).

attach() ->
    {ok, S} = asm:start_session([{provider, claude}]),
    {ok, Run} = asm:submit(S, "approve"),
    {ok, [#{approval_id := Id}]} = pending(S),
    {ok, Reader} = asm_stream:open(asm:attach(S, Run)),
    ?EXPECT(Run, asm_stream:run_id(Reader)),
    ?EXPECT(ok, asm:approve(S, Id, deny)),
    ?EXPECT(result, last_kind(Reader)),
    asm:stop_session(S).

stopped() ->
    {ok, S} = asm:start_session([{provider, claude}]),
    {ok, Reader} = asm_stream:open(asm:stream(S, "hang")),
    {ok, [_ | _]} = asm_stream:next(Reader),
    ok = asm:stop_session(S),
    last_kind(Reader).

%% What the daemon tells one that is too slow, which a BEAM on this machine is not.
lagged() ->
    {ok, Reader} = asm_stream:open(asm:stream(claude, "hang", [{on_halt, interrupt}])),
    {ok, [_ | _]} = asm_stream:next(Reader),
    Reader ! {asm_run_lagged, asm_stream:run_id(Reader), #{kind => buffer_overflow, message => <<"too slow">>}},
    ok = asm_stream:close(Reader),
    {ok, S} = asm:start_session([{provider, claude}]),
    {ok, Behind} = asm_stream:open(asm:stream(S, "approve")),
    {ok, [#{session_id := S2} | _]} = asm_stream:next(Behind),
    {ok, [#{approval_id := Id}]} = pending(S),
    Behind ! {asm_run_lagged, asm_stream:run_id(Behind), #{kind => buffer_overflow, message => <<"too slow">>}},
    ok = asm:approve(S2, Id, allow),
    ?EXPECT(result, last_kind(Behind)),
    ok = asm:stop_session(S),
    at_rest().

history() ->
    {ok, S} = asm:start_session([{provider, claude}]),
    {ok, #{run_id := Run}} = asm:query(S, "count:300"),
    Events = asm:collect(asm:attach(S, Run)),
    303 = length(Events),
    ?EXPECT([302, 303], [N || #{sequence := N} <- asm:collect(asm:attach(S, Run, [{from, 302}]))]),
    ok = asm:stop_session(S),
    ?EXPECT({ok, #{runs := [#{run_id := Run} | _]}}, asm:list_runs([{state, finished}, {limit, 1}])),
    ?EXPECT({ok, #{status := completed, result := {ok, _}}}, asm:run_info(Run)),
    ?EXPECT({ok, #{page := [_ | _]}}, asm:run_events(Run)),
    {ok, #{missing := 0}} = asm:run_events(Run, #{from => 300}),
    ?EXPECT(303, length(asm:collect(asm:attach(S, Run)))),
    ?EXPECT({ok, #{runs := [_ | _]}}, asm:list_runs()).

next_error(Reader) ->
    case asm_stream:next(Reader) of
        {ok, _} -> next_error(Reader);
        Other -> Other
    end.

options() ->
    ?EXPECT_ERROR(error, {badarg, {on_halt, later, _}}, asm:stream(codex, "x", [{on_halt, later}])),
    ?EXPECT_ERROR(error, {badarg, {subscriber, _}}, asm:stream(codex, "x", #{subscriber => self()})),
    ?EXPECT_ERROR(error, {badarg, {lane, _}}, asm:attach(self(), <<"R">>, [{lane, core}])),
    ?EXPECT_ERROR(error, {badarg, {from, soon, _}}, asm:attach(self(), <<"R">>, #{from => soon})).

rights(Guarded) ->
    ok = asm:node(list_to_atom(Guarded)),
    ?EXPECT(<<"You asked: hello", _/binary>>, asm:text(asm:stream(codex, "hello"))),
    {error, #{kind := guardrail_blocked, message := Message}} =
        ?EXPECT({error, #{kind := _}}, asm:start_session()),
    contains(Message, "asmd.conf"),
    ?EXPECT_ERROR(error, {asm_error, #{kind := guardrail_blocked}},
                  asm:collect(asm:stream(codex, "hello", [{lane, core}]))).

%%% subscribers (and a supervisor); the state is {Parent, Plan}

init({children, Children}) -> {ok, {#{}, Children}};
init({refuse, Reason}) -> {error, Reason};
init({_Parent, _Plan} = State) -> {ok, State}.

handle_event(Event, {Parent, stop_at_once} = State) ->
    Parent ! {self(), event, Event},
    {stop, State};
handle_event(Event, {Parent, _} = State) ->
    Parent ! {self(), event, Event},
    {ok, State}.

handle_approval(#{subject := Subject}, {Parent, Plan}) ->
    Parent ! {self(), approval, Subject},
    {Plan, {Parent, Plan}}.

handle_info(Message, {Parent, _} = State) ->
    Parent ! {self(), info, Message},
    {ok, State}.

handle_end(How, {Parent, _}) ->
    Parent ! {self(), how, How}.

subscriber() ->
    [begin
         {ok, Pid} = asm_subscriber:start_link({local, my_subscriber}, ?MODULE,
                                               asm:stream(claude, "approve"), {self(), Decision}),
         Monitor = monitor(process, Pid),
         my_subscriber ! anything,
         told(Pid, info),
         ?EXPECT(<<"Bash">>, told(Pid, approval)),
         ?EXPECT(done, told(Pid, how)),
         receive {'DOWN', Monitor, process, Pid, Reason} -> ?EXPECT(normal, Reason) end,
         Said = << <<(asm:text(Event))/binary>> || Event <- events(Pid) >>,
         contains(Said, Word)
     end || {Decision, Word} <- [{allow, "was allowed"}, {deny, "was denied"}]].

told(Pid, What) ->
    receive {Pid, What, Value} -> Value after ?T -> throw({unexpected, What, nothing}) end.

events(Pid) ->
    receive {Pid, event, Event} -> [Event | events(Pid)] after 0 -> [] end.

subscriber_stops() ->
    {ok, Pid} = asm_subscriber:start(?MODULE, asm:stream(claude, "hang", [{on_halt, interrupt}]),
                                     {self(), stop_at_once}),
    ?EXPECT({stopped, normal}, told(Pid, how)),
    at_rest().

supervised() ->
    {ok, S} = asm:start_session([{provider, claude}]),
    New = asm_subscriber:child_spec(new, ?MODULE, asm:stream(S, "hang"), {self(), later}),
    ?EXPECT(#{restart := temporary}, New),
    {ok, Run} = asm:submit(S, "hang"),
    Attached = asm_subscriber:child_spec(attached, ?MODULE, asm:attach(S, Run), {self(), later}),
    ?EXPECT(#{restart := transient}, Attached),
    Sup = supervisor([Attached]),
    [{attached, Pid, worker, _}] = supervisor:which_children(Sup),
    unlink(Sup),
    exit(Sup, shutdown),
    ?EXPECT({stopped, shutdown}, told(Pid, how)),
    ?EXPECT(ok, asm:interrupt(S, Run)),
    asm:stop_session(S).

supervisor(Children) ->
    {ok, Sup} = supervisor:start_link(?MODULE, {children, Children}),
    Sup.

no_subscriber() ->
    Stream = asm:stream(codex, "hello", [{run_deadline_ms, soon}]),
    ?EXPECT({error, {asm_error, #{kind := config_invalid}}},
            asm_subscriber:start(?MODULE, Stream, {self(), later})),
    ?EXPECT({error, not_today}, asm_subscriber:start(?MODULE, Stream, {refuse, not_today})).

%% the module in the comment of asm_subscriber.erl
documented(Source) ->
    {ok, Text} = file:read_file(Source),
    {match, [Lines]} = re:run(Text, "^%% -module\\(my_log\\).*?(?=^%% ''')",
                              [multiline, dotall, {capture, all, list}]),
    File = filename:join(os:getenv("ASM_TMP"), "my_log.erl"),
    ok = file:write_file(File, re:replace(Lines, "^%% ?", "", [multiline, global])),
    {ok, my_log, Code} = compile:file(File, [binary, warnings_as_errors, report]),
    {module, my_log} = code:load_binary(my_log, File, Code),
    Log = filename:join(os:getenv("ASM_TMP"), "run.log"),
    {ok, Pid} = asm_subscriber:start(my_log, asm:stream(claude, "approve"), Log),
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, process, Pid, Reason} -> ?EXPECT(normal, Reason) end,
    {ok, Written} = file:read_file(Log),
    ?EXPECT(<<"Bash was denied. ">>, Written).

%%% owners of sessions

owner() ->
    {ok, Owner} = asm_session:start_link([{provider, codex}]),
    Session = asm_session:ref(Owner),
    unlink(Owner),
    exit(Owner, kill),
    gone(Session),
    Sup = supervisor([asm_session:child_spec(my_session, #{provider => codex, node => asm:node()})]),
    First = asm_session:ref(my_session),
    ?EXPECT({ok, _}, asm:query(First, "hello")),
    ok = asm:stop_session(First),
    asm_test:wait_until(fun() ->
        try asm_session:ref(my_session) =/= First catch exit:_ -> false end
    end, ?T),
    Second = asm_session:ref(my_session),
    ?EXPECT(healthy, asm:health(Second)),
    unlink(Sup),
    exit(Sup, shutdown),
    gone(Second).

gone(Session) ->
    asm_test:wait_until(fun() -> asm:health(Session) =/= healthy end, ?T).

%%% the end of a daemon

killed({Node, OsPid}) ->
    ok = asm:node(Node),
    {ok, Subscriber} = asm_subscriber:start(?MODULE, asm:stream(claude, "hang"), {self(), later}),
    told(Subscriber, event),
    {ok, Owner} = asm_session:start_link([{provider, codex}]),
    unlink(Owner),
    Owned = monitor(process, Owner),
    {ok, Reader} = asm_stream:open(asm:stream(claude, "hang")),
    {ok, [_ | _]} = asm_stream:next(Reader),
    [] = os:cmd("kill -KILL " ++ OsPid),
    {error, #{kind := connection_failed, message := Message}} =
        ?EXPECT({error, #{kind := connection_failed}}, next_error(Reader)),
    contains(Message, "was lost (noconnection)"),
    ?EXPECT({error, #{kind := connection_failed}}, told(Subscriber, how)),
    receive {'DOWN', Owned, process, Owner, Reason} -> ?EXPECT({session_ended, noconnection}, Reason) end,
    ok = asm_stream:close(Reader).

contains(Text, Part) ->
    case string:find(Text, Part) of
        nomatch -> throw({unexpected, io_lib:format("the words \"~ts\"", [Part]), Text});
        _ -> ok
    end.
