/* SPDX-License-Identifier: MIT */
#include "base/seal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    FORMAT = 1,
    ID_LEN = 8,
    KEY_LEN = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_LEN = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEAD_LEN = 1 + ID_LEN + NONCE_LEN,
    LINE_LEN = ID_LEN + 1 + 2 * KEY_LEN, /* of the key file, without its end */
};

struct key {
    char id[ID_LEN + 1];
    struct stk_secret *secret;
};

struct stk_keys {
    char *path;
    struct key *keys; /* at least one; newest first */
    size_t count;
};

static void close_fd(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
}

static enum stk_rc fail_file(const char *what, const char *path, struct stk_error *err)
{
    int cause = errno;
    return stk_fail(err, STK_BAD_CONFIG, "could not %s the key file %s: %s", what, path,
                    strerror(cause));
}

/* --- where it lies ------------------------------------------------------- */

static char *home_dir(void)
{
    char texts[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    int code = getpwuid_r(getuid(), &entry, texts, sizeof texts, &found);
    if (code == 0 && found != NULL) return stk_strdup(found->pw_dir);

    const char *home = getenv("HOME");
    return stk_strdup(home != NULL && *home == '/' ? home : "");
}

/* A service that is given other credentials only has its key elsewhere. */
static char *credential_path(void)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (dir == NULL || *dir != '/') return NULL;

    char *path = stk_format("%s/stoker.key", dir);
    if (access(path, F_OK) != 0) stk_freep(&path);
    return path;
}

char *stk_keys_default_path(void)
{
    char *path = credential_path();
    if (path != NULL) return path;

    const char *config = getenv("XDG_CONFIG_HOME");
    if (config != NULL && *config == '/') return stk_format("%s/stoker/stoker.key", config);
    STK_CLEANUP(stk_freep) char *home = home_dir();
    return stk_format("%s/.config/stoker/stoker.key", home);
}

/* --- reading it ---------------------------------------------------------- */

static void release_keys(struct stk_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        stk_secret_free(keys->keys[i].secret);
    }
    free(keys->keys);
    keys->keys = NULL;
    keys->count = 0;
}

void stk_keys_close(struct stk_keys *keys)
{
    if (keys == NULL) return;
    release_keys(keys);
    stk_freep(&keys->path);
    free(keys);
}

static const struct key *find_key(const struct stk_keys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->keys[i].id, id, ID_LEN) == 0) return &keys->keys[i];
    }
    return NULL;
}

static bool is_id(const char *text)
{
    for (size_t i = 0; i < ID_LEN; i++) {
        bool known = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z');
        if (!known) return false;
    }
    return true;
}

static void push_key(struct stk_keys *keys, const char *id, struct stk_secret *secret)
{
    keys->keys = stk_realloc(keys->keys, keys->count + 1, sizeof *keys->keys);
    struct key *key = &keys->keys[keys->count++];
    memcpy(key->id, id, ID_LEN);
    key->id[ID_LEN] = '\0';
    key->secret = secret;
}

/* One line; the text of the error must not hold any of it. */
static bool read_line(struct stk_keys *keys, const char *line, size_t len)
{
    unsigned char bytes[KEY_LEN];
    size_t decoded = 0;
    if (len != LINE_LEN || !is_id(line) || line[ID_LEN] != ' ') return false;
    if (find_key(keys, line) != NULL) return false;

    int code = sodium_hex2bin(bytes, sizeof bytes, line + ID_LEN + 1, 2 * (size_t)KEY_LEN, NULL,
                              &decoded, NULL);
    bool is_key = code == 0 && decoded == KEY_LEN;
    if (is_key) push_key(keys, line, stk_secret_new((const char *)bytes, KEY_LEN));
    sodium_memzero(bytes, sizeof bytes);
    return is_key;
}

static enum stk_rc read_keys(struct stk_keys *keys, struct stk_error *err)
{
    STK_CLEANUP(stk_secret_freep) struct stk_secret *text = NULL;
    enum stk_rc rc = stk_secret_read_file(keys->path, &text, err);
    if (rc != STK_OK) return rc;

    const char *at = stk_secret_bytes(text);
    const char *end = at + stk_secret_len(text);
    for (unsigned line = 1; at < end; line++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((feed != NULL ? feed : end) - at);
        if (!read_line(keys, at, len)) {
            return stk_fail(err, STK_BAD_CONFIG,
                            "%s:%u: a line of the key file is \"ID HEX\" (8 and 64 characters), "
                            "each ID once: put back the copy that you keep of it",
                            keys->path, line);
        }
        at += len + 1;
    }
    return STK_OK;
}

/* --- writing it ---------------------------------------------------------- */

static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return stk_strdup(".");
    return slash == path ? stk_strdup("/") : stk_strndup(path, (size_t)(slash - path));
}

static enum stk_rc make_dirs(const char *path, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *dir = dir_of(path);
    for (char *at = dir + 1; at[-1] != '\0'; at++) {
        char ended = *at;
        if (ended != '/' && ended != '\0') continue;
        *at = '\0';
        if (mkdir(dir, S_IRWXU) != 0 && errno != EEXIST) {
            return fail_file("make the folder of", path, err);
        }
        *at = ended;
    }
    return STK_OK;
}

static bool write_all(int fd, const struct stk_buf *text)
{
    size_t done = 0;
    while (done < text->len) {
        ssize_t count = write(fd, text->data + done, text->len - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        done += (size_t)count;
    }
    return true;
}

static bool sync_dir(const char *path)
{
    STK_CLEANUP(stk_freep) char *dir = dir_of(path);
    STK_CLEANUP(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

/* A file beside the key file (mkstemp's mode is 0600), whole and on the disk;
 * *ret_temp is its name. */
static enum stk_rc write_beside(const char *path, const struct stk_buf *text, char **ret_temp,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *temp = stk_format("%s.XXXXXX", path);
    STK_CLEANUP(close_fd) int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) return fail_file("write", path, err);
    if (!write_all(fd, text) || fsync(fd) != 0) {
        enum stk_rc rc = fail_file("write", path, err);
        (void)unlink(temp);
        return rc;
    }
    *ret_temp = temp;
    temp = NULL; /* handed over. NOLINT(clang-analyzer-deadcode.DeadStores): its cleanup reads it */
    return STK_OK;
}

/* `exclusive`: a file that is there already stays, and is no failure. */
static enum stk_rc write_file(const char *path, const struct stk_buf *text, bool exclusive,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *temp = NULL;
    enum stk_rc rc = write_beside(path, text, &temp, err);
    if (rc != STK_OK) return rc;
    assert(temp != NULL);

    int code = exclusive ? link(temp, path) : rename(temp, path);
    bool is_placed = code == 0 || (exclusive && errno == EEXIST);
    if (!is_placed) rc = fail_file("write", path, err);
    if (exclusive || !is_placed) (void)unlink(temp);
    if (rc == STK_OK && !sync_dir(path)) rc = fail_file("write", path, err);
    return rc;
}

static void add_line(struct stk_buf *text, const char *id, const struct stk_secret *key)
{
    char hex[2 * KEY_LEN + 1];
    (void)sodium_bin2hex(hex, sizeof hex, (const unsigned char *)stk_secret_bytes(key), KEY_LEN);
    stk_buf_add(text, id, ID_LEN);
    stk_buf_addc(text, ' ');
    stk_buf_adds(text, hex);
    stk_buf_addc(text, '\n');
    sodium_memzero(hex, sizeof hex);
}

/* A new key, followed by those that there are. */
static void make_text(const struct stk_keys *keys, struct stk_buf *text)
{
    unsigned char bytes[ID_LEN / 2 + KEY_LEN];
    char id[ID_LEN + 1];
    if (sodium_init() < 0) abort(); /* nothing random to be had */
    do {
        randombytes_buf(bytes, sizeof bytes);
        (void)sodium_bin2hex(id, sizeof id, bytes, ID_LEN / 2);
    } while (find_key(keys, id) != NULL);

    STK_CLEANUP(stk_secret_freep)
    struct stk_secret *key = stk_secret_new((const char *)bytes + ID_LEN / 2, KEY_LEN);
    sodium_memzero(bytes, sizeof bytes);

    stk_buf_reserve(text, (keys->count + 1) * (LINE_LEN + 1));
    add_line(text, id, key);
    for (size_t i = 0; i < keys->count; i++) {
        add_line(text, keys->keys[i].id, keys->keys[i].secret);
    }
}

static enum stk_rc make_file(const struct stk_keys *keys, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf text = STK_BUF_INIT;
    enum stk_rc rc = make_dirs(keys->path, err);
    if (rc != STK_OK) return rc;
    make_text(keys, &text);
    return write_file(keys->path, &text, true, err);
}

static enum stk_rc fail_missing(const char *path, struct stk_error *err)
{
    return stk_fail(err, STK_BAD_CONFIG,
                    "the key file %s is missing: without it nothing that was sealed can be opened; "
                    "put back the copy that you keep of it",
                    path);
}

enum stk_rc stk_keys_open(const char *path, bool make, struct stk_keys **ret, struct stk_error *err)
{
    struct stk_keys *keys = stk_alloc(sizeof *keys);
    keys->path = stk_strdup(path);

    enum stk_rc rc = STK_OK;
    bool is_missing = access(path, F_OK) != 0 && errno == ENOENT;
    if (is_missing) rc = make ? make_file(keys, err) : fail_missing(path, err);
    if (rc == STK_OK) rc = read_keys(keys, err);
    if (rc != STK_OK) {
        stk_keys_close(keys);
        return rc;
    }
    *ret = keys;
    return STK_OK;
}

/* --- rotation ------------------------------------------------------------ */

/* The key file is the user's, not one store's: two may rotate at once, and
 * without the lock the key of one of them would be lost. Whoever had it before
 * us has put another file in its place: then the new one is locked. */
static enum stk_rc lock_file(const char *path, int *ret_fd, struct stk_error *err)
{
    while (true) {
        STK_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat ours, named;
        if (fd < 0 || flock(fd, LOCK_EX) != 0) return fail_file("lock", path, err);
        if (fstat(fd, &ours) != 0 || stat(path, &named) != 0) return fail_file("lock", path, err);
        if (ours.st_ino != named.st_ino || ours.st_dev != named.st_dev) continue;

        *ret_fd = fd;
        fd = -1; /* handed over. NOLINT(clang-analyzer-deadcode.DeadStores): its cleanup reads it */
        return STK_OK;
    }
}

enum stk_rc stk_keys_rotate(struct stk_keys *keys, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf text = STK_BUF_INIT;
    STK_CLEANUP(close_fd) int lock = -1;
    struct stk_keys now = { .path = keys->path };

    enum stk_rc rc = lock_file(keys->path, &lock, err);
    if (rc == STK_OK) rc = read_keys(&now, err);
    if (rc == STK_OK) {
        make_text(&now, &text);
        rc = write_file(keys->path, &text, false, err);
    }
    release_keys(&now);
    if (rc != STK_OK) return rc;

    rc = read_keys(&now, err);
    if (rc != STK_OK) {
        release_keys(&now);
        return rc;
    }
    release_keys(keys);
    *keys = now;
    return STK_OK;
}

/* --- sealing ------------------------------------------------------------- */

bool stk_keys_is_newest(const struct stk_keys *keys, const void *sealed, size_t len)
{
    return len >= HEAD_LEN && memcmp((const char *)sealed + 1, keys->keys[0].id, ID_LEN) == 0;
}

/* What is bound to the box beside its content: format, key, and what it is about. */
static void add_bound(struct stk_buf *bound, const char *head, const char *about)
{
    stk_buf_add(bound, head, 1 + ID_LEN);
    stk_buf_adds(bound, about);
}

static const unsigned char *bytes_of(const struct stk_secret *secret)
{
    return (const unsigned char *)stk_secret_bytes(secret);
}

void stk_seal(const struct stk_keys *keys, const char *about, const struct stk_secret *plain,
              struct stk_buf *ret_sealed)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf bound = STK_BUF_INIT;
    const struct key *key = &keys->keys[0];
    size_t plain_len = stk_secret_len(plain);
    unsigned char nonce[NONCE_LEN];
    randombytes_buf(nonce, sizeof nonce);

    stk_buf_clear(ret_sealed);
    stk_buf_reserve(ret_sealed, HEAD_LEN + plain_len + TAG_LEN);
    stk_buf_addc(ret_sealed, FORMAT);
    stk_buf_add(ret_sealed, key->id, ID_LEN);
    stk_buf_add(ret_sealed, nonce, sizeof nonce);
    add_bound(&bound, ret_sealed->data, about);

    unsigned long long box_len = 0;
    int code = crypto_aead_xchacha20poly1305_ietf_encrypt(
        (unsigned char *)ret_sealed->data + HEAD_LEN, &box_len, bytes_of(plain), plain_len,
        (const unsigned char *)bound.data, bound.len, NULL, nonce, bytes_of(key->secret));
    assert(code == 0 && box_len == plain_len + TAG_LEN);
    (void)code;
    ret_sealed->len += (size_t)box_len;
    ret_sealed->data[ret_sealed->len] = '\0';
}

/* NULL: *err says why. */
static const struct key *find_sealing_key(const struct stk_keys *keys, const char *sealed,
                                          size_t len, struct stk_error *err)
{
    if (len < HEAD_LEN + TAG_LEN || sealed[0] != FORMAT || !is_id(sealed + 1)) {
        (void)stk_fail(err, STK_BAD_DATA, "could not unseal: it is no sealed text");
        return NULL;
    }
    const struct key *key = find_key(keys, sealed + 1);
    if (key == NULL) {
        (void)stk_fail(err, STK_BAD_CONFIG,
                       "could not unseal: it was sealed with the key %.*s, which %s does not hold",
                       (int)ID_LEN, sealed + 1, keys->path);
    }
    return key;
}

enum stk_rc stk_unseal(const struct stk_keys *keys, const char *about, const void *sealed,
                       size_t len, struct stk_secret **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf bound = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_wipep) struct stk_buf plain = STK_BUF_INIT;
    struct stk_error why = { 0 };
    const char *head = sealed;
    const struct key *key = find_sealing_key(keys, head, len, &why);
    if (key == NULL) return stk_fail(err, why.rc, "%s", why.text);

    add_bound(&bound, head, about);
    stk_buf_reserve(&plain, len);
    unsigned long long plain_len = 0;
    int code = crypto_aead_xchacha20poly1305_ietf_decrypt(
        (unsigned char *)plain.data, &plain_len, NULL, (const unsigned char *)head + HEAD_LEN,
        len - HEAD_LEN, (const unsigned char *)bound.data, bound.len,
        (const unsigned char *)head + 1 + ID_LEN, bytes_of(key->secret));
    if (code != 0) {
        return stk_fail(err, STK_BAD_DATA,
                        "could not unseal: it was changed, or belongs to something else");
    }
    plain.len = (size_t)plain_len;
    *ret = stk_secret_take(&plain);
    return STK_OK;
}
