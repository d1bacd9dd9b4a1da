%% SPDX-License-Identifier: MIT
%%
%% What asmd's numbers are compared with: the relay of a run written as a gen_server, as an Erlang
%% programmer would write it. It starts the backend on the host by rpc, links to and monitors it,
%% wraps each core event into an ASM event (id, sequence, merged metadata), folds the text and the
%% messages of the result, and sends the event to the subscriber.
%%
%% start() registers the server `relay`, which also answers health/1 as asmd's API does, and loads a
%% module `asm` with that function, so that the round trips do the same work on both sides.
-module(relay).

-behaviour(gen_server).

-export([start/0, run/4, api/2, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start() ->
    ok = asm_test:define(asm, [{health, 1}], {?MODULE, api}),
    sessions = ets:new(sessions, [named_table, public, {heir, whereis(init), none}]),
    {ok, _} = gen_server:start({local, asm}, ?MODULE, server, []),
    ok.

api(health, [Id]) ->
    case ets:lookup(sessions, Id) of
        [_] -> healthy;
        [] -> {unhealthy, not_found}
    end.

%% a run on Host whose events go to Subscriber; the caller gets the pid of the relay
run(Host, Prompt, RunId, Subscriber) ->
    gen_server:start(?MODULE, {run, Host, Prompt, RunId, Subscriber}, []).

init(server) ->
    {ok, #{}};
init({run, Host, Prompt, RunId, Subscriber}) ->
    process_flag(trap_exit, true),
    Ref = make_ref(),
    Options = [{provider, codex}, {prompt, Prompt}, {subscriber, {self(), Ref}}, {metadata, #{}}],
    {ok, Backend, Info} = rpc:call(Host, 'Elixir.ASM.Remote.BackendStarter', start_core_session, [Options]),
    link(Backend),
    erlang:monitor(process, Backend),
    {ok, #{ref => Ref, tag => maps:get(session_event_tag, Info), backend => Backend, run_id => RunId,
           session_id => ulid(), subscriber => Subscriber, sequence => 0, text => [], messages => [],
           metadata => metadata()}}.

metadata() ->
    #{provider => codex, provider_display_name => <<"Codex CLI">>,
      core_profile_id => 'Elixir.CliSubprocessCore.ProviderProfiles.Codex', sdk_runtime => nil,
      'sdk_available?' => false, available_lanes => [core], default_lane => core,
      requested_lane => auto, preferred_lane => core, lane_reason => sdk_unavailable,
      capabilities => [interrupt, streaming, tools], lane => core,
      backend => 'Elixir.ASM.ProviderBackend.Core', execution_mode => remote_node,
      lane_fallback_reason => nil}.

handle_call({health, Args}, _From, State) ->
    {reply, api(health, Args), State};
handle_call(interrupt, _From, #{backend := Backend} = State) ->
    {reply, gen_server:call(Backend, interrupt), State};
handle_call(close, _From, #{backend := Backend} = State) ->
    unlink(Backend),
    exit(Backend, kill),
    {stop, normal, ok, State}.

handle_cast(_, State) -> {noreply, State}.

handle_info({Tag, Ref, {event, Core}}, #{tag := Tag, ref := Ref} = State) ->
    #{run_id := RunId, session_id := SessionId, subscriber := Subscriber, sequence := Last,
      metadata := Metadata} = State,
    #{kind := Kind, payload := Payload, sequence := Incoming, provider := Provider,
      provider_session_id := ProviderSessionId, timestamp := Timestamp, metadata := Own} = Core,
    Sequence = max(Last + 1, Incoming),
    Event = #{'__struct__' => 'Elixir.ASM.Event', id => ulid(), run_id => RunId,
              session_id => SessionId, provider => Provider, kind => Kind, payload => Payload,
              core_event => Core, sequence => Sequence, provider_session_id => ProviderSessionId,
              correlation_id => nil, causation_id => nil, timestamp => Timestamp,
              metadata => maps:merge(Own, Metadata), extra => #{}},
    Subscriber ! {asm_run_event, RunId, Event},
    Folded = fold(Kind, Payload, State#{sequence := Sequence}),
    case Kind =:= result orelse Kind =:= error of
        true ->
            Subscriber ! {asm_run_done, RunId},
            unlink(maps:get(backend, State)),
            {stop, normal, Folded};
        false ->
            {noreply, Folded}
    end;
handle_info(_, State) ->
    {noreply, State}.

fold(assistant_delta, #{content := Content}, #{text := Text, messages := Messages} = State) ->
    State#{text := [Text, Content],
           messages := [#{'__struct__' => 'Elixir.ASM.Message.Partial', content_type => text,
                          delta => Content} | Messages]};
fold(_, _, State) ->
    State.

ulid() ->
    <<Time:48>> = <<(os:system_time(millisecond)):48>>,
    base32(<<0:2, Time:48, (rand:uniform(1 bsl 80) - 1):80>>).

base32(Bits) ->
    << <<(element(Value + 1, alphabet()))>> || <<Value:5>> <= Bits >>.

alphabet() ->
    {$0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $A, $B, $C, $D, $E, $F, $G, $H, $J, $K, $M, $N, $P, $Q,
     $R, $S, $T, $V, $W, $X, $Y, $Z}.
