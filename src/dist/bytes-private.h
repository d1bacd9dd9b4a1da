/* SPDX-License-Identifier: MIT */
#pragma once

/* Big-endian integers in the headers of this room; the caller has checked the bounds. */

#include "term/builder.h"
#include <string.h>

static inline guint16
asm_bytes_get_uint16(const guint8 *data)
{
        return (guint16)(data[0] << 8 | data[1]);
}

static inline guint32
asm_bytes_get_uint32(const guint8 *data)
{
        guint32 value;

        memcpy(&value, data, sizeof(value));
        return GUINT32_FROM_BE(value);
}

static inline guint64
asm_bytes_get_uint64(const guint8 *data)
{
        guint64 value;

        memcpy(&value, data, sizeof(value));
        return GUINT64_FROM_BE(value);
}

static inline void
asm_bytes_put_uint8(AsmBuilder *out, guint8 value)
{
        asm_builder_raw(out, &value, sizeof(value));
}

static inline void
asm_bytes_put_uint16(AsmBuilder *out, guint16 value)
{
        value = GUINT16_TO_BE(value);
        asm_builder_raw(out, &value, sizeof(value));
}

static inline void
asm_bytes_put_uint32(AsmBuilder *out, guint32 value)
{
        value = GUINT32_TO_BE(value);
        asm_builder_raw(out, &value, sizeof(value));
}

static inline void
asm_bytes_put_uint64(AsmBuilder *out, guint64 value)
{
        value = GUINT64_TO_BE(value);
        asm_builder_raw(out, &value, sizeof(value));
}
