%% SPDX-License-Identifier: MIT
%%
%% Runs with the surface ssh_exec; the other host is this one, the CLI a script of test-ssh.sh that
%% writes down how it was called.
%%
%%   ssh_test:main([Node, Port, Dir])
-module(ssh_test).

-export([main/1, launch/1]).

-include("asm_test.hrl").

-define(T, 30000).

-define(FAILED(Kind), {error, #{'__struct__' := 'Elixir.ASM.Error', kind := Kind}}).

main([NodeText, PortText, Dir]) ->
    persistent_term:put(node, list_to_atom(NodeText)),
    persistent_term:put(dir, Dir),
    Port = list_to_integer(PortText),
    asm_test:main(ssh_test,
                  [{"a prompt, an environment and a directory arrive as they are", fun() -> plain(Port) end},
                   {"the CLI's exit status and words arrive", fun() -> fails(Port) end},
                   {"a secret is on no command line", fun() -> secret(Port) end},
                   {"an interrupt is SIGINT over there, and nobody stays", fun() -> interrupt(Port) end},
                   {"close ends a CLI over there that ignores SIGTERM", fun() -> close(Port) end},
                   {"a lost connection ends the run and the CLI over there", fun() -> lost(Port) end},
                   {"an unknown host key is ssh's to explain", fun() ->
                        refused(connection_failed, "Host key verification failed",
                                [{ssh_options, options("nobody_known")}], Port)
                    end},
                   {"and so is a wrong key", fun() ->
                        refused(connection_failed, "Permission denied",
                                [{identity_file, file("stranger")}], Port)
                    end},
                   {"and a refused port", fun() ->
                        refused(connection_failed, "Connection refused", [{port, 1}], Port)
                    end},
                   {"no ssh here", fun() ->
                        refused(connection_failed, "no program '/no/such/ssh'",
                                [{ssh_path, <<"/no/such/ssh">>}], Port)
                    end},
                   {"no destination", fun() ->
                        refused(config_invalid, "destination", [{destination, nil}], Port)
                    end},
                   {"a destination that looks like an option", fun() ->
                        refused(config_invalid, "destination", [{destination, <<"-oProxyCommand=x">>}], Port)
                    end},
                   {"a port that is none", fun() -> refused(config_invalid, "port", [{port, 65536}], Port) end},
                   {"no CLI over there", fun() -> absent(cli_not_found, [{cli_path, <<"no-such-cli">>}], Port) end},
                   {"no such directory over there", fun() -> absent(config_invalid, [{cwd, <<"/no/such">>}], Port) end}]).

%% ssh_test:launch([Node, Port, Dir, Prompt]): a run that is not waited for
launch([NodeText, PortText, Dir, Prompt]) ->
    persistent_term:put(node, list_to_atom(NodeText)),
    persistent_term:put(dir, Dir),
    asm_test:main(ssh_test, [{"a run over ssh begins", fun() ->
        begin_run(list_to_binary(Prompt), [], list_to_integer(PortText))
    end}]).

file(Name) -> list_to_binary(filename:join(persistent_term:get(dir), Name)).

options(KnownHosts) ->
    [{'UserKnownHostsFile', file(KnownHosts)}, {'GlobalKnownHostsFile', <<"/dev/null">>},
     {'StrictHostKeyChecking', yes}, {'IdentitiesOnly', yes}, {'IdentityAgent', none}].

%% Transport comes first: what it gives wins
surface(Port, Transport) ->
    Defaults = [{destination, <<"127.0.0.1">>}, {port, Port}, {identity_file, file("user")},
                {ssh_args, [<<"-F">>, <<"/dev/null">>]}, {ssh_options, options("known_hosts")}],
    Keys = [Key || {Key, _} <- Transport],
    #{surface_kind => ssh_exec,
      transport_options => Transport ++ [Pair || {Key, _} = Pair <- Defaults, not lists:member(Key, Keys)]}.

api(Function, Args) -> erpc:call(persistent_term:get(node), asm, Function, Args, ?T).

with_session(Fun) ->
    {ok, Session} = ?EXPECT({ok, _}, api(start_session, [[{provider, codex}]])),
    try Fun(Session) after exit(Session, kill) end.

query(Prompt, Options, Port) -> query(Prompt, Options, Port, []).

query(Prompt, Options, Port, Transport) ->
    All = Options ++ [{execution_surface, surface(Port, Transport)}, {cli_path, file("codex")}],
    Unique = maps:to_list(maps:from_list(lists:reverse(All))),
    with_session(fun(Session) -> api(query, [Session, Prompt, Unique]) end).

plain(Port) ->
    Prompt = <<"-rf --help 'single' \"double\" $(touch pwned) `id` $HOME \\ \\n !! * ? ~ ; | & < > #\n",
               "second\tline\r\n\n'\\''; exit 9 #", 195, 164, 226, 130, 172, "\n asm-ssh-0 exit 0\n\n">>,
    Secret = <<"it's $ecret\nof two lines\n">>,
    {ok, #{text := Text}} =
        ?EXPECT({ok, #{text := _}},
                query(Prompt, [{cwd, file("work")}, {env, [{'SECRET', Secret}, {'GONE', nil}]}], Port)),
    <<"hello">> = ?EXPECT(<<"hello">>, Text),
    {ok, Prompt} = ?EXPECT({ok, Prompt}, file:read_file(file("prompt"))),
    {ok, Secret} = ?EXPECT({ok, Secret}, file:read_file(file("secret"))),
    {ok, <<"unset">>} = ?EXPECT({ok, <<"unset">>}, file:read_file(file("gone"))),
    {ok, <<>>} = ?EXPECT({ok, <<>>}, file:read_file(file("stdin"))),
    Cwd = <<(file("work"))/binary, "\n">>,
    {ok, Cwd} = ?EXPECT({ok, Cwd}, file:read_file(file("cwd"))),
    false = ?EXPECT(false, filelib:is_file(file("work/pwned"))),
    ok.

fails(Port) ->
    {error, #{message := Message}} = ?EXPECT({error, #{exit_code := 3}}, query(<<"fail">>, [], Port)),
    contains(Message, "code 3").

secret(Port) ->
    {Session, _} = begin_run(<<"hang">>, [{env, #{<<"SECRET">> => <<"5ecret-of-the-test">>}}], Port),
    Seen = [File || File <- filelib:wildcard("/proc/[0-9]*/cmdline"),
                    {ok, Line} <- [file:read_file(File)],
                    binary:match(Line, <<"5ecret-of-the-test">>) =/= nomatch],
    [] = ?EXPECT([], Seen),
    gone_after(fun() -> exit(Session, kill) end).

interrupt(Port) ->
    {Session, Run} = begin_run(<<"hang">>, [], Port),
    gone_after(fun() -> ok = ?EXPECT(ok, api(interrupt, [Session, Run])) end),
    true = ?EXPECT(true, filelib:is_file(file("interrupted"))),
    exit(Session, kill),
    ok.

close(Port) ->
    {Session, _} = begin_run(<<"stubborn">>, [], Port),
    gone_after(fun() -> ok = ?EXPECT(ok, api(stop_session, [Session])) end).

lost(Port) ->
    {Session, Run} = begin_run(<<"stubborn">>, [], Port),
    gone_after(fun() -> [] = os:cmd("pkill -KILL -f '^/[a-z/]*ssh .*" ++ persistent_term:get(dir) ++ "/'") end),
    Payload = error_of(Run),
    contains(maps:get(message, Payload), "connection_lost"),
    exit(Session, kill),
    ok.

refused(Kind, Words, Transport, Port) ->
    {error, #{kind := Got, message := Message}} =
        ?EXPECT(?FAILED(_), query(<<"hello">>, [], Port, Transport)),
    Kind = ?EXPECT(Kind, Got),
    contains(Message, Words).

absent(Kind, Options, Port) ->
    {error, #{kind := Got, message := Message}} = ?EXPECT(?FAILED(_), query(<<"hello">>, Options, Port)),
    Kind = ?EXPECT(Kind, Got),
    contains(Message, "127.0.0.1").

begin_run(Prompt, Options, Port) ->
    [file:delete(file(Name)) || Name <- ["pid", "child", "interrupted"]],
    {ok, Session} = ?EXPECT({ok, _}, api(start_session, [[{provider, codex}]])),
    All = Options ++ [{execution_surface, surface(Port, [])}, {cli_path, file("codex")}],
    {ok, Run} = ?EXPECT({ok, _}, api(stream, [Session, Prompt, All])),
    receive
        {asm_run_event, Run, #{kind := assistant_message}} -> ok;
        {asm_run_event, Run, #{kind := error, payload := Payload}} -> throw({unexpected, "a message", Payload})
    after ?T -> throw({unexpected, "a message", nothing})
    end,
    {Session, Run}.

error_of(Run) ->
    receive {asm_run_event, Run, #{kind := error, payload := Payload}} -> Payload
    after ?T -> throw({unexpected, "an error event", nothing})
    end.

%% the CLI over there and its child
gone_after(Fun) ->
    Pids = [pid(Name) || Name <- ["pid", "child"]],
    [true = ?EXPECT(true, runs(Pid)) || Pid <- Pids],
    Fun(),
    [asm_test:wait_until(fun() -> not runs(Pid) orelse {still_runs, Pid} end, ?T) || Pid <- Pids],
    ok.

pid(Name) ->
    asm_test:wait_until(fun() -> filelib:file_size(file(Name)) > 1 end),
    {ok, Text} = file:read_file(file(Name)),
    string:trim(binary_to_list(Text)).

runs(Pid) ->
    case file:read_file("/proc/" ++ Pid ++ "/stat") of
        {ok, Stat} -> re:run(Stat, "\\) Z ") =:= nomatch;
        {error, _} -> false
    end.

contains(Text, Part) ->
    case string:find(Text, Part) of
        nomatch -> throw({unexpected, io_lib:format("the words \"~ts\"", [Part]), Text});
        _ -> ok
    end.
