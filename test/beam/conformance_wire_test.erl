%% SPDX-License-Identifier: MIT
%%
%% The tables of doc/conformance.md as they are on the wire: each control message and each flag is
%% tried by hand, and what asmd makes of it must be what the table says.
%%
%%   conformance_wire_test:main([Node, PathOfTheDocument])
-module(conformance_wire_test).

-export([main/1]).

-import(raw_peer, [control/2, control/3, pid/1]).

-include("asm_test.hrl").

-define(T, 20000).
-define(DIGEST, 16#4000000).
-define(ALIAS, (1 bsl 35)).
-define(ALTACT_SIG, (1 bsl 37)).

main([NodeText, Path]) ->
    Node = list_to_atom(NodeText),
    pong = net_adm:ping(Node),
    {ok, Document} = file:read_file(Path),
    Checks = operations(Node, table(Document, "control messages"))
        ++ alternatives(Node, table(Document, "ALTACT_SIG_SEND"))
        ++ frames(Node, table(Document, "frames"))
        ++ flags(Node, table(Document, "flags"))
        ++ handshakes(Node),
    asm_test:main(conformance_wire_test, [{Name, Fun, 60000} || {Name, Fun} <- Checks]).

%% the rows of the table behind the mark, without those of its head
table(Document, Mark) ->
    [_, Rest] = string:split(Document, ["<!-- ", Mark, " -->\n"]),
    [Table, _] = string:split(Rest, "<!-- end -->"),
    [_, _ | Rows] = string:lexemes(Table, "\n"),
    [[string:trim(Cell) || Cell <- lists:droplast(tl(string:split(Row, "|", all)))] || Row <- Rows].

%%% control messages

operations(Node, Rows) ->
    Listed = [{binary_to_integer(Number), binary_to_list(Name), binary_to_list(Received)}
              || [Number, Name, Received | _] <- Rows],
    [{"the table has every operation once", fun() ->
          ?EXPECT(true, [Number || {Number, _, _} <- Listed] =:= lists:seq(1, 37))
      end}]
    ++
    [{lists:flatten(io_lib:format("operation ~b, ~s, is ~s", [Number, Name, Received])), fun() ->
          Received = ?EXPECT(Received, atom_to_list(fate(Node, fun(P) -> effect(Number, P) end)))
      end} || {Number, Name, Received} <- Listed]
    ++
    [{lists:flatten(io_lib:format("operation ~w is refused", [Number])), fun() ->
          ?EXPECT(refused, fate(Node, fun(P) -> effect(Number, P) end))
      end} || Number <- [0, 38, 39, 255, 256, -1, 1 bsl 32, 1 bsl 70]].

alternatives(Node, Rows) ->
    [{"ALTACT_SIG_SEND with flags " ++ binary_to_list(Flags) ++ " is " ++ binary_to_list(Received), fun() ->
          Wanted = binary_to_list(Received),
          N = binary_to_integer(Flags),
          %% a priority and a token change nothing
          [Wanted = ?EXPECT(Wanted, atom_to_list(fate(Node, fun(P) -> alternative(N, More, P) end)))
           || More <- [0, 1, 2, 3]]
      end} || [Flags, _, Received | _] <- Rows]
    ++
    [{lists:flatten(io_lib:format("ALTACT_SIG_SEND with flags ~b is refused", [Flags])), fun() ->
          ?EXPECT(refused, fate(Node, fun(P) -> alternative(Flags, 0, P) end))
      end} || Flags <- [12, 24, 28, 32, 64, 256]].

frames(Node, Rows) ->
    [{"a frame of " ++ binary_to_list(What) ++ " is " ++ binary_to_list(Received), fun() ->
          Wanted = binary_to_list(Received),
          Wanted = ?EXPECT(Wanted, atom_to_list(fate(Node, fun(P) -> frame(What, P) end)))
      end} || [What, Received | _] <- Rows].

%% accepted: it had its effect; ignored: it had none and the link stays; refused: the link is closed
fate(Node, Effect) ->
    {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node)),
    P = #{node => Node, socket => Socket, me => pid(Socket), session => session(Node)},
    try
        Happened = Effect(P),
        case {Happened, heard(P)} of
            {true, Frames} when is_list(Frames) -> accepted;
            {false, Frames} when is_list(Frames) -> ignored;
            {false, closed} -> refused;
            Other -> {contradiction, Other}
        end
    after
        gen_tcp:close(Socket),
        exit(map_get(session, P), kill)
    end.

effect(1, #{socket := Socket, me := Me, session := Session} = P) ->
    control(Socket, {1, Me, Session}),
    stop(P),
    lists:member({{24, Session, Me}, normal}, heard(P));
effect(2, #{socket := Socket, session := Session} = P) ->
    answered(P, fun(Call) -> control(Socket, {2, '', Session}, Call) end);
effect(3, P) ->
    ended(P, fun(Me, Session) -> linked(P), {{3, Me, Session, {by, 3}}, none} end);
effect(4, #{socket := Socket, me := Me, session := Session} = P) ->
    linked(P),
    control(Socket, {4, Me, Session}),
    heard(P) =:= [] andalso begin stop(P), not lists:member({{24, Session, Me}, normal}, heard(P)) end;
effect(6, #{socket := Socket, me := Me} = P) ->
    answered(P, fun(Call) -> control(Socket, {6, Me, '', asm}, api(Call)) end);
effect(7, #{socket := Socket, me := Me, session := Session} = P) ->
    control(Socket, {7, Me, Session}),
    noticed(P);
effect(8, P) ->
    ended(P, fun(Me, Session) -> {{8, Me, Session, {by, 8}}, none} end);
effect(12, #{socket := Socket, session := Session} = P) ->
    answered(P, fun(Call) -> control(Socket, {12, '', Session, token(P)}, Call) end);
effect(13, P) ->
    ended(P, fun(Me, Session) -> linked(P), {{13, Me, Session, token(P), {by, 13}}, none} end);
effect(16, #{socket := Socket, me := Me} = P) ->
    answered(P, fun(Call) -> control(Socket, {16, Me, '', asm, token(P)}, api(Call)) end);
effect(18, P) ->
    ended(P, fun(Me, Session) -> {{18, Me, Session, token(P), {by, 18}}, none} end);
effect(19, #{socket := Socket, me := Me, session := Session} = P) ->
    Ref = make_ref(),
    control(Socket, {19, Me, Session, Ref}),
    stop(P),
    lists:member({{28, Session, Me, Ref}, normal}, heard(P));
effect(20, #{socket := Socket, me := Me, session := Session} = P) ->
    [Gone, Stays] = [make_ref(), make_ref()],
    [control(Socket, {19, Me, Session, Ref}) || Ref <- [Gone, Stays]],
    control(Socket, {20, Me, Session, Gone}),
    stop(P),
    [{{28, Session, Me, Stays}, normal}] =:= heard(P);
effect(21, P) ->
    unsubscribed(P, fun(Me, Watcher, Ref) -> {{21, Me, Watcher, Ref, gone}, none} end);
effect(22, #{socket := Socket, me := Me, session := Session} = P) ->
    answered(P, fun(Call) -> control(Socket, {22, Me, Session}, Call) end);
effect(23, #{socket := Socket, me := Me, session := Session} = P) ->
    answered(P, fun(Call) -> control(Socket, {23, Me, Session, token(P)}, Call) end);
effect(24, P) ->
    ended(P, fun(Me, Session) -> linked(P), {{24, Me, Session}, {by, 24}} end);
effect(25, P) ->
    ended(P, fun(Me, Session) -> linked(P), {{25, Me, Session, token(P)}, {by, 25}} end);
effect(26, P) ->
    ended(P, fun(Me, Session) -> {{26, Me, Session}, {by, 26}} end);
effect(27, P) ->
    ended(P, fun(Me, Session) -> {{27, Me, Session, token(P)}, {by, 27}} end);
effect(28, P) ->
    unsubscribed(P, fun(Me, Watcher, Ref) -> {{28, Me, Watcher, Ref}, gone} end);
effect(29, P) ->
    spawned(P, fun(Me, Ref) -> {29, Ref, Me, Me, {erpc, execute_call, 4}, [monitor]} end);
effect(30, P) ->
    spawned(P, fun(Me, Ref) -> {30, Ref, Me, Me, {erpc, execute_call, 4}, [monitor], token(P)} end);
effect(31, P) ->
    call_refused(P, fun(Ref, Caller) -> {31, Ref, Caller, 0, notsup} end);
effect(32, P) ->
    call_refused(P, fun(Ref, Caller) -> {32, Ref, Caller, 0, notsup, token(P)} end);
effect(33, #{socket := Socket, me := Me} = P) ->
    control(Socket, {33, Me, make_ref()}, hello),
    noticed(P);
effect(34, #{socket := Socket, me := Me} = P) ->
    control(Socket, {34, Me, make_ref(), token(P)}, hello),
    noticed(P);
effect(35, #{socket := Socket, me := Me, session := Session} = P) ->
    control(Socket, {35, 4711, Me, Session}),
    lists:member({{36, 4711, Session, Me}, none}, heard(P));
effect(36, #{socket := Socket, me := Me, session := Session} = P) ->
    control(Socket, {36, 4711, Me, Session}),
    noticed(P);
effect(37, P) ->
    alternative(0, 0, P);
effect(Number, #{socket := Socket, me := Me, session := Session} = P) ->
    control(Socket, {Number, Me, Session}, hello),
    noticed(P).

%% @Flags of ALTACT_SIG_SEND, with a priority (1) and a token (2) or not
alternative(Flags, More, #{socket := Socket, me := Me, session := Session} = P) ->
    Message = fun(To) -> list_to_tuple([37, Flags bor More, Me, To] ++ [token(P) || More band 2 =/= 0]) end,
    case Flags of
        0 -> answered(P, fun(Call) -> control(Socket, Message(Session), Call) end);
        8 -> answered(P, fun(Call) -> control(Socket, Message(asm), api(Call)) end);
        16 -> ended(P, fun(_, _) -> {Message(Session), {by, 37}} end);
        _ ->
            control(Socket, Message(make_ref()), hello),
            noticed(P)
    end.

frame(<<"length 0, a tick">>, #{socket := Socket} = P) ->
    raw_peer:send(Socket, <<0:32>>),
    %% a sign of life, which nobody answers
    heard(P) =:= [];
frame(<<"112, 131: a control message">>, P) ->
    effect(6, P);
frame(<<"131, 68: a distribution header">>, P) ->
    framed([131, 68, 0], P);
frame(<<"131, 69: the first of several fragments">>, P) ->
    framed([131, 69, <<1:64, 2:64>>, 0], P);
frame(<<"131, 70: a further fragment">>, P) ->
    framed([131, 70, <<1:64, 1:64>>], P);
frame(<<"131, 80: a compressed term">>, P) ->
    framed([131, 80], P);
frame(<<"112 without 131">>, P) ->
    framed([112], P);
frame(<<"any other first byte">>, P) ->
    framed([111, 131], P).

framed(Head, #{socket := Socket, me := Me} = P) ->
    <<131, Control/binary>> = term_to_binary({6, Me, '', asm}),
    <<131, Call/binary>> = term_to_binary({'$gen_call', {Me, tag}, {list_sessions, []}}),
    raw_peer:send(Socket, raw_peer:frame([Head, Control, Call])),
    noticed(P).

%%% what an effect is

%% asmd says anything before it answers the next call; what it says is an effect
noticed(P) ->
    heard(P) =/= [] andalso heard(P) =/= closed.

%% the frames that came before the answer to a call made now; closed: the link is
heard(#{socket := Socket, me := Me}) ->
    Tag = make_ref(),
    control(Socket, {6, Me, '', asm}, {'$gen_call', {Me, Tag}, {health, [<<"none">>]}}),
    heard_until(Socket, Tag).

heard_until(Socket, Tag) ->
    case raw_peer:next(Socket, ?T) of
        {{2, _, _}, {Tag, {unhealthy, not_found}}} -> [];
        {error, timeout} -> throw({unexpected, "an answer or the end of the link", timeout});
        {error, _} -> closed;
        Frame ->
            case heard_until(Socket, Tag) of
                closed -> closed;
                More -> [Frame | More]
            end
    end.

answered(#{me := Me} = P, Send) ->
    Tag = make_ref(),
    Send({'$gen_call', {Me, Tag}, get_state}),
    case heard(P) of
        closed -> false;
        Frames -> [yes || {{2, _, To}, {Got, _}} <- Frames, To =:= Me, Got =:= Tag] =:= [yes]
    end.

%% the same call for the server of the API
api({'$gen_call', From, get_state}) -> {'$gen_call', From, {list_sessions, []}}.

%% the session ends with the reason {by, Operation}
ended(#{socket := Socket, me := Me, session := Session} = P, Make) ->
    Monitor = erlang:monitor(process, Session),
    healthy = erpc:call(node(Session), asm, health, [Session], ?T),
    case Make(Me, Session) of
        {Control, none} -> control(Socket, Control);
        {Control, Reason} -> control(Socket, Control, Reason)
    end,
    is_list(heard(P)) andalso
        receive {'DOWN', Monitor, process, _, {by, _}} -> true after ?T -> false end.

linked(#{socket := Socket, me := Me, session := Session} = P) ->
    control(Socket, {1, Me, Session}),
    ?EXPECT([], heard(P)).

%% a subscriber whose end was told hears nothing of the end of the run
unsubscribed(#{node := Node, socket := Socket, me := Me, session := Session} = P, Make) ->
    {ok, Run} = ?EXPECT({ok, _}, erpc:call(Node, asm, stream, [Session, <<"sleep:1000 x">>], ?T)),
    ok = ?EXPECT(ok, erpc:call(Node, asm, subscribe, [Session, Run, Me], ?T)),
    {{19, Watcher, Me, Ref}, none} = ?EXPECT({{19, _, Me, _}, none}, raw_peer:next(Socket, ?T)),
    case Make(Me, Watcher, Ref) of
        {Control, none} -> control(Socket, Control);
        {Control, Reason} -> control(Socket, Control, Reason)
    end,
    case heard(P) of
        closed ->
            false;
        _ ->
            stop(P),
            receive {asm_run_done, Run} -> ok after ?T -> throw({unexpected, "the end of the run", nothing}) end,
            heard(P) =:= []
    end.

%% the reply comes before the end that the monitor tells
spawned(#{socket := Socket, me := Me} = P, Make) ->
    Ref = make_ref(),
    control(Socket, Make(Me, Ref), [Ref, asm, list_sessions, []]),
    case heard(P) of
        [{{31, Ref, Me, 2, Pid}, none}, {{28, Pid, Me, Ref}, {Ref, return, Sessions}}] -> is_list(Sessions);
        _ -> false
    end.

%% asmd calls a function here and hears that it cannot
call_refused(#{node := Node, socket := Socket, me := Me} = P, Make) ->
    Options = [{provider, codex}, {execution_mode, remote_node}, {remote_node, node(Me)}],
    Request = erpc:send_request(Node, asm, query, [codex, <<"x">>, Options]),
    {{29, Ref, Caller, _, {erpc, execute_call, 4}, [monitor]}, _} =
        ?EXPECT({{29, _, _, _, _, _}, [_, _, _, _]}, raw_peer:next(Socket, ?T)),
    control(Socket, Make(Ref, Caller)),
    case heard(P) of
        closed ->
            erpc:receive_response(Request, ?T),
            false;
        _ ->
            {error, #{message := Text}} = ?EXPECT({error, #{}}, erpc:receive_response(Request, ?T)),
            string:find(Text, "notsup") =/= nomatch
    end.

session(Node) ->
    {ok, Session} = ?EXPECT({ok, _}, erpc:call(Node, asm, start_session, [[{provider, codex}]], ?T)),
    Session.

%% what was sent by hand comes first: the call takes another link
stop(#{node := Node, session := Session} = P) ->
    [] = ?EXPECT([], heard(P)),
    ok = ?EXPECT(ok, erpc:call(Node, asm, stop_session, [Session], ?T)).

%% of sequential tracing
token(#{me := Me}) ->
    {17, 1 bsl 62, 3, Me, 2}.

%%% flags

%% without the digest, which stands for all that are needed
flags(Node, Rows) ->
    Listed = [{Bit, binary_to_list(Name), binary_to_list(Use)}
              || [Bits, Name, _, Use | _] <- Rows, Bit <- bits(string:split(Bits, " to "))],
    [{"the table has every bit once", fun() ->
          ?EXPECT(true, [Bit || {Bit, _, _} <- Listed] =:= lists:seq(0, 63))
      end}]
    ++
    [{lists:flatten(io_lib:format("flag ~b, ~s, of a peer is ~s", [Bit, Name, Use])), fun() ->
          {Without, With} =
              case Use of
                  "needed" -> {not_allowed, ok};
                  "refused" -> {ok, not_allowed};
                  _ -> {ok, ok}
              end,
          All = raw_peer:flags() band bnot ?DIGEST,
          ?EXPECT(Without, said(Node, All band bnot (1 bsl Bit))),
          ?EXPECT(With, said(Node, All bor (1 bsl Bit)))
      end} || {Bit, Name, Use} <- Listed].

bits([Bit]) -> [binary_to_integer(Bit)];
bits([First, Last]) -> lists:seq(binary_to_integer(First), binary_to_integer(Last)).

said(Node, Flags) ->
    Socket = raw_peer:open(Node),
    Said = case raw_peer:hello(Socket, raw_peer:name(), Flags) of
               {ok, _} -> ok;
               {refused, <<"snot_allowed">>} -> not_allowed;
               Other -> Other
           end,
    gen_tcp:close(Socket),
    Said.

%%% handshakes, and what the flags of a peer change

handshakes(Node) ->
    [{"the digest of the mandatory flags stands for them", fun() ->
          {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node, ?DIGEST)),
          [] = ?EXPECT([], heard(peer(Node, Socket))),
          gen_tcp:close(Socket)
      end},
     {"who has only what is mandatory gets the old forms, and no signal that it does not know", fun() ->
          {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node, ?DIGEST)),
          #{me := Me, session := Session} = P = (peer(Node, Socket))#{session => session(Node)},
          [Watch, Tag] = [make_ref(), [alias | make_ref()]],
          control(Socket, {19, Me, Session, Watch}),
          control(Socket, {1, Me, Session}),
          control(Socket, {6, Me, '', asm}, {'$gen_call', {Me, Tag}, {health, [<<"none">>]}}),
          {ok, Run} = ?EXPECT({ok, _}, erpc:call(Node, asm, stream, [Session, <<"sleep:1000 x">>], ?T)),
          ok = ?EXPECT(ok, erpc:call(Node, asm, subscribe, [Session, Run, Me], ?T)),
          Before = heard(P),
          ok = erpc:call(Node, asm, stop_session, [Session], ?T),
          receive {asm_run_done, Run} -> ok after ?T -> throw({unexpected, "the end of the run", nothing}) end,
          Frames = ?EXPECT([_ | _], Before ++ heard(P)),
          [true = ?EXPECT(true, lists:member(Wanted, Frames) orelse {Wanted, Frames})
           || Wanted <- [{{2, '', Me}, {Tag, {unhealthy, not_found}}}, {{2, '', Me}, {asm_run_done, Run}},
                         {{21, Session, Me, Watch, normal}, none}, {{3, Session, Me, normal}, none}]],
          ?EXPECT([2, 3, 21], lists:usort([element(1, Control) || {Control, _} <- Frames])),
          gen_tcp:close(Socket)
      end},
     {"who serves no spawn requests is not asked to, and the call fails", fun() ->
          {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node, raw_peer:flags() band bnot (1 bsl 32))),
          Options = [{execution_mode, remote_node}, {remote_node, node(pid(Socket))}],
          {error, #{message := Text}} =
              ?EXPECT({error, #{}}, erpc:call(Node, asm, query, [codex, <<"x">>, Options], ?T)),
          true = ?EXPECT(true, string:find(Text, "notsup") =/= nomatch),
          ?EXPECT([], heard(peer(Node, Socket))),
          gen_tcp:close(Socket)
      end},
     {"an answer to an alias has the form that the peer knows", fun() ->
          [begin
               {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node, Flags)),
               Me = pid(Socket),
               Ref = make_ref(),
               control(Socket, {6, Me, '', asm}, {'$gen_call', {Me, [alias | Ref]}, {health, [<<"none">>]}}),
               {Control, {[alias | Ref], {unhealthy, not_found}}} = ?EXPECT({_, _}, raw_peer:next(Socket, ?T)),
               true = ?EXPECT(true, Is(Control, Me, Ref)),
               gen_tcp:close(Socket)
           end || {Flags, Is} <-
               [{raw_peer:flags() bor ?ALTACT_SIG,
                 fun(Got, _, Ref) -> {37, 4, element(3, Got), Ref} =:= Got end},
                {raw_peer:flags(), fun(Got, _, Ref) -> {33, element(2, Got), Ref} =:= Got end},
                {raw_peer:flags() band bnot ?ALIAS, fun(Got, Me, _) -> {2, '', Me} =:= Got end}]]
      end},
     {"a peer that comes again while its link is up takes its place", fun() ->
          Name = raw_peer:name(),
          {ok, First} = ?EXPECT({ok, _}, raw_peer:shake(Node, Name, raw_peer:flags())),
          Second = raw_peer:open(Node),
          {refused, <<"salive">>} = ?EXPECT({refused, <<"salive">>}, raw_peer:hello(Second, Name, raw_peer:flags())),
          raw_peer:send(Second, <<5:16, "strue">>),
          {ok, <<Length:16>>} = ?EXPECT({ok, _}, gen_tcp:recv(Second, 2, ?T)),
          {ok, <<"N", _:64, Challenge:32, _/binary>>} = ?EXPECT({ok, _}, gen_tcp:recv(Second, Length, ?T)),
          {ok, Second} = ?EXPECT({ok, _}, raw_peer:prove(Second, erlang:get_cookie(), Challenge)),
          true = ?EXPECT(true, raw_peer:closed(First)),
          put({name, Second}, Name),
          ?EXPECT([], heard(peer(Node, Second))),
          gen_tcp:close(Second)
      end}].

peer(Node, Socket) ->
    #{node => Node, socket => Socket, me => pid(Socket)}.
