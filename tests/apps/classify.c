/* Classifies a picture twice, from its file and from its bytes in memory: all that a C program needs to use a model. */
#include <cnn.h>
#include <stdio.h>
#include <stdlib.h>

static void print_best(const cnn_model *model, const float *probabilities)
{
    int best = 0;
    for (int i = 1; i < cnn_model_class_count(model); i++) {
        best = probabilities[i] > probabilities[best] ? i : best;
    }
    printf("%.1f%% %s\n", 100 * (double)probabilities[best], cnn_model_class_name(model, best));
}

int main(int argc, char **argv)
{
    static unsigned char bytes[1 << 20];
    cnn_error error = {CNN_USAGE, "usage: classify MODEL PICTURE"};
    cnn_model *model = argc == 3 ? cnn_model_load(argv[1], &error) : NULL;
    cnn_session *session = model ? cnn_session_new(model, NULL, &error) : NULL;
    float *probabilities = session ? calloc((size_t)cnn_model_class_count(model), sizeof *probabilities) : NULL;
    int exit_code = EXIT_FAILURE;

    if (probabilities && cnn_session_classify_file(session, argv[2], probabilities, &error) == CNN_OK) {
        print_best(model, probabilities);
        FILE *file = fopen(argv[2], "rb");
        size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
        if (cnn_session_classify_memory(session, bytes, size, probabilities, &error) == CNN_OK) {
            print_best(model, probabilities);
            exit_code = EXIT_SUCCESS;
        }
        if (file) {
            fclose(file);
        }
    }
    if (exit_code != EXIT_SUCCESS) {
        fprintf(stderr, "%s\n", error.message);
    }
    free(probabilities);
    cnn_session_free(session);
    cnn_model_free(model);
    return exit_code;
}
