/* Trains a network from C: train BATCHES LOSSES STATE
 *
 * Reads one batch after the other (images, then labels), writes the loss of each step, and saves the state at the end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "digits.h"

static digits model; /* weights, what the optimizer remembers, and working memory: nothing is allocated */

static FILE *open_file(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        exit(1);
    }
    return file;
}

static void check(int status) {
    if (status != DIGITS_OK) {
        fprintf(stderr, "%s\n", digits_error(status));
        exit(1);
    }
}

int main(int count, char **arguments) {
    static float images[DIGITS_STEP_IMAGES];
    static int64_t labels[DIGITS_STEP_LABELS];
    float loss;
    FILE *batches, *losses;

    if (count != 4) {
        fprintf(stderr, "usage: %s BATCHES LOSSES STATE\n", arguments[0]);
        return 1;
    }
    batches = open_file(arguments[1], "rb");
    losses = open_file(arguments[2], "wb");
    check(digits_init(&model));
    while (fread(images, sizeof images, 1, batches) == 1 && fread(labels, sizeof labels, 1, batches) == 1) {
        check(digits_step(&model, images, labels, &loss));
        if (fwrite(&loss, sizeof loss, 1, losses) != 1) {
            fprintf(stderr, "cannot write %s\n", arguments[2]);
            return 1;
        }
    }
    check(digits_save(&model, arguments[3]));
    digits_destroy(&model);
    fclose(batches);
    return fclose(losses) != 0;
}
