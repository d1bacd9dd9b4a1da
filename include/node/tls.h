/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * TLS under the distribution protocol, for peers that run with `-proto_dist inet_tls`: the same
 * handshake and frames on an encrypted stream, with certificates checked from both sides.
 */

#include <gio/gio.h>

typedef struct _AsmTls AsmTls;

typedef struct {
        char *certificate; /* PEM file: our certificate, and those between it and the authority's */
        char *private_key; /* PEM file */
        char *authorities; /* PEM file: whose certificates are believed */
        gboolean verify_host; /* the certificate of a peer that we call names the peer's host */
} AsmTlsConfig;

void asm_tls_config_init(AsmTlsConfig *config);
void asm_tls_config_clear(AsmTlsConfig *config);
/* whether anything of it is given */
gboolean asm_tls_config_is_set(const AsmTlsConfig *config);

/**
 * asm_tls_new: reads the files, which is done at the start of a program
 *
 * Errors: ASM_NODE_ERROR_TLS naming what is missing, the file that cannot be used, or that GIO has no TLS
 */
AsmTls *asm_tls_new(const AsmTlsConfig *config, GError **error);
void asm_tls_free(AsmTls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AsmTls, asm_tls_free)

/**
 * asm_tls_connect_async, asm_tls_accept_async: the handshake on a connected stream
 * @host: that the peer's certificate must name
 *
 * asm_tls_finish() returns (transfer full) the stream to use instead, or NULL with ASM_NODE_ERROR_TLS
 * (which certificate is not believed and why, no TLS on the other side), _CONNECT or, when it was
 * cancelled, the error of GIO.
 */
void asm_tls_connect_async(AsmTls *tls,
                           GSocketConnection *connection,
                           const char *host,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
void asm_tls_accept_async(AsmTls *tls,
                          GSocketConnection *connection,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
GIOStream *asm_tls_finish(GAsyncResult *result, GError **error);
