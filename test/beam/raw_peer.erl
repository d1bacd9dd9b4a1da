%% SPDX-License-Identifier: MIT
%%
%% A peer that speaks the distribution protocol by hand on a socket, so that it can break it at any
%% byte. Handshake version 6, frames without atom cache or fragments.
-module(raw_peer).

-export([port_of/1, open/1, open/3, open/4, hello/3, send/2, control/2, control/3, frame/1, closed/1,
         flags/0]).

-define(T, 5000).

%% what every OTP from 25 on demands, and monitors, spawn, alias as a BEAM has them
flags() ->
    16#4 bor 16#8 bor 16#10 bor 16#20 bor 16#80 bor 16#100 bor 16#200 bor 16#400 bor 16#800 bor
        16#10000 bor 16#20000 bor 16#40000 bor 16#80000 bor 16#400000 bor 16#1000000 bor 16#2000000
        bor 16#4000000 bor (1 bsl 32) bor (1 bsl 34) bor (1 bsl 35).

%% the port that epmd names for a node of this host
port_of(Node) ->
    [Name, Host] = string:lexemes(atom_to_list(Node), "@"),
    {port, Port, _} = erl_epmd:port_please(Name, Host),
    Port.

open(Node) ->
    {ok, Socket} = gen_tcp:connect("localhost", port_of(Node), [binary, {active, false}, {packet, raw}], ?T),
    Socket.

%% a socket behind a finished handshake
open(Node, Name, Cookie) ->
    open(Node, Name, Cookie, flags()).

open(Node, Name, Cookie, Flags) ->
    Socket = open(Node),
    case hello(Socket, Name, Flags) of
        {ok, Challenge} ->
            Mine = 16#01020304,
            send(Socket, short(<<"r", Mine:32, (digest(Cookie, Challenge))/binary>>)),
            case receive_short(Socket) of
                <<"a", _:16/binary>> -> {ok, Socket};
                Other -> {refused, Other}
            end;
        Refused ->
            Refused
    end.

%% {ok, Challenge} or {refused, Status}
hello(Socket, Name, Flags) ->
    send(Socket, short(<<"N", Flags:64, 16#55:32, (byte_size(Name)):16, Name/binary>>)),
    case receive_short(Socket) of
        <<"sok", _/binary>> ->
            <<"N", _:64, Challenge:32, _:32, _/binary>> = receive_short(Socket),
            {ok, Challenge};
        Status ->
            {refused, Status}
    end.

digest(Cookie, Challenge) ->
    erlang:md5([atom_to_binary(Cookie), integer_to_binary(Challenge)]).

short(Bytes) ->
    <<(byte_size(Bytes)):16, Bytes/binary>>.

receive_short(Socket) ->
    case gen_tcp:recv(Socket, 2, ?T) of
        {ok, <<Length:16>>} ->
            {ok, Bytes} = gen_tcp:recv(Socket, Length, ?T),
            Bytes;
        {error, Reason} ->
            Reason
    end.

send(Socket, Bytes) ->
    gen_tcp:send(Socket, Bytes).

control(Socket, Message) ->
    send(Socket, frame([112, term_to_binary(Message)])).

control(Socket, Message, Payload) ->
    send(Socket, frame([112, term_to_binary(Message), term_to_binary(Payload)])).

frame(Bytes) ->
    [<<(iolist_size(Bytes)):32>>, Bytes].

%% whether the other side closes within Ms, whatever it sends before
closed(Socket) ->
    closed(Socket, erlang:monotonic_time(millisecond) + 15000).

closed(Socket, Deadline) ->
    case gen_tcp:recv(Socket, 0, max(0, Deadline - erlang:monotonic_time(millisecond))) of
        {error, timeout} -> false;
        {error, _} -> true;
        {ok, _} -> closed(Socket, Deadline)
    end.
