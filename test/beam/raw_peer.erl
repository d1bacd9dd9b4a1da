%% SPDX-License-Identifier: MIT
%%
%% A peer that speaks the distribution protocol by hand on a socket, so that it can break it at any
%% byte. Handshake version 6, frames without atom cache or fragments.
-module(raw_peer).

-export([port_of/1, open/1, open/3, open/4, hello/3, send/2, control/2, control/3, frame/1, closed/1,
         flags/0]).
-export([name/0, shake/1, shake/2, shake/3, pid/1, other_pid/3, next/2, prove/3]).

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
        {ok, Challenge} -> prove(Socket, Cookie, Challenge);
        Refused -> Refused
    end.

%% the rest of a handshake
prove(Socket, Cookie, Challenge) ->
    Mine = 16#01020304,
    send(Socket, short(<<"r", Mine:32, (digest(Cookie, Challenge))/binary>>)),
    case receive_short(Socket) of
        <<"a", _:16/binary>> -> {ok, Socket};
        Other -> {refused, Other}
    end.

%% the same under a name of its own, which pid/1 remembers
shake(Node) ->
    shake(Node, flags()).

shake(Node, Flags) ->
    shake(Node, name(), Flags).

shake(Node, Name, Flags) ->
    case open(Node, Name, erlang:get_cookie(), Flags) of
        {ok, Socket} ->
            put({name, Socket}, Name),
            {ok, Socket};
        Refused ->
            Refused
    end.

name() ->
    Host = lists:last(string:lexemes(atom_to_list(node()), "@")),
    Name = io_lib:format("raw~b@~s", [erlang:unique_integer([positive]), Host]),
    iolist_to_binary(Name).

%% a pid of the raw peer behind Socket
pid(Socket) ->
    other_pid(binary_to_atom(get({name, Socket})), 1, 0).

other_pid(Node, Id, Serial) ->
    Name = atom_to_binary(Node),
    %% the creation of raw_peer; for other nodes any will do
    binary_to_term(<<131, 88, 119, (byte_size(Name)), Name/binary, Id:32, Serial:32, 16#55:32>>).

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

%% the next frame: {Control, Payload}, Payload being none where there is none; tick; {error, Reason}
next(Socket, Ms) ->
    case gen_tcp:recv(Socket, 4, Ms) of
        {ok, <<0:32>>} ->
            tick;
        {ok, <<Length:32>>} ->
            {ok, <<112, Body/binary>>} = gen_tcp:recv(Socket, Length, Ms),
            {Control, Used} = binary_to_term(Body, [used]),
            case binary:part(Body, Used, byte_size(Body) - Used) of
                <<>> -> {Control, none};
                Payload -> {Control, binary_to_term(Payload)}
            end;
        {error, Reason} ->
            {error, Reason}
    end.

%% whether the other side closes within Ms, whatever it sends before
closed(Socket) ->
    closed(Socket, erlang:monotonic_time(millisecond) + 15000).

closed(Socket, Deadline) ->
    case gen_tcp:recv(Socket, 0, max(0, Deadline - erlang:monotonic_time(millisecond))) of
        {error, timeout} -> false;
        {error, _} -> true;
        {ok, _} -> closed(Socket, Deadline)
    end.
