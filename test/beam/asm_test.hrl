%% SPDX-License-Identifier: MIT
%%
%% ?EXPECT(Pattern, Expr) is the value of Expr, and fails the check when that has another form.
%% ?EXPECT_ERROR(Class, Pattern, Expr): Expr must raise that. Both show expected and got.
-define(EXPECT(Pattern, Expr),
        (fun() ->
                 Got__ = (Expr),
                 case Got__ of
                     Pattern -> Got__;
                     _ -> throw({unexpected, ??Pattern, Got__})
                 end
         end)()).

-define(EXPECT_ERROR(Class, Pattern, Expr),
        (fun() ->
                 try (Expr) of
                     Got__ -> throw({unexpected, ??Class ": " ??Pattern, {value, Got__}})
                 catch
                     Class:Pattern -> ok;
                     throw:{unexpected, _, _} = Nested__ -> throw(Nested__);
                     Class__:Reason__ ->
                         throw({unexpected, ??Class ": " ??Pattern, {Class__, Reason__}})
                 end
         end)()).
