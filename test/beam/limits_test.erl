%% SPDX-License-Identifier: MIT
%%
%% The limits of asmd.conf as its users meet them: what is allowed is taken, one more is refused with an
%% error that says so, and when there is room again it is taken again.
%%
%%   limits_test:main([Node]), with the numbers of test-limits.sh
-module(limits_test).

-export([main/1]).

-include("asm_test.hrl").

-define(T, 60000).
-define(SESSIONS, 3).
-define(RUNS, 2).
-define(SUBSCRIBERS, 2).
-define(CONNECTIONS, 3).
-define(MAILBOX, 16).
-define(FRAME, 65536).
%% as asmd has them: no setting
-define(HOSTED_SUBSCRIBERS, 64).
-define(HOSTED_OPTIONS, 512).
-define(VARIABLES, 1024).

main([NodeText]) ->
    Node = list_to_atom(NodeText),
    pong = net_adm:ping(Node),
    Checks = [{"max_sessions", fun sessions/1},
              {"max_runs", fun runs/1},
              {"max_subscribers", fun subscribers/1},
              {"max_connections", fun connections/1},
              {"max_mailbox", fun mailbox/1},
              {"max_frame", fun frame/1},
              {"variables of env", fun variables/1},
              {"[host] max_sessions", fun hosted_sessions/1},
              {"subscribers of a hosted session", fun hosted_subscribers/1},
              {"options of a hosted session", fun hosted_options/1}],
    asm_test:main(limits_test, [{Name ++ ": at the limit and one more", fun() -> Check(Node) end, 120000}
                                || {Name, Check} <- Checks]).

api(Node, F, Args) ->
    erpc:call(Node, asm, F, Args, ?T).

at_capacity(Number, {error, #{kind := at_capacity, message := Text}}) ->
    %% it names the limit
    string:find(Text, integer_to_list(Number)) =/= nomatch orelse Text;
at_capacity(_, Other) ->
    Other.

session(Node) ->
    {ok, Session} = ?EXPECT({ok, _}, api(Node, start_session, [[{provider, codex}, {max_concurrent_runs, 10}]])),
    Session.

end_sessions(Node, Sessions) ->
    [ok = api(Node, stop_session, [Session]) || Session <- Sessions].

run(Node, Session) ->
    {ok, Run} = ?EXPECT({ok, _}, api(Node, stream, [Session, <<"sleep:1000 x">>])),
    Run.

sessions(Node) ->
    Sessions = [session(Node) || _ <- lists:seq(1, ?SESSIONS)],
    true = ?EXPECT(true, at_capacity(?SESSIONS, api(Node, start_session, [[{provider, codex}]]))),
    end_sessions(Node, [hd(Sessions)]),
    end_sessions(Node, [session(Node) | tl(Sessions)]).

runs(Node) ->
    Session = session(Node),
    [Run | _] = [run(Node, Session) || _ <- lists:seq(1, ?RUNS)],
    true = ?EXPECT(true, at_capacity(?RUNS, api(Node, stream, [Session, <<"hello">>]))),
    ok = ?EXPECT(ok, api(Node, interrupt, [Session, Run])),
    asm_test:wait_until(fun() -> element(1, api(Node, stream, [Session, <<"sleep:1000 x">>])) =:= ok end, ?T),
    end_sessions(Node, [Session]).

subscribers(Node) ->
    Session = session(Node),
    Run = run(Node, Session),
    Subscribe = fun() ->
        Pid = spawn_link(fun() -> receive stop -> ok end end),
        {Pid, api(Node, subscribe, [Session, Run, Pid])}
    end,
    %% the process that began the run is the first one
    [{Pid, ok} | _] = ?EXPECT([{_, ok} | _], [Subscribe() || _ <- lists:seq(2, ?SUBSCRIBERS)]),
    {_, Refused} = Subscribe(),
    true = ?EXPECT(true, at_capacity(?SUBSCRIBERS, Refused)),
    Pid ! stop,
    asm_test:wait_until(fun() -> element(2, Subscribe()) =:= ok end, ?T),
    end_sessions(Node, [Session]).

connections(Node) ->
    Sockets = [begin
                   {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node)),
                   Socket
               end || _ <- lists:seq(2, ?CONNECTIONS)],
    ?EXPECT({refused, _}, raw_peer:shake(Node)),
    %% those there are go on
    [?EXPECT({ok, _}, answer(Socket)) || Socket <- Sockets],
    gen_tcp:close(hd(Sockets)),
    asm_test:wait_until(fun() -> element(1, raw_peer:shake(Node)) =:= ok end, ?T).

answer(Socket) ->
    Me = raw_peer:pid(Socket),
    raw_peer:control(Socket, {6, Me, '', asm}, {'$gen_call', {Me, tag}, {list_sessions, []}}),
    case raw_peer:next(Socket, ?T) of
        {{2, _, Me}, {tag, _} = Answer} -> {ok, Answer};
        Other -> Other
    end.

mailbox(Node) ->
    Session = session(Node),
    ok = sys:suspend(Session, ?T),
    Ask = fun(N) -> Session ! {'$gen_call', {self(), N}, get_state} end,
    [Ask(N) || N <- lists:seq(1, ?MAILBOX + 1)],
    ?EXPECT({?MAILBOX + 1, {error, mailbox_full}}, asm_test:receive_one(?T)),
    ok = sys:resume(Session, ?T),
    [?EXPECT(N, element(1, asm_test:receive_one(?T))) || N <- lists:seq(1, ?MAILBOX)],
    end_sessions(Node, [Session]).

frame(Node) ->
    [begin
         {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node)),
         Me = raw_peer:pid(Socket),
         Call = fun(Bytes) ->
                    [112, term_to_binary({6, Me, '', asm}),
                     term_to_binary({'$gen_call', {Me, tag}, {list_sessions, [binary:copy(<<0>>, Bytes)]}})]
                end,
         Length = ?FRAME - iolist_size(Call(0)) + More,
         raw_peer:send(Socket, raw_peer:frame(Call(Length))),
         case More of
             0 -> ?EXPECT({{2, _, Me}, {tag, {error, _}}}, raw_peer:next(Socket, ?T));
             1 -> ?EXPECT(true, raw_peer:closed(Socket))
         end,
         gen_tcp:close(Socket)
     end || More <- [0, 1]].

variables(Node) ->
    Ask = fun(N) ->
        Variables = maps:from_list([{integer_to_binary(K), <<>>} || K <- lists:seq(1, N)]),
        api(Node, query, [codex, <<"hello">>, [{env, Variables}]])
    end,
    ?EXPECT({ok, _}, Ask(?VARIABLES)),
    {error, #{message := Text}} = ?EXPECT({error, #{kind := config_invalid}}, Ask(?VARIABLES + 1)),
    ?EXPECT(true, string:find(Text, integer_to_list(?VARIABLES)) =/= nomatch).

%%% asmd as the remote node

hosted(Node, More) ->
    Options = [{provider, codex}, {prompt, <<"sleep:1000 x">>}, {subscriber, {self(), make_ref()}} | More],
    erpc:call(Node, 'Elixir.ASM.Remote.BackendStarter', start_core_session, [Options], ?T).

hosted_sessions(Node) ->
    Sessions = [element(2, ?EXPECT({ok, _, _}, hosted(Node, []))) || _ <- [1, 2]],
    ?EXPECT({error, _}, hosted(Node, [])),
    [gen_server:stop(Session, normal, ?T) || Session <- Sessions],
    {ok, Session, _} = ?EXPECT({ok, _, _}, hosted(Node, [])),
    gen_server:stop(Session, normal, ?T).

hosted_subscribers(Node) ->
    {ok, Session, _} = ?EXPECT({ok, _, _}, hosted(Node, [])),
    Subscribe = fun(_) ->
        Pid = spawn_link(fun() -> receive stop -> ok end end),
        {Pid, gen_server:call(Session, {subscribe, Pid, make_ref()}, ?T)}
    end,
    [?EXPECT({_, ok}, Subscribe(N)) || N <- lists:seq(2, ?HOSTED_SUBSCRIBERS)],
    ?EXPECT({_, {error, _}}, Subscribe(last)),
    ?EXPECT(#{subscribers := ?HOSTED_SUBSCRIBERS}, gen_server:call(Session, info, ?T)),
    %% who is one already may change its tag
    ?EXPECT(ok, gen_server:call(Session, {subscribe, self(), make_ref()}, ?T)),
    gen_server:stop(Session, normal, ?T).

hosted_options(Node) ->
    Options = fun(N) -> lists:duplicate(N - 3, {cwd, <<"/">>}) end,
    {ok, Session, _} = ?EXPECT({ok, _, _}, hosted(Node, Options(?HOSTED_OPTIONS))),
    gen_server:stop(Session, normal, ?T),
    ?EXPECT({error, too_many_options}, hosted(Node, Options(?HOSTED_OPTIONS + 1))).
