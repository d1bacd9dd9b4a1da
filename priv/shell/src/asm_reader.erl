%% SPDX-License-Identifier: MIT
%%
%% @private
%% The subscriber behind a stream (asm_stream): it takes the messages of one run and hands them to
%% its owner when that asks.
%%
%% It asks the daemon for ?WINDOW events at a time, and for more when its owner has taken what it has:
%% who is slow makes the run wait and this process small. Until the first events name the session of a
%% provider's run there is nobody to ask, so a few more may come.
%%
%% It watches two processes: its owner, with whom it ends, and the server `asm' of the daemon, whose
%% end or loss is that of the stream. A stream has one end, and it is the first that is seen: the
%% run's, or an error. Events that came before are handed out before it.
-module(asm_reader).

-behaviour(gen_server).

-export([start/3, next/1, ask/1, check/2, close/1, run_id/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-record(state, {on_halt :: unsubscribe | interrupt,
                owner :: reference(),
                daemon :: reference(),
                %% undefined: that of a provider's run, until its first event names it
                session :: asm:session() | undefined,
                run_id :: asm:run_id(),
                %% asked for and not here yet; undefined: nothing was asked for
                wanted :: undefined | integer(),
                %% of the last event
                sequence = 0 :: integer(),
                %% the last come first
                events = [] :: [asm:event()],
                %% lagged: we may try to catch up; replay: the run is over, its events are read in pages
                ending :: undefined | done | asm:error() | {lagged, asm:failure()} |
                          {replay, first | pos_integer()},
                waiting :: undefined | gen_server:from(),
                closing :: undefined | owner_gone | gen_server:from()}).

-define(WINDOW, 256).

%% how long a reader that is closed waits to learn which session to interrupt
-define(CLOSE_TIMEOUT_MS, 15000).

-spec start(node(), asm_stream:source(), unsubscribe | interrupt) -> {ok, pid()} | asm:error().
start(Node, Source, OnHalt) ->
    case gen_server:start(?MODULE, {self(), Node, Source, OnHalt}, []) of
        {ok, Reader} -> {ok, Reader};
        {error, {shutdown, Failure}} -> {error, Failure}
    end.

-spec next(pid()) -> asm_stream:answer().
next(Reader) ->
    gen_server:call(Reader, next, infinity).

-spec ask(pid()) -> gen_server:request_id().
ask(Reader) ->
    gen_server:send_request(Reader, next).

-spec check(term(), gen_server:request_id()) -> {answer, asm_stream:answer()} | no_answer.
check(Message, Request) ->
    case gen_server:check_response(Message, Request) of
        {reply, Answer} -> {answer, Answer};
        no_reply -> no_answer;
        {error, {Reason, _}} -> {answer, {error, asm:failure(unknown, "the reader ended: ~tp", [Reason])}}
    end.

-spec close(pid()) -> ok.
close(Reader) ->
    try
        gen_server:call(Reader, close, infinity)
    catch
        exit:_ -> ok
    end.

-spec run_id(pid()) -> asm:run_id().
run_id(Reader) ->
    gen_server:call(Reader, run_id, infinity).

%%% gen_server

init({Owner, Node, Source, OnHalt}) ->
    ok = asm:node(Node),
    %% before the run begins, so that no loss goes unseen
    Daemon = monitor(process, {asm, Node}),
    case begin_run(Source) of
        {ok, Session, RunId, Ending} ->
            {ok, ask_first(#state{on_halt = OnHalt, owner = monitor(process, Owner), daemon = Daemon,
                                  session = Session, run_id = RunId, ending = Ending})};
        {error, Failure} ->
            {stop, {shutdown, Failure}}
    end.

%% Without options the right `query' is enough.
begin_run({run, Target, Prompt, []}) ->
    begun(Target, asm:submit(Target, Prompt));
begin_run({run, Target, Prompt, Opts}) ->
    begun(Target, asm:submit(Target, Prompt, Opts));
begin_run({attach, Session, RunId, From}) ->
    case {asm:follow(Session, RunId, #{from => From}), From} of
        {{ok, _}, _} -> {ok, Session, RunId, undefined};
        {Error, now} -> Error;
        {Error, _} -> replay_instead(Session, RunId, From, Error)
    end.

%% Of a run that is over there may be what it has said.
replay_instead(Session, RunId, From, Error) ->
    case asm:run_info(RunId) of
        {ok, _} -> {ok, Session, RunId, {replay, From}};
        _ -> Error
    end.

begun(Target, {ok, RunId}) when is_atom(Target) -> {ok, undefined, RunId, undefined};
begun(Session, {ok, RunId}) -> {ok, Session, RunId, undefined};
begun(_Target, Error) -> Error.

handle_call(next, From, #state{events = [], ending = undefined} = State) ->
    {noreply, State#state{waiting = From}};
handle_call(next, From, #state{events = [], ending = {lagged, Failure}} = State) ->
    catch_up(Failure, State#state{waiting = From});
handle_call(next, _From, #state{events = [], ending = {replay, From}} = State) ->
    page(From, State);
handle_call(next, _From, #state{events = [], ending = Ending} = State) ->
    {reply, Ending, State};
handle_call(next, From, #state{events = Events} = State) ->
    gen_server:reply(From, {ok, lists:reverse(Events)}),
    {noreply, ask_more(State#state{events = []})};
handle_call(run_id, _From, State) ->
    {reply, State#state.run_id, State};
handle_call(close, From, State) ->
    close_for(From, State).

handle_cast(_Message, State) ->
    {noreply, State}.

handle_info({asm_run_event, RunId, Event}, #state{run_id = RunId} = State) ->
    on_event(Event, count(with_session(Event, with_sequence(Event, State))));
handle_info({asm_run_done, RunId}, #state{run_id = RunId} = State) ->
    finish(done, State);
handle_info({asm_run_lagged, RunId, Failure}, #state{run_id = RunId} = State) ->
    finish({lagged, Failure}, State);
handle_info({unanswered, Failure}, State) ->
    finish({error, Failure}, State);
handle_info({'DOWN', Daemon, process, _, Reason}, #state{daemon = Daemon} = State) ->
    finish({error, lost(Reason, State)}, State);
handle_info({'DOWN', Owner, process, _, _}, #state{owner = Owner} = State) ->
    close_for(owner_gone, State);
handle_info(close_timeout, State) ->
    closed(State);
handle_info(_Message, State) ->
    {noreply, State}.

%%% events and the end

with_sequence(#{sequence := Sequence}, State) -> State#state{sequence = Sequence}.

with_session(#{session_id := Session}, #state{session = undefined} = State) ->
    ask_first(State#state{session = Session});
with_session(_Event, State) ->
    State.

ask_first(#state{session = undefined} = State) -> State;
ask_first(State) -> demand(?WINDOW, State).

%% The owner has taken what was here.
ask_more(#state{wanted = Wanted} = State) when is_integer(Wanted), Wanted =< ?WINDOW div 2 ->
    demand(?WINDOW - Wanted, State);
ask_more(State) ->
    State.

%% An error means that the run is over, which we are about to hear; but one that does not answer may
%% have counted.
demand(N, #state{session = Session, run_id = RunId, wanted = Wanted} = State) ->
    case asm:demand(Session, RunId, N) of
        ok when Wanted =:= undefined -> State#state{wanted = N};
        ok -> State#state{wanted = Wanted + N};
        {error, #{kind := timeout} = Failure} -> self() ! {unanswered, Failure}, State;
        {error, _} -> State
    end.

%% What came before the first demand was known is not in the daemon's count, so it has at least as many.
count(#state{wanted = Wanted} = State) when is_integer(Wanted) -> State#state{wanted = max(0, Wanted - 1)};
count(State) -> State.

on_event(_Event, #state{closing = Closing} = State) when Closing =/= undefined ->
    halt_run(State);
on_event(Event, #state{waiting = undefined, events = Events} = State) ->
    {noreply, State#state{events = [Event | Events]}};
on_event(Event, #state{waiting = From} = State) ->
    gen_server:reply(From, {ok, [Event]}),
    {noreply, ask_more(State#state{waiting = undefined})}.

finish(_Ending, #state{closing = Closing} = State) when Closing =/= undefined ->
    closed(State);
finish(done, #state{ending = {lagged, _}} = State) ->
    {noreply, State};
finish(_Ending, #state{ending = Ending} = State)
  when Ending =:= done; element(1, Ending) =:= error; element(1, Ending) =:= replay ->
    {noreply, State};
finish({lagged, Failure}, #state{waiting = From} = State) when From =/= undefined ->
    catch_up(Failure, State);
finish(Ending, #state{waiting = undefined} = State) ->
    {noreply, State#state{ending = Ending}};
finish(Ending, #state{waiting = From} = State) ->
    gen_server:reply(From, Ending),
    {noreply, State#state{ending = Ending, waiting = undefined}}.

%% Left behind by the daemon, with the owner waiting: from the next event on again, if it is kept.
catch_up(Failure, #state{session = Session, run_id = RunId, sequence = Sequence, waiting = From} = State) ->
    case asm:follow(Session, RunId, #{from => Sequence + 1}) of
        {ok, #{missing := 0}} ->
            {noreply, State#state{ending = undefined}};
        {ok, _} ->
            gen_server:reply(From, {error, Failure}),
            {noreply, State#state{ending = {error, Failure}, waiting = undefined}};
        {error, _} ->
            {reply, Answer, Next} = page(Sequence + 1, State),
            gen_server:reply(From, Answer),
            {noreply, Next#state{waiting = undefined}}
    end.

%% The next events of a run that is over
page(From, #state{run_id = RunId} = State) ->
    case asm:run_events(RunId, #{from => From}) of
        {ok, #{missing := Missing}} when is_integer(From), Missing > 0 ->
            stop_with({error, asm:failure(buffer_overflow, "~b events of run ~ts are not kept any more; see "
                                          "max_run_history_bytes in asmd.conf(5)", [Missing, RunId])}, State);
        {ok, #{page := []}} ->
            stop_with(done, State);
        {ok, #{page := Events, next := Next}} ->
            {reply, {ok, Events}, State#state{ending = {replay, Next}}};
        {error, _} = Error ->
            stop_with(Error, State)
    end.

stop_with(Ending, State) ->
    {reply, Ending, State#state{ending = Ending}}.

lost(Reason, #state{run_id = RunId}) ->
    asm:failure(connection_failed,
                "~ts was lost (~tp) while run ~ts was followed; if it still runs there, asm:attach/2 "
                "follows it again", [asm:node(), Reason, RunId]).

%%% closing

close_for(Closer, #state{ending = Ending} = State) when Ending =:= done; element(1, Ending) =:= replay ->
    closed(State#state{closing = Closer});
close_for(Closer, #state{session = undefined, ending = undefined, on_halt = interrupt} = State) ->
    erlang:send_after(?CLOSE_TIMEOUT_MS, self(), close_timeout),
    {noreply, State#state{closing = Closer}};
close_for(Closer, State) ->
    halt_run(State#state{closing = Closer}).

%% Nothing needs to be unsubscribed: the daemon forgets a subscriber that ends.
halt_run(#state{session = Session, run_id = RunId, on_halt = interrupt} = State)
  when Session =/= undefined ->
    _ = asm:interrupt(Session, RunId),
    closed(State);
halt_run(State) ->
    closed(State).

closed(#state{closing = owner_gone} = State) ->
    {stop, normal, State};
closed(#state{closing = From} = State) ->
    gen_server:reply(From, ok),
    {stop, normal, State}.
