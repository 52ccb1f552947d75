/* Whitening, of patches of standardized pixels whose covariance is U D U^T:
 *
 * - ZCA (Bell and Sejnowski 1997, "The independent components of natural scenes are edge filters"), scale=whiten: a
 *   patch times U (D + epsilon)^-1/2 U^T is decorrelated, and the centre pixel's rows of that matrix are the filters of
 *   a convolution that whitens an image in place.
 * - PCA (Page 2018, "How to train your ResNet"; Jordan 2024, arXiv 2404.00498), init=whiten: filter k of a convolution
 *   is the eigenvector of the k-th largest eigenvalue divided by sqrt(eigenvalue + epsilon). The second half of the
 *   filters are their negatives, so that a rectifier behind them loses nothing. */
#include "train/whiten.h"

#include "base/memory.h"
#include "math/eigen.h"

#include <math.h>

/** Images and pixels between patches that the covariance is taken of: some 100,000 patches. */
#define IMAGES 2000
#define STEP 3
/** Added to the eigenvalues: noise below it stays small. For ZCA as Coates, Lee, Ng 2011; for PCA as Jordan. */
#define ZCA_EPSILON 0.1
#define PCA_EPSILON 5e-4

/** Patches of the size of a convolution's kernel. */
typedef struct patches {
    const cnn_model *model;
    const cnn_dataset *data;
    const cnn_tensor *weight; /* of the convolution */
    size_t size;              /* numbers of a patch */
    double *covariance;       /* [size][size], at last the eigenvalues on its diagonal */
    double *vectors;          /* [size][size], an eigenvector a row */
    double *patch;            /* [size] */
} patches;

static void read_patch(const patches *p, const uint8_t *image, int y, int x)
{
    const cnn_shape shape = p->data->shape;
    double *out = p->patch;
    for (int ky = 0; ky < p->weight->sizes[1]; ky++) {
        for (int kx = 0; kx < p->weight->sizes[2]; kx++) {
            const size_t pixel = (size_t)(y + ky) * (size_t)shape.width + (size_t)(x + kx);
            for (int c = 0; c < shape.channels; c++) {
                const double value = image[pixel * (size_t)shape.channels + (size_t)c] / 255.0;
                *out++ = (value - p->model->mean[c]) / p->model->deviation[c];
            }
        }
    }
}

/** covariance += patch patch^T */
static void add_patch(const patches *p)
{
    for (size_t a = 0; a < p->size; a++) {
        for (size_t b = 0; b < p->size; b++) {
            p->covariance[a * p->size + b] += p->patch[a] * p->patch[b];
        }
    }
}

/** covariance = mean over the patches of patch patch^T, whose own mean is about 0, as that of all pixels is 0. */
static void measure_covariance(const patches *p, const int *indices, int count)
{
    const cnn_shape shape = p->data->shape;
    double seen = 0;
    for (int i = 0; i < count && i < IMAGES; i++) {
        const uint8_t *image = cnn_dataset_pixels(p->data, indices[i]);
        for (int y = 0; y + p->weight->sizes[1] <= shape.height; y += STEP) {
            for (int x = 0; x + p->weight->sizes[2] <= shape.width; x += STEP) {
                read_patch(p, image, y, x);
                add_patch(p);
                seen++;
            }
        }
    }
    for (size_t i = 0; i < p->size * p->size; i++) {
        p->covariance[i] /= seen;
    }
}

static double eigenvalue(const patches *p, size_t index)
{
    return fmax(p->covariance[index * (p->size + 1)], 0);
}

/** weight[c][k] = sum over eigenvectors v of v[centre c] v[k] / sqrt(eigenvalue + epsilon) */
static void fill_zca(const patches *p, cnn_real *weight)
{
    const size_t channels = (size_t)p->data->shape.channels, centre = p->size / channels / 2;
    for (size_t c = 0; c < channels; c++) {
        for (size_t k = 0; k < p->size; k++) {
            double sum = 0;
            for (size_t v = 0; v < p->size; v++) {
                const double *vector = p->vectors + v * p->size;
                sum += vector[centre * channels + c] * vector[k] / sqrt(eigenvalue(p, v) + ZCA_EPSILON);
            }
            weight[c * p->size + k] = (cnn_real)sum;
        }
    }
}

/** How many eigenvalues come before number `index` in falling order, equal ones in their own. */
static size_t rank_of(const patches *p, size_t index)
{
    size_t rank = 0;
    for (size_t i = 0; i < p->size; i++) {
        const double here = eigenvalue(p, index), other = eigenvalue(p, i);
        rank += other > here || (other == here && i < index);
    }
    return rank;
}

/** weight[f] = +-v / sqrt(eigenvalue + epsilon): + of the first half, rounded up, - of the rest. */
static void fill_pca(const patches *p, cnn_real *weight)
{
    const size_t filters = (size_t)p->weight->sizes[0], positive = (filters + 1) / 2;
    for (size_t v = 0; v < p->size; v++) {
        const double factor = 1 / sqrt(eigenvalue(p, v) + PCA_EPSILON);
        const size_t rank = rank_of(p, v);
        for (size_t k = 0; rank < positive && k < p->size; k++) {
            const double value = factor * p->vectors[v * p->size + k];
            weight[rank * p->size + k] = (cnn_real)value;
            if (positive + rank < filters) {
                weight[(positive + rank) * p->size + k] = (cnn_real)-value;
            }
        }
    }
}

/** Fits the node's convolution, the model's tensor in slot node->tensors. */
static cnn_status fit(const patches *asked, const cnn_node *node, const int *indices, int count,
                      void (*fill)(const patches *p, cnn_real *weight), cnn_error *error)
{
    patches p = *asked;
    const cnn_shape shape = p.data->shape;
    p.weight = &node->plan.tensors[0];
    p.size = (size_t)p.weight->fan_in;
    if (shape.height < p.weight->sizes[1] || shape.width < p.weight->sizes[2]) {
        return cnn_fail(error, CNN_MISMATCH, "%s: whitening takes patches of %dx%d pixels, the images have %dx%d",
                        node->name, p.weight->sizes[1], p.weight->sizes[2], shape.height, shape.width);
    }
    p.covariance = cnn_alloc(p.size * p.size, sizeof *p.covariance);
    p.vectors = cnn_alloc(p.size * p.size, sizeof *p.vectors);
    p.patch = cnn_alloc(p.size, sizeof *p.patch);
    const bool allocated = p.covariance != NULL && p.vectors != NULL && p.patch != NULL;
    if (allocated) {
        measure_covariance(&p, indices, count);
        cnn_eigen_symmetric(p.covariance, p.size, p.vectors);
        fill(&p, p.model->parameters + p.model->network->slots[node->tensors].offset);
    }
    cnn_free(p.covariance);
    cnn_free(p.vectors);
    cnn_free(p.patch);
    return allocated ? CNN_OK : cnn_fail_memory(error);
}

cnn_status cnn_whiten_input(cnn_model *model, const cnn_dataset *data, const int *indices, int count, cnn_error *error)
{
    const patches p = {.model = model, .data = data};
    return fit(&p, &model->network->nodes[0], indices, count, fill_zca, error);
}

cnn_status cnn_whiten_layers(cnn_model *model, const cnn_dataset *data, const int *indices, int count, cnn_error *error)
{
    const patches p = {.model = model, .data = data};
    cnn_status status = CNN_OK;
    for (int i = 0; i < model->network->node_count && status == CNN_OK; i++) {
        const cnn_node *node = &model->network->nodes[i];
        if (node->plan.tensor_count > 0 && node->plan.tensors[0].initialization == CNN_INITIALIZE_WHITEN) {
            status = fit(&p, node, indices, count, fill_pca, error);
        }
    }
    return status;
}
