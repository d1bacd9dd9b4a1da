%% SPDX-License-Identifier: MIT
%%
%% Many sessions at a time, each with a run on a fake host, through one daemon to one node: every
%% event arrives, in order, once.
%%
%%   flood_test:main([Node, Host, Sessions, Events])
-module(flood_test).

-export([main/1]).

-include("asm_test.hrl").

-define(PATIENCE_MS, 60000).

main([NodeText, HostText | Numbers]) ->
    Node = list_to_atom(NodeText),
    Host = list_to_atom(HostText),
    [N, Events] = [list_to_integer(Number) || Number <- Numbers],
    Name = lists:flatten(io_lib:format("~b sessions stream ~b events each, all in order", [N, Events])),
    asm_test:main(flood_test,
                  [{Name, fun() -> flood(Node, Host, N, Events) end, 2 * ?PATIENCE_MS},
                   {"no session is left on the host", fun() ->
                        asm_test:wait_until(fun() -> erpc:call(Host, fake_host, sessions, []) =:= [] end)
                    end},
                   {"no session is left in the daemon", fun() ->
                        ?EXPECT([], erpc:call(Node, asm, list_sessions, []))
                    end}]).

flood(Node, Host, N, Events) ->
    Prompt = iolist_to_binary(io_lib:format("events ~b", [Events])),
    Options = [{execution_mode, remote_node}, {remote_node, Host}, {stream_timeout_ms, ?PATIENCE_MS}],
    Outcomes = asm_test:parallel(N, fun(_) ->
        {ok, Session} = ?EXPECT({ok, _}, erpc:call(Node, asm, start_session, [[{provider, codex}]], ?PATIENCE_MS)),
        {ok, Run} = ?EXPECT({ok, _}, erpc:call(Node, asm, stream, [Session, Prompt, Options], ?PATIENCE_MS)),
        Indexes = follow(Run, 0, []),
        ok = erpc:call(Node, asm, stop_session, [Session], ?PATIENCE_MS),
        asm_test:no_message(0),
        Indexes
    end),
    Wanted = lists:seq(0, Events - 3),
    [?EXPECT(Wanted, Indexes) || Indexes <- Outcomes].

%% the indexes of the deltas of a run; its events' sequence numbers must rise
follow(Run, Last, Indexes) ->
    receive
        {asm_run_event, Run, #{sequence := Sequence, kind := Kind, payload := Payload}}
          when Sequence > Last ->
            case Kind of
                assistant_delta -> follow(Run, Sequence, [maps:get(index, Payload) | Indexes]);
                error -> throw({unexpected, "no error event", Payload});
                _ -> follow(Run, Sequence, Indexes)
            end;
        {asm_run_done, Run} ->
            lists:reverse(Indexes);
        Other ->
            throw({unexpected, "the next event of the run", Other})
    after ?PATIENCE_MS ->
        throw({unexpected, "the end of the run", {nothing_after, Last, length(Indexes)}})
    end.
