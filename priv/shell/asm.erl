%% SPDX-License-Identifier: MIT
%% asmd from an Erlang shell.
%%
%%     1> c("priv/shell/asm").
%%     2> asm:query(codex, <<"say hello">>).
%%
%% Every function calls its namesake on the daemon's node, which is a C node: nothing but this
%% table is reachable there, and nothing of this module needs to be. The node is the one given with
%% asm:node(Node) in this process, else the environment `node` of application asm, else asmd on this
%% host. Answers come as the daemon gives them; a daemon that cannot be reached is an error of the
%% same shape as its own.
-module(asm).

-compile({no_auto_import, [node/0, node/1]}).

-export([node/0, node/1]).
-export([start_session/0, start_session/1, stop_session/1, session_info/1, session_id/1,
         list_sessions/0, health/1, cost/1]).
-export([query/2, query/3, stream/2, stream/3, subscribe/2, subscribe/3, unsubscribe/2, unsubscribe/3,
         interrupt/2, text/1]).
-export([approvals/1, approve/3, pause/2, checkpoint/1, resume_run/2, resume_run/3, intervene/3,
         intervene/4]).
-export([resolve/1, resolve/2, lane_info/1, provider_info/1, doctor/1, doctor/2, status/0]).

-export_type([session/0, opts/0, error/0]).

%% a session's pid or id; where a provider is given, a session is made for the one run
-type session() :: pid() | binary().
-type target() :: session() | atom().
-type opts() :: [{atom(), term()}] | #{atom() => term()}.
-type error() :: {error, #{kind := atom(), message := binary(), atom() => term()}}.

-define(CALL_TIMEOUT_MS, 15000).

%% The daemon's node.
-spec node() -> node().
node() ->
    case get({?MODULE, node}) of
        undefined -> application:get_env(?MODULE, node, here());
        Node -> Node
    end.

%% Sets it for this process.
-spec node(node()) -> ok.
node(Node) when is_atom(Node) ->
    put({?MODULE, node}, Node),
    ok.

-spec start_session() -> {ok, pid()} | error().
start_session() -> call(start_session, []).

-spec start_session(opts()) -> {ok, pid()} | error().
start_session(Opts) -> call(start_session, [Opts]).

-spec stop_session(session()) -> ok | error().
stop_session(Session) -> call(stop_session, [Session]).

-spec session_info(session()) -> {ok, map()} | error().
session_info(Session) -> call(session_info, [Session]).

%% nil for a session that is not there.
-spec session_id(session()) -> binary() | nil | error().
session_id(Session) -> call(session_id, [Session]).

-spec list_sessions() -> [term()] | error().
list_sessions() -> call(list_sessions, []).

-spec health(session()) -> healthy | {unhealthy, term()} | error().
health(Session) -> call(health, [Session]).

-spec cost(session()) -> map() | error().
cost(Session) -> call(cost, [Session]).

%% Runs a prompt to its end; the run's own deadline bounds the wait.
-spec query(target(), iodata()) -> {ok, map()} | error().
query(Target, Prompt) -> query(Target, Prompt, []).

-spec query(target(), iodata(), opts()) -> {ok, map()} | error().
query(Target, Prompt, Opts) ->
    call(query, [Target, prompt(Prompt), Opts], infinity).

%% Starts a run and prints its events until it is done. With `subscriber` in Opts it returns at once,
%% and that process gets {asm_run_event, RunId, Event} and at the end {asm_run_done, RunId}.
-spec stream(target(), iodata()) -> {ok, binary()} | error().
stream(Target, Prompt) -> stream(Target, Prompt, []).

-spec stream(target(), iodata(), opts()) -> {ok, binary()} | error().
stream(Target, Prompt, Opts) ->
    Map = to_map(Opts),
    case call(stream, [Target, prompt(Prompt), maps:merge(#{subscriber => self()}, Map)]) of
        {ok, RunId} when not is_map_key(subscriber, Map) -> print_events(RunId);
        Answer -> Answer
    end.

%% Events of a run from now on come to Pid as well.
-spec subscribe(session(), binary()) -> ok | error().
subscribe(Session, RunId) -> subscribe(Session, RunId, self()).

-spec subscribe(session(), binary(), pid()) -> ok | error().
subscribe(Session, RunId, Pid) -> call(subscribe, [Session, RunId, Pid]).

-spec unsubscribe(session(), binary()) -> ok | error().
unsubscribe(Session, RunId) -> unsubscribe(Session, RunId, self()).

-spec unsubscribe(session(), binary(), pid()) -> ok | error().
unsubscribe(Session, RunId, Pid) -> call(unsubscribe, [Session, RunId, Pid]).

-spec interrupt(session(), binary()) -> ok | error().
interrupt(Session, RunId) -> call(interrupt, [Session, RunId]).

%% What runs of the session wait for: [#{approval_id, run_id, subject, details, requested_at}].
-spec approvals(session()) -> {ok, [map()]} | error().
approvals(Session) -> call(approvals, [Session]).

-spec approve(session(), binary(), allow | deny) -> ok | error().
approve(Session, ApprovalId, Decision) -> call(approve, [Session, ApprovalId, Decision]).

-spec pause(session(), binary()) -> ok | error().
pause(Session, RunId) -> call(pause, [Session, RunId]).

%% Where the session can go on from.
-spec checkpoint(session()) -> {ok, map() | nil} | error().
checkpoint(Session) -> call(checkpoint, [Session]).

%% A run that goes on from the checkpoint; its events come to this process, or to `subscriber`.
-spec resume_run(session(), iodata()) -> {ok, binary(), pid() | queued} | error().
resume_run(Session, Prompt) -> resume_run(Session, Prompt, []).

-spec resume_run(session(), iodata(), opts()) -> {ok, binary(), pid() | queued} | error().
resume_run(Session, Prompt, Opts) -> call(resume_run, [Session, prompt(Prompt), Opts]).

%% Interrupts a run and goes on with another prompt.
-spec intervene(session(), binary(), iodata()) -> {ok, binary(), pid() | queued} | error().
intervene(Session, RunId, Prompt) -> intervene(Session, RunId, Prompt, []).

-spec intervene(session(), binary(), iodata(), opts()) ->
          {ok, binary(), pid() | queued} | error().
intervene(Session, RunId, Prompt, Opts) ->
    call(intervene, [Session, RunId, prompt(Prompt), Opts]).

%% How a run of a provider would be executed; options `lane` and `execution_mode`.
-spec resolve(atom()) -> {ok, map()} | error().
resolve(Provider) -> resolve(Provider, []).

-spec resolve(atom(), opts()) -> {ok, map()} | error().
resolve(Provider, Opts) -> call(resolve, [Provider, Opts]).

-spec lane_info(atom()) -> {ok, map()} | error().
lane_info(Provider) -> call(lane_info, [Provider]).

-spec provider_info(atom()) -> {ok, map()} | error().
provider_info(Provider) -> call(provider_info, [Provider]).

%% Whether a node can host runs; options `provider` and `cwd`.
-spec doctor(node()) -> {ok, [map()]} | error().
doctor(Node) -> doctor(Node, []).

-spec doctor(node(), opts()) -> {ok, [map()]} | error().
doctor(Node, Opts) -> call(doctor, [Node, Opts], infinity).

-spec status() -> {ok, map()} | error().
status() -> call(status, []).

%% The text of a result: asm:text(asm:query(...)).
-spec text({ok, map()} | map()) -> binary().
text({ok, Result}) -> text(Result);
text(#{text := Text}) -> Text.

%%% the call

call(Function, Args) ->
    call(Function, Args, ?CALL_TIMEOUT_MS).

call(Function, Args, Timeout) ->
    Node = node(),
    try
        erpc:call(Node, ?MODULE, Function, Args, Timeout)
    catch
        error:{erpc, noconnection} ->
            failed(connection_failed, "~ts cannot be reached: is asmd running there, and is the "
                   "cookie the same? (asm:node/1 selects another)", [Node]);
        error:{erpc, timeout} ->
            failed(timeout, "~ts did not answer ~ts within ~b ms", [Node, Function, Timeout]);
        error:{erpc, notsup} ->
            failed(connection_failed, "this node is not distributed: start erl with -sname", []);
        error:{exception, undef, _} ->
            failed(unknown, "~ts does not offer ~ts/~b", [Node, Function, length(Args)]);
        Class:Reason ->
            failed(unknown, "~ts: ~tp", [Node, {Class, Reason}])
    end.

failed(Kind, Format, Args) ->
    {error, #{'__struct__' => 'Elixir.ASM.Error',
              '__exception__' => true,
              kind => Kind,
              domain => transport,
              message => unicode:characters_to_binary(io_lib:format(Format, Args)),
              cause => nil,
              provider => nil,
              exit_code => nil,
              retryable => false,
              recovery => nil}}.

here() ->
    [_, Host] = string:split(atom_to_list(erlang:node()), "@"),
    list_to_atom("asmd@" ++ Host).

prompt(Prompt) ->
    unicode:characters_to_binary(Prompt).

to_map(Opts) when is_map(Opts) -> Opts;
to_map(Opts) when is_list(Opts) -> maps:from_list(lists:reverse(Opts)).

%%% printing

print_events(RunId) ->
    receive
        {asm_run_event, RunId, #{kind := Kind, payload := Payload}} ->
            print(Kind, Payload),
            print_events(RunId);
        {asm_run_lagged, RunId, #{message := Message}} ->
            io:format("~n! ~ts~n", [Message]),
            print_events(RunId);
        {asm_run_done, RunId} ->
            io:nl(),
            {ok, RunId}
    end.

print(assistant_delta, #{content := Text}) ->
    io:put_chars(Text);
print(assistant_message, #{content := Blocks}) ->
    io:put_chars([block(Block) || Block <- Blocks]);
print(thinking, #{content := Text}) ->
    io:format("[~ts]~n", [Text]);
print(tool_use, #{tool_name := Name, input := Input}) ->
    io:format("~n* ~ts ~tp~n", [Name, Input]);
print(error, #{message := Message}) ->
    io:format("~n! ~ts~n", [Message]);
print(stderr, #{content := Text}) ->
    io:put_chars(standard_error, Text);
print(_Kind, _Payload) ->
    ok.

block(Text) when is_binary(Text) -> Text;
block(#{<<"text">> := Text}) -> Text;
block(#{text := Text}) -> Text;
block(_) -> [].
