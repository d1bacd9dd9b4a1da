/* SPDX-License-Identifier: MIT */

/*
 * What wakes a link. A plain one has one source on the descriptor itself: GIO's sources for
 * streams are made of a parent and a child, and GLib takes the descriptors of a source out of its set
 * and puts them back around each dispatch, at the price of four system calls, unless the source
 * says that it may recurse.
 *
 * Under TLS the descriptor does not tell: what it had to give may wait decrypted in a buffer,
 * and a write may have to read first. There the streams' own sources are used, one for each
 * direction that is wanted.
 */

#include "link-private.h"

typedef struct {
        GSource base;
        AsmLink *link;
        gpointer tag;
} LinkSource;

static gboolean
plain_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
        LinkSource *self = (LinkSource *)source;
        AsmLink *link = asm_link_ref(self->link);
        GIOCondition ready = g_source_query_unix_fd(source, self->tag);

        /* the end of a connection is read even in a pause: poll(2) would tell of it for ever */
        if ((ready & (G_IO_HUP | G_IO_ERR)) != 0 || (!link->is_paused && (ready & G_IO_IN) != 0))
                asm_link_readable(link);
        if ((ready & G_IO_OUT) != 0)
                asm_link_writable(link);
        asm_link_unref(link);
        return G_SOURCE_CONTINUE;
}

static GSourceFuncs plain_funcs = { .dispatch = plain_dispatch };

static gboolean
on_stream_readable(GObject *stream, gpointer user_data)
{
        AsmLink *link = asm_link_ref(user_data);

        asm_link_readable(link);
        asm_link_unref(link);
        return G_SOURCE_CONTINUE;
}

static gboolean
on_stream_writable(GObject *stream, gpointer user_data)
{
        AsmLink *link = asm_link_ref(user_data);

        asm_link_writable(link);
        asm_link_unref(link);
        return G_SOURCE_CONTINUE;
}

static void
remove_source(GSource **source)
{
        if (*source == NULL)
                return;
        g_source_destroy(*source);
        g_clear_pointer(source, g_source_unref);
}

/* G_CALLBACK: the type of a source's function depends on the source (g_source_set_callback) */
static void
set_source(GSource **source, GSource *made, GCallback func, AsmLink *link)
{
        *source = made;
        g_source_set_callback(made, (GSourceFunc)func, link, NULL);
        g_source_attach(made, g_main_context_get_thread_default());
}

static void
update_stream(AsmLink *link, GIOCondition wanted)
{
        if ((wanted & G_IO_IN) == 0)
                remove_source(&link->source);
        else if (link->source == NULL)
                set_source(
                        &link->source,
                        g_pollable_input_stream_create_source(
                                G_POLLABLE_INPUT_STREAM(g_io_stream_get_input_stream(link->stream)),
                                NULL),
                        G_CALLBACK(on_stream_readable),
                        link);
        if ((wanted & G_IO_OUT) == 0)
                remove_source(&link->write_source);
        else if (link->write_source == NULL)
                set_source(&link->write_source,
                           g_pollable_output_stream_create_source(
                                   G_POLLABLE_OUTPUT_STREAM(
                                           g_io_stream_get_output_stream(link->stream)),
                                   NULL),
                           G_CALLBACK(on_stream_writable),
                           link);
}

static void
update_plain(AsmLink *link, GIOCondition wanted)
{
        if (link->source == NULL) {
                link->source = g_source_new(&plain_funcs, sizeof(LinkSource));
                ((LinkSource *)link->source)->link = link;
                ((LinkSource *)link->source)->tag =
                        g_source_add_unix_fd(link->source, g_socket_get_fd(link->socket), wanted);
                g_source_set_can_recurse(link->source, TRUE);
                g_source_attach(link->source, g_main_context_get_thread_default());
        } else if (link->wanted != wanted) {
                g_source_modify_unix_fd(link->source, ((LinkSource *)link->source)->tag, wanted);
        }
}

void
asm_link_update_source(AsmLink *link)
{
        GIOCondition wanted = (link->is_paused ? 0 : G_IO_IN) | (link->is_blocked ? G_IO_OUT : 0);

        if (link->state == ASM_LINK_CLOSED)
                return;
        if (link->is_tls)
                update_stream(link, wanted);
        else
                update_plain(link, wanted);
        link->wanted = wanted;
}

void
asm_link_remove_source(AsmLink *link)
{
        remove_source(&link->source);
        remove_source(&link->write_source);
}
