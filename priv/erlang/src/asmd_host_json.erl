%% SPDX-License-Identifier: MIT
%% JSON text of a term, for the few options that a CLI takes as JSON. OTP has this only since 27.
-module(asmd_host_json).

-export([encode/1]).

%% Maps, lists, binaries (UTF-8), atoms, numbers; nil is null. Anything else raises badarg.
-spec encode(term()) -> binary().
encode(Term) ->
    iolist_to_binary(value(Term)).

value(Map) when is_map(Map) ->
    Members = [[string(key(Key)), $:, value(Value)] || {Key, Value} <- maps:to_list(Map)],
    [${, lists:join($,, Members), $}];
value(List) when is_list(List) -> [$[, lists:join($,, [value(Item) || Item <- List]), $]];
value(nil) -> <<"null">>;
value(undefined) -> <<"null">>;
value(true) -> <<"true">>;
value(false) -> <<"false">>;
value(Atom) when is_atom(Atom) -> string(atom_to_binary(Atom));
value(Text) when is_binary(Text) -> string(Text);
value(Integer) when is_integer(Integer) -> integer_to_binary(Integer);
value(Float) when is_float(Float) -> float_to_binary(Float, [short]);
value(_) -> error(badarg).

key(Key) when is_atom(Key) -> atom_to_binary(Key);
key(Key) when is_binary(Key) -> Key;
key(_) -> error(badarg).

string(Text) ->
    case unicode:characters_to_list(Text) of
        Chars when is_list(Chars) -> [$", unicode:characters_to_binary(escape(Chars)), $"];
        _ -> error(badarg)
    end.

escape(Chars) ->
    lists:map(fun($") -> "\\\"";
                 ($\\) -> "\\\\";
                 (Char) when Char < 16#20 -> io_lib:format("\\u~4.16.0b", [Char]);
                 (Char) -> Char
              end, Chars).
