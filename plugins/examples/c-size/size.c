// A gate: no file that the candidate adds or changes is larger than `max-bytes`.
//
// No stdio here: wasi-libc's would import WASI, of which a gate has no need.

#include "gate.h"
#include <stdlib.h>
#include <string.h>

static const char CONFIG[] =
    "{\"max-bytes\":{\"description\":\"How large a file may be\",\"type\":\"integer\",\"minimum\":0,\"default\":1048576}}";

// Text that grows.
typedef struct {
    char *at;
    size_t length;
} text;

static void put_n(text *to, const char *from, size_t length) {
    to->at = realloc(to->at, to->length + length + 1);
    if (!to->at) abort();
    memcpy(to->at + to->length, from, length);
    to->length += length;
    to->at[to->length] = 0;
}

static void put(text *to, const char *from) { put_n(to, from, strlen(from)); }

static void put_number(text *to, uint64_t number) {
    char digits[20];
    size_t start = sizeof digits;
    do digits[--start] = '0' + number % 10;
    while (number /= 10);
    put_n(to, digits + start, sizeof digits - start);
}

// What the host frees after the call: it has to come from malloc.
static gate_string_t given(text from) { return (gate_string_t){(uint8_t *)from.at, from.length}; }

// The host hands over the config checked and completed: its only key is there and has a whole number.
static uint64_t max_bytes(void) {
    gate_string_t config;
    lex_pr_gate_candidate_config(&config);
    uint64_t bytes = 0;
    for (size_t i = 0; i < config.len; i++) {
        uint8_t c = config.ptr[i];
        if (c >= '0' && c <= '9') bytes = bytes * 10 + (c - '0');
    }
    gate_string_free(&config);
    return bytes;
}

void exports_gate_describe(gate_manifest_t *manifest) {
    memset(manifest, 0, sizeof *manifest);
    gate_string_dup(&manifest->description, "No file is larger than max-bytes");
    gate_string_dup(&manifest->config, CONFIG);
}

bool exports_gate_check(gate_verdict_t *verdict, gate_string_t *error) {
    (void)error;
    memset(verdict, 0, sizeof *verdict);
    uint64_t limit = max_bytes(), largest = 0;
    lex_pr_gate_candidate_list_change_t changes;
    lex_pr_gate_candidate_changes(&changes);
    lex_pr_gate_types_annotation_t *notes = calloc(changes.len + 1, sizeof *notes);
    if (!notes) abort();
    size_t over = 0;
    for (size_t i = 0; i < changes.len; i++) {
        uint64_t size;
        // A deleted file, a folder and a submodule have no size.
        if (!lex_pr_gate_candidate_size(&changes.ptr[i].path, &size)) continue;
        if (size > largest) largest = size;
        if (size <= limit) continue;
        lex_pr_gate_types_annotation_t *note = &notes[over++];
        text path = {0}, message = {0};
        put_n(&path, (const char *)changes.ptr[i].path.ptr, changes.ptr[i].path.len);
        put_number(&message, size);
        put(&message, " bytes, where ");
        put_number(&message, limit);
        put(&message, " are allowed");
        note->path = given(path);
        note->severity = LEX_PR_GATE_TYPES_SEVERITY_ERROR;
        note->message = given(message);
    }
    lex_pr_gate_candidate_list_change_free(&changes);

    text summary = {0}, facts = {0};
    if (over) {
        put_number(&summary, over);
        put(&summary, over == 1 ? " file is" : " files are");
        put(&summary, " larger than ");
    } else {
        put(&summary, "no file is larger than ");
    }
    put_number(&summary, limit);
    put(&summary, " bytes");
    put(&facts, "{\"largest\":");
    put_number(&facts, largest);
    put(&facts, "}");
    verdict->answer = over ? LEX_PR_GATE_TYPES_ANSWER_FAIL : LEX_PR_GATE_TYPES_ANSWER_PASS;
    verdict->summary = given(summary);
    verdict->annotations.ptr = notes;
    verdict->annotations.len = over;
    verdict->facts = given(facts);
    return true;
}
