%% SPDX-License-Identifier: MIT
%%
%% @doc The events of a run as something to go through.
%%
%% A stream is a description: a run starts when the stream is opened, in a reader, a process of its
%% own. The reader is the run's subscriber, so nothing of the run ever comes into the mailbox of who
%% uses the stream, and nothing is left there by one who stops early. It goes when it is closed or
%% when its owner, the process that opened it, ends.
%%
%% {@link asm:fold/3} and its relatives open, go through and close. A process that waits for other
%% messages as well uses {@link open/1}, {@link ask/1} and {@link check/2}, as {@link asm_subscriber}
%% does.
%%
%% Options, besides those of the run:
%% <dl>
%% <dt>`on_halt'</dt><dd>what happens to the run when the stream is closed before the end:
%% `unsubscribe' (the default) lets it go on, `interrupt' ends it.</dd>
%% <dt>`from' (of {@link asm:attach/3})</dt><dd>`first' (the default), `now', or the sequence of an event. Events
%% that the daemon does not keep any more are not there: the first one's sequence tells.</dd>
%% </dl>
%%
%% The stream ends when the run does; how that was, the last events tell. If the daemon or
%% the connection to it is lost, or events that nobody keeps, it ends with an error that says so:
%% {@link next/1} returns it, {@link asm:fold/3} raises it.
-module(asm_stream).

-compile({no_auto_import, [node/1]}).

-export([run/3, attach/3, node/1, open/1, next/1, ask/1, check/2, close/1, run_id/1, is_new_run/1, fold/3]).
-export_type([stream/0, reader/0, request/0, answer/0, source/0]).

-record(stream, {node :: node(),
                 source :: source(),
                 on_halt = unsubscribe :: unsubscribe | interrupt}).

-opaque stream() :: #stream{}.
-type source() :: {run, asm:target(), binary(), asm:opts()} |
                {attach, asm:session(), asm:run_id(), first | now | pos_integer()}.
-opaque reader() :: pid().
-type request() :: gen_server:request_id().
-type answer() :: {ok, [asm:event(), ...]} | done | asm:error().

%% @private See {@link asm:stream/3}.
-spec run(asm:target(), binary(), asm:opts()) -> stream().
run(Target, Prompt, Opts) ->
    {OnHalt, RunOpts} = take_options(Opts),
    case lists:keymember(subscriber, 1, RunOpts) of
        true -> erlang:error({badarg, {subscriber, "a stream has a subscriber of its own: asm:submit/3"}});
        false -> #stream{node = asm:node(), source = {run, Target, Prompt, RunOpts}, on_halt = OnHalt}
    end.

%% @private See {@link asm:attach/3}.
-spec attach(asm:session(), asm:run_id(), asm:opts()) -> stream().
attach(Session, RunId, Opts) ->
    case take_options(Opts) of
        {OnHalt, []} ->
            attach_from(Session, RunId, first, OnHalt);
        {OnHalt, [{from, From}]} when From =:= first; From =:= now; is_integer(From), From > 0 ->
            attach_from(Session, RunId, From, OnHalt);
        {_, [{from, From}]} ->
            erlang:error({badarg, {from, From, "expected first, now or the sequence of an event"}});
        {_, [{Key, _} | _]} ->
            erlang:error({badarg, {Key, "no option of attach: on_halt and from are"}})
    end.

attach_from(Session, RunId, From, OnHalt) ->
    #stream{node = asm:node(), source = {attach, Session, RunId, From}, on_halt = OnHalt}.

take_options(Opts) when is_map(Opts) ->
    take_options(maps:to_list(Opts));
take_options(Opts) ->
    case proplists:get_value(on_halt, Opts, unsubscribe) of
        OnHalt when OnHalt =:= unsubscribe; OnHalt =:= interrupt ->
            {OnHalt, [Opt || {Key, _} = Opt <- Opts, Key =/= on_halt]};
        Other ->
            erlang:error({badarg, {on_halt, Other, "expected unsubscribe or interrupt"}})
    end.

%% @doc Begins: the run is started, or its events are asked for.
-spec open(stream()) -> {ok, reader()} | asm:error().
open(#stream{node = Node, source = Source, on_halt = OnHalt}) ->
    asm_reader:start(Node, Source, OnHalt).

%% @doc Waits for events and returns those that are there.
-spec next(reader()) -> answer().
next(Reader) ->
    asm_reader:next(Reader).

%% @doc The same without waiting: the answer comes as a message, for {@link check/2}.
-spec ask(reader()) -> request().
ask(Reader) ->
    asm_reader:ask(Reader).

%% @doc Whether `Message' is the answer.
-spec check(term(), request()) -> {answer, answer()} | no_answer.
check(Message, Request) ->
    asm_reader:check(Message, Request).

%% @doc Ends the subscription and, if `on_halt' is `interrupt', the run. Also right after the end.
-spec close(reader()) -> ok.
close(Reader) ->
    asm_reader:close(Reader).

-spec run_id(reader()) -> asm:run_id().
run_id(Reader) ->
    asm_reader:run_id(Reader).

%% @doc Whether it starts a run, or attaches to one.
-spec is_new_run(stream()) -> boolean().
is_new_run(#stream{source = Source}) ->
    element(1, Source) =:= run.

%% @doc The daemon's node.
-spec node(stream()) -> node().
node(#stream{node = Node}) ->
    Node.

%% @private See {@link asm:fold/3}.
-spec fold(fun((asm:event(), Acc) -> Acc), Acc, stream()) -> Acc.
fold(Fun, Acc, Stream) ->
    case open(Stream) of
        {ok, Reader} ->
            try
                fold_reader(Fun, Acc, Reader)
            after
                close(Reader)
            end;
        {error, Failure} ->
            asm:raise(Failure)
    end.

fold_reader(Fun, Acc, Reader) ->
    case next(Reader) of
        {ok, Events} -> fold_reader(Fun, lists:foldl(Fun, Acc, Events), Reader);
        done -> Acc;
        {error, Failure} -> asm:raise(Failure)
    end.
