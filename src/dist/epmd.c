/* SPDX-License-Identifier: MIT */
/*
 * The packets of epmd, the daemon that knows which port a node of this host listens on.
 *
 *      register:  len:16  120 port:16 type proto highest:16 lowest:16 nlen:16 name elen:16 extra
 *      answer:            118 result creation:32      or, from an old one, 121 result creation:16
 *      look up:   len:16  122 name
 *      answer:            119 result port:16 type proto highest:16 lowest:16 nlen:16 name elen:16..
 *
 * Requests have a length in front, answers have none: their first byte says how long they are. So
 * a decoder reads as far as it needs to and answers MORE until then; a result other than 0 ends
 * the answer at once. The extra bytes behind a name are nobody's business and are not waited for.
 *
 * The node type is "hidden": a published one would be pulled into global and pg by every peer.
 */
#include "dist/epmd.h"

#include "bytes-private.h"

#define ALIVE2_REQ       120
#define ALIVE2_X_RESP    118
#define ALIVE2_RESP      121
#define PORT_PLEASE2_REQ 122
#define PORT2_RESP       119

#define NODE_TYPE_HIDDEN  72
#define PROTOCOL_TCP_IPV4 0

/* the longest name an atom can have; keeps every request far below its 16-bit length */
#define ALIVE_MAX 255

void
asm_epmd_encode_register(AsmBuilder *out, const char *alive, guint16 port)
{
        gsize len = strlen(alive);

        g_return_if_fail(len > 0 && len <= ALIVE_MAX);

        asm_bytes_put_uint16(out, (guint16)(13 + len));
        asm_bytes_put_uint8(out, ALIVE2_REQ);
        asm_bytes_put_uint16(out, port);
        asm_bytes_put_uint8(out, NODE_TYPE_HIDDEN);
        asm_bytes_put_uint8(out, PROTOCOL_TCP_IPV4);
        asm_bytes_put_uint16(out, ASM_DIST_VERSION);
        asm_bytes_put_uint16(out, ASM_DIST_VERSION);
        asm_bytes_put_uint16(out, (guint16)len);
        asm_builder_raw(out, alive, len);
        asm_bytes_put_uint16(out, /* extra */ 0);
}

void
asm_epmd_encode_lookup(AsmBuilder *out, const char *alive)
{
        gsize len = strlen(alive);

        g_return_if_fail(len > 0 && len <= ALIVE_MAX);

        asm_bytes_put_uint16(out, (guint16)(1 + len));
        asm_bytes_put_uint8(out, PORT_PLEASE2_REQ);
        asm_builder_raw(out, alive, len);
}

AsmEpmdStatus
asm_epmd_decode_register(const guint8 *data, gsize len, guint32 *ret_creation)
{
        gboolean is_wide;

        if (len < 1)
                return ASM_EPMD_MORE;
        if (data[0] != ALIVE2_X_RESP && data[0] != ALIVE2_RESP)
                return ASM_EPMD_BROKEN;
        if (len < 2)
                return ASM_EPMD_MORE;
        if (data[1] != 0)
                return ASM_EPMD_REFUSED;

        is_wide = data[0] == ALIVE2_X_RESP;
        if (len < (is_wide ? 6 : 4))
                return ASM_EPMD_MORE;
        *ret_creation = is_wide ? asm_bytes_get_uint32(data + 2) : asm_bytes_get_uint16(data + 2);
        return ASM_EPMD_OK;
}

AsmEpmdStatus
asm_epmd_decode_lookup(const guint8 *data,
                       gsize len,
                       guint16 *ret_port,
                       guint16 *ret_lowest,
                       guint16 *ret_highest)
{
        guint16 port;
        guint16 name_len;

        if (len < 1)
                return ASM_EPMD_MORE;
        if (data[0] != PORT2_RESP)
                return ASM_EPMD_BROKEN;
        if (len < 2)
                return ASM_EPMD_MORE;
        if (data[1] != 0)
                return ASM_EPMD_REFUSED;
        if (len < 12)
                return ASM_EPMD_MORE;

        port = asm_bytes_get_uint16(data + 2);
        name_len = asm_bytes_get_uint16(data + 10);
        if (port == 0 || name_len > 4 * ALIVE_MAX)
                return ASM_EPMD_BROKEN;
        if (len < 12 + (gsize)name_len)
                return ASM_EPMD_MORE;
        *ret_port = port;
        *ret_highest = asm_bytes_get_uint16(data + 6);
        *ret_lowest = asm_bytes_get_uint16(data + 8);
        return ASM_EPMD_OK;
}
