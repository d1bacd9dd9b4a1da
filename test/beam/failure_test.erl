%% SPDX-License-Identifier: MIT
%%
%% Each way in which a remote run fails: the real thing is caused, and the error must have the right
%% kind, domain, words and cause. After each the session takes the next run, and no CLI is left.
%%
%%   failure_test:main([Daemon, GrowthKiB])
-module(failure_test).

-export([main/1]).

-include("run_support.hrl").

-import(run_support, [api/2, contains/2, daemon/0, event/2, follow/1]).

-define(T, 20000).
-define(LONG_MS, 120000).

main([Daemon, GrowthKiB]) ->
    run_support:setup(Daemon, "none"),
    put(fake, run_support:start_fake(fake)),
    put(real, run_support:start_real(real)),
    Checks = connecting() ++ preflight(get(fake)) ++ starting(get(fake), get(real)) ++ running(get(real)),
    {ok, _} = query(element(2, get(fake)), []),
    {ok, Before} = api(status, []),
    asm_test:main(failure_test, [{Name, Fun, ?LONG_MS} || {Name, Fun} <- Checks]
                  ++ [{"at the end no run, no session is left", fun run_support:is_at_rest/0},
                      {"after all of it the daemon has the processes and about the memory that it had",
                       fun() -> is_as_before(Before, list_to_integer(GrowthKiB)) end}]).

connecting() ->
    [{"a node that accepts and stays silent is remote_connect_timeout", fun() ->
          {ok, Listen} = gen_tcp:listen(0, []),
          {ok, Port} = inet:port(Listen),
          Epmd = in_epmd("silent", Port),
          {Us, Error} = timer:tc(fun() -> failed(at("silent"), [{remote_connect_timeout_ms, 300}]) end),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_connect_timeout}, Error),
          says(Error, ["remote connect failed", "silent@", "300 ms"]),
          ?EXPECT(true, Us >= 300000),
          gen_tcp:close(Epmd),
          gen_tcp:close(Listen)
      end},
     {"a node whose port is closed is remote_connect_failed", fun() ->
          {ok, Listen} = gen_tcp:listen(0, []),
          {ok, Port} = inet:port(Listen),
          ok = gen_tcp:close(Listen),
          Epmd = in_epmd("refusing", Port),
          Error = failed(at("refusing"), []),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_connect_failed}, Error),
          says(Error, ["remote connect failed", "refusing@", "refused"]),
          gen_tcp:close(Epmd)
      end},
     {"a node that epmd does not know is remote_connect_failed", fun() ->
          Error = failed(at("unknown"), []),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_connect_failed}, Error),
          says(Error, ["remote connect failed", "unknown@"])
      end},
     {"names that no node can have, and long ones, are remote_connect_failed", fun() ->
          [begin
               Error = failed(Node, []),
               ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_connect_failed}, Error),
               says(Error, ["remote connect failed"])
           end || Node <- ['no name', <<"host">>, 'x@', 'long@name.of.host', daemon()]]
      end},
     {"a wrong cookie is remote_connect_failed, a second one cookie_conflict", fun() ->
          Host = run_support:start_node(strange, {["-setcookie", "its-own", "-pa", os:getenv("ASM_BEAMS")], []}),
          ok = run_support:call(Host, fake_host, start, []),
          Node = element(2, Host),
          {ok, _} = ?EXPECT({ok, _}, query(Node, [{remote_cookie, 'its-own'}])),
          Conflict = failed(Node, [{remote_cookie, another}]),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := cookie_conflict}, Conflict),
          says(Conflict, ["remote connect failed", "another cookie", "strange@"]),
          ?EXPECT(nomatch, string:find(maps:get(message, Conflict), "its-own")),
          ?EXPECT({ok, _}, query(Node, [{remote_cookie, 'its-own'}])),
          ?EXPECT({ok, _}, query(Node, [])),
          run_support:stop_node(Host),
          Other = run_support:start_node(stranger, {["-setcookie", "its-own"], []}),
          Error = failed(element(2, Other), [{remote_cookie, wrong}]),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_connect_failed}, Error),
          ?EXPECT(#{cause := cookie_conflict}, failed(element(2, Other), [{remote_cookie, 'its-own'}])),
          run_support:stop_node(Other)
      end}].

preflight(Fake) ->
    Node = element(2, Fake),
    Required = remote_backend_start_v1,
    Fails = fun(Override, Options) ->
                    ok = run_support:call(Fake, fake_host, override, [Override]),
                    Error = failed(Node, Options),
                    ok = run_support:call(Fake, fake_host, override, [#{}]),
                    ?EXPECT(#{kind := connection_failed, domain := runtime}, Error),
                    {ok, _} = ?EXPECT({ok, _}, query(Node, [])),
                    Error
            end,
    [{"a host without the capability is told which is missing", fun() ->
          Error = Fails(#{capabilities => [something_else]}, []),
          ?EXPECT(#{cause := {remote_capability_mismatch, #{required := [Required], missing := [Required]}}}, Error),
          says(Error, ["remote preflight failed", "fake@", "remote_backend_start_v1"])
      end},
     {"a handshake that cannot be understood is a capability mismatch", fun() ->
          [begin
               Error = Fails(Override, []),
               ?EXPECT(#{cause := {remote_capability_mismatch, #{required := [Required], missing := unknown}}}, Error),
               says(Error, ["remote preflight failed", "fake@"])
           end || Override <- [#{asm_version => 12}, #{otp_release => nil}, #{capabilities => all},
                               #{handshake => {answer, nonsense}}, #{handshake => {answer, #{}}},
                               #{handshake => {answer, [{asm_version, <<"0.12.1">>}]}}]]
      end},
     {"another version of ASM is a version mismatch, a newer patch is none", fun() ->
          [begin
               Error = Fails(#{asm_version => Version}, []),
               ?EXPECT(#{cause := {remote_version_mismatch, #{local := <<"0.12">>, remote := Version}}}, Error),
               says(Error, ["remote preflight failed", "version mismatch", Version])
           end || Version <- [<<"0.9.2">>, <<"1.12.0">>, <<"0.13.0">>, <<"none">>, <<>>]],
          ok = run_support:call(Fake, fake_host, override, [#{asm_version => <<"v0.12.99-rc.1">>}]),
          ?EXPECT({ok, _}, query(Node, [])),
          ok = run_support:call(Fake, fake_host, override, [#{}])
      end},
     {"an OTP that is too old is a version mismatch", fun() ->
          Error = Fails(#{otp_release => <<"24">>}, []),
          ?EXPECT(#{cause := {remote_version_mismatch, #{remote_otp := <<"24">>, local_otp := _}}}, Error),
          says(Error, ["remote preflight failed", "24"])
      end},
     {"an entry point that does not return is remote_rpc_timeout", fun() ->
          [begin
               Error = Fails(#{Entry => never}, [{remote_rpc_timeout_ms, 300} | Options]),
               ?EXPECT(#{cause := remote_rpc_timeout}, Error),
               says(Error, ["remote " ++ Step ++ " failed", "300 ms", "fake@"])
           end || {Entry, Step, Options} <- [{handshake, "preflight", []}, {start, "backend start", []},
                                             {bootstrap, "bootstrap", [{remote_bootstrap_mode, ensure_started}]}]]
      end},
     {"an entry point that raises is remote_rpc_failed with the reason", fun() ->
          [begin
               Error = Fails(#{Entry => {raise, {broken, Entry}}}, Options),
               {remote_rpc_failed, Reason} = ?EXPECT({remote_rpc_failed, _}, maps:get(cause, Error)),
               contains(lists:flatten(io_lib:format("~0p", [Reason])), "broken"),
               says(Error, ["remote " ++ Step ++ " failed", "broken"])
           end || {Entry, Step, Options} <- [{handshake, "preflight", []}, {start, "backend start", []},
                                             {bootstrap, "bootstrap", [{remote_bootstrap_mode, ensure_started}]}]]
      end},
     {"a node that is suspended is remote_rpc_timeout, and works when it goes on", fun() ->
          {ok, _} = query(Node, []),
          run_support:signal(Fake, "STOP"),
          Error = try failed(Node, [{remote_rpc_timeout_ms, 300}])
                  after run_support:signal(Fake, "CONT")
                  end,
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_rpc_timeout}, Error),
          says(Error, ["remote preflight failed", "300 ms"]),
          ?EXPECT({ok, _}, query(Node, []))
      end},
     {"a node that is suspended before it is connected is remote_connect_timeout", fun() ->
          Host = run_support:start_fake(frozen),
          run_support:signal(Host, "STOP"),
          Error = failed(element(2, Host), [{remote_connect_timeout_ms, 300}]),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_connect_timeout}, Error),
          run_support:signal(Host, "CONT"),
          %% it may still be at the attempt that was given up, and say nok to this one at first
          ?EXPECT({ok, _}, query(element(2, Host), [{remote_connect_timeout_ms, 20000}])),
          run_support:stop_node(Host)
      end},
     {"a session that comes after the start was given up is closed", fun() ->
          Before = run_support:call(Fake, fake_host, starts, []),
          ok = run_support:call(Fake, fake_host, override, [#{start => {after_ms, 1500}}]),
          Error = failed(Node, <<"silent">>, [{remote_rpc_timeout_ms, 300}]),
          ?EXPECT(#{cause := remote_rpc_timeout}, Error),
          ok = run_support:call(Fake, fake_host, override, [#{}]),
          asm_test:wait_until(fun() -> run_support:call(Fake, fake_host, starts, []) > Before end, ?T),
          asm_test:wait_until(fun() -> run_support:call(Fake, fake_host, sessions, []) =:= [] end, ?T)
      end}].

starting(Fake, Real) ->
    Node = element(2, Fake),
    RealNode = element(2, Real),
    [{"a node without the host application is not ready, or cannot be started", fun() ->
          Shim = filename:join(os:getenv("ASM_ROOT"), "priv/erlang/shim/ebin"),
          Bare = run_support:start_node(bare, {["-pa", Shim], []}),
          NotReady = failed(element(2, Bare), []),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := remote_not_ready}, NotReady),
          says(NotReady, ["remote preflight failed", "not ready", "bare@", "remote_bootstrap_mode"]),
          Missing = failed(element(2, Bare), [{remote_bootstrap_mode, ensure_started}]),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := {error, {asmd_host, _}}}, Missing),
          says(Missing, ["remote bootstrap failed", "asmd_host.app"]),
          run_support:stop_node(Bare)
      end},
     {"a node with nothing of it cannot be started either", fun() ->
          Empty = run_support:start_node(empty, {[], []}),
          ?EXPECT(#{cause := remote_not_ready}, failed(element(2, Empty), [])),
          Error = failed(element(2, Empty), [{remote_bootstrap_mode, ensure_started}]),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := {remote_rpc_failed, _}}, Error),
          says(Error, ["remote bootstrap failed", "undef"]),
          run_support:stop_node(Empty)
      end},
     {"ensure_started starts the host application", fun() ->
          Priv = filename:join(os:getenv("ASM_ROOT"), "priv"),
          Path = filename:join(Priv, "providers") ++ ":" ++ os:getenv("PATH"),
          Host = run_support:start_node(prepared, {["-pa", filename:join(Priv, "erlang/ebin"),
                                                    "-pa", filename:join(Priv, "erlang/shim/ebin")],
                                                   [{"PATH", Path}]}),
          ?EXPECT(#{cause := remote_not_ready}, failed(element(2, Host), [])),
          ?EXPECT({ok, _}, query(element(2, Host), [{remote_bootstrap_mode, ensure_started}])),
          ?EXPECT({ok, _}, query(element(2, Host), [])),
          run_support:stop_node(Host)
      end},
     {"a bootstrap that fails says why", fun() ->
          Why = {error, {agent_session_manager, {"no such file or directory", "agent_session_manager.app"}}},
          ok = run_support:call(Fake, fake_host, override, [#{bootstrap => {answer, Why}}]),
          Error = failed(Node, [{remote_bootstrap_mode, ensure_started}]),
          ok = run_support:call(Fake, fake_host, override, [#{}]),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := Why}, Error),
          says(Error, ["remote bootstrap failed", "agent_session_manager.app"])
      end},
     {"a start that is refused says why", fun() ->
          Error = failed(Node, <<"refuse">>, []),
          ?EXPECT(#{kind := connection_failed, domain := runtime, cause := refused}, Error),
          says(Error, ["remote backend start failed", "refused"])
      end},
     {"an answer of the start that nobody knows is a refusal", fun() ->
          ok = run_support:call(Fake, fake_host, override, [#{start => {answer, {strange, 1}}}]),
          Error = failed(Node, []),
          ok = run_support:call(Fake, fake_host, override, [#{}]),
          ?EXPECT(#{kind := connection_failed, domain := runtime}, Error),
          says(Error, ["remote backend start failed", "strange"])
      end},
     {"a CLI that is not there is cli_not_found", fun() ->
          Given = failed(RealNode, [{cli_path, <<"/no/such/cli">>}]),
          ?EXPECT(#{kind := cli_not_found, domain := runtime, cause := _}, Given),
          says(Given, ["remote backend start failed", "/no/such/cli"]),
          {error, Searched} = ?EXPECT({error, _}, api(query, [antigravity, <<"hello">>, remote(RealNode)])),
          ?EXPECT(#{kind := cli_not_found, domain := runtime}, Searched),
          says(Searched, ["remote backend start failed", "agy"])
      end},
     {"a directory that is not there, or is none, is named", fun() ->
          [begin
               Error = failed(RealNode, [{Key, Cwd}]),
               ?EXPECT(#{kind := Kind, domain := runtime} when Kind =/= unknown, Error),
               says(Error, ["remote backend start failed", Cwd])
           end || Key <- [cwd, remote_cwd], Cwd <- [<<"/no/such/directory">>, <<"/etc/passwd">>]]
      end}].

running(Real) ->
    Node = element(2, Real),
    [{"a host node that is killed ends the run, and its CLI ends with it", fun() ->
          Host = run_support:start_real(mortal),
          Mortal = element(2, Host),
          with_hanging(Mortal, [], fun(Run) ->
              run_support:stop_node(Host),
              lost(Run, <<"transport_error">>, transport, ["backend crashed", "noconnection"])
          end, fun() -> run_support:start_real(mortal) end)
      end},
     {"a session process that is killed ends the run, and its CLI ends with it", fun() ->
          with_hanging(Node, [], fun(Run) ->
              [exit(Pid, kill) || Pid <- sessions(Real)],
              lost(Run, <<"transport_error">>, transport, ["backend crashed", "killed"])
          end)
      end},
     {"a CLI that fails is told with its exit code and its words", fun() ->
          Stand = filename:join([os:getenv("ASM_ROOT"), "priv/providers/codex"]),
          [begin
               {error, Error} = api(query, [codex, <<"fail:7">>, Where]),
               #{cause := #{stderr := Words, code := 7}} =
                   ?EXPECT(#{kind := transport_error, domain := transport, exit_code := 7,
                             provider := codex, cause := #{}}, Error),
               says(Error, ["code 7", "failed as asked"]),
               contains(Words, "failed as asked")
           end || Where <- [remote(Node), [{cli_path, list_to_binary(Stand)}]]]
      end},
     {"a CLI that is killed is told with its signal", fun() ->
          with_hanging(Node, [], fun(Run) ->
              {ok, Text} = file:read_file(get(pid_file)),
              [Cli | _] = string:lexemes(binary_to_list(Text), "\n"),
              host_support:kill(Cli, "KILL"),
              lost(Run, <<"transport_exit">>, any, ["signal 9"])
          end)
      end},
     {"the deadline of a run ends its CLI", fun() ->
          with_hanging(Node, [{run_deadline_ms, 3000}], fun(Run) ->
              lost(Run, <<"timeout">>, runtime, ["deadline of 3000ms"])
          end)
      end},
     {"silence for too long ends the CLI", fun() ->
          with_hanging(Node, [{stream_timeout_ms, 3000}], fun(Run) ->
              lost(Run, <<"timeout">>, runtime, ["3000ms", "stream_timeout_ms"])
          end)
      end},
     {"a CLI that ignores the interrupt is ended with its children after the grace", fun() ->
          with_hanging(Node, <<"hang stubborn">>, [{interrupt_grace_ms, 200}], fun(Run) ->
              ok = api(interrupt, [get(session), Run]),
              lost(Run, <<"user_cancelled">>, runtime, ["interrupted"])
          end, fun() -> ok end)
      end},
     {"a connection that is cut ends the run on both sides", fun() ->
          with_hanging(Node, [], fun(Run) ->
              asm_test:wait_until(fun() ->
                  lists:member(daemon(), run_support:call(Real, erlang, nodes, [hidden]))
              end, ?T),
              run_support:call(Real, erlang, disconnect_node, [daemon()]),
              lost(Run, <<"transport_error">>, transport, ["backend crashed", "noconnection"])
          end)
      end}].

%%% helpers

%% what was closed last may still be under way
is_as_before(#{processes := Processes, rss_bytes := Rss}, GrowthKiB) ->
    asm_test:wait_until(fun() ->
        {ok, #{processes := Now}} = api(status, []),
        Now =< Processes orelse {processes, {before, Processes}, {now, Now}}
    end, ?T),
    {ok, #{rss_bytes := After}} = api(status, []),
    ?EXPECT(Growth when Growth < GrowthKiB * 1024, After - Rss).

at(Name) ->
    [_, Host] = string:lexemes(atom_to_list(node()), "@"),
    list_to_atom(Name ++ "@" ++ Host).

remote(Node) -> [{execution_mode, remote_node}, {remote_node, Node}].

query(Node, Options) -> api(query, [codex, <<"events 3">>, remote(Node) ++ Options]).

failed(Node, Options) -> failed(Node, <<"events 3">>, Options).

%% The error of a run in a session that is there before and after it.
failed(Node, Prompt, Options) ->
    {ok, Session} = api(start_session, [[{provider, codex} | remote(Node)]]),
    {error, Error} = ?EXPECT(?FAILURE(_, _), api(query, [Session, Prompt, Options])),
    ?EXPECT({ok, #{status := ready, runs := []}}, api(session_info, [Session])),
    ok = api(stop_session, [Session]),
    run_support:is_at_rest(),
    Error.

says(#{message := Text}, Parts) -> [contains(Text, Part) || Part <- Parts].

%% The run's only error event and then its end; of what the reducer makes of it see the queries.
lost(Run, Code, Domain, Parts) ->
    Errors = [Payload || #{kind := error, payload := Payload} <- follow(Run)],
    [#{message := Text, metadata := Metadata}] = ?EXPECT([#{code := Code}], Errors),
    ?EXPECT(true, Domain =:= any orelse maps:get(asm_error_domain, Metadata, none) =:= Domain),
    [contains(Text, Part) || Part <- Parts].

sessions(Real) ->
    [Pid || {_, Pid, _, _} <- run_support:call(Real, supervisor, which_children,
                                               ['Elixir.ASM.Remote.BackendSupervisor'])].

with_hanging(Node, Options, Fun) ->
    with_hanging(Node, <<"hang">>, Options, Fun, fun() -> ok end).

with_hanging(Node, Options, Fun, Repair) ->
    with_hanging(Node, <<"hang">>, Options, Fun, Repair).

%% Fun(Run) with a CLI that waits for ever, and that must be gone when the run has ended; after
%% Repair() the same session takes a run.
with_hanging(Node, Prompt, Options, Fun, Repair) ->
    File = host_support:temp("pids"),
    Env = {env, #{<<"ASM_STANDIN_PIDFILE">> => list_to_binary(File)}},
    {ok, Session} = api(start_session, [[{provider, codex} | remote(Node)]]),
    put(session, Session),
    put(pid_file, File),
    {ok, Run} = api(stream, [Session, Prompt, [Env | Options]]),
    event(Run, run_started),
    Pids = host_support:pids(File),
    Fun(Run),
    host_support:gone(Pids),
    ?EXPECT({ok, #{status := ready, runs := []}}, api(session_info, [Session])),
    Repaired = Repair(),
    ?EXPECT({ok, _}, api(query, [Session, <<"hello">>])),
    ok = api(stop_session, [Session]),
    run_support:is_at_rest(),
    Repaired =:= ok orelse run_support:stop_node(Repaired),
    ok.

%% A name in epmd, while the socket is open.
in_epmd(Name, Port) ->
    EpmdPort = list_to_integer(os:getenv("ERL_EPMD_PORT")),
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, EpmdPort, [binary, {active, false}]),
    Bytes = list_to_binary(Name),
    Request = <<120, Port:16, 77, 0, 6:16, 5:16, (byte_size(Bytes)):16, Bytes/binary, 0:16>>,
    ok = gen_tcp:send(Socket, [<<(byte_size(Request)):16>>, Request]),
    {ok, <<_, 0, _/binary>>} = gen_tcp:recv(Socket, 0, 5000),
    Socket.
