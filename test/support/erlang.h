/* SPDX-License-Identifier: MIT */
#pragma once

/* Terms as tests write and compare them: Erlang text in, Erlang text out. */

#include "term/print.h"
#include "term/term.h"

/**
 * test_term: (transfer full): the term that Erlang text stands for
 * @text: atoms, integers, "strings", <<"binaries">>, tuples, lists, maps; ~w takes an AsmView
 */
AsmTerm *test_term(const char *text, ...);

/* (transfer full): one line of Erlang */
char *test_show(AsmView view);

#define test_expect_term(view, expected)                                                           \
        do {                                                                                       \
                g_autofree char *shown_ = test_show(view);                                         \
                cr_assert_str_eq(shown_, expected);                                                \
        } while (0)
