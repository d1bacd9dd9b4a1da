%% SPDX-License-Identifier: MIT
%% A byte stream cut into lines. Chunks may end anywhere; what is not yet a whole line is kept as it
%% came and joined once, so that a line of n bytes costs n however small its pieces are.
-module(asmd_host_lines).

-export([new/1, feed/2, rest/1, batches/1]).

-export_type([lines/0]).

-record(lines, {max :: pos_integer(), size = 0 :: non_neg_integer(), pieces = [] :: [binary()]}).
-opaque lines() :: #lines{}.

%% limits of one message to a subscriber; a longer line is a message of its own
-define(BATCH_LINES, 100).
-define(BATCH_BYTES, 65536).

%% Max: bytes that a line may have, its newline not counted
-spec new(pos_integer()) -> lines().
new(Max) ->
    #lines{max = Max}.

%% too_long comes with the whole lines before the one that is too long
-spec feed(binary(), lines()) -> {ok, [binary()], lines()} | {too_long, [binary()]}.
feed(Chunk, Lines) ->
    feed(binary:split(Chunk, <<"\n">>, [global]), Lines, []).

%% What follows the last newline, if anything does.
-spec rest(lines()) -> [binary()].
rest(#lines{size = 0}) -> [];
rest(#lines{pieces = Pieces}) -> [join(Pieces)].

%% The lines in order, in lists that are small enough to be one message each.
-spec batches([binary()]) -> [[binary()]].
batches([]) -> [];
batches(Lines) -> batches(Lines, 0, 0, []).

feed([Piece], #lines{max = Max, size = Size, pieces = Pieces} = Lines, Done) ->
    case Size + byte_size(Piece) of
        New when New > Max -> {too_long, lists:reverse(Done)};
        Size -> {ok, lists:reverse(Done), Lines};
        New -> {ok, lists:reverse(Done), Lines#lines{size = New, pieces = [Piece | Pieces]}}
    end;
feed([Piece | Next], #lines{max = Max, size = Size, pieces = Pieces} = Lines, Done) ->
    case Size + byte_size(Piece) =< Max of
        true -> feed(Next, Lines#lines{size = 0, pieces = []}, [join([Piece | Pieces]) | Done]);
        false -> {too_long, lists:reverse(Done)}
    end.

join([Piece]) -> Piece;
join(Pieces) -> iolist_to_binary(lists:reverse(Pieces)).

batches([], _N, _Bytes, Batch) ->
    [lists:reverse(Batch)];
batches([Line | Next], N, Bytes, Batch)
  when N =:= 0; N < ?BATCH_LINES, Bytes + byte_size(Line) =< ?BATCH_BYTES ->
    batches(Next, N + 1, Bytes + byte_size(Line), [Line | Batch]);
batches(Lines, _N, _Bytes, Batch) ->
    [lists:reverse(Batch) | batches(Lines, 0, 0, [])].
