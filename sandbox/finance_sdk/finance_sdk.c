/* A STAND-IN for WeCom's Finance SDK (libWeWorkFinanceSdk_C.so), for tests and the demo.
 *
 * The functions and structures are those of WeWorkFinanceSdk_C.h (WeCom doc 91552). What is real: the ABI, the numbers
 * answered, parts of 512 KB, the abort on a text shorter than 13 characters. What is NOT: the inside of DecryptData.
 * WeCom does not publish it, so here it is an XOR with the key and a check sum, and nothing encrypted for WeCom can be
 * read by it, nor the other way round. It must never stand in for the real library against a real company.
 *
 * It serves the folder it lies in, which sandbox/archive.py writes:
 *   chat.jsonl          one entry a line, {"seq":N,...}, in order of seq
 *   media/ID            the bytes of a file; media/ID.code: the number to answer instead
 *   faults              lines "name value": first_seq, too_big_over, chat_code, chat_code_calls, media_stuck,
 *                       abort_at_decrypt, abort_at_chat, hang_at_chat
 * An encrypted text that begins with POISON aborts the process, one with HANG never returns.
 *
 *   cc -shared -fPIC -O1 -o libfinance_standin.so finance_sdk.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct WeWorkFinanceSdk_t { int is_ready; } WeWorkFinanceSdk_t;
typedef struct Slice_t { char *buf; int len; } Slice_t;
typedef struct MediaData { char *outindexbuf; int out_len; char *data; int data_len; int is_finish; } MediaData_t;

enum { PARAMETERS = 10000, FILE_ID = 10005, DECRYPT_MESSAGE = 10008, PART = 512 * 1024, SHORTEST = 13 };

static long first_seq, too_big_over, chat_code, chat_code_calls, media_stuck;
static long abort_at_decrypt, abort_at_chat, hang_at_chat;
static long decrypt_calls, chat_calls;
/* Where the last page ended, so that the next one need not be looked for. */
static unsigned long long known_seq;
static long known_place;

/* --- the folder ------------------------------------------------------------------------------------------ */

static const char *path_of(const char *name, char *room, size_t size) {
    Dl_info told;
    if (!dladdr((void *)path_of, &told) || !told.dli_fname) return NULL;
    const char *slash = strrchr(told.dli_fname, '/');
    snprintf(room, size, "%.*s/%s", slash ? (int)(slash - told.dli_fname) : 1, slash ? told.dli_fname : ".", name);
    return room;
}

static FILE *open_file(const char *name) {
    char room[4096];
    const char *path = path_of(name, room, sizeof room);
    return path ? fopen(path, "rb") : NULL;
}

static void read_faults(void) {
    struct { const char *name; long *value; } known[] = {
        {"first_seq", &first_seq}, {"too_big_over", &too_big_over}, {"chat_code", &chat_code},
        {"chat_code_calls", &chat_code_calls}, {"media_stuck", &media_stuck},
        {"abort_at_decrypt", &abort_at_decrypt}, {"abort_at_chat", &abort_at_chat}, {"hang_at_chat", &hang_at_chat},
    };
    size_t count = sizeof known / sizeof known[0];
    for (size_t i = 0; i < count; i++) *known[i].value = 0;
    FILE *file = open_file("faults");
    if (!file) return;
    char name[64];
    long value;
    while (fscanf(file, "%63s %ld", name, &value) == 2)
        for (size_t i = 0; i < count; i++)
            if (!strcmp(name, known[i].name)) *known[i].value = value;
    fclose(file);
}

/* --- objects --------------------------------------------------------------------------------------------- */

WeWorkFinanceSdk_t *NewSdk(void) { return calloc(1, sizeof(WeWorkFinanceSdk_t)); }
void DestroySdk(WeWorkFinanceSdk_t *sdk) { free(sdk); }
Slice_t *NewSlice(void) { return calloc(1, sizeof(Slice_t)); }
void FreeSlice(Slice_t *slice) { if (slice) { free(slice->buf); free(slice); } }
char *GetContentFromSlice(Slice_t *slice) { return slice->buf; }
int GetSliceLen(Slice_t *slice) { return slice->len; }
MediaData_t *NewMediaData(void) { return calloc(1, sizeof(MediaData_t)); }
void FreeMediaData(MediaData_t *m) { if (m) { free(m->outindexbuf); free(m->data); free(m); } }
char *GetOutIndexBuf(MediaData_t *m) { return m->outindexbuf; }
char *GetData(MediaData_t *m) { return m->data; }
int GetIndexLen(MediaData_t *m) { return m->out_len; }
int GetDataLen(MediaData_t *m) { return m->data_len; }
int IsMediaDataFinish(MediaData_t *m) { return m->is_finish; }

static void put(Slice_t *slice, const char *bytes, size_t length) {
    char *grown = realloc(slice->buf, slice->len + length + 1);
    if (!grown) abort();
    memcpy(grown + slice->len, bytes, length);
    grown[slice->len + length] = 0;
    slice->buf = grown;
    slice->len += (int)length;
}

int Init(WeWorkFinanceSdk_t *sdk, const char *corpid, const char *secret) {
    if (!sdk || !corpid || !*corpid || !secret || !*secret) return PARAMETERS;
    /* The real one prints too; a parent that talks over standard output must not mind. */
    printf("stand-in for the Finance SDK: ready\n");
    fflush(stdout);
    read_faults();
    sdk->is_ready = 1;
    return 0;
}

/* --- entries --------------------------------------------------------------------------------------------- */

int GetChatData(WeWorkFinanceSdk_t *sdk, unsigned long long seq, unsigned int limit, const char *proxy,
                const char *passwd, int timeout, Slice_t *page) {
    (void)proxy; (void)passwd; (void)timeout;
    if (!sdk || !sdk->is_ready || !page || limit < 1 || limit > 1000) return PARAMETERS;
    read_faults();
    chat_calls++;
    if (abort_at_chat && chat_calls == abort_at_chat) abort();
    if (hang_at_chat && chat_calls == hang_at_chat) for (;;) pause();
    if (chat_code && (!chat_code_calls || chat_calls <= chat_code_calls)) return (int)chat_code;
    if (too_big_over && limit > (unsigned long)too_big_over) {
        const char *refused = "{\"errcode\":301058,\"errmsg\":\"response too big\"}";
        put(page, refused, strlen(refused));
        return 0;
    }
    const char *head = "{\"errcode\":0,\"errmsg\":\"ok\",\"chatdata\":[";
    put(page, head, strlen(head));
    FILE *file = open_file("chat.jsonl");
    if (file) {
        if (known_place && known_seq == seq) fseek(file, known_place, SEEK_SET);
        char *line = NULL;
        size_t room = 0;
        ssize_t length;
        unsigned int count = 0;
        while (count < limit && (length = getline(&line, &room, file)) > 0) {
            unsigned long long number;
            if (line[length - 1] != '\n') break; /* Being written. */
            if (sscanf(line, "{\"seq\":%llu", &number) != 1) continue;
            if (number <= seq || (long)number < first_seq) continue;
            if (count++) put(page, ",", 1);
            put(page, line, (size_t)length - 1);
            known_seq = number;
            known_place = ftell(file);
        }
        free(line);
        fclose(file);
    }
    put(page, "]}", 2);
    return 0;
}

/* --- STAND-IN for the decryption ------------------------------------------------------------------------- */

static uint32_t check_sum(const unsigned char *bytes, size_t length) { /* CRC-32, as zlib's */
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
            table[i] = value;
        }
    uint32_t sum = 0xFFFFFFFFu;
    for (size_t i = 0; i < length; i++) sum = table[(sum ^ bytes[i]) & 255] ^ sum >> 8;
    return sum ^ 0xFFFFFFFFu;
}

static int value_of(char letter) {
    if (letter >= 'A' && letter <= 'Z') return letter - 'A';
    if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9') return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

/* Undo base64; the length, or -1. */
static long decode(const char *text, unsigned char *bytes) {
    long length = 0;
    uint32_t bits = 0;
    int count = 0;
    for (; *text && *text != '='; text++) {
        int value = value_of(*text);
        if (value < 0) return -1;
        bits = bits << 6 | (uint32_t)value;
        if ((count += 6) >= 8) bytes[length++] = (unsigned char)(bits >> (count -= 8));
    }
    return length;
}

int DecryptData(const char *encrypt_key, const char *encrypt_msg, Slice_t *msg) {
    decrypt_calls++;
    if (abort_at_decrypt && decrypt_calls == abort_at_decrypt) abort();
    size_t length = strlen(encrypt_msg), key_length = strlen(encrypt_key);
    if (length < SHORTEST) abort(); /* As the real one: std::out_of_range. */
    if (!strncmp(encrypt_msg, "POISON", 6)) abort();
    if (!strncmp(encrypt_msg, "HANG", 4)) for (;;) pause();
    if (!key_length) return DECRYPT_MESSAGE;
    unsigned char *plain = malloc(length);
    if (!plain) abort();
    long got = decode(encrypt_msg, plain);
    for (long i = 0; i < got; i++) plain[i] ^= (unsigned char)encrypt_key[(size_t)i % key_length];
    int code = DECRYPT_MESSAGE;
    if (got > 4) {
        uint32_t told = (uint32_t)plain[0] << 24 | (uint32_t)plain[1] << 16 | (uint32_t)plain[2] << 8 | plain[3];
        if (told == check_sum(plain + 4, (size_t)got - 4)) {
            put(msg, (char *)plain + 4, (size_t)got - 4);
            code = 0;
        }
    }
    free(plain);
    return code;
}

/* --- files ----------------------------------------------------------------------------------------------- */

static FILE *open_media(const char *id, const char *ending) {
    char name[1024];
    snprintf(name, sizeof name, "media/%.900s%s", id, ending);
    return strchr(id, '/') || strchr(id, '.') ? NULL : open_file(name);
}

int GetMediaData(WeWorkFinanceSdk_t *sdk, const char *indexbuf, const char *sdkFileid, const char *proxy,
                 const char *passwd, int timeout, MediaData_t *media) {
    (void)proxy; (void)passwd; (void)timeout;
    if (!sdk || !sdk->is_ready || !media || !sdkFileid || !*sdkFileid) return PARAMETERS;
    read_faults();
    FILE *told = open_media(sdkFileid, ".code");
    if (told) {
        int code = FILE_ID;
        if (fscanf(told, "%d", &code) != 1) code = FILE_ID;
        fclose(told);
        return code;
    }
    FILE *file = open_media(sdkFileid, "");
    if (!file) return FILE_ID;
    long begin = 0, last = 0;
    if (indexbuf && *indexbuf && sscanf(indexbuf, "Range:bytes=%ld-%ld", &begin, &last) != 2) {
        fclose(file);
        return PARAMETERS;
    }
    media->data = malloc(PART);
    media->outindexbuf = calloc(1, 64);
    if (!media->data || !media->outindexbuf) abort();
    fseek(file, begin, SEEK_SET);
    media->data_len = (int)fread(media->data, 1, PART, file);
    media->is_finish = fgetc(file) == EOF;
    fclose(file);
    if (!media->is_finish || media_stuck) {
        long next = media_stuck ? begin : begin + PART;
        media->is_finish = 0;
        media->out_len = snprintf(media->outindexbuf, 64, "Range:bytes=%ld-%ld", next, next + PART - 1);
    }
    return 0;
}
