/* SPDX-License-Identifier: MIT */
/*
 * Cookies: which files are trusted, what is taken from them, and that no message ever shows one.
 */
#include "node/cookie.h"
#include "node/error.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(node_cookie, .timeout = 300);

typedef struct {
        char *dir;
        char *path;
} Place;

static Place
place_new(void)
{
        Place place = { .dir = g_dir_make_tmp("asm-cookie-XXXXXX", NULL) };

        place.path = g_build_filename(place.dir, ".erlang.cookie", NULL);
        return place;
}

static void
place_clear(Place *place)
{
        g_unlink(place->path);
        g_rmdir(place->path);
        g_rmdir(place->dir);
        g_free(place->path);
        g_free(place->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static void
write_cookie(const Place *place, const char *content, gssize len, mode_t mode)
{
        cr_assert(g_file_set_contents(place->path, content, len, NULL));
        cr_assert_eq(g_chmod(place->path, mode), 0);
}

/* the cookie, or the message in @ret_message */
static char *
load(const char *path, char **ret_message)
{
        g_autoptr(GError) error = NULL;
        char *cookie = asm_cookie_load(path, &error);

        cr_assert_neq(cookie == NULL, error == NULL);
        if (error != NULL) {
                cr_assert(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_COOKIE_FILE));
                *ret_message = g_strdup(error->message);
        }
        return cookie;
}

Test(node_cookie, is_the_file_s_text_without_the_white_space_around_it)
{
        static const char *const contents[] = { "SECRET", "SECRET\n", " \tSECRET\r\n\n" };

        for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
                g_auto(Place) place = place_new();
                g_autofree char *message = NULL;
                g_autofree char *cookie = NULL;

                write_cookie(&place, contents[i], -1, 0400);
                cookie = load(place.path, &message);

                cr_expect_str_eq(cookie, "SECRET");
        }
}

Test(node_cookie, file_must_be_closed_to_others)
{
        static const mode_t open_modes[] = { 0440, 0404, 0444, 0644, 0660, 0410, 0401, 0777 };
        static const mode_t closed_modes[] = { 0400, 0600, 0700 };

        for (gsize i = 0; i < G_N_ELEMENTS(open_modes); i++) {
                g_auto(Place) place = place_new();
                g_autofree char *message = NULL;

                write_cookie(&place, "SECRET", -1, open_modes[i]);

                cr_expect_null(load(place.path, &message), "%o", open_modes[i]);
                cr_expect_not_null(strstr(message, "chmod 400"));
                cr_expect_not_null(strstr(message, place.path));
                cr_expect_null(strstr(message, "SECRET"));
        }
        for (gsize i = 0; i < G_N_ELEMENTS(closed_modes); i++) {
                g_auto(Place) place = place_new();
                g_autofree char *message = NULL;
                g_autofree char *cookie = NULL;

                write_cookie(&place, "SECRET", -1, closed_modes[i]);
                cookie = load(place.path, &message);

                cr_expect_str_eq(cookie, "SECRET", "%o", closed_modes[i]);
        }
}

Test(node_cookie, file_must_belong_to_this_user)
{
        g_auto(Place) place = place_new();
        g_autofree char *message = NULL;

        write_cookie(&place, "SECRET", -1, 0400);
        if (geteuid() != 0 || chown(place.path, 12345, (gid_t)-1) < 0)
                cr_skip_test("only root can give files away");

        cr_expect_null(load(place.path, &message));
        cr_expect_not_null(strstr(message, "another user"));
}

Test(node_cookie, must_not_be_empty)
{
        static const char *const contents[] = { "", "\n", "  \t\r\n" };

        for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
                g_auto(Place) place = place_new();
                g_autofree char *message = NULL;

                write_cookie(&place, contents[i], -1, 0400);

                cr_expect_null(load(place.path, &message));
                cr_expect_not_null(strstr(message, "empty"));
        }
}

Test(node_cookie, has_at_most_255_characters)
{
        static const gsize lengths[] = { 255, 256, 1000, 1023, 1024, 5000 };

        for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
                g_auto(Place) place = place_new();
                g_autofree char *content = g_strnfill(lengths[i], 'x');
                g_autofree char *message = NULL;
                g_autofree char *cookie = NULL;

                write_cookie(&place, content, -1, 0400);
                cookie = load(place.path, &message);

                if (lengths[i] <= ASM_COOKIE_MAX)
                        cr_expect_str_eq(cookie, content);
                else
                        cr_expect_null(cookie, "%zu", lengths[i]);
        }
}

Test(node_cookie, is_one_line_of_printable_characters)
{
        static const char bad[][8] = { "SEC RET",
                                       "SEC\nRET",
                                       "SEC\tRET",
                                       "SEC\x01",
                                       "SEC\xc3\xa4" };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_auto(Place) place = place_new();
                g_autofree char *message = NULL;

                write_cookie(&place, bad[i], -1, 0400);

                cr_expect_null(load(place.path, &message));
                cr_expect_null(strstr(message, "SEC"));
        }
}

Test(node_cookie, with_a_nul_byte_in_it_is_refused)
{
        g_auto(Place) place = place_new();
        g_autofree char *message = NULL;

        write_cookie(&place, "SEC\0RET", 7, 0400);

        cr_expect_null(load(place.path, &message));
}

Test(node_cookie, file_that_was_named_is_not_made)
{
        g_auto(Place) place = place_new();
        g_autofree char *message = NULL;

        cr_expect_null(load(place.path, &message));
        cr_expect_not_null(strstr(message, place.path));
        cr_expect(!g_file_test(place.path, G_FILE_TEST_EXISTS));
}

Test(node_cookie, file_must_be_a_regular_one)
{
        g_auto(Place) place = place_new();
        g_autofree char *message = NULL;
        g_autofree char *message2 = NULL;

        cr_assert_eq(mkfifo(place.path, 0400), 0);
        cr_expect_null(load(place.path, &message));
        cr_expect_not_null(strstr(message, "regular"));

        g_unlink(place.path);
        cr_assert_eq(g_mkdir(place.path, 0700), 0);
        cr_expect_null(load(place.path, &message2));
}

Test(node_cookie, default_file_is_made_for_its_owner_only_when_missing)
{
        g_auto(Place) place = place_new();
        g_autofree char *message = NULL;
        g_autofree char *first = NULL;
        g_autofree char *second = NULL;
        struct stat info;

        g_setenv("HOME", place.dir, TRUE);
        first = load(NULL, &message);
        second = load(NULL, &message);

        cr_assert_not_null(first);
        cr_expect_eq(strlen(first), 20);
        cr_expect_eq(strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 20);
        cr_expect_str_eq(first, second);
        cr_assert_eq(g_stat(place.path, &info), 0);
        cr_expect_eq(info.st_mode & 0777, 0400);
}

Test(node_cookie, of_a_peer_comes_before_the_default_one)
{
        g_autoptr(AsmCookies) cookies = asm_cookies_new("common");
        g_autoptr(GError) error = NULL;

        cr_assert(asm_cookies_set(cookies, "a@h", "own", &error));

        cr_expect_str_eq(asm_cookies_get(cookies, "a@h"), "own");
        cr_expect_str_eq(asm_cookies_get(cookies, "b@h"), "common");
}

Test(node_cookie, of_a_peer_stays_the_first_one)
{
        g_autoptr(AsmCookies) cookies = asm_cookies_new("common");
        g_autoptr(GError) error = NULL;

        cr_assert(asm_cookies_set(cookies, "a@h", "first-one", NULL));
        cr_assert(asm_cookies_set(cookies, "a@h", "first-one", NULL));
        cr_assert(!asm_cookies_set(cookies, "a@h", "other-one", &error));

        cr_expect(g_error_matches(error, ASM_NODE_ERROR, ASM_NODE_ERROR_COOKIE_CONFLICT));
        cr_expect_not_null(strstr(error->message, "a@h"));
        cr_expect_null(strstr(error->message, "first-one"));
        cr_expect_null(strstr(error->message, "other-one"));
        cr_expect_str_eq(asm_cookies_get(cookies, "a@h"), "first-one");
}
