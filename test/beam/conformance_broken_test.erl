%% SPDX-License-Identifier: MIT
%%
%% Messages that are good terms and no good control messages, terms that are none, pieces of fragments:
%% each costs the peer its link. A session that they name, links and monitors on it, and the links of
%% other nodes know nothing of it.
%%
%%   conformance_broken_test:main([Node])
-module(conformance_broken_test).

-export([main/1]).

-include("asm_test.hrl").

-define(T, 20000).

main([NodeText]) ->
    Node = list_to_atom(NodeText),
    pong = net_adm:ping(Node),
    {ok, Session} = erpc:call(Node, asm, start_session, [[{provider, codex}]], ?T),
    Witness = spawn(fun() -> witness(Node, Session) end),
    Checks = [{lists:flatten(What), fun() -> broken(Node, Session, Make) end}
              || {What, Make} <- structures() ++ terms() ++ fragments()],
    asm_test:main(conformance_broken_test,
                  Checks ++ [{"nobody else has noticed", fun() -> unharmed(Node, Session, Witness) end}]).

%% a process that would hear of the end of the session, and of the link
witness(Node, Session) ->
    process_flag(trap_exit, true),
    link(Session),
    erlang:monitor(process, Session),
    monitor_node(Node, true),
    receive {tell, Whom} -> Whom ! {self(), process_info(self(), messages)} end.

%% the link is closed; before that the peer had a link and a monitor there, as anybody may
broken(Node, Session, Make) ->
    {ok, Socket} = ?EXPECT({ok, _}, raw_peer:shake(Node)),
    Me = raw_peer:pid(Socket),
    raw_peer:control(Socket, {19, Me, Session, make_ref()}),
    raw_peer:send(Socket, [raw_peer:frame(Frame) || Frame <- Make(Me, Session)]),
    ?EXPECT(true, raw_peer:closed(Socket)),
    ?EXPECT(healthy, erpc:call(Node, asm, health, [Session], ?T)).

unharmed(Node, Session, Witness) ->
    Witness ! {tell, self()},
    ?EXPECT({Witness, {messages, []}}, asm_test:receive_one(?T)),
    Again = erlang:monitor(process, Session),
    ?EXPECT(ok, erpc:call(Node, asm, stop_session, [Session], ?T)),
    ?EXPECT({'DOWN', Again, process, Session, normal}, asm_test:receive_one(?T)),
    ?EXPECT(pong, net_adm:ping(Node)).

%%% a tuple that the protocol does not know

structures() ->
    [{["a control message of the form ", Form, " costs the link"],
      fun(Me, Session) -> [[112, term_to_binary(Make(Me, Session)) | Payload]] end}
     || {Form, Make, Payload} <- forms()].

%% in Form: Me, Session, a reference or nothing at all
forms() ->
    Said = [term_to_binary({message})],
    Ref = make_ref(),
    [{"{LINK}", fun(_, _) -> {1} end, []},
     {"{LINK, Me}", fun(Me, _) -> {1, Me} end, []},
     {"{LINK, Me, Name}", fun(Me, _) -> {1, Me, name} end, []},
     {"{LINK, Ref, Session}", fun(_, S) -> {1, Ref, S} end, []},
     {"{UNLINK, Me}", fun(Me, _) -> {4, Me} end, []},
     {"{UNLINK, Me, Ref}", fun(Me, _) -> {4, Me, Ref} end, []},
     {"{UNLINK, Ref, Session}", fun(_, S) -> {4, Ref, S} end, []},
     {"{UNLINK, Name, Name}", fun(_, _) -> {4, normal, normal} end, []},
     {"{UNLINK_ID, 0, Me, Session}", fun(Me, S) -> {35, 0, Me, S} end, []},
     {"{UNLINK_ID, 2^64, Me, Session}", fun(Me, S) -> {35, 1 bsl 64, Me, S} end, []},
     {"{UNLINK_ID, -1, Me, Session}", fun(Me, S) -> {35, -1, Me, S} end, []},
     {"{UNLINK_ID, Me, Session}", fun(Me, S) -> {35, Me, S} end, []},
     {"{UNLINK_ID, 1, Name, Session}", fun(_, S) -> {35, 1, name, S} end, []},
     {"{UNLINK_ID_ACK, Name, Me, Session}", fun(Me, S) -> {36, one, Me, S} end, []},
     {"{UNLINK_ID_ACK, 1, Me}", fun(Me, _) -> {36, 1, Me} end, []},
     {"{MONITOR_P, Me, Session}", fun(Me, S) -> {19, Me, S} end, []},
     {"{MONITOR_P, Me, Session, Name}", fun(Me, S) -> {19, Me, S, normal} end, []},
     {"{MONITOR_P, Me, Binary, Ref}", fun(Me, _) -> {19, Me, <<"asm">>, Ref} end, []},
     {"{DEMONITOR_P, Me, Session}", fun(Me, S) -> {20, Me, S} end, []},
     {"{DEMONITOR_P, Me, Session, Name}", fun(Me, S) -> {20, Me, S, normal} end, []},
     {"{MONITOR_P_EXIT, Me, Session, Reason}", fun(Me, S) -> {21, Me, S, normal} end, []},
     {"{MONITOR_P_EXIT, Me, Session, Name, Reason}", fun(Me, S) -> {21, Me, S, normal, normal} end, []},
     {"{PAYLOAD_MONITOR_P_EXIT, Me, Session, Name}", fun(Me, S) -> {28, Me, S, name} end, Said},
     {"{EXIT, Me, Session}", fun(Me, S) -> {3, Me, S} end, []},
     {"{EXIT, Ref, Name, Reason}", fun(_, _) -> {3, Ref, normal, normal} end, []},
     {"{EXIT_TT, Me, Token, Session}", fun(Me, S) -> {13, Me, token, S} end, []},
     {"{EXIT_TT, Ref, Token, Name, Reason}", fun(_, _) -> {13, Ref, token, normal, normal} end, []},
     {"{EXIT2, Me, Session}", fun(Me, S) -> {8, Me, S} end, []},
     {"{EXIT2, Ref, Name, Reason}", fun(_, _) -> {8, Ref, normal, normal} end, []},
     {"{EXIT2_TT, Me, Token, Session}", fun(Me, S) -> {18, Me, token, S} end, []},
     {"{EXIT2_TT, Ref, Token, Name, Reason}", fun(_, _) -> {18, Ref, token, normal, normal} end, []},
     {"{EXIT, Me, Session, Reason} and something behind it", fun(Me, S) -> {3, Me, S, bye} end, Said},
     {"{GROUP_LEADER, Me}", fun(Me, _) -> {7, Me} end, []},
     {"{GROUP_LEADER, Me, Name}", fun(Me, _) -> {7, Me, atomic} end, []},
     {"{GROUP_LEADER, Name, Session}", fun(_, S) -> {7, name, S} end, []},
     {"{REG_SEND_TT, Me, Unused, Name}", fun(Me, _) -> {16, Me, '', name} end, Said},
     {"{REG_SEND_TT, Name, Unused, Name, Token}", fun(_, _) -> {16, name, '', name, token} end, Said},
     {"{REG_SEND, Me, Unused}", fun(Me, _) -> {6, Me, ''} end, Said},
     {"{REG_SEND, Me, Unused, Session}", fun(Me, S) -> {6, Me, '', S} end, Said},
     {"{REG_SEND, Name, Unused, Name}", fun(_, _) -> {6, name, '', name} end, Said},
     {"{REG_SEND, Me, Unused, Name, Token}", fun(Me, _) -> {6, Me, '', name, {token}} end, Said},
     {"{SEND_TT, Unused, Session}", fun(_, S) -> {12, '', S} end, Said},
     {"{SEND_TT, Unused, Name, Token}", fun(_, _) -> {12, '', name, token} end, Said},
     {"{SEND, Unused}", fun(_, _) -> {2, ''} end, Said},
     {"{SEND, Unused, Name}", fun(_, _) -> {2, '', name} end, Said},
     {"{SEND, Unused, Session, Token}", fun(_, S) -> {2, '', S, {token}} end, Said},
     {"{SEND_SENDER, Me}", fun(Me, _) -> {22, Me} end, Said},
     {"{SEND_SENDER, Name, Session}", fun(_, S) -> {22, name, S} end, Said},
     {"{SEND_SENDER_TT, Me, Session}", fun(Me, S) -> {23, Me, S} end, Said},
     {"{PAYLOAD_EXIT, Me, Session} without a reason", fun(Me, S) -> {24, Me, S} end, []},
     {"{PAYLOAD_EXIT, Me, Session, Reason}", fun(Me, S) -> {24, Me, S, bye} end, Said},
     {"{PAYLOAD_EXIT2, Me, Name}", fun(Me, _) -> {26, Me, name} end, Said},
     {"{PAYLOAD_EXIT2, Me, Session} and two reasons", fun(Me, S) -> {26, Me, S} end, Said ++ Said},
     {"{SPAWN_REQUEST, Me, Me, Me, MFA, Opts}", fun(Me, _) -> {29, Me, Me, Me, {erpc, execute_call, 1}, []} end, Said},
     {"{SPAWN_REQUEST, Ref, Me, Name, MFA, Opts}",
      fun(Me, _) -> {29, Ref, Me, user, {erpc, execute_call, 1}, []} end, Said},
     {"{SPAWN_REQUEST, Ref, Me, Me, MF, Opts}", fun(Me, _) -> {29, Ref, Me, Me, {erpc, execute_call}, []} end, Said},
     {"{SPAWN_REQUEST, Ref, Me, Me, MFA, Opts} with improper options",
      fun(Me, _) -> {29, Ref, Me, Me, {erpc, execute_call, 0}, [monitor | link]} end, [term_to_binary([])]},
     {"{SPAWN_REQUEST, Ref, Me, Me, MFA, Opts} with another number of arguments",
      fun(Me, _) -> {29, Ref, Me, Me, {erpc, execute_call, 4}, []} end, [term_to_binary([one])]},
     {"{SPAWN_REPLY, Ref, Session, Flags}", fun(_, S) -> {31, Ref, S, 0} end, []},
     {"{SPAWN_REPLY, Ref, Session, Flags, Ref}", fun(_, S) -> {31, Ref, S, 0, Ref} end, []},
     {"{SPAWN_REPLY, Ref, Session, Name, Me}", fun(Me, S) -> {31, Ref, S, none, Me} end, []},
     {"{ALIAS_SEND, Me, Session}", fun(Me, S) -> {33, Me, S} end, Said},
     {"{ALIAS_SEND, Me, Ref} without a message", fun(Me, _) -> {33, Me, Ref} end, []},
     {"{ALTACT_SIG_SEND, Name, Me, Session}", fun(Me, S) -> {37, prio, Me, S} end, Said},
     {"{ALTACT_SIG_SEND, 0, Me, Ref}", fun(Me, _) -> {37, 0, Me, Ref} end, Said},
     {"{ALTACT_SIG_SEND, 2, Me, Session}", fun(Me, S) -> {37, 2, Me, S} end, Said},
     {"{ALTACT_SIG_SEND}", fun(_, _) -> {37} end, []},
     {"a tuple of 256 elements", fun(_, _) -> list_to_tuple(lists:duplicate(256, 2)) end, Said},
     {"a list", fun(Me, S) -> [2, Me, S] end, Said},
     {"{Name, Me, Session}", fun(Me, S) -> {link, Me, S} end, []},
     {"{1.0, Me, Session}", fun(Me, S) -> {1.0, Me, S} end, []}].

%%% no term at all

terms() ->
    Send = fun(Me) -> term_to_binary({6, Me, '', asm}) end,
    [{["a message that ", What, " costs the link"], fun(Me, _) -> [Make(Send(Me), Me)] end}
     || {What, Make} <-
            [{"refers to an atom cache", fun(Control, _) -> [112, Control, 131, $R, 137] end},
             {"has a tag that nobody knows", fun(Control, _) -> [112, Control, 131, $?, 66] end},
             {"ends in the middle", fun(Control, _) -> [112, Control, 131, 104, 2, 97] end},
             {"is followed by something", fun(Control, _) -> [112, Control, 131, 106, 106] end},
             {"has a map with a key twice",
              fun(Control, _) -> [112, Control, 131, 116, <<2:32>>, 97, 1, 97, 1, 97, 1, 97, 2] end},
             {"hides behind a header with 255 atoms", fun(_, _) -> [131, $D, 255] end},
             {"has an atom of the cache in its control message",
              fun(_, Me) ->
                  Whole = term_to_binary({6, Me, '', a}),
                  Last = byte_size(term_to_binary(a)) - 1,
                  [112, binary:part(Whole, 0, byte_size(Whole) - Last), $R, 0, term_to_binary({a, message})]
              end}]].

%%% fragments, which asmd does not announce: each of them alone is one too many

fragments() ->
    First = fun(Sequence, Left, Control, Piece) ->
        <<131, Rest/binary>> = term_to_binary(Control),
        [131, $E, <<Sequence:64, Left:64>>, 0, Rest, Piece]
    end,
    More = fun(Sequence, Left, Piece) -> [131, $F, <<Sequence:64, Left:64>>, Piece] end,
    <<131, Message/binary>> = term_to_binary(lists:duplicate(255, 255)),
    <<Head:10/binary, Tail/binary>> = Message,
    [{["fragments: ", What, " cost the link"], Make}
     || {What, Make} <-
            [{"all of them in order", fun(_, S) -> [First(1, 2, {2, '', S}, Head), More(1, 1, Tail)] end},
             {"the last one only", fun(_, _) -> [More(1, 1, Tail)] end},
             {"one that is missing between two", fun(_, S) -> [First(1, 3, {2, '', S}, Head), More(1, 1, Tail)] end},
             {"the first one twice", fun(_, S) -> [First(1, 3, {2, '', S}, Head), First(1, 3, {2, '', S}, Head)] end},
             {"a first one with a bad control message", fun(_, S) -> [First(1, 1, {2, '', S, broken}, Tail)] end},
             {"an exit with a bad reason", fun(Me, S) -> [First(1, 1, {24, Me, S}, [131])] end},
             {"an exit/2 with a bad reason", fun(Me, S) -> [First(1, 1, {26, Me, S}, [132])] end},
             {"a monitor's end with a bad reason",
              fun(Me, S) -> [First(1, 1, {28, Me, S, make_ref()}, [133])] end}]].
