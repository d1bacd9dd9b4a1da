% SPDX-License-Identifier: MIT
%%
%% Part of peer_test: the functions of the API that need no run.
-module(peer_api).

-export([checks/0]).

-import(peer_node, [peer/0, asm/0, api/2, unique_id/0, with_session/1, dead_pid/0, remote_monitor/1,
                    not_down/1, listed/1]).

-include("peer.hrl").

checks() ->
    sessions() ++ options().

%%% sessions

sessions() ->
    [{"start_session/0 starts a session", fun() ->
          {ok, Pid} = ?EXPECT({ok, P} when is_pid(P), erpc:call(peer(), asm, start_session, [], ?T)),
          ?EXPECT(Node when Node =:= node(Pid), peer()),
          ?EXPECT(ok, api(stop_session, [Pid]))
      end},
     {"options may be a keyword list or a map, keys atoms or binaries", fun() ->
          [begin
               {ok, Pid} = ?EXPECT({ok, P} when is_pid(P), api(start_session, [Options])),
               ?EXPECT({ok, #{provider := claude}}, api(session_info, [Pid])),
               ok = api(stop_session, [Pid])
           end || Options <- [[{provider, claude}], #{provider => claude},
                              #{<<"provider">> => <<"claude">>}, [{<<"provider">>, claude}]]]
      end},
     {"each provider has sessions", fun() ->
          [begin
               {ok, Pid} = ?EXPECT({ok, P} when is_pid(P), api(start_session, [[{provider, Provider}]])),
               ?EXPECT({ok, #{provider := Provider}}, api(session_info, [Pid])),
               ok = api(stop_session, [Pid])
           end || Provider <- [claude, codex, amp, cursor, antigravity]]
      end},
     {"a session has the id it is given, else a ULID", fun() ->
          with_session(fun(Pid, Id) -> ?EXPECT(Id, api(session_id, [Pid])) end),
          {ok, Pid} = api(start_session, [[{provider, codex}]]),
          Id = ?EXPECT(<<_:26/binary>>, api(session_id, [Pid])),
          ?EXPECT(match, re:run(Id, "^[0-9A-HJKMNP-TV-Z]{26}$", [{capture, none}])),
          ok = api(stop_session, [Pid])
      end},
     {"a session id can be taken only once", fun() ->
          with_session(fun(_, Id) ->
              ?EXPECT(?ERROR(_), api(start_session, [[{provider, codex}, {session_id, Id}]]))
          end)
      end},
     {"list_sessions lists the ids of the living", fun() ->
          with_session(fun(Pid, Id) ->
              ?EXPECT(true, listed(Id)),
              ok = api(stop_session, [Pid]),
              ?EXPECT(false, listed(Id))
          end)
      end},
     {"session_info by pid and by id", fun() ->
          with_session(fun(Pid, Id) ->
              Info = ?EXPECT({ok, #{session_id := Id, provider := codex, status := _, options := _}},
                             api(session_info, [Pid])),
              ?EXPECT(Info, api(session_info, [Id]))
          end)
      end},
     {"health by pid and by id", fun() ->
          with_session(fun(Pid, Id) ->
              ?EXPECT(healthy, api(health, [Pid])),
              ?EXPECT(healthy, api(health, [Id])),
              ok = api(stop_session, [Id]),
              ?EXPECT({unhealthy, not_alive}, api(health, [Pid])),
              ?EXPECT({unhealthy, not_found}, api(health, [Id]))
          end)
      end},
     {"a new session has cost nothing", fun() ->
          with_session(fun(Pid, Id) ->
              Cost = ?EXPECT(#{input_tokens := 0, output_tokens := 0, cost_usd := Usd} when Usd == 0,
                             api(cost, [Pid])),
              ?EXPECT(Cost, api(cost, [Id]))
          end)
      end},
     {"what is asked of a session that is not there is an error", fun() ->
          Dead = dead_pid(),
          [?EXPECT(?ERROR(_), api(F, [Session | More]))
           || Session <- [<<"no such session">>, Dead, self(), {odd}, 17, [], make_ref()],
              {F, More} <- [{session_info, []}, {stop_session, []}, {cost, []},
                            {interrupt, [<<"run">>]}]],
          ?EXPECT(nil, api(session_id, [Dead]))
      end},
     {"interrupt of an unknown run is an error", fun() ->
          with_session(fun(Pid, _) ->
              ?EXPECT(?ERROR(unknown), api(interrupt, [Pid, <<"no such run">>])),
              ?EXPECT(?ERROR(_), api(interrupt, [Pid, {odd}]))
          end)
      end},
     {"a session by name in gen_server:call, erpc and Elixir's ASM is the same", fun() ->
          {ok, Pid} = gen_server:call(asm(), {start_session, [[{provider, codex}]]}, ?T),
          Id = erpc:call(peer(), 'Elixir.ASM', session_id, [Pid], ?T),
          ?EXPECT(ok, erpc:call(peer(), asm, stop_session, [Id], ?T))
      end}].

options() ->
    [{"an unknown provider is an error that names those there are", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?ERROR(config_invalid), api(start_session, [[{provider, no_such_provider}]])),
          [?EXPECT(match, re:run(Text, Word, [{capture, none}]))
           || Word <- ["no_such_provider", "claude", "codex"]],
          ?EXPECT(?ERROR(config_invalid), api(query, [no_such_provider, <<"hello">>]))
      end},
     {"options that are none are errors, never crashes", fun() ->
          Asm = remote_monitor(asm()),
          [?EXPECT(?ERROR(config_invalid), api(start_session, [Options])) || Options <- odd_options()],
          not_down(Asm)
      end},
     {"a prompt that is none is an error", fun() ->
          with_session(fun(Pid, _) ->
              [?EXPECT(?ERROR(config_invalid), api(F, [Pid, Prompt]))
               || F <- [query, stream], Prompt <- [17, {prompt}, #{}, self(), [a | b], 1.5]]
          end)
      end},
     {"run options that are none are errors, never crashes", fun() ->
          with_session(fun(Pid, _) ->
              [?EXPECT(?ERROR(config_invalid), api(query, [Pid, <<"hello">>, Options]))
               || Options <- [not_a_list, [x | y], 17, [{stream_timeout_ms, <<"long">>}],
                              [{subscriber, {nobody, 17}}], [{lane, sideways}],
                              [{execution_mode, elsewhere}]]],
              ?EXPECT(healthy, api(health, [Pid]))
          end)
      end},
     {"a remote run without a remote node is an error", fun() ->
          ?EXPECT(?ERROR(_), api(query, [codex, <<"hello">>, [{execution_mode, remote_node}]]))
      end}].

odd_options() ->
    [not_a_list, 17, <<"text">>, {provider, codex}, [provider | codex], [{provider}], [17], [[]],
     [{provider, codex, more}], [{self(), codex}], [{17, codex}], self(), make_ref(), 1.5,
     fun lists:map/2, #{17 => 18}, [{provider, self()}], [{provider, make_ref()}],
     [{provider, #{}}], [{provider, [99, 111 | bad]}], [{provider, <<255, 254>>}],
     [{provider, codex}, {session_id, self()}], [{provider, codex}, {session_id, <<>>}],
     [{provider, codex}, {session_id, <<255>>}], [{provider, codex}, {session_id, 17}],
     [{provider, codex}, {max_concurrent_runs, many}], [{provider, codex}, {max_concurrent_runs, -1}],
     [{provider, codex}, {max_queued_runs, 1 bsl 80}], [{provider, <<1:3>>}]].
