%% SPDX-License-Identifier: MIT
%% One run of an agent CLI for subscribers that are usually on another node.
%%
%% The CLI runs under the helper program asm_exec, one port per session. Its output is not looked
%% into: subscribers get, each as {EventTag, Ref, Event},
%%
%%     {started, #{command, args, cwd}}    it runs
%%     {stdout, [Line]}                    whole lines without newline, in order
%%     {stderr, Chunk}                     as it came
%%     {line_too_long, Limit}              the CLI is being ended
%%     {exit, #{code, signal}}             the last one; then the session stops
%%
%% (a legacy subscriber, a bare pid, gets {session_event, Event}).
%%
%% Two rules. No orphan: the CLI does not outlive the last subscriber, the subscriber's node, a linked
%% process, this process (the port closes, the helper ends its group) nor this node. No heap: output
%% is sent before it is acknowledged to the helper, and a send to a node that does not keep up
%% suspends us; so at most one window is in memory, and then the CLI itself has to wait. The same
%% comes about by {asm_pause, Ref} of a subscriber, until its {asm_resume, Ref}: nothing is
%% acknowledged meanwhile (capability run_pause_v1).
-module(asmd_host_session).
-behaviour(gen_server).

-export([start_link/1, await_started/1]).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2,
         format_status/1]).

-define(SIGINT, 2).
-define(WINDOW, 1024 * 1024).
-define(ACK_BYTES, 256 * 1024).
-define(MAX_INPUT_BYTES, 16 * 1024 * 1024).
%% the helper answers within 10 s whatever happens, and ends a killed group within 3 s
-define(START_TIMEOUT_MS, 15000).
-define(END_MARGIN_MS, 5000).

-record(state, {config :: asmd_host_options:config(),
                phase = starting :: starting | running | ending | {failed, term()} | ended,
                port :: port() | undefined,
                os_pid :: pos_integer() | undefined,
                starter :: gen_server:from() | undefined,
                subscribers = #{} :: #{pid() => {reference(), reference() | legacy}},
                lines :: asmd_host_lines:lines(),
                unacked = 0 :: non_neg_integer(),
                paused = [] :: [reference()], %% of subscribers that ask us to wait
                input = none :: open | closed | none,
                input_queued = 0 :: non_neg_integer(),
                files = [] :: [file:filename()],
                headless :: reference() | undefined,
                stop_reason = normal :: term()}).

-spec start_link(asmd_host_options:config()) -> gen_server:start_ret().
start_link(Config) ->
    gen_server:start_link(?MODULE, Config, []).

%% The start itself does not wait, so that the supervisor can start others meanwhile; this does.
-spec await_started(pid()) -> {ok, pid(), map()} | {error, term()}.
await_started(Session) ->
    try gen_server:call(Session, await_started, ?START_TIMEOUT_MS) of
        {ok, Info} -> {ok, Session, Info};
        {error, _} = Error -> Error
    catch
        exit:{Reason, _} -> {error, {session_start_failed, Reason}}
    end.

init(#{subscriber := {Pid, Ref}, max_line_bytes := MaxLine} = Config) ->
    process_flag(trap_exit, true),
    State = #state{config = Config, lines = asmd_host_lines:new(MaxLine)},
    {ok, add_subscriber(Pid, Ref, State), {continue, start}}.

handle_continue(start, #state{config = Config} = State) ->
    #{provider := #{stdin := Stdin}, input := Input, kill_grace_ms := Grace} = Config,
    try files(Config) of
        {Args, Files} ->
            Port = asmd_host_exec:open(asmd_host:helper()),
            Mode = if Stdin =:= open; Input =/= nil -> open; true -> none end,
            Request = maps:with([command, cwd, env, clear_env], Config),
            command(Port, asmd_host_exec:start(Request#{args => Args, stdin => Mode,
                                                        grace_ms => Grace, window => ?WINDOW})),
            {noreply, first_input(State#state{port = Port, files = Files, input = Mode,
                                              config = Config#{args := Args}})}
    catch
        error:Reason -> failed({start_failed, #{stage => helper, reason => Reason}}, State)
    end.

handle_call(await_started, From, #state{phase = starting} = State) ->
    {noreply, State#state{starter = From}};
handle_call(await_started, _From, #state{phase = {failed, Reason}} = State) ->
    {stop, normal, {error, Reason}, State};
handle_call(await_started, _From, State) ->
    {reply, {ok, info(State)}, State};
handle_call(info, _From, State) ->
    {reply, info(State), State};
handle_call({subscribe, Pid, Ref}, _From, State)
  when is_pid(Pid), is_reference(Ref) orelse Ref =:= legacy ->
    {reply, ok, add_subscriber(Pid, Ref, State)};
handle_call({unsubscribe, Pid}, _From, State) when is_pid(Pid) ->
    {reply, ok, headless(remove_subscriber(Pid, State))};
handle_call(Request, _From, #state{phase = Phase} = State)
  when Phase =/= running, Request =:= interrupt orelse Request =:= end_input
       orelse element(1, Request) =:= send ->
    {reply, {error, not_running}, State};
handle_call(interrupt, _From, #state{port = Port} = State) ->
    command(Port, asmd_host_exec:signal(?SIGINT)),
    {reply, ok, State};
handle_call(end_input, _From, State) ->
    {reply, ok, end_input(State)};
handle_call({send, Data}, _From, State) ->
    {Reply, NewState} = send_input(Data, State),
    {reply, Reply, NewState};
handle_call(Request, _From, State) ->
    {reply, {error, {unsupported_call, Request}}, State}.

handle_cast(_Message, State) ->
    {noreply, State}.

handle_info({Port, {data, Frame}}, #state{port = Port} = State) ->
    on_frame(asmd_host_exec:decode(Frame), State);
handle_info({Port, {exit_status, Status}}, #state{port = Port} = State) ->
    helper_gone(Status, State);
handle_info({'EXIT', Port, _Reason}, #state{port = Port} = State) ->
    helper_gone(unknown, State);
handle_info({'DOWN', Monitor, process, Pid, _Reason}, #state{subscribers = Subscribers} = State) ->
    case Subscribers of
        #{Pid := {Monitor, _}} -> abandoned(normal, remove_subscriber(Pid, State));
        #{} -> {noreply, State}
    end;
handle_info({'EXIT', _Pid, normal}, State) ->
    {noreply, State};
handle_info({'EXIT', _Pid, Reason}, State) ->
    end_command(quiet(Reason), State);
handle_info({asm_pause, Ref}, #state{subscribers = Subscribers, paused = Paused} = State) ->
    Known = [Ref || {_, Its} <- maps:values(Subscribers), Its =:= Ref],
    {noreply, State#state{paused = lists:usort(Known ++ Paused)}};
handle_info({asm_resume, Ref}, #state{paused = Paused} = State) ->
    {noreply, acknowledge(0, State#state{paused = lists:delete(Ref, Paused)})};
handle_info({timeout, Timer, headless}, #state{headless = Timer} = State) ->
    abandoned(normal, State#state{headless = undefined});
handle_info(give_up, State) ->
    {stop, State#state.stop_reason, State};
handle_info(_Message, State) ->
    {noreply, State}.

%% Returns when nothing of the CLI runs any more, or when the time for that is over.
terminate(_Reason, #state{config = #{kill_grace_ms := Grace}, port = Port} = State) ->
    case Port of
        undefined ->
            ok;
        _ ->
            command(Port, asmd_host_exec:terminate()),
            await_end(Port, erlang:monotonic_time(millisecond) + Grace + ?END_MARGIN_MS, State)
    end,
    _ = [file:delete(File) || File <- State#state.files],
    ok.

%% Prompts and environments do not belong into crash reports.
format_status(Status) ->
    maps:map(fun(state, #state{phase = Phase, os_pid = OsPid, subscribers = Subscribers}) ->
                     {?MODULE, #{phase => Phase, os_pid => OsPid,
                                 subscribers => maps:keys(Subscribers)}};
                (message, {_Port, {data, _}}) -> output;
                (log, _) -> [];
                (_, Value) -> Value
             end, Status).

%%% what the helper says

on_frame({started, OsPid}, #state{config = Config} = State) ->
    deliver({started, maps:with([command, args, cwd], Config)}, State),
    Running = started(State#state{os_pid = OsPid}),
    case Running#state.starter of
        undefined -> ok;
        From -> gen_server:reply(From, {ok, info(Running)})
    end,
    {noreply, Running#state{starter = undefined}};
on_frame({failed, cwd, _}, #state{config = #{cwd := Cwd}} = State) ->
    failed({cwd_not_found, Cwd}, State);
on_frame({failed, exec, enoent}, State) ->
    failed(missing, State);
on_frame({failed, Stage, Reason}, State) ->
    failed({start_failed, #{stage => Stage, reason => Reason}}, State);
on_frame({stdout, Data}, #state{phase = running} = State) ->
    on_stdout(Data, State);
on_frame({stderr, Data}, #state{phase = running} = State) ->
    deliver({stderr, Data}, State),
    {noreply, acknowledge(byte_size(Data), State)};
on_frame({consumed, Bytes}, #state{input_queued = Queued} = State) ->
    {noreply, State#state{input_queued = max(0, Queued - Bytes)}};
on_frame(input_closed, State) ->
    {noreply, State#state{input = closed}};
on_frame({exit, Code, Signal}, #state{lines = Lines, phase = Phase} = State) ->
    _ = [deliver({stdout, Rest}, State)
         || Phase =:= running, Rest <- [asmd_host_lines:rest(Lines)], Rest =/= []],
    deliver({exit, #{code => Code, signal => Signal}}, State),
    {stop, State#state.stop_reason, ended(State)};
on_frame(_Late, State) ->
    %% output that was on its way when the end had been decided
    {noreply, State}.

on_stdout(Data, #state{lines = Lines, config = #{max_line_bytes := Max}} = State) ->
    case asmd_host_lines:feed(Data, Lines) of
        {ok, Done, Rest} ->
            deliver_lines(Done, State),
            {noreply, acknowledge(byte_size(Data), State#state{lines = Rest})};
        {too_long, Done} ->
            deliver_lines(Done, State),
            deliver({line_too_long, Max}, State),
            end_command(normal, State)
    end.

%% the start was asked for, but somebody has ended it before it was done
started(#state{phase = starting} = State) -> State#state{phase = running};
started(State) -> State.

failed(Reason, #state{starter = undefined} = State) ->
    %% kept for the starter, who is about to ask
    erlang:send_after(?START_TIMEOUT_MS, self(), give_up),
    {noreply, ended(State#state{phase = {failed, Reason}})};
failed(Reason, #state{starter = From} = State) ->
    gen_server:reply(From, {error, Reason}),
    {stop, normal, ended(State)}.

%% It should have said X or F first: it was killed. Its group cannot have ended with it.
helper_gone(Status, #state{phase = starting} = State) ->
    failed({start_failed, #{stage => helper, reason => Status}}, State);
helper_gone(Status, State) ->
    kill_group(State),
    deliver({exit, #{code => nil, signal => 9}}, State),
    logger:warning("asmd_host: asm_exec ended with status ~tp before its CLI", [Status]),
    {stop, State#state.stop_reason, ended(State)}.

ended(#state{phase = Phase, port = Port} = State) ->
    close_port(Port),
    NewPhase = case Phase of {failed, _} -> Phase; _ -> ended end,
    State#state{phase = NewPhase, port = undefined}.

%%% to the subscribers

deliver_lines(Lines, State) ->
    lists:foreach(fun(Batch) -> deliver({stdout, Batch}, State) end,
                  asmd_host_lines:batches(Lines)).

deliver(Event, #state{subscribers = Subscribers, config = #{event_tag := Tag}}) ->
    maps:foreach(fun(Pid, {_Monitor, legacy}) -> send(Pid, {session_event, Event});
                    (Pid, {_Monitor, Ref}) -> send(Pid, {Tag, Ref, Event})
                 end, Subscribers).

%% Suspends while the connection is busy. If there is none, the monitor tells, and a
%% connection made only to say so would be one more surprise.
send(Pid, Message) ->
    erlang:send(Pid, Message, [noconnect]).

acknowledge(Bytes, #state{unacked = Unacked, port = Port, paused = Paused} = State) ->
    case Unacked + Bytes of
        Sum when Sum >= ?ACK_BYTES, Paused =:= [] ->
            command(Port, asmd_host_exec:ack(Sum)),
            State#state{unacked = 0};
        Sum ->
            State#state{unacked = Sum}
    end.

add_subscriber(Pid, Ref, #state{subscribers = Subscribers} = State) ->
    Monitor = case Subscribers of
                  #{Pid := {Known, _}} -> Known;
                  #{} -> erlang:monitor(process, Pid)
              end,
    headless(State#state{subscribers = Subscribers#{Pid => {Monitor, Ref}}}).

remove_subscriber(Pid, #state{subscribers = Subscribers, paused = Paused} = State) ->
    case maps:take(Pid, Subscribers) of
        {{Monitor, Ref}, Rest} ->
            erlang:demonitor(Monitor, [flush]),
            acknowledge(0, State#state{subscribers = Rest, paused = lists:delete(Ref, Paused)});
        error ->
            State
    end.

%% Nobody listens by choice: a new subscriber has some time to come.
headless(#state{subscribers = Subscribers, headless = undefined,
                config = #{headless_ms := Timeout}} = State) when Subscribers =:= #{} ->
    State#state{headless = erlang:start_timer(Timeout, self(), headless)};
headless(#state{subscribers = Subscribers, headless = Timer} = State)
  when Subscribers =/= #{}, Timer =/= undefined ->
    erlang:cancel_timer(Timer),
    State#state{headless = undefined};
headless(State) ->
    State.

%% A subscriber is gone; with the last one the CLI goes.
abandoned(Reason, #state{subscribers = Subscribers} = State) when Subscribers =:= #{} ->
    end_command(Reason, State);
abandoned(_Reason, State) ->
    {noreply, State}.

%%% input

first_input(#state{config = #{input := nil}} = State) ->
    State;
first_input(#state{config = #{input := Data, provider := #{stdin := Stdin}}} = State) ->
    Sent = push_input(Data, State),
    case Stdin of
        open -> Sent;
        none -> end_input(Sent)
    end.

end_input(#state{input = open, port = Port} = State) ->
    command(Port, asmd_host_exec:end_input()),
    State#state{input = closed};
end_input(State) ->
    State.

send_input(_Data, #state{input = Input} = State) when Input =/= open ->
    {{error, stdin_closed}, State};
send_input(Data, State) ->
    try iolist_to_binary(Data) of
        Bytes -> send_line(with_newline(Bytes), State)
    catch
        error:badarg -> {{error, {unsupported_input, Data}}, State}
    end.

send_line(Bytes, State) when byte_size(Bytes) > ?MAX_INPUT_BYTES ->
    {{error, {input_too_large, ?MAX_INPUT_BYTES}}, State};
send_line(Bytes, #state{input_queued = Queued} = State)
  when Queued + byte_size(Bytes) > ?MAX_INPUT_BYTES ->
    {{error, input_queue_full}, State};
send_line(Bytes, State) ->
    {ok, push_input(Bytes, State)}.

push_input(Bytes, #state{port = Port, input_queued = Queued} = State) ->
    command(Port, asmd_host_exec:input(Bytes)),
    State#state{input_queued = Queued + byte_size(Bytes)}.

%% stdin is a stream of lines, as it is with ASM
with_newline(<<>>) -> <<>>;
with_newline(Bytes) ->
    case binary:last(Bytes) of
        $\n -> Bytes;
        _ -> <<Bytes/binary, $\n>>
    end.

%%% the end

%% Asks the helper to end the CLI; its exit frame stops the session.
end_command(Reason, #state{phase = Phase} = State) when Phase =:= running; Phase =:= starting ->
    #state{port = Port, config = #{kill_grace_ms := Grace}} = State,
    command(Port, asmd_host_exec:terminate()),
    erlang:send_after(Grace + ?END_MARGIN_MS, self(), give_up),
    {noreply, State#state{phase = ending, stop_reason = Reason}};
end_command(Reason, #state{phase = {failed, _}} = State) ->
    {stop, Reason, State};
end_command(_Reason, State) ->
    {noreply, State}.

await_end(Port, Deadline, State) ->
    Left = max(0, Deadline - erlang:monotonic_time(millisecond)),
    receive
        {Port, {data, <<$X, _/binary>>}} -> close_port(Port);
        {Port, {data, <<$F, _/binary>>}} -> close_port(Port);
        {Port, {data, _}} -> await_end(Port, Deadline, State);
        {Port, {exit_status, _}} -> kill_group(State);
        {'EXIT', Port, _} -> kill_group(State)
    after Left ->
            kill_group(State),
            close_port(Port)
    end.

close_port(undefined) ->
    ok;
close_port(Port) ->
    try
        true = port_close(Port),
        ok
    catch
        error:badarg -> ok %% closed already
    end.

kill_group(#state{os_pid = undefined}) ->
    ok;
kill_group(#state{os_pid = OsPid}) ->
    os:cmd("kill -s KILL -- -" ++ integer_to_list(OsPid)),
    ok.

%% Exit signals of others are not our crash: no report.
quiet(shutdown) -> shutdown;
quiet({shutdown, _} = Reason) -> Reason;
quiet(Reason) -> {shutdown, Reason}.

command(Port, Frame) ->
    try
        true = port_command(Port, Frame),
        ok
    catch
        error:badarg -> ok %% it is gone, and its 'EXIT' is in the mailbox
    end.

%%% private files that stand in the command line

files(#{args := Args}) ->
    lists:mapfoldl(fun({file, Text}, Files) ->
                           Path = private_file(Text),
                           {unicode:characters_to_binary(Path), [Path | Files]};
                      (Arg, Files) ->
                           {Arg, Files}
                   end, [], Args).

private_file(Text) ->
    Dir = os:getenv("TMPDIR", "/tmp"),
    Unique = integer_to_list(binary:decode_unsigned(rand:bytes(12)), 36),
    Path = filename:join(Dir, "asmd-" ++ os:getpid() ++ "-" ++ Unique),
    {ok, File} = file:open(Path, [write, exclusive, raw]),
    ok = file:change_mode(Path, 8#600),
    ok = file:write(File, Text),
    ok = file:close(File),
    Path.

%%% information, in the shape that ASM's sessions give

info(#state{config = Config, subscribers = Subscribers, phase = Phase}) ->
    #{provider := #{name := Name, profile := Profile, capabilities := Capabilities},
      event_tag := Tag, metadata := Metadata} = Config,
    #{capabilities => Capabilities,
      delivery => #{'__struct__' => 'Elixir.CliSubprocessCore.Session.Delivery',
                    legacy_message => session_event,
                    tagged_event_tag => Tag,
                    tagged_payload => raw_lines},
      invocation => invocation(Config),
      metadata => Metadata,
      profile => Profile,
      provider => Name,
      runtime => #{metadata => Metadata, profile => Profile, provider => Name,
                   provider_session_id => nil, sequence => 0},
      session_event_tag => Tag,
      subscribers => map_size(Subscribers),
      transport => transport(Phase)}.

%% the values of variables are nobody's business
invocation(#{command := Command, args := Args, cwd := Cwd, env := Env, clear_env := ClearEnv}) ->
    #{'__struct__' => 'Elixir.CliSubprocessCore.Command',
      command => Command,
      args => Args,
      cwd => Cwd,
      env => maps:from_list([{Key, <<"...">>} || {Key, _} <- Env]),
      'clear_env?' => ClearEnv,
      user => nil}.

transport(Phase) ->
    Status = case Phase of running -> connected; _ -> disconnected end,
    #{info => #{surface_kind => local_subprocess, status => Status},
      interrupt_mode => signal,
      'pty?' => false,
      status => Status,
      stderr => <<>>,
      stdin_mode => line,
      stdout_mode => line}.
