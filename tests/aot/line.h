/* line.h: compiled by graphc VERSION for x86-64, x86_64-unknown-linux-gnu, 2 threads
 *
 *     static line model;
 *     int status = line_init(&model);
 *     status = line_train(&model, batch, x, y, &loss);
 *
 * Functions of type int return 0, or a code that line_error turns into a sentence. Nothing is allocated after
 * line_init but the threads, at the first step that uses them, and what grows while a step runs. An instance serves
 * one call at a time; different instances may run at the same time. Arrays are packed, the last index fastest; a bool
 * is a byte, 0 or 1. A pointer that is NULL is told by a code.
 */

#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdint.h>

/* Whole cache lines are read and written fastest. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define LINE_ALIGNED alignas(64)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define LINE_ALIGNED _Alignas(64)
#elif defined(__GNUC__)
#define LINE_ALIGNED __attribute__((aligned(64)))
#else
#define LINE_ALIGNED
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LINE_THREADS 2
#define LINE_STATE_BYTES 64 /* from the field after internal to working */
#define LINE_MAX_BATCH 16

/* Elements of feeds and fetches, at the largest sizes. */
#define LINE_TRAIN_X (16 * 2)
#define LINE_TRAIN_Y 16
#define LINE_TRAIN_LOSS 1
#define LINE_PREDICT_X (16 * 2)
#define LINE_PREDICT_SCORES 16

enum {
    LINE_OK = 0,
    LINE_UNKNOWN = 1,
    LINE_BAD_SIZE = 2,
    LINE_CANNOT_OPEN = 3,
    LINE_CANNOT_WRITE = 4,
    LINE_NO_STATE = 5,
    LINE_OTHER_MODEL = 6,
    LINE_DAMAGED = 7,
    LINE_NOT_INITIALISED = 8,
    LINE_NULL_POINTER = 9,
    LINE_NO_MEMORY = 10
};

/* One instance. The variables may be read and written between steps. */
typedef struct line {
    LINE_ALIGNED uint64_t internal[8];
    float weights[2 * 1]; /* 'weights' f32[2,1] */
    float weights_Momentum[2 * 1]; /* 'weights/Momentum' f32[2,1] */
    uint8_t padding1[48];
    uint8_t working[320]; /* what lives within one step */
} line;

/* Both fail to compile where a compiler lays the struct out in another way than the library does. */
typedef char line_size_check[sizeof(line) == 448 ? 1 : -1];
typedef char line_place_check[offsetof(line, working) == 128 ? 1 : -1];

/* Sets the initial weights in memory that the caller gives (static, or of line_create; malloc aligns too little).
 * Without it the other functions of type int return LINE_NOT_INITIALISED. */
int line_init(line *self);

/* An initialised instance in memory of its own; NULL where there is no memory. */
line *line_create(void);

/* Ends the threads, and frees what line_create allocated. */
void line_destroy(line *self);

/* Entry point 'train'; no two of these arrays may overlap.
 *   x: x f32[batch,2]
 *   y: y f32[batch]
 *   loss: loss f32[], written
 */
int line_train(line *self, int64_t batch, const float *x, const float *y, float *loss);

/* Entry point 'predict'; no two of these arrays may overlap.
 *   x: x f32[batch,2]
 *   scores: scores f32[batch], written
 */
int line_predict(line *self, int64_t batch, const float *x, float *scores);

/* The state in a file: variables and positions of random streams. A file that is damaged or of another model is
 * refused, and the instance stays as it is. */
int line_save(const line *self, const char *path);
int line_load(line *self, const char *path);

/* Where a variable is, by its name in the graph; NULL for an unknown name. */
void *line_variable(line *self, const char *name);

/* What a code means. */
const char *line_error(int code);

/* Entry points and variables as JSON. */
const char *line_description(void);

#ifdef __cplusplus
}
#endif

#endif /* LINE_H */
