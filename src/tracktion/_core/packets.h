#ifndef TK_PACKETS_H
#define TK_PACKETS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The fields of libavcodec's AVPacket and AVFrame that are used here; they have kept their places since FFmpeg 1. */
typedef struct {
    void *buffer;
    int64_t pts, dts;
    const uint8_t *data;
    int size;
} tk_packet;

typedef struct {
    uint8_t *data[8];
    int linesize[8];
    uint8_t **extended_data;
    int width, height;
    int samples;
    int format;
} tk_frame;

typedef int (*tk_send)(void *context, const void *packet);
typedef int (*tk_receive)(void *context, void *frame);

#define TK_FORMAT_FLOAT 3
#define TK_OTHER_FORMAT 1

/* Decode one packet of any number of frames into interleaved samples. Returns 0, libavcodec's negative code, or
   TK_OTHER_FORMAT where a frame is not float32 of so many channels or there are more samples than room. */
static int tk_decode_packet(void *context, void *packet, void *frame, tk_send send, tk_receive receive, const uint8_t *data,
                            int size, float *out, ptrdiff_t room, int channels, ptrdiff_t *decoded)
{
    const tk_frame *f = (const tk_frame *)frame;
    tk_packet *p = (tk_packet *)packet;
    int code;
    *decoded = 0;
    p->data = data;
    p->size = size;
    code = send(context, packet);
    p->data = NULL;
    p->size = 0;
    if (code < 0)
        return code;
    while ((code = receive(context, frame)) >= 0) {
        const ptrdiff_t values = (ptrdiff_t)f->samples * channels, bytes = values * (ptrdiff_t)sizeof(float);
        /* A plane holds its samples and less than as many again of padding: this tells mono from stereo. */
        if (f->format != TK_FORMAT_FLOAT || f->samples <= 0 || f->linesize[0] < bytes || f->linesize[0] >= 2 * bytes)
            return TK_OTHER_FORMAT;
        if (*decoded + f->samples > room)
            return TK_OTHER_FORMAT;
        memcpy(out + *decoded * channels, f->data[0], (size_t)bytes);
        *decoded += f->samples;
    }
    return 0;
}
#endif
