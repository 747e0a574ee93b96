/* Stdin, whatever it is, line by line; it is not read while too many commands wait. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include "wsmcat.h"

#define LINE_MAX_BYTES (1u << 20)
#define WAITING_HIGH   256u /* commands: above it stdin is not read */

static void line_end(cat *self) {
    wsm_slice line = {self->line, self->line_len};
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
    if (self->line_too_long)
        command_failed(self, "the line is longer than 1 MiB");
    else if (line.len > 0 && line.ptr[0] == '{')
        command_json(self, line);
    else if (typed_is(line))
        command_typed(self, line);
    else if (line.len > 0)
        command_text(self, line);
    self->line_len = 0;
    self->line_too_long = 0;
}

static void input(cat *self, const char *bytes, size_t len) {
    while (len > 0 && !self->finishing) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        if (part > LINE_MAX_BYTES - self->line_len)
            self->line_too_long = 1;
        else
            memcpy(self->line + self->line_len, bytes, part), self->line_len += part;
        if (end) line_end(self);
        bytes += part + (end != NULL);
        len -= part + (end != NULL);
    }
}

/* `n` as from read(2): 0 or an error is the end. */
static void input_got(cat *self, ssize_t n) {
    if (self->finishing) return;
    if (n > 0) {
        input(self, self->chunk, (size_t)n);
    } else {
        line_end(self);
        self->input_over = 1;
        self->reading = 0;
        if (self->in_type == UV_TTY) self->opts.linger = 1;
    }
    if (self->in_type != UV_FILE && self->reading && (n <= 0 || self->waiting_count > WAITING_HIGH)) {
        uv_read_stop(&self->in.stream);
        self->reading = 0;
    }
    if (!self->finishing) commands_pump(self);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    cat *self = handle->data;
    (void)suggested;
    *buf = uv_buf_init(self->chunk, sizeof self->chunk);
}

static void on_stream(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)buf;
    if (n != 0) input_got(stream->data, n);
}

static void on_file(uv_fs_t *req) {
    cat *self = req->data;
    ssize_t n = req->result;
    uv_fs_req_cleanup(req);
    self->reading = 0;
    input_got(self, n);
}

void input_resume(cat *self) {
    uv_buf_t buf = uv_buf_init(self->chunk, sizeof self->chunk);
    int err;
    if (self->reading || self->input_over || self->finishing) return;
    self->reading = 1;
    self->read.data = self;
    if (self->in_type == UV_FILE)
        err = uv_fs_read(self->loop, &self->read, 0, &buf, 1, -1, on_file);
    else
        err = uv_read_start(&self->in.stream, on_alloc, on_stream);
    if (err) {
        say("cannot read stdin: %s", uv_strerror(err));
        self->input_over = 1;
    }
}

int input_open(cat *self) {
    int err = 0;
    self->in_type = uv_guess_handle(0);
    self->line = malloc(LINE_MAX_BYTES);
    if (!self->line) return UV_ENOMEM;
    if (self->in_type == UV_TTY) {
        err = uv_tty_init(self->loop, &self->in.tty, 0, 0);
    } else if (self->in_type == UV_NAMED_PIPE) {
        uv_pipe_init(self->loop, &self->in.pipe, 0);
        err = uv_pipe_open(&self->in.pipe, 0);
    } else {
        self->in_type = UV_FILE;
    }
    self->in.handle.data = self;
    return err;
}
