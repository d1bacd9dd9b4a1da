/* SPDX-License-Identifier: MIT */

/*
 * providers([Provider]): which CLIs are there, beside what is known of each provider anyway. That
 * starts them, all at once, so there is one round at a time: who asks while it is on gets what it
 * finds. Nobody can make more processes by asking more often.
 */

#include "method-private.h"

#include "backend/probe.h"

/* agents written in JavaScript take their time */
#define TIMEOUT_MS 10000

typedef struct {
        AsmSurvey *survey;
        const AsmProvider *provider;
        AsmProbe *probe; /* NULL: it has been answered */
        char *path;
        char *version;
        char *problem;
} Entry;

typedef struct {
        const AsmProvider *provider; /* NULL: all */
        AsmReply *reply;
} Asker;

struct _AsmSurvey {
        GArray *entries; /* of Entry, not moved; empty: no round is on */
        GArray *askers;  /* of Asker */
        guint n_open;
};

static void
entry_clear(gpointer data)
{
        Entry *entry = data;

        asm_probe_free(entry->probe);
        g_free(entry->path);
        g_free(entry->version);
        g_free(entry->problem);
}

AsmSurvey *
asm_survey_new(void)
{
        AsmSurvey *survey = g_new0(AsmSurvey, 1);

        survey->entries = g_array_new(FALSE, TRUE, sizeof(Entry));
        survey->askers = g_array_new(FALSE, TRUE, sizeof(Asker));
        g_array_set_clear_func(survey->entries, entry_clear);
        return survey;
}

static void
put_entry(AsmBuilder *value, const Entry *entry)
{
        asm_builder_map(value, 5);
        asm_builder_atom(value, "provider");
        asm_builder_atom(value, entry->provider->name);
        asm_builder_atom(value, "path");
        asm_builder_text(value, entry->path);
        asm_builder_atom(value, "version");
        asm_builder_text(value, entry->version);
        asm_builder_atom(value, "problem");
        asm_builder_text(value, entry->problem);
        asm_builder_atom(value, "info");
        asm_builder_provider_info(value, entry->provider);
}

static void
answer(const AsmSurvey *survey, const Asker *asker)
{
        g_auto(AsmBuilder) value = ASM_BUILDER_INIT;
        AsmBuilderMark mark;
        guint n = 0;

        asm_builder_tuple(&value, 2);
        asm_builder_atom(&value, "ok");
        mark = asm_builder_list_begin(&value);
        for (guint i = 0; i < survey->entries->len; i++) {
                const Entry *entry = &g_array_index(survey->entries, Entry, i);

                if (asker->provider != NULL && asker->provider != entry->provider)
                        continue;
                put_entry(&value, entry);
                n++;
        }
        asm_builder_list_end(&value, mark, n);
        asker->reply->send(asker->reply, asm_builder_peek(&value));
}

static void
end_round(AsmSurvey *survey)
{
        for (guint i = 0; i < survey->askers->len; i++)
                answer(survey, &g_array_index(survey->askers, Asker, i));
        g_array_set_size(survey->askers, 0);
        g_array_set_size(survey->entries, 0);
}

static void
on_probe(const AsmProbeResult *result, gpointer user_data)
{
        Entry *entry = user_data;

        entry->path = g_strdup(result->path);
        entry->version = g_strdup(result->version);
        entry->problem = g_strdup(result->problem);
        g_clear_pointer(&entry->probe, asm_probe_free);
        if (--entry->survey->n_open == 0)
                end_round(entry->survey);
}

static void
begin_round(AsmSurvey *survey, AsmTimers *timers)
{
        const AsmProvider *const *all = asm_provider_all();
        guint n = 0;

        while (all[n] != NULL)
                n++;
        g_array_set_size(survey->entries, n);
        survey->n_open = n;
        for (guint i = 0; i < n; i++) {
                Entry *entry = &g_array_index(survey->entries, Entry, i);

                entry->survey = survey;
                entry->provider = all[i];
                entry->probe = asm_probe_start(timers, all[i], TIMEOUT_MS, on_probe, entry);
        }
}

void
asm_survey_ask(AsmSurvey *survey, AsmTimers *timers, const AsmProvider *provider, AsmReply *reply)
{
        Asker asker = { provider, reply };

        g_array_append_val(survey->askers, asker);
        if (survey->entries->len == 0)
                begin_round(survey, timers);
}

void
asm_survey_free(AsmSurvey *survey)
{
        if (survey == NULL)
                return;
        end_round(survey);
        g_array_unref(survey->entries);
        g_array_unref(survey->askers);
        g_free(survey);
}
