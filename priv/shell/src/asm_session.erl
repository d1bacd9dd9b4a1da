%% SPDX-License-Identifier: MIT
%%
%% @doc A process that owns a session of asmd, for a supervisor.
%%
%% ```
%% 1> {ok, _} = asm_session:start_link({local, coder}, [{provider, codex}]), ok.
%% ok
%% 2> {ok, R} = asm:query(asm_session:ref(coder), "hello"), asm:text(R).
%% <<"You asked: hello It has 1 word(s). I am a stand-in without a model.">>
%% 3> gen_server:stop(coder).
%% ok
%% '''
%%
%% The session begins and ends with its owner, however that ends: the daemon watches it. When the session
%% ends or the daemon is lost, the owner ends with `{session_ended, Reason}' and its supervisor makes
%% another.
-module(asm_session).

-behaviour(gen_server).

-export([start_link/1, start_link/2, child_spec/2, ref/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-type owner() :: gen_server:server_ref().

%% @doc `Opts' are those of {@link asm:start_session/1}; besides, `node' is the daemon's (that of
%% the calling process).
-spec start_link(asm:opts()) -> gen_server:start_ret().
start_link(Opts) ->
    gen_server:start_link(?MODULE, {asm:node(), Opts}, []).

-spec start_link(gen_server:server_name(), asm:opts()) -> gen_server:start_ret().
start_link(Name, Opts) ->
    gen_server:start_link(Name, ?MODULE, {asm:node(), Opts}, []).

-spec child_spec(atom(), asm:opts()) -> supervisor:child_spec().
child_spec(Name, Opts) ->
    #{id => Name, start => {?MODULE, start_link, [{local, Name}, Opts]}}.

%% @doc The session, for the functions of {@link asm}.
-spec ref(owner()) -> pid().
ref(Owner) ->
    gen_server:call(Owner, ref).

%%% gen_server

init({Node, Opts}) when is_list(Opts) ->
    init({Node, proplists:to_map(Opts)});
init({Node, Opts}) ->
    process_flag(trap_exit, true),
    ok = asm:node(maps:get(node, Opts, Node)),
    case asm:start_session((maps:remove(node, Opts))#{owner => self()}) of
        {ok, Session} ->
            monitor(process, Session),
            {ok, Session};
        {error, Failure} ->
            {stop, {asm_error, Failure}}
    end.

handle_call(ref, _From, Session) ->
    {reply, Session, Session}.

handle_cast(_Message, Session) ->
    {noreply, Session}.

handle_info({'DOWN', _, process, Session, Reason}, Session) ->
    {stop, {session_ended, Reason}, Session};
handle_info(_Message, Session) ->
    {noreply, Session}.

terminate({session_ended, _}, _Session) ->
    ok;
terminate(_Reason, Session) ->
    asm:stop_session(Session).
