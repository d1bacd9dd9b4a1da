%% SPDX-License-Identifier: MIT
%%
%% Options: whose word counts, what of it arrives at the host (fake_host), what is refused and how;
%% and lanes. The daemon has a kit of codex and of no other provider, and for cursor the defaults
%% room = of-cursor, model = of-config and cwd = /of-config, for all house = room = of-all;
%% amp has two places for runs and none to wait.
%%
%%   option_test:main([Daemon, Host])
-module(option_test).

-export([main/1]).

-include("run_support.hrl").

-import(run_support, [api/2, contains/2, follow/1, host/0, last_options/0, remote/0,
                      remote/1, with_session/3]).

-define(NOBODY, 'nobody@127.0.0.1').

main([Daemon, Host]) ->
    run_support:setup(Daemon, Host),
    asm_test:main(option_test, precedence() ++ forms() ++ refusals() ++ lanes()
                  ++ [{"at the end no run, no session is left", fun run_support:is_at_rest/0}]).

precedence() ->
    [{"a run's option wins over its session's, that over the configuration", fun() ->
          Model = fun(Session, Run) ->
                          with_session(cursor, Session, fun(Pid) ->
                              {ok, _} = ?EXPECT({ok, _}, api(query, [Pid, <<"events 3">>, Run])),
                              {host_option(model), host_option(cwd)}
                          end)
                  end,
          ?EXPECT({<<"of-config">>, <<"/of-config">>}, Model([], [])),
          ?EXPECT({<<"of-session">>, <<"/of-config">>}, Model([{model, <<"of-session">>}], [])),
          ?EXPECT({<<"of-run">>, <<"/of-run">>},
                  Model([{model, <<"of-session">>}, {cwd, <<"/of-session">>}],
                        [{model, <<"of-run">>}, {cwd, <<"/of-run">>}])),
          ?EXPECT({<<"of-run">>, <<"/of-session">>},
                  Model([{cwd, <<"/of-session">>}], [{model, <<"of-run">>}]))
      end},
     {"the configuration of one provider is not another's", fun() ->
          {ok, _} = api(query, [codex, <<"events 3">>, remote()]),
          ?EXPECT({undefined, undefined}, {host_option(model), host_option(cwd)})
      end},
     {"the configuration of one provider lies key by key over that of all", fun() ->
          [begin
               {ok, _} = api(query, [Provider, <<"events 3">>, remote()]),
               ?EXPECT({<<"of-all">>, Room}, {host_option(house), host_option(room)})
           end || {Provider, Room} <- [{cursor, <<"of-cursor">>}, {codex, <<"of-all">>}]]
      end},
     {"limits of a provider are its own", fun() ->
          with_session(amp, [], fun(Pid) ->
              Runs = [run_support:begin_run(Pid, <<"silent">>, []) || _ <- [1, 2]],
              ?EXPECT(?FAILURE(at_capacity, runtime), api(query, [Pid, <<"events 3">>])),
              [begin ok = api(interrupt, [Pid, Run]), follow(Run) end || Run <- Runs]
          end),
          with_session(codex, [], fun(Pid) ->
              Run = run_support:begin_run(Pid, <<"silent">>, []),
              {ok, Waiting} = ?EXPECT({ok, _}, api(stream, [Pid, <<"events 3">>])),
              ok = api(interrupt, [Pid, Run]),
              follow(Run),
              ?EXPECT([run_started, assistant_delta, result], run_support:kinds(follow(Waiting)))
          end)
      end},
     {"driver_opts win over run and session, those of the run over those of the session", fun() ->
          Good = [{remote_node, host()}],
          Bad = [{remote_node, ?NOBODY}],
          Answer = fun(Session, Run) ->
                           {ok, Pid} = api(start_session, [[{provider, codex},
                                                            {execution_mode, remote_node} | Session]]),
                           {Is, _} = api(query, [Pid, <<"events 3">>, Run]),
                           ok = api(stop_session, [Pid]),
                           Is
                   end,
          ?EXPECT(ok, Answer(Bad, [{driver_opts, Good}])),
          ?EXPECT(ok, Answer([{driver_opts, Good}], Bad)),
          ?EXPECT(error, Answer([{driver_opts, Bad}], Good)),
          ?EXPECT(ok, Answer([{driver_opts, Bad}], [{driver_opts, Good}])),
          ?EXPECT(error, Answer([{driver_opts, Good}], [{driver_opts, maps:from_list(Bad)}])),
          ?EXPECT(ok, Answer(Bad, Good))
      end},
     {"the execution mode can be turned over in both directions", fun() ->
          Cli = {cli_path, <<"/no/such/cli">>},
          with_session(codex, [], fun(Pid) ->
              Local = api(query, [Pid, <<"events 3">>, [{execution_mode, local}, {lane, core}, Cli]]),
              {error, #{message := Text}} = ?EXPECT({error, #{kind := cli_not_found}}, Local),
              contains(Text, "/no/such/cli")
          end),
          {ok, Pid} = api(start_session, [[{provider, codex}, {execution_mode, local}, {remote_node, host()}]]),
          {ok, #{metadata := Metadata}} =
              ?EXPECT({ok, _}, api(query, [Pid, <<"events 3">>, [{execution_mode, remote_node}]])),
          ?EXPECT(#{execution_mode := remote_node}, Metadata),
          {ok, #{metadata := _}} = ?EXPECT({ok, _}, api(query, [Pid, <<"events 3">>, #{<<"execution_mode">> => <<"remote_node">>}])),
          ok = api(stop_session, [Pid])
      end},
     {"remote_cwd is the cwd there, then cwd, then workspace_root", fun() ->
          Cwd = fun(Options) -> query(codex, Options), host_option(cwd) end,
          Root = {workspace_root, <<"/root">>},
          ?EXPECT(<<"/root">>, Cwd([Root])),
          ?EXPECT(<<"/root">>, Cwd([{execution_environment, [Root]}])),
          ?EXPECT(<<"/here">>, Cwd([Root, {cwd, <<"/here">>}])),
          ?EXPECT(<<"/there">>, Cwd([Root, {cwd, <<"/here">>}, {remote_cwd, <<"/there">>}])),
          ?EXPECT(<<"/driver">>, Cwd([{cwd, <<"/here">>}, {remote_cwd, <<"/there">>},
                                      {driver_opts, [{remote_cwd, <<"/driver">>}]}])),
          ?EXPECT(<<"/list">>, Cwd([{cwd, "/list"}])),
          ?EXPECT(undefined, Cwd([])),
          ?EXPECT(undefined, Cwd([{cwd, nil}]))
      end}].

forms() ->
    [{"the host gets what a session of ASM sends", fun() ->
          {ok, #{run_id := Run, session_id := Session}} = query(claude, [{cli_path, <<"/opt/claude">>}]),
          Options = last_options(),
          ?EXPECT(true, is_list(Options)),
          ?EXPECT([], Options -- lists:ukeysort(1, Options)),
          ?EXPECT(claude, host_option(provider)),
          ?EXPECT('Elixir.CliSubprocessCore.ProviderProfiles.Claude', host_option(profile)),
          ?EXPECT(<<"events 3">>, host_option(prompt)),
          ?EXPECT(<<"/opt/claude">>, host_option(command)),
          ?EXPECT({Pid, Ref} when is_pid(Pid) andalso is_reference(Ref), host_option(subscriber)),
          ?EXPECT(#{lane := core, asm_provider := claude, run_id := Run, session_id := Session},
                  host_option(metadata)),
          ?EXPECT(#{'__struct__' := 'Elixir.CliSubprocessCore.ExecutionSurface',
                    contract_version := <<"execution_surface.v1">>, surface_kind := local_subprocess,
                    transport_options := [], target_id := nil, lease_ref := nil, surface_ref := nil,
                    boundary_class := nil, observability := #{}}, host_option(execution_surface))
      end},
     {"keys that asmd does not know are carried as they are", fun() ->
          Odd = #{a => [1, 2.5, {x, <<"y">>}], <<"b">> => self()},
          query(claude, [{my_own_key, Odd}, {<<"as_binary">>, 7}]),
          ?EXPECT(Odd, host_option(my_own_key)),
          ?EXPECT(7, host_option(as_binary)),
          query(claude, [{execution_environment, [{some_day, Odd}]}]),
          ?EXPECT(Odd, host_option(some_day)),
          query(claude, [{driver_opts, [{remote_of_the_future, 1}]}]),
          ?EXPECT(undefined, host_option(remote_of_the_future))
      end},
     {"driver_opts that nobody uses are carried, and shown with the session and the run", fun() ->
          Driver = [{remote_of_the_future, {x, 1}}, {remote_boot_lease_timeout_ms, 777},
                    {remote_cookie, nil}],
          with_session(claude, [{driver_opts, Driver}], fun(Pid) ->
              Run = run_support:begin_run(Pid, <<"silent">>, [{driver_opts, [{of_the_run, <<"y">>}]}]),
              {ok, #{options := Options, runs := [#{run_id := Run, execution := Execution}]}} =
                  ?EXPECT({ok, #{options := _, runs := [#{execution := #{}}]}}, api(session_info, [Pid])),
              ?EXPECT([{remote_of_the_future, {x, 1}}, {remote_boot_lease_timeout_ms, 777}],
                      proplists:get_value(driver_opts, Options)),
              Host = host(),
              ?EXPECT(#{remote_of_the_future := {x, 1}, of_the_run := <<"y">>,
                        remote_boot_lease_timeout_ms := 777, remote_node := Host,
                        execution_mode := remote_node, remote_rpc_timeout_ms := 15000}, Execution),
              ?EXPECT(false, maps:is_key(remote_cookie, Execution)),
              ok = api(interrupt, [Pid, Run]),
              follow(Run)
          end)
      end},
     {"transport_options, which may hold a token, are not shown", fun() ->
          Surface = [{surface_kind, guest_bridge}, {target_id, <<"t">>},
                     {transport_options, [{attach_token, <<"secret">>}]}],
          with_session(claude, [{execution_surface, Surface}], fun(Pid) ->
              {ok, #{options := Options}} = ?EXPECT({ok, #{options := _}}, api(session_info, [Pid])),
              ?EXPECT([{surface_kind, guest_bridge}, {target_id, <<"t">>}],
                      proplists:get_value(execution_surface, Options))
          end)
      end},
     {"every timeout of the remote start may be given, also as infinity", fun() ->
          [{ok, _} = ?EXPECT({ok, _}, query(codex, [{Key, Value}]))
           || Key <- [remote_connect_timeout_ms, remote_rpc_timeout_ms, remote_boot_lease_timeout_ms,
                      remote_transport_call_timeout_ms, transport_call_timeout_ms, stream_timeout_ms,
                      queue_timeout_ms, run_deadline_ms, approval_timeout_ms],
              Value <- [20000, infinity]],
          [{ok, _} = ?EXPECT({ok, _}, query(codex, [{driver_opts, [{Key, infinity}]}]))
           || Key <- [remote_connect_timeout_ms, remote_rpc_timeout_ms]]
      end},
     {"an approval may wait for ever", fun() ->
          with_session(claude, [{approval_timeout_ms, infinity}], fun(Pid) ->
              Run = run_support:begin_run(Pid, <<"ask a1">>, []),
              run_support:event(Run, approval_requested),
              ?EXPECT({ok, [_]}, api(approvals, [Pid])),
              ok = api(approve, [Pid, <<"a1">>, allow]),
              ?EXPECT([approval_resolved, assistant_delta, result], run_support:kinds(follow(Run)))
          end)
      end},
     {"an execution surface is carried with all it says", fun() ->
          query(codex, [{execution_surface, ssh_exec}]),
          ?EXPECT(#{surface_kind := ssh_exec, contract_version := _}, host_option(execution_surface)),
          Full = #{surface_kind => guest_bridge, target_id => <<"t1">>, lease_ref => <<"l1">>,
                   surface_ref => <<"s1">>, boundary_class => strict, observability => #{trace => 1},
                   transport_options => [{host, <<"h">>}], contract_version => <<"execution_surface.v1">>},
          [begin
               query(codex, [{execution_surface, Given}]),
               Expected = Full#{'__struct__' => 'Elixir.CliSubprocessCore.ExecutionSurface'},
               ?EXPECT(Expected, host_option(execution_surface))
           end || Given <- [Full, maps:to_list(Full)]]
      end},
     {"a posture is a permission mode, and a mode that is given wins", fun() ->
          Mode = fun(Options) -> query(claude, Options), host_option(permission_mode) end,
          ?EXPECT(undefined, Mode([])),
          ?EXPECT(default, Mode([{approval_posture, manual}])),
          ?EXPECT(auto, Mode([{approval_posture, auto}])),
          ?EXPECT(auto, Mode([{execution_environment, [{approval_posture, auto}]}])),
          ?EXPECT(plan, Mode([{approval_posture, auto}, {permission_mode, plan}])),
          ?EXPECT(plan, Mode([{execution_environment, #{permission_mode => plan}}]))
      end},
     {"the metadata of a run is in its events and its result", fun() ->
          Own = #{ticket => 17, <<"who">> => <<"me">>},
          {ok, #{metadata := Metadata}} = query(codex, [{metadata, Own}]),
          ?EXPECT(#{ticket := 17, <<"who">> := <<"me">>, lane := core}, Metadata)
      end}].

refusals() ->
    Timeouts = [remote_connect_timeout_ms, remote_rpc_timeout_ms, remote_boot_lease_timeout_ms,
                remote_transport_call_timeout_ms, transport_call_timeout_ms, stream_timeout_ms,
                queue_timeout_ms, run_deadline_ms, approval_timeout_ms],
    Counts = [max_concurrent_runs, max_queued_runs, interrupt_grace_ms],
    Bad = [{Key, Value, "milliseconds"} || Key <- Timeouts, Value <- [0, -1, soon, <<"10">>, 1.5, 1 bsl 70, nil]]
        ++ [{Key, Value, "number from 0"} || Key <- Counts, Value <- [-1, 1000001, infinity, <<"1">>]]
        ++ [{execution_mode, Value, "local or remote_node"} || Value <- [remotely, 1, <<>>, [], self()]]
        ++ [{lane, Value, "auto or core or sdk"} || Value <- [fast, 1, nil]]
        ++ [{remote_bootstrap_mode, Value, "require_prestarted or ensure_started"} || Value <- [never, true]]
        ++ [{approval_posture, Value, "manual or auto"} || Value <- [sometimes, 1, <<>>, none]]
        ++ [{execution_surface, Value, "local_subprocess"}
            || Value <- [ssh, 1, #{}, #{surface_kind => ssh}, [{target_id, <<"x">>}]]]
        ++ [{remote_node, Value, "string"} || Value <- [1, <<>>, {a, b}, #{}]]
        ++ [{provider, Value, "string"} || Value <- [1, <<>>, {a, b}]]
        ++ [{Key, Value, "string"} || Key <- [cwd, remote_cwd, cli_path, workspace_root],
                                      Value <- [1, <<>>, <<255>>, {a, b}]]
        ++ [{Key, Value, "printable"} || Key <- [run_id, session_id],
                                         Value <- [<<"a b">>, binary:copy(<<"x">>, 129)]]
        ++ [{Key, Value, "a pid"} || Key <- [subscriber, owner], Value <- [me, 1, <<"pid">>, make_ref()]]
        ++ [{metadata, Value, "a map"} || Value <- [1, [], [{a, 1}]]]
        ++ [{allowed_tools, Value, "list of strings"} || Value <- [<<"Bash">>, [1], ['Bash' | x], 1]]
        ++ [{Key, Value, "keyword list or a map"} || Key <- [execution_environment, driver_opts],
                                                     Value <- [1, self(), [1], <<"x">>]],
    [{"each value that is not valid is config_invalid, which names key, value and what is expected", fun() ->
          [refused(Key, Value, Expected) || {Key, Value, Expected} <- Bad]
      end, 120000},
     {"the same in driver_opts and in execution_environment", fun() ->
          [refused_as(Outer, Key, Value)
           || {Outer, Key, Value} <- [{driver_opts, remote_rpc_timeout_ms, soon}, {driver_opts, remote_node, 1},
                                      {execution_environment, approval_posture, sometimes},
                                      {execution_environment, allowed_tools, 1}]]
      end},
     {"a cookie of a wrong form is refused, but not shown", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?FAILURE(config_invalid, config), query(codex, [{remote_cookie, {secret, 12345}}])),
          ?EXPECT({error, #{cause := cookie_conflict}}, query(codex, [{remote_cookie, <<"secret12345">>}])),
          contains(Text, "remote_cookie"),
          ?EXPECT(nomatch, string:find(Text, "12345"))
      end},
     {"approval_posture none is refused, wherever it is said", fun() ->
          [begin
               {error, #{message := Text}} = ?EXPECT(?FAILURE(config_invalid, config), Answer),
               contains(Text, "approval_posture")
           end || Options <- [[{approval_posture, none}], [{approval_posture, <<"none">>}],
                              [{execution_environment, [{approval_posture, none}]}]],
                  Answer <- [query(claude, Options), api(start_session, [[{provider, claude} | Options]])]]
      end},
     {"a remote run needs a node", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?FAILURE(config_invalid, config),
                      api(query, [codex, <<"x">>, [{execution_mode, remote_node}]])),
          contains(Text, "remote_node is missing")
      end},
     {"options that are no list and no map are refused", fun() ->
          [?EXPECT(?FAILURE(config_invalid, config), Answer)
           || Options <- [1, <<"x">>, {a, b}, [{a, b} | c], [{1, 2}], [{<<>>, 1}], [3]],
              Answer <- [api(query, [codex, <<"x">>, Options]), api(start_session, [Options])]]
      end},
     {"a permission mode that the provider does not have is refused", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?FAILURE(config_invalid, config), query(claude, [{permission_mode, whatever}])),
          contains(Text, "whatever")
      end},
     {"a run cannot change the provider of its session", fun() ->
          with_session(codex, [], fun(Pid) ->
              {error, #{message := Text}} =
                  ?EXPECT(?FAILURE(config_invalid, config), api(query, [Pid, <<"x">>, [{provider, claude}]])),
              contains(Text, "codex")
          end)
      end},
     {"surfaces that a local run does not have are refused", fun() ->
          [?EXPECT(?FAILURE(config_invalid, config),
                   api(query, [codex, <<"x">>, [{execution_surface, Kind}]]))
           || Kind <- [ssh_exec, guest_bridge]]
      end}].

lanes() ->
    Remote = {execution_mode, remote_node},
    [{"a kit is preferred, and not used on a remote node", fun() ->
          {ok, Lane} = api(resolve, [codex, [Remote]]),
          ?EXPECT(#{requested_lane := auto, preferred_lane := sdk, lane_reason := sdk_available, lane := core,
                    'sdk_available?' := true, available_lanes := [core, sdk], execution_mode := remote_node,
                    lane_fallback_reason := sdk_remote_unsupported,
                    backend := 'Elixir.ASM.ProviderBackend.Core', provider := codex,
                    provider_display_name := <<"Codex CLI">>, core_profile_id := codex,
                    default_lane := auto, capabilities := [_ | _]}, Lane),
          {ok, #{metadata := Metadata}} = query(codex, []),
          ?EXPECT(Lane, maps:with(maps:keys(Lane), Metadata)),
          {ok, Run} = api(stream, [codex, <<"events 3">>, remote()]),
          [?EXPECT(Lane, maps:with(maps:keys(Lane), maps:get(metadata, Event))) || Event <- follow(Run)]
      end},
     {"without a kit auto is core", fun() ->
          [?EXPECT({ok, #{preferred_lane := core, lane_reason := sdk_unavailable, lane := core,
                          'sdk_available?' := false, available_lanes := [core],
                          lane_fallback_reason := nil}}, api(resolve, [claude, Options]))
           || Options <- [[], [Remote], [{lane, auto}], #{lane => auto}]]
      end},
     {"core does not look for kits", fun() ->
          ?EXPECT({ok, #{requested_lane := core, preferred_lane := core, lane_reason := explicit_core,
                         lane := core, 'sdk_available?' := false, lane_fallback_reason := nil}},
                  api(resolve, [codex, [{lane, core}, Remote]])),
          {ok, #{metadata := Metadata}} = query(codex, [{lane, core}]),
          ?EXPECT(#{requested_lane := core, lane_fallback_reason := nil}, Metadata)
      end},
     {"sdk on a remote node is refused, with a kit or without", fun() ->
          [begin
               {error, #{message := Text}} = ?EXPECT(?FAILURE(config_invalid, config), Answer),
               contains(Text, "remote node")
           end || Provider <- [codex, claude],
                  Answer <- [api(resolve, [Provider, [{lane, sdk}, Remote]]), query(Provider, [{lane, sdk}]),
                             api(start_session, [[{provider, Provider}, {lane, sdk} | remote()]])]]
      end},
     {"sdk without a kit is refused", fun() ->
          {error, #{message := Text}} =
              ?EXPECT(?FAILURE(config_invalid, config), api(resolve, [claude, [{lane, sdk}]])),
          contains(Text, "claude")
      end},
     {"what cannot be resolved is refused", fun() ->
          [begin
               {error, #{message := Text}} = ?EXPECT(?FAILURE(config_invalid, config), api(resolve, Args)),
               contains(Text, Part)
           end || {Args, Part} <- [{[nobody], "nobody"}, {[codex, [{lane, fast}]], "fast"},
                                   {[codex, [{execution_mode, far}]], "far"}, {[1], "provider"}]]
      end},
     {"lane_info and provider_info say what there is", fun() ->
          ?EXPECT({ok, #{provider := codex, preferred_lane := sdk, lane_reason := sdk_available,
                         default_lane := auto, 'sdk_available?' := true}}, api(lane_info, [codex])),
          ?EXPECT({ok, #{preferred_lane := core}}, api(lane_info, [codex, [{lane, core}]])),
          ?EXPECT({ok, #{provider := codex, available_lanes := [core, sdk], command := <<"codex">>,
                         core_profile := 'Elixir.CliSubprocessCore.ProviderProfiles.Codex',
                         options := [#{option := model, type := <<"text">>, flag := <<"--model">>, default := nil} | _],
                         permission_modes := [#{mode := default, native := default, flags := []},
                                              #{mode := bypass, native := yolo} | _]}},
                  api(provider_info, [codex])),
          ?EXPECT({ok, #{available_lanes := [core], 'sdk_available?' := false}}, api(provider_info, [<<"amp">>])),
          ?EXPECT(?FAILURE(config_invalid, config), api(provider_info, [nobody]))
      end}].

%%% helpers

query(Provider, Options) -> api(query, [Provider, <<"events 3">>, remote(Options)]).

host_option(Key) -> proplists:get_value(Key, last_options()).

refused(Key, Value, Expected) ->
    [begin
         {error, #{message := Text}} =
             try ?EXPECT(?FAILURE(config_invalid, config), Answer)
             catch throw:{unexpected, What, Got} -> throw({unexpected, What, {{Key, Value}, Got}})
             end,
         contains(Text, atom_to_list(Key)),
         contains(Text, Expected),
         lists:member(Key, [execution_environment, driver_opts]) orelse shows(Text, Value)
     end || Answer <- [query_with(Key, Value), api(start_session, [[{Key, Value}]])]].

%% over the provider's own
query_with(provider, Value) ->
    with_session(codex, [], fun(Pid) -> api(query, [Pid, <<"x">>, [{provider, Value}]]) end);
query_with(Key, Value) ->
    query(codex, [{Key, Value}]).

%% A number or an atom is seen in the text as it is; lists of options are not shown, they may hold
%% secrets.
shows(Text, Value) when is_atom(Value) -> contains(Text, atom_to_list(Value));
shows(Text, Value) when is_integer(Value) -> contains(Text, integer_to_list(Value));
shows(_, _) -> ok.

refused_as(Outer, Key, Value) ->
    {error, #{message := Text}} = ?EXPECT(?FAILURE(config_invalid, config), query(codex, [{Outer, [{Key, Value}]}])),
    contains(Text, atom_to_list(Key)).
