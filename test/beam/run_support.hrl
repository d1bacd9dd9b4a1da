%% SPDX-License-Identifier: MIT
%%
%% The form of every failure: an ASM.Error of that kind and domain.
-include("asm_test.hrl").

-define(FAILURE(Kind, Domain),
        {error, #{'__struct__' := 'Elixir.ASM.Error', '__exception__' := true, kind := Kind,
                  domain := Domain, message := <<_, _/binary>>, cause := _}}).
