/* SPDX-License-Identifier: MIT */

/*
 * TLS is GIO's (glib-networking): here is what is demanded of it. Both sides show a certificate and
 * both are checked against the authorities of the configuration alone, not the system's, because
 * anybody can have a certificate of a public authority. Of a peer that we call the certificate must
 * name the host we called; of one that calls us only the signature counts, as with OTP, since a
 * node has no address that it could be held to. Who it is, the cookie and the name say.
 *
 * GIO decides about a certificate with a set of flags and reports a refusal without them, so what
 * was wrong is written down while it is decided.
 */

#include "node/tls.h"

#include "node/error.h"

#include <string.h>

struct _AsmTls {
        GTlsCertificate *certificate;
        GTlsDatabase *authorities;
        GTlsCertificateFlags demanded;
};

typedef struct {
        GIOStream *stream;
        GTlsCertificateFlags demanded; /* a copy: a handshake may outlive what began it */
        GTlsCertificateFlags wrong;    /* with the peer's certificate */
} Handshake;

void
asm_tls_config_init(AsmTlsConfig *config)
{
        *config = (AsmTlsConfig){ .verify_host = TRUE };
}

void
asm_tls_config_clear(AsmTlsConfig *config)
{
        g_clear_pointer(&config->certificate, g_free);
        g_clear_pointer(&config->private_key, g_free);
        g_clear_pointer(&config->authorities, g_free);
}

gboolean
asm_tls_config_is_set(const AsmTlsConfig *config)
{
        return config->certificate != NULL || config->private_key != NULL ||
               config->authorities != NULL;
}

static gboolean
demand(const char *key, const char *value, GError **error)
{
        if (value != NULL)
                return TRUE;
        g_set_error(error,
                    ASM_NODE_ERROR,
                    ASM_NODE_ERROR_TLS,
                    "TLS: %s is not given; certificate, private_key and authorities go together",
                    key);
        return FALSE;
}

AsmTls *
asm_tls_new(const AsmTlsConfig *config, GError **error)
{
        g_autoptr(AsmTls) tls = g_new0(AsmTls, 1);
        g_autoptr(GError) cause = NULL;

        if (!demand("certificate", config->certificate, error) ||
            !demand("private_key", config->private_key, error) ||
            !demand("authorities", config->authorities, error))
                return NULL;
        if (!g_tls_backend_supports_tls(g_tls_backend_get_default())) {
                g_set_error_literal(error,
                                    ASM_NODE_ERROR,
                                    ASM_NODE_ERROR_TLS,
                                    "TLS: GIO has no TLS here; install glib-networking");
                return NULL;
        }
        tls->certificate =
                g_tls_certificate_new_from_files(config->certificate, config->private_key, &cause);
        if (tls->certificate == NULL) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_TLS,
                            "TLS: certificate '%s' with private_key '%s': %s",
                            config->certificate,
                            config->private_key,
                            cause->message);
                return NULL;
        }
        tls->authorities = g_tls_file_database_new(config->authorities, &cause);
        if (tls->authorities == NULL) {
                g_set_error(error,
                            ASM_NODE_ERROR,
                            ASM_NODE_ERROR_TLS,
                            "TLS: authorities '%s': %s",
                            config->authorities,
                            cause->message);
                return NULL;
        }
        tls->demanded = config->verify_host ? G_TLS_CERTIFICATE_VALIDATE_ALL
                                            : G_TLS_CERTIFICATE_VALIDATE_ALL &
                                                      ~(guint)G_TLS_CERTIFICATE_BAD_IDENTITY;
        return g_steal_pointer(&tls);
}

void
asm_tls_free(AsmTls *tls)
{
        if (tls == NULL)
                return;
        g_clear_object(&tls->certificate);
        g_clear_object(&tls->authorities);
        g_free(tls);
}

static void
handshake_free(gpointer data)
{
        Handshake *handshake = data;

        g_clear_object(&handshake->stream);
        g_free(handshake);
}

/* in the thread of the handshake, which has ended when anybody looks at what was written down */
static gboolean
on_certificate(GTlsConnection *connection,
               GTlsCertificate *certificate,
               GTlsCertificateFlags wrong,
               gpointer user_data)
{
        Handshake *handshake = user_data;

        handshake->wrong = wrong & handshake->demanded;
        return handshake->wrong == 0;
}

static const char *
describe(GTlsCertificateFlags wrong)
{
        if ((wrong & G_TLS_CERTIFICATE_EXPIRED) != 0)
                return "its certificate has expired";
        if ((wrong & G_TLS_CERTIFICATE_NOT_ACTIVATED) != 0)
                return "its certificate is not valid yet; is the clock right?";
        if ((wrong & G_TLS_CERTIFICATE_UNKNOWN_CA) != 0)
                return "its certificate is not signed by one of our authorities";
        if ((wrong & G_TLS_CERTIFICATE_BAD_IDENTITY) != 0)
                return "its certificate does not name its host";
        if ((wrong & G_TLS_CERTIFICATE_REVOKED) != 0)
                return "its certificate has been revoked";
        if ((wrong & G_TLS_CERTIFICATE_INSECURE) != 0)
                return "its certificate uses an algorithm that is not safe";
        return "its certificate is not valid";
}

static GError *
translate(const Handshake *handshake, const GError *cause)
{
        const char *why = cause->message;

        if (handshake->wrong != 0)
                why = describe(handshake->wrong);
        else if (g_error_matches(cause, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED))
                why = "it has shown no certificate";
        else if (g_error_matches(cause, G_TLS_ERROR, G_TLS_ERROR_NOT_TLS))
                why = "it does not speak TLS, and this node demands it";
        else if (cause->domain != G_TLS_ERROR)
                return g_error_new(ASM_NODE_ERROR,
                                   ASM_NODE_ERROR_CONNECT,
                                   "TLS handshake: %s",
                                   cause->message);
        return g_error_new(ASM_NODE_ERROR,
                           ASM_NODE_ERROR_TLS,
                           "TLS handshake: %s%s",
                           why,
                           g_error_matches(cause, G_TLS_ERROR, G_TLS_ERROR_MISC)
                                   ? " (is it a node without TLS?)"
                                   : "");
}

static void
on_handshake(GObject *source, GAsyncResult *result, gpointer user_data)
{
        g_autoptr(GTask) task = user_data;
        Handshake *handshake = g_task_get_task_data(task);
        g_autoptr(GError) cause = NULL;

        if (g_tls_connection_handshake_finish(G_TLS_CONNECTION(source), result, &cause))
                g_task_return_pointer(task, g_steal_pointer(&handshake->stream), g_object_unref);
        else if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                g_task_return_error(task, g_steal_pointer(&cause));
        else
                g_task_return_error(task, translate(handshake, cause));
}

/* @stream: (transfer full) (nullable): NULL with @error set */
static void
begin(AsmTls *tls, GIOStream *stream, GError *error, GTask *owned_task)
{
        g_autoptr(GTask) task = owned_task;
        Handshake *handshake;

        if (stream == NULL) {
                g_task_return_error(task, error);
                return;
        }
        handshake = g_new0(Handshake, 1);
        handshake->demanded = tls->demanded;
        handshake->stream = stream;
        g_task_set_task_data(task, handshake, handshake_free);
        g_tls_connection_set_database(G_TLS_CONNECTION(stream), tls->authorities);
        /* a peer that just goes away is like one whose plain connection ends */
        g_tls_connection_set_require_close_notify(G_TLS_CONNECTION(stream), FALSE);
        g_signal_connect(stream, "accept-certificate", G_CALLBACK(on_certificate), handshake);
        g_tls_connection_handshake_async(G_TLS_CONNECTION(stream),
                                         G_PRIORITY_DEFAULT,
                                         g_task_get_cancellable(task),
                                         on_handshake,
                                         g_object_ref(task));
}

void
asm_tls_connect_async(AsmTls *tls,
                      GSocketConnection *connection,
                      const char *host,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
        GTask *task = g_task_new(NULL, cancellable, callback, user_data);
        g_autoptr(GSocketConnectable) identity = g_network_address_new(host, 0);
        GError *error = NULL;
        GIOStream *stream = g_tls_client_connection_new(G_IO_STREAM(connection), identity, &error);

        if (stream != NULL)
                g_tls_connection_set_certificate(G_TLS_CONNECTION(stream), tls->certificate);
        begin(tls, stream, error, task);
}

void
asm_tls_accept_async(AsmTls *tls,
                     GSocketConnection *connection,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
        GTask *task = g_task_new(NULL, cancellable, callback, user_data);
        GError *error = NULL;
        GIOStream *stream =
                g_tls_server_connection_new(G_IO_STREAM(connection), tls->certificate, &error);

        if (stream != NULL)
                g_object_set(stream, "authentication-mode", G_TLS_AUTHENTICATION_REQUIRED, NULL);
        begin(tls, stream, error, task);
}

GIOStream *
asm_tls_finish(GAsyncResult *result, GError **error)
{
        return g_task_propagate_pointer(G_TASK(result), error);
}
