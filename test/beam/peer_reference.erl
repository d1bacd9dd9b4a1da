%% SPDX-License-Identifier: MIT
%%
%% A BEAM node with the API of asmd as far as peer_test.erl uses it: no runs, only sessions. What
%% peer_test expects of asmd it must get from here as well; so the expectations are those of OTP and
%% not those of asmd's authors.
%%
%% start() defines the modules `asm` and 'Elixir.ASM' and registers the server `asm`.
-module(peer_reference).

-behaviour(gen_server).

-export([start/0, api/2, init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(PROVIDERS, [claude, codex, amp, cursor, antigravity]).
-define(FUNCTIONS, [{start_session, 0}, {start_session, 1}, {stop_session, 1}, {list_sessions, 0},
                    {session_id, 1}, {session_info, 1}, {health, 1}, {cost, 1}, {interrupt, 2},
                    {query, 2}, {query, 3}, {stream, 2}, {stream, 3}]).

start() ->
    [ok = asm_test:define(Module, ?FUNCTIONS, {?MODULE, api}) || Module <- [asm, 'Elixir.ASM']],
    {ok, _} = gen_server:start({local, asm}, ?MODULE, asm, []),
    ok.

%%% the API

api(start_session, []) ->
    start_session([{provider, codex}]);
api(start_session, [Options]) ->
    start_session(Options);
api(list_sessions, []) ->
    [#{session_id => Id} || {Id, Pid} <- ets:tab2list(sessions), is_process_alive(Pid)];
api(health, [Pid]) when is_pid(Pid) ->
    case alive(Pid) of true -> healthy; false -> {unhealthy, not_alive} end;
api(health, [Session]) ->
    case find(Session) of {ok, _, _} -> healthy; error -> {unhealthy, not_found} end;
api(session_id, [Session]) ->
    case find(Session) of {ok, Id, _} -> Id; error -> nil end;
api(Function, [Session | More]) ->
    case find(Session) of
        {ok, _, Pid} -> in_session(Function, Pid, More);
        error when Function =:= query -> query_provider(Session, More);
        error -> failure(unknown, "no session ~0tP", Session)
    end.

in_session(stop_session, Pid, []) -> gen_server:stop(Pid);
in_session(session_info, Pid, []) -> {ok, maps:remove(cost, gen_server:call(Pid, get_state))};
in_session(cost, Pid, []) -> maps:get(cost, gen_server:call(Pid, get_state));
in_session(interrupt, _, [RunId]) -> failure(unknown, "no run ~0tP", RunId);
in_session(_Run, _, [Prompt | _]) when not is_binary(Prompt) -> failure(config_invalid, "no prompt: ~0tP", Prompt);
in_session(_Run, _, [_, Options]) -> failure(config_invalid, "run options ~0tP", Options).

query_provider(Provider, _) ->
    case lists:member(Provider, ?PROVIDERS) of
        true -> failure(config_invalid, "no runs here for ~0tP", Provider);
        false -> failure(config_invalid, "no provider ~0tP", Provider)
    end.

start_session(Options) ->
    try normal(Options) of
        #{provider := Provider} = Normal ->
            Id = maps:get(session_id, Normal, ulid()),
            case lists:member(Provider, ?PROVIDERS) of
                false ->
                    failure(config_invalid, "unknown provider ~0tP, there are claude codex amp cursor antigravity",
                            Provider);
                true ->
                    case find(Id) of
                        error -> gen_server:start(?MODULE, {session, Id, Provider}, []);
                        {ok, _, _} -> failure(config_invalid, "session id ~0tP is taken", Id)
                    end
            end;
        #{} = NoProvider ->
            failure(config_invalid, "no provider in ~0tP", NoProvider)
    catch
        error:_ -> failure(config_invalid, "options ~0tP", Options)
    end.

normal(Options) when is_map(Options) ->
    normal(maps:to_list(Options));
normal(Options) when is_list(Options) ->
    maps:from_list([normal_option(atom(Key), Value) || {Key, Value} <- all_pairs(Options)]).

all_pairs(Options) ->
    true = lists:all(fun({_, _}) -> true; (_) -> false end, Options),
    Options.

normal_option(provider, Name) -> {provider, atom(Name)};
normal_option(session_id, <<_, _/binary>> = Id) when Id =/= <<255>> -> {session_id, Id};
normal_option(max_concurrent_runs, N) when is_integer(N), N > 0 -> {max_concurrent_runs, N}.

atom(Atom) when is_atom(Atom) -> Atom;
atom(Text) when is_binary(Text) -> binary_to_existing_atom(Text).

find(Id) when is_binary(Id) ->
    case ets:lookup(sessions, Id) of
        [{Id, Pid}] -> case alive(Pid) of true -> {ok, Id, Pid}; false -> error end;
        [] -> error
    end;
find(Pid) when is_pid(Pid), node(Pid) =:= node() ->
    case [Id || {Id, P} <- ets:tab2list(sessions), P =:= Pid, alive(Pid)] of
        [Id] -> {ok, Id, Pid};
        [] -> error
    end;
find(_) ->
    error.

alive(Pid) ->
    node(Pid) =:= node() andalso is_process_alive(Pid).

ulid() ->
    list_to_binary([lists:nth(rand:uniform(32), "0123456789ABCDEFGHJKMNPQRSTVWXYZ") || _ <- lists:seq(1, 26)]).

failure(Kind, Format, Term) ->
    {error, #{'__struct__' => 'Elixir.ASM.Error', '__exception__' => true, kind => Kind,
              domain => config, message => iolist_to_binary(io_lib:format(Format, [Term, 9])),
              cause => nil, provider => nil, exit_code => nil, retryable => nil, recovery => nil}}.

%%% the servers

init(asm) ->
    sessions = ets:new(sessions, [named_table, public]),
    {ok, #{}};
init({session, Id, Provider}) ->
    true = ets:insert(sessions, {Id, self()}),
    {ok, #{session_id => Id, provider => Provider, status => ready, options => [],
           cost => #{input_tokens => 0, output_tokens => 0, cost_usd => 0.0}}}.

handle_call(get_state, _From, State) ->
    {reply, State, State};
handle_call({Function, Args} = Request, _From, State) ->
    case is_list(Args) andalso lists:member({Function, length(Args)}, ?FUNCTIONS) of
        true -> {reply, api(Function, Args), State};
        false -> {reply, failure(config_invalid, "no such request: ~0tP", Request), State}
    end;
handle_call(Request, _From, State) ->
    {reply, failure(config_invalid, "no such request: ~0tP", Request), State}.

handle_cast(_, State) -> {noreply, State}.

handle_info(_, State) -> {noreply, State}.
