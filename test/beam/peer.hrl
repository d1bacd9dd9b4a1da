%% SPDX-License-Identifier: MIT
-include("asm_test.hrl").

%% how long a single operation may take
-define(T, 5000).
-define(ERROR(Kind), {error, #{'__struct__' := 'Elixir.ASM.Error', '__exception__' := true,
                               kind := Kind, domain := _, message := <<_, _/binary>>}}).
