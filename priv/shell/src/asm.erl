%% SPDX-License-Identifier: MIT
%%
%% @doc asmd from Erlang.
%%
%% ```
%% 1> {ok, R} = asm:query(codex, "say hello"), asm:text(R).
%% <<"You asked: say hello It has 2 word(s). I am a stand-in without a model.">>
%% 2> {ok, S} = asm:start_session([{provider, claude}]), asm:health(S).
%% healthy
%% 3> asm:fold(fun(#{kind := Kind}, Kinds) -> [Kind | Kinds] end, [], asm:stream(S, "count:2")).
%% [result,assistant_message,assistant_message,raw,run_started]
%% 4> asm:stop_session(S).
%% ok
%% 5> asm:health(S).
%% {unhealthy,not_alive}
%% '''
%%
%% A function here calls its namesake on the daemon's node. That is a C node: nothing but this table
%% is reachable there, and nothing of this module needs to be. The exceptions are what makes a stream
%% of a run: {@link stream/3} describes one, and {@link fold/3}, {@link foreach/2}, {@link collect/1},
%% {@link text/1} and {@link print/1} take it; {@link submit/3} is what the daemon itself calls
%% `stream'. A callback module for the events of a run is an {@link asm_subscriber}, a process that
%% owns a session an {@link asm_session}.
%%
%% The daemon's node is the one given with {@link node/1} in this process, else the environment
%% `node' of application `asm', else `asmd' on this host.
%%
%% Answers come as the daemon gives them: maps with the keys of Elixir's ASM. What fails is
%% `{error, Error}'; a daemon that cannot be reached is an error of the same shape as its own, whose
%% `message' says what to do next. What takes a stream raises `{asm_error, Error}'.
-module(asm).

-compile({no_auto_import, [node/0, node/1]}).

-export([node/0, node/1]).
-export([start_session/0, start_session/1, stop_session/1, session_info/1, session_id/1,
         list_sessions/0, health/1, cost/1]).
-export([query/2, query/3, submit/2, submit/3, subscribe/2, subscribe/3, subscribe/4,
         demand/3, unsubscribe/2, unsubscribe/3, interrupt/2]).
-export([list_runs/0, list_runs/1, run_info/1, run_events/1, run_events/2]).
-export([stream/2, stream/3, attach/2, attach/3, fold/3, foreach/2, collect/1, text/1, print/1]).
-export([approvals/1, approve/3, pause/2, checkpoint/1, resume_run/2, resume_run/3, intervene/3,
         intervene/4]).
-export([resolve/1, resolve/2, lane_info/1, lane_info/2, provider_info/0, provider_info/1, providers/0, providers/1,
         doctor/1, doctor/2, status/0, metrics/0, config/0]).
-export([follow/3, failure/3, raise/1, format_error/2]).

-export_type([session/0, target/0, run_id/0, opts/0, event/0, result/0, failure/0, error/0]).

-type session() :: pid() | binary().
%% a session's pid or id
-type target() :: session() | atom().
%% a session; or a provider (`claude', `codex', `amp', `cursor', `antigravity'): then a session is
%% made for the one run
-type run_id() :: binary().
-type opts() :: [{atom(), term()}] | #{atom() => term()}.
-type event() :: #{kind := atom(), payload := map(), run_id := run_id(), session_id := binary(),
                   sequence := pos_integer(), atom() => term()}.
%% an `ASM.Event' of Elixir's ASM
-type result() :: #{text := binary(), run_id := run_id(), session_id := binary(), atom() => term()}.
%% an `ASM.Result'
-type failure() :: #{kind := atom(), domain := atom(), message := binary(), atom() => term()}.
%% an `ASM.Error'
-type error() :: {error, failure()}.

-define(CALL_TIMEOUT_MS, 15000).

%% @doc The daemon's node.
-spec node() -> node().
node() ->
    case get({?MODULE, node}) of
        undefined -> application:get_env(?MODULE, node, here());
        Node -> Node
    end.

%% @doc Sets the daemon's node for this process.
-spec node(node()) -> ok.
node(Node) when is_atom(Node) ->
    put({?MODULE, node}, Node),
    ok.

%%% sessions

%% @equiv start_session([])
-spec start_session() -> {ok, pid()} | error().
start_session() -> call(start_session, []).

%% @doc A conversation with an agent, which is a process of the daemon's node: it can be monitored
%% and linked. `provider' says which agent; with `owner', a pid, it ends when that process does.
-spec start_session(opts()) -> {ok, pid()} | error().
start_session(Opts) -> call(start_session, [Opts]).

%% @doc Ends a session and its runs.
-spec stop_session(session()) -> ok | error().
stop_session(Session) -> call(stop_session, [Session]).

-spec session_info(session()) -> {ok, map()} | error().
session_info(Session) -> call(session_info, [Session]).

%% @doc `nil' for a session that is not there.
-spec session_id(session()) -> binary() | nil | error().
session_id(Session) -> call(session_id, [Session]).

-spec list_sessions() -> [map()] | error().
list_sessions() -> call(list_sessions, []).

-spec health(session()) -> healthy | {unhealthy, not_alive | not_found} | error().
health(Session) -> call(health, [Session]).

%% @doc What the session's runs have cost so far.
-spec cost(session()) -> map() | error().
cost(Session) -> call(cost, [Session]).

%%% runs

%% @equiv query(Target, Prompt, [])
-spec query(target(), unicode:chardata()) -> {ok, result()} | error().
query(Target, Prompt) ->
    call(query, [Target, prompt(Prompt)], infinity).

%% @doc Runs a prompt to its end; the run's own deadline bounds the wait.
-spec query(target(), unicode:chardata(), opts()) -> {ok, result()} | error().
query(Target, Prompt, Opts) ->
    call(query, [Target, prompt(Prompt), Opts], infinity).

%% @equiv submit(Target, Prompt, [])
-spec submit(target(), unicode:chardata()) -> {ok, run_id()} | error().
submit(Target, Prompt) ->
    call(stream, [Target, prompt(Prompt)]).

%% @doc Starts a run and returns. This process, or the one in option `subscriber', gets a message
%% `{asm_run_event, RunId, Event}' for each event and `{asm_run_done, RunId}' at the end;
%% `{asm_run_lagged, RunId, Error}' before the end if it was too slow. {@link stream/3} does all of
%% this for you.
-spec submit(target(), unicode:chardata(), opts()) -> {ok, run_id()} | error().
submit(Target, Prompt, Opts) ->
    call(stream, [Target, prompt(Prompt), Opts]).

%% @equiv subscribe(Session, RunId, self())
-spec subscribe(session(), run_id()) -> ok | error().
subscribe(Session, RunId) -> call(subscribe, [Session, RunId]).

%% @doc Events of a run from now on come to `Pid' as well, as with {@link submit/3}.
-spec subscribe(session(), run_id(), pid()) -> ok | error().
subscribe(Session, RunId, Pid) -> call(subscribe, [Session, RunId, Pid]).

%% @doc Events from `from' on (`first', `now' or the sequence of an event) come to `Pid', what has been and
%% then what comes, each once; `missing' is how many of them are not kept any more.
-spec subscribe(session(), run_id(), pid(), opts()) -> {ok, #{missing := integer(), atom() => term()}} | error().
subscribe(Session, RunId, Pid, Opts) -> call(subscribe, [Session, RunId, Pid, Opts]).

%% @private The same for this process: what the daemon calls `attach'.
-spec follow(session(), run_id(), opts()) -> {ok, #{missing := integer(), atom() => term()}} | error().
follow(Session, RunId, Opts) -> call(attach, [Session, RunId, Opts]).

%% @doc `N' more events of a run may come to this process, which is its subscriber. From the first call on
%% only as many come as were asked for, and the run waits for a subscriber that wants none, as
%% `max_lag_bytes' of `asmd.conf(5)' allows. What is left comes when the run is over. Streams do this.
-spec demand(session(), run_id(), 1..1000000) -> ok | error().
demand(Session, RunId, N) -> call(demand, [Session, RunId, N]).

%% @equiv unsubscribe(Session, RunId, self())
-spec unsubscribe(session(), run_id()) -> ok | error().
unsubscribe(Session, RunId) -> call(unsubscribe, [Session, RunId]).

-spec unsubscribe(session(), run_id(), pid()) -> ok | error().
unsubscribe(Session, RunId, Pid) -> call(unsubscribe, [Session, RunId, Pid]).

-spec interrupt(session(), run_id()) -> ok | error().
interrupt(Session, RunId) -> call(interrupt, [Session, RunId]).

%%% what runs have said

%% @equiv list_runs([])
-spec list_runs() -> {ok, #{runs := [map()], total := integer()}} | error().
list_runs() -> call(list_runs, []).

%% @doc Active runs, then finished ones, the newest first; options `prefix', `session', `state'
%% (`active', `finished', `all'), `limit'.
-spec list_runs(opts()) -> {ok, #{runs := [map()], total := integer()}} | error().
list_runs(Opts) -> call(list_runs, [Opts]).

%% @doc What is known of a run, and its `result': `{ok, Result}', `{error, Error}' or `nil'.
-spec run_info(run_id()) -> {ok, map()} | error().
run_info(RunId) -> call(run_info, [RunId]).

%% @equiv run_events(RunId, [])
-spec run_events(run_id()) -> {ok, #{page := [event()], atom() => term()}} | error().
run_events(RunId) -> call(run_events, [RunId]).

%% @doc Events that a run has said, at most `max_bytes' of them, from `from' on: the `page'; `next' is
%% where the next page begins. A stream of all of them is {@link attach/2}.
-spec run_events(run_id(), opts()) -> {ok, #{page := [event()], atom() => term()}} | error().
run_events(RunId, Opts) -> call(run_events, [RunId, Opts]).

%%% streams

%% @equiv stream(Target, Prompt, [])
-spec stream(target(), unicode:chardata()) -> asm_stream:stream().
stream(Target, Prompt) -> asm_stream:run(Target, prompt(Prompt), []).

%% @doc The events of a run that begins when the stream is used, once for each use. Besides the
%% options of a run there are those of {@link asm_stream}.
-spec stream(target(), unicode:chardata(), opts()) -> asm_stream:stream().
stream(Target, Prompt, Opts) -> asm_stream:run(Target, prompt(Prompt), Opts).

%% @equiv attach(Session, RunId, [])
-spec attach(session(), run_id()) -> asm_stream:stream().
attach(Session, RunId) -> asm_stream:attach(Session, RunId, []).

%% @doc The events of a run that is there already, or was: from its first on, or those after `from'. For
%% other options see {@link asm_stream}.
-spec attach(session(), run_id(), opts()) -> asm_stream:stream().
attach(Session, RunId, Opts) -> asm_stream:attach(Session, RunId, Opts).

%% @doc `Fun(Event, Acc)' for each event until the run is over. A `Fun' that throws ends the stream
%% early.
-spec fold(fun((event(), Acc) -> Acc), Acc, asm_stream:stream()) -> Acc.
fold(Fun, Acc, Stream) -> asm_stream:fold(Fun, Acc, Stream).

-spec foreach(fun((event()) -> term()), asm_stream:stream()) -> ok.
foreach(Fun, Stream) ->
    fold(fun(Event, ok) -> Fun(Event), ok end, ok, Stream).

-spec collect(asm_stream:stream()) -> [event()].
collect(Stream) ->
    lists:reverse(fold(fun(Event, Events) -> [Event | Events] end, [], Stream)).

%% @doc The assistant's text of a result, of one event (empty if it has none) or of a stream. Of a
%% run that fails there is no text: an error event raises.
-spec text({ok, result()} | result() | event() | asm_stream:stream()) -> binary().
text({ok, Result}) -> text(Result);
text(#{text := Text}) -> Text;
text(#{kind := error, payload := Payload} = Event) -> raise(event_failure(Event, Payload));
text(#{kind := assistant_delta, payload := #{content := Text}}) -> Text;
text(#{kind := assistant_message, payload := #{content := Blocks}}) ->
    unicode:characters_to_binary([block(Block) || Block <- Blocks]);
text(#{kind := _}) -> <<>>;
text(Stream) ->
    unicode:characters_to_binary(lists:reverse(
        fold(fun(Event, Texts) -> [text(Event) | Texts] end, [], Stream))).

%% @doc Prints what a run says while it says it.
-spec print(asm_stream:stream()) -> ok.
print(Stream) ->
    foreach(fun print_event/1, Stream),
    io:nl().

%%% approvals, and runs that stop and go on

%% @doc What runs of the session wait for: maps with `approval_id', `run_id', `subject', `details',
%% `requested_at'.
-spec approvals(session()) -> {ok, [map()]} | error().
approvals(Session) -> call(approvals, [Session]).

-spec approve(session(), binary(), allow | deny) -> ok | error().
approve(Session, ApprovalId, Decision) -> call(approve, [Session, ApprovalId, Decision]).

-spec pause(session(), run_id()) -> ok | error().
pause(Session, RunId) -> call(pause, [Session, RunId]).

%% @doc Where the session can go on from.
-spec checkpoint(session()) -> {ok, map() | nil} | error().
checkpoint(Session) -> call(checkpoint, [Session]).

%% @equiv resume_run(Session, Prompt, [])
-spec resume_run(session(), unicode:chardata()) -> {ok, run_id(), pid() | queued} | error().
resume_run(Session, Prompt) -> call(resume_run, [Session, prompt(Prompt)]).

%% @doc A run that goes on from the checkpoint; its events come as with {@link submit/3}.
-spec resume_run(session(), unicode:chardata(), opts()) ->
          {ok, run_id(), pid() | queued} | error().
resume_run(Session, Prompt, Opts) -> call(resume_run, [Session, prompt(Prompt), Opts]).

%% @equiv intervene(Session, RunId, Prompt, [])
-spec intervene(session(), run_id(), unicode:chardata()) ->
          {ok, run_id(), pid() | queued} | error().
intervene(Session, RunId, Prompt) -> call(intervene, [Session, RunId, prompt(Prompt)]).

%% @doc Interrupts a run and goes on with another prompt; events come as with {@link submit/3}.
-spec intervene(session(), run_id(), unicode:chardata(), opts()) ->
          {ok, run_id(), pid() | queued} | error().
intervene(Session, RunId, Prompt, Opts) ->
    call(intervene, [Session, RunId, prompt(Prompt), Opts]).

%%% providers, nodes, the daemon

%% @equiv resolve(Provider, [])
-spec resolve(atom()) -> {ok, map()} | error().
resolve(Provider) -> call(resolve, [Provider]).

%% @doc How a run of a provider would be executed; options `lane' and `execution_mode'.
-spec resolve(atom(), opts()) -> {ok, map()} | error().
resolve(Provider, Opts) -> call(resolve, [Provider, Opts]).

%% @equiv lane_info(Provider, [])
-spec lane_info(atom()) -> {ok, map()} | error().
lane_info(Provider) -> call(lane_info, [Provider]).

-spec lane_info(atom(), opts()) -> {ok, map()} | error().
lane_info(Provider, Opts) -> call(lane_info, [Provider, Opts]).

%% @doc {@link provider_info/1} of all providers.
-spec provider_info() -> {ok, [map()]} | error().
provider_info() -> call(provider_info, []).

%% @doc What a provider can do, and which options it takes.
-spec provider_info(atom()) -> {ok, map()} | error().
provider_info(Provider) -> call(provider_info, [Provider]).

%% @doc Which providers could run beside the daemon: the path and version of each CLI, or what the
%% problem is.
-spec providers() -> {ok, [map()]} | error().
providers() -> call(providers, [], infinity).

-spec providers(atom()) -> {ok, [map()]} | error().
providers(Provider) -> call(providers, [Provider], infinity).

%% @equiv doctor(Node, [])
-spec doctor(node()) -> {ok, [map()]} | error().
doctor(Node) -> call(doctor, [Node], infinity).

%% @doc Whether a node can host runs; options `provider' and `cwd'.
-spec doctor(node(), opts()) -> {ok, [map()]} | error().
doctor(Node, Opts) -> call(doctor, [Node, Opts], infinity).

-spec status() -> {ok, map()} | error().
status() -> call(status, []).

%% @doc What the daemon counts, as `asmctl metrics' shows it.
-spec metrics() -> {ok, [map()]} | error().
metrics() -> call(metrics, []).

%% @doc The configuration in force, and where each setting was given. Needs the right control.
-spec config() -> {ok, map()} | error().
config() -> call(config, []).

%%% the call

call(Function, Args) ->
    call(Function, Args, ?CALL_TIMEOUT_MS).

call(Function, Args, Timeout) ->
    Node = node(),
    try
        erpc:call(Node, ?MODULE, Function, Args, Timeout)
    catch
        error:{erpc, timeout} ->
            {error, failure(timeout, "~ts did not answer ~ts within ~b ms: is it overloaded, or "
                            "stopped by a debugger?", [Node, Function, Timeout])};
        error:{erpc, _} ->
            {error, unreachable(Node)};
        error:{exception, undef, _} ->
            {error, failure(unknown, "~ts does not offer ~ts/~b: is it an asmd, and of this version? "
                            "(asmctl version)", [Node, Function, length(Args)])};
        Class:Reason ->
            {error, failure(unknown, "~ts: ~tp", [Node, {Class, Reason}])}
    end.

unreachable(Node) ->
    case erlang:is_alive() of
        true ->
            failure(connection_failed, "~ts cannot be reached: is asmd running there (asmctl status), "
                    "and is the cookie the same? node/1 selects another daemon", [Node]);
        false ->
            failure(connection_failed, "this node is not distributed, so it cannot reach ~ts: start "
                    "erl with -sname NAME or iex with --sname NAME", [Node])
    end.

%% @private An error of our own in the shape of the daemon's.
-spec failure(atom(), io:format(), [term()]) -> failure().
failure(Kind, Format, Args) ->
    #{'__struct__' => 'Elixir.ASM.Error',
      '__exception__' => true,
      kind => Kind,
      domain => transport,
      message => unicode:characters_to_binary(io_lib:format(Format, Args)),
      cause => nil,
      provider => nil,
      exit_code => nil,
      retryable => Kind =/= unknown,
      recovery => nil}.

%% @private
-spec raise(failure()) -> no_return().
raise(Failure) ->
    erlang:error({asm_error, Failure}, none, [{error_info, #{module => ?MODULE}}]).

%% @private What the shell shows under the exception.
-spec format_error(term(), erlang:stacktrace()) -> #{general => unicode:chardata()}.
format_error({asm_error, #{message := Message}}, _Stack) -> #{general => Message};
format_error(_Reason, _Stack) -> #{}.

%% What a run ended with, told from its error event as the daemon tells it from the same in a result.
event_failure(#{run_id := RunId} = Event, #{message := Message} = Payload) ->
    {Kind, Domain} = code_kind(maps:get(code, Payload, nil)),
    (failure(Kind, "~ts", [Message]))#{
        domain := maps:get(asm_error_domain, maps:get(metadata, Payload, #{}), Domain),
        provider := maps:get(provider, Event, nil),
        retryable := nil,
        cause := {run, RunId}}.

code_kind(<<"transport_exit">>) ->
    {transport_error, transport};
code_kind(Code) ->
    Kinds = [cli_not_found, connection_failed, timeout, parse_error, json_decode_error, auth_error, rate_limit,
             buffer_overflow, transport_error, transport_busy, queue_full, at_capacity, user_cancelled,
             approval_denied, guardrail_blocked, tool_failed, config_invalid],
    case [Kind || Kind <- Kinds, atom_to_binary(Kind) =:= Code] of
        [Kind] -> {Kind, runtime};
        [] -> {unknown, runtime}
    end.

here() ->
    [_, Host] = string:split(atom_to_list(erlang:node()), "@"),
    list_to_atom("asmd@" ++ Host).

prompt(Prompt) ->
    unicode:characters_to_binary(Prompt).

%%% printing

print_event(#{kind := thinking, payload := #{content := Text}}) ->
    io:format("[~ts]~n", [Text]);
print_event(#{kind := tool_use, payload := #{tool_name := Name, input := Input}}) ->
    io:format("~n* ~ts ~tp~n", [Name, Input]);
print_event(#{kind := approval_requested, payload := #{approval_id := Id, subject := Subject}}) ->
    io:format("~n? ~ts (approval ~ts)~n", [Subject, Id]);
print_event(#{kind := error, payload := #{message := Message}}) ->
    io:format("~n! ~ts~n", [Message]);
print_event(#{kind := stderr, payload := #{content := Text}}) ->
    io:put_chars(standard_error, Text);
print_event(Event) ->
    io:put_chars(text(Event)).

block(Text) when is_binary(Text) -> Text;
block(#{<<"text">> := Text}) -> Text;
block(#{text := Text}) -> Text;
block(_) -> [].
