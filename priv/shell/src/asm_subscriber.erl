%% SPDX-License-Identifier: MIT
%%
%% @doc A behaviour: a process that is called with the events of a run.
%%
%% ```
%% -module(my_log).
%% -behaviour(asm_subscriber).
%% -export([init/1, handle_event/2, handle_approval/2, handle_end/2]).
%%
%% init(File) -> file:open(File, [append]).
%%
%% handle_event(Event, Fd) ->
%%     io:put_chars(Fd, asm:text(Event)),
%%     {ok, Fd}.
%%
%% handle_approval(#{subject := <<"Bash">>}, Fd) -> {deny, Fd};
%% handle_approval(_Approval, Fd) -> {allow, Fd}.
%%
%% handle_end(_How, Fd) -> file:close(Fd).
%% '''
%%
%% Under a supervisor: `asm_subscriber:child_spec(log, my_log, asm:stream(S, "hello"), "run.log")'.
%%
%% Events are asked for when those before have been handled. The process ends when the run does, with
%% reason `normal'; with `{asm_error, Failure}' when it lost the run before that. A supervisor does not
%% restart one that would start another run (`temporary'), but one that attaches to a run if it ended
%% with an error (`transient').
-module(asm_subscriber).

-behaviour(gen_server).

-export([start/3, start_link/3, start_link/4, child_spec/4]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export_type([how/0]).

-type how() :: done | {error, asm:failure()} | {stopped, term()}.
%% `done': the run is over. `error': it cannot be followed any more. `stopped': this process was told
%% to end, by a callback or a supervisor.

%% What is returned is the state for the other callbacks.
-callback init(Args :: term()) -> {ok, State :: term()} | {error, Reason :: term()}.

-callback handle_event(asm:event(), State) -> {ok, State} | {stop, State} when State :: term().

%% An event of kind `approval_requested', after handle_event/2 had it; `later' leaves the answer to
%% somebody else. Without this callback nobody answers here.
-callback handle_approval(Approval :: map(), State) -> {allow | deny | later, State}
              when State :: term().

%% Any other message to the process.
-callback handle_info(term(), State) -> {ok, State} | {stop, State} when State :: term().

%% Called once, at the end.
-callback handle_end(how(), State :: term()) -> term().

-optional_callbacks([handle_approval/2, handle_info/2, handle_end/2]).

-record(state, {module :: module(),
                inner :: term(),
                reader :: asm_stream:reader(),
                request :: undefined | asm_stream:request(),
                how = {stopped, normal} :: how()}).

%% @doc Opens the stream and calls `Module' with its events.
-spec start_link(module(), asm_stream:stream(), term()) -> gen_server:start_ret().
start_link(Module, Stream, Args) ->
    gen_server:start_link(?MODULE, {Module, Stream, Args}, []).

%% @doc The same with a name.
-spec start_link(gen_server:server_name(), module(), asm_stream:stream(), term()) ->
          gen_server:start_ret().
start_link(Name, Module, Stream, Args) ->
    gen_server:start_link(Name, ?MODULE, {Module, Stream, Args}, []).

%% @doc Without a link.
-spec start(module(), asm_stream:stream(), term()) -> gen_server:start_ret().
start(Module, Stream, Args) ->
    gen_server:start(?MODULE, {Module, Stream, Args}, []).

-spec child_spec(term(), module(), asm_stream:stream(), term()) -> supervisor:child_spec().
child_spec(Id, Module, Stream, Args) ->
    #{id => Id,
      start => {?MODULE, start_link, [Module, Stream, Args]},
      restart => case asm_stream:is_new_run(Stream) of
                     true -> temporary;
                     false -> transient
                 end,
      modules => [Module]}.

%%% gen_server

init({Module, Stream, Args}) ->
    process_flag(trap_exit, true),
    ok = asm:node(asm_stream:node(Stream)),
    case Module:init(Args) of
        {ok, Inner} -> open(Module, Stream, Inner);
        {error, Reason} -> {stop, Reason}
    end.

open(Module, Stream, Inner) ->
    case asm_stream:open(Stream) of
        {ok, Reader} ->
            {ok, #state{module = Module, inner = Inner, reader = Reader,
                        request = asm_stream:ask(Reader)}};
        {error, Failure} ->
            {stop, {asm_error, Failure}}
    end.

handle_call(_Request, _From, State) ->
    {reply, {error, not_supported}, State}.

handle_cast(_Message, State) ->
    {noreply, State}.

handle_info(Message, #state{request = Request, reader = Reader} = State) ->
    case asm_stream:check(Message, Request) of
        no_answer -> other_info(Message, State);
        {answer, {ok, Events}} -> handle_events(Events, State#state{request = asm_stream:ask(Reader)});
        {answer, done} -> {stop, normal, State#state{how = done}};
        {answer, {error, Failure}} ->
            {stop, {asm_error, Failure}, State#state{how = {error, Failure}}}
    end.

terminate(Reason, #state{reader = Reader, how = How} = State) ->
    asm_stream:close(Reader),
    optional(handle_end, [case How of
                              {stopped, _} -> {stopped, Reason};
                              _ -> How
                          end], State, ok).

handle_events([], State) ->
    {noreply, State};
handle_events([Event | Events], #state{module = Module, inner = Inner} = State) ->
    case Module:handle_event(Event, Inner) of
        {ok, Next} -> handle_events(Events, approval(Event, State#state{inner = Next}));
        {stop, Next} -> {stop, normal, State#state{inner = Next}}
    end.

approval(#{kind := approval_requested, payload := #{approval_id := Id} = Approval,
           session_id := Session}, State) ->
    case optional(handle_approval, [Approval], State, {later, State#state.inner}) of
        {later, Inner} ->
            State#state{inner = Inner};
        {Decision, Inner} ->
            %% somebody else may have been faster
            _ = asm:approve(Session, Id, Decision),
            State#state{inner = Inner}
    end;
approval(_Event, State) ->
    State.

other_info(Message, State) ->
    case optional(handle_info, [Message], State, {ok, State#state.inner}) of
        {ok, Inner} -> {noreply, State#state{inner = Inner}};
        {stop, Inner} -> {stop, normal, State#state{inner = Inner}}
    end.

optional(Function, Args, #state{module = Module, inner = Inner}, Default) ->
    case erlang:function_exported(Module, Function, length(Args) + 1) of
        true -> apply(Module, Function, Args ++ [Inner]);
        false -> Default
    end.
