%% SPDX-License-Identifier: MIT
%%
%% Lane sdk with the reference kit, which codex and amp have here; that of claude is broken.
%%
%%   kit_test:main([Daemon, KitFolder])
-module(kit_test).

-export([main/1]).

-include("run_support.hrl").

-import(run_support, [api/2, begin_run/3, contains/2, done/1, event/2, follow/1, kinds/1]).

-define(LONG_MS, 60000).

main([Daemon, Kits]) ->
    run_support:setup(Daemon, Daemon),
    asm_test:main(kit_test, [{Name, Fun, ?LONG_MS} || {Name, Fun} <- told(Kits) ++ runs() ++ ends()]
                  ++ [{"nothing is left", fun run_support:is_at_rest/0}]).

told(Kits) ->
    Folder = list_to_binary(filename:join(Kits, "codex")),
    [{"provider_info tells name, version, folder and capabilities of a kit", fun() ->
          ?EXPECT({ok, #{available_lanes := [core, sdk], 'sdk_available?' := true,
                         kit := #{name := <<"reference">>, version := <<"1.0.0">>, path := Folder,
                                  capabilities := [<<"approval">>, <<"input">>, <<"interrupt">>]}}},
                  api(provider_info, [codex])),
          ?EXPECT({ok, #{available_lanes := [core], kit := nil}}, api(provider_info, [cursor]))
      end},
     {"a kit that cannot be used is told with its mistake", fun() ->
          {ok, #{kit := #{error := Text}}} =
              ?EXPECT({ok, #{available_lanes := [core], kit := #{error := _}}}, api(provider_info, [claude])),
          contains(Text, "claude/kit.json"),
          contains(Text, "key 'version'"),
          {error, #{message := Refusal}} =
              ?EXPECT(?FAILURE(config_invalid, config), api(resolve, [claude, [{lane, sdk}]])),
          contains(Refusal, "key 'version'"),
          ?EXPECT({ok, #{lane := core, lane_reason := sdk_unavailable}}, api(resolve, [claude]))
      end},
     {"sdk without a kit is refused, at the start of a session as well", fun() ->
          ?EXPECT(?FAILURE(config_invalid, config), api(resolve, [cursor, [{lane, sdk}]])),
          ?EXPECT(?FAILURE(config_invalid, config),
                  api(start_session, [[{provider, cursor}, {lane, sdk}]]))
      end},
     {"a kit is taken by auto and by sdk, and told in events and results", fun() ->
          [begin
               {ok, Lane} =
                   ?EXPECT({ok, #{lane := sdk, preferred_lane := sdk, lane_reason := Reason, sdk_runtime := reference,
                                  backend := 'Elixir.ASM.ProviderBackend.SDK', lane_fallback_reason := nil,
                                  'sdk_available?' := true, execution_mode := local}},
                           api(resolve, [codex, Options])),
               {ok, #{metadata := Metadata}} = ?EXPECT({ok, #{text := <<"hi">>}},
                                                       api(query, [codex, <<"hi">>, Options])),
               ?EXPECT(Lane, maps:with(maps:keys(Lane), Metadata)),
               {ok, Run} = api(stream, [codex, <<"hi">>, Options]),
               [?EXPECT(Lane, maps:with(maps:keys(Lane), maps:get(metadata, Event))) || Event <- follow(Run)]
           end || {Options, Reason} <- [{[], sdk_available}, {[{lane, sdk}], explicit_sdk}]]
      end},
     {"core does not take it", fun() ->
          ?EXPECT({ok, #{lane := core, backend := 'Elixir.ASM.ProviderBackend.Core', sdk_runtime := nil}},
                  api(resolve, [codex, [{lane, core}]]))
      end},
     {"another host has no kit", fun() ->
          ?EXPECT({ok, #{lane := core, preferred_lane := sdk, lane_fallback_reason := sdk_remote_unsupported}},
                  api(resolve, [codex, [{execution_mode, remote_node}]])),
          ?EXPECT(?FAILURE(config_invalid, config),
                  api(query, [codex, <<"x">>, [{lane, sdk}, {execution_surface, ssh_exec}]]))
      end}].

runs() ->
    [{"a query is answered once, with its usage", fun() ->
          Prompt = <<"say \"hi\" \\ to ", 195, 164, "\n and more">>,
          ?EXPECT({ok, #{text := Prompt, stop_reason := <<"end_turn">>, error := nil,
                         cost := #{input_tokens := 2, output_tokens := 3}}},
                  api(query, [codex, Prompt, [{lane, sdk}]]))
      end},
     {"a stream has the events of the kit, numbered", fun() ->
          {ok, Run} = api(stream, [amp, <<"hi">>, []]),
          Events = follow(Run),
          ?EXPECT([run_started, assistant_delta, assistant_message, result], kinds(Events)),
          ?EXPECT([1, 2, 3, 4], [N || #{sequence := N} <- Events]),
          ?EXPECT([amp], lists:usort([P || #{provider := P} <- Events]))
      end},
     {"a decision reaches the kit", fun() ->
          [with_session(fun(Session) ->
               Run = begin_run(Session, <<"ask">>, []),
               ?EXPECT(#{approval_id := <<"a1">>, subject := <<"Bash">>,
                         details := #{<<"tool_input">> := #{<<"command">> := <<"ls">>}}},
                       event(Run, approval_requested)),
               ?EXPECT(ok, api(approve, [Session, <<"a1">>, Decision])),
               ?EXPECT(#{decision := Decision}, event(Run, approval_resolved)),
               ?EXPECT(#{content := Answer}, event(Run, assistant_delta)),
               ?EXPECT([assistant_message, result], kinds(follow(Run)))
           end) || {Decision, Answer} <- [{allow, <<"allowed">>}, {deny, <<"denied">>}]]
      end},
     {"an error of the kit is the error of the run", fun() ->
          {error, #{message := Text}} =
              ?EXPECT({error, #{kind := tool_failed}}, api(query, [codex, <<"fail">>, [{lane, sdk}]])),
          contains(Text, "told to fail")
      end}].

ends() ->
    [{"an interrupt ends the run", fun() ->
          with_session(fun(Session) ->
              Run = begin_run(Session, <<"wait">>, []),
              event(Run, raw),
              ?EXPECT(ok, api(interrupt, [Session, Run])),
              ?EXPECT(#{code := <<"user_cancelled">>}, event(Run, error)),
              done(Run)
          end)
      end},
     {"a session that ends takes its kit with it", fun() ->
          with_session(fun(Session) ->
              Run = begin_run(Session, <<"wait">>, []),
              event(Run, raw),
              ok = api(stop_session, [Session]),
              follow(Run)
          end)
      end}].

with_session(Fun) ->
    {ok, Session} = ?EXPECT({ok, _}, api(start_session, [[{provider, codex}, {lane, sdk}]])),
    try
        Fun(Session)
    after
        exit(Session, kill)
    end.
