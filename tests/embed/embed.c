/* The C interface as an application in C sees it: built against the installed library, and under the sanitizers. Prints
 * the first check that fails, and ends with 1. The folder for files is the argument. */
#include <featup/featup_c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(int line, const char* what) {
  fprintf(stderr, "embed.c:%d: %s; the library says: %s\n", line, what, fu_last_error());
  exit(1);
}
#define CHECK(x) ((x) ? (void)0 : fail(__LINE__, #x))

enum { kWidth = 96, kHeight = 64, kPixels = kWidth * kHeight };

static fu_backbone* backbone;
static fu_upsampler* upsampler;
static unsigned char rgb[kPixels * 3];

static fu_image dense_image(void) {
  const fu_image image = {rgb, kWidth, kHeight, FU_RGB8, 0, 0, 0};
  return image;
}

static fu_tensor* upsampled(const fu_image* image) {
  const fu_scene scene = {image, backbone, {64, 0, 0, 0}, NULL};
  fu_tensor* features = NULL;
  CHECK(fu_upsample(upsampler, &scene, NULL, &features) == FU_OK);
  return features;
}

static int same(const fu_tensor* a, const fu_tensor* b) {
  int64_t x[3], y[3];
  CHECK(fu_tensor_shape(a, x) == FU_OK && fu_tensor_shape(b, y) == FU_OK);
  return memcmp(x, y, sizeof x) == 0 &&
         memcmp(fu_tensor_data(a), fu_tensor_data(b), sizeof(float) * (size_t)(x[0] * x[1] * x[2])) == 0;
}

/* One picture in every format, order of channels and stride gives the same bits. */
static void test_formats(void) {
  static unsigned char bytes[(kWidth * 4 + 12) * kHeight];
  static float floats[kPixels * 4];
  const fu_image image = dense_image();
  fu_tensor* expected = upsampled(&image);
  const int order[4][3] = {{0, 1, 2}, {2, 1, 0}, {0, 1, 2}, {2, 1, 0}};
  for (int format = 0; format < 4; ++format) {
    const int n = format < 2 ? 3 : 4, row = kWidth * n + 12;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        for (int c = 0; c < 3; ++c) {
          const unsigned char value = rgb[(y * kWidth + x) * 3 + c];
          bytes[(kHeight - 1 - y) * row + x * n + order[format][c]] = value; /* upside down */
          floats[(y * kWidth + x) * n + order[format][c]] = (float)value / 255;
        }
    const fu_image flipped = {bytes + (kHeight - 1) * row, kWidth, kHeight, format, -row, 0, 0};
    const fu_image real = {floats, kWidth, kHeight, format + 5, 0, 0, 0};
    fu_tensor *one = upsampled(&flipped), *other = upsampled(&real);
    CHECK(same(one, expected) && same(other, expected));
    fu_tensor_free(one);
    fu_tensor_free(other);
  }
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < kPixels; ++i) bytes[c * kPixels + i] = rgb[i * 3 + c];
  const fu_image planes = {bytes, kWidth, kHeight, FU_RGB8, 0, 0, kPixels};
  fu_tensor* from_planes = upsampled(&planes);
  CHECK(same(from_planes, expected));
  fu_tensor_free(from_planes);
  fu_tensor_free(expected);
}

static void test_grey(void) {
  static unsigned char grey[kPixels], copied[kPixels * 3];
  for (int i = 0; i < kPixels; ++i) grey[i] = copied[3 * i] = copied[3 * i + 1] = copied[3 * i + 2] = rgb[3 * i];
  const fu_image one = {grey, kWidth, kHeight, FU_GREY8, 0, 0, 0}, three = {copied, kWidth, kHeight, FU_RGB8, 0, 0, 0};
  fu_tensor *a = upsampled(&one), *b = upsampled(&three);
  CHECK(same(a, b));
  fu_tensor_free(a);
  fu_tensor_free(b);
}

/* The caller's memory with strides, places alone, and a projection give what the whole map gives. */
static void test_outputs(void) {
  const fu_image image = dense_image();
  const fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
  fu_tensor* whole = upsampled(&image);
  const float* map = fu_tensor_data(whole);
  fu_output out = {NULL, 0, 0, 0, 0, 0, 0};
  CHECK(fu_upsample_into(upsampler, &scene, NULL, &out) == FU_OK);
  const int64_t h = out.height, w = out.width, c = out.channels;
  CHECK(h == 64 && w == 96 && c == fu_backbone_channels(backbone));
  float* planes = malloc(sizeof(float) * (size_t)(h * w * c));
  out.data = planes, out.channel_stride = h * w * 4, out.column_stride = 4, out.row_stride = w * 4;
  CHECK(fu_upsample_into(upsampler, &scene, NULL, &out) == FU_OK);
  for (int64_t p = 0; p < h * w; ++p)
    for (int64_t k = 0; k < c; ++k) CHECK(planes[k * h * w + p] == map[p * c + k]);
  out.height = h - 1;
  CHECK(fu_upsample_into(upsampler, &scene, NULL, &out) == FU_ERROR_SHAPE);

  const double points[] = {0, 0, 63, 95, 10, 20, 10.5, 20};
  float* at = malloc(sizeof(float) * (size_t)(4 * c));
  CHECK(fu_upsample_points(upsampler, &scene, NULL, points, 4, at) == FU_OK);
  for (int64_t k = 0; k < c; ++k) {
    CHECK(at[k] == map[k] && at[c + k] == map[(63 * w + 95) * c + k] && at[2 * c + k] == map[(10 * w + 20) * c + k]);
    const float middle = (map[(10 * w + 20) * c + k] + map[(11 * w + 20) * c + k]) / 2;
    CHECK(fabsf(at[3 * c + k] - middle) <= 1e-6f * (1 + fabsf(middle)));
  }
  const double outside[] = {64, 0};
  CHECK(fu_upsample_points(upsampler, &scene, NULL, outside, 1, at) == FU_ERROR_USAGE);

  float* matrix = calloc((size_t)(c * 2), sizeof *matrix);
  const float offset[2] = {0, 3};
  matrix[0] = 1, matrix[5 * 2 + 1] = 1; /* channels 0 and 5 */
  const fu_projection projection = {matrix, c, 2, offset};
  const fu_upsample_options options = {0, 0, &projection, {NULL, NULL}};
  fu_tensor* two = NULL;
  CHECK(fu_upsample(upsampler, &scene, &options, &two) == FU_OK);
  for (int64_t p = 0; p < h * w; ++p) {
    CHECK(fabsf(fu_tensor_data(two)[2 * p] - map[p * c]) < 1e-4f);
    CHECK(fabsf(fu_tensor_data(two)[2 * p + 1] - 3 - map[p * c + 5]) < 1e-4f);
  }
  fu_tensor_free(two);
  fu_tensor_free(whole);
  free(matrix);
  free(at);
  free(planes);
}

/* The application's own features, and its own network, give what the backbone gives. */
static int by_the_backbone(const float* image, int64_t height, int64_t width, float* features, void* user) {
  const int64_t cells = height / 16 * (width / 16);
  *(int*)user += 1;
  for (int64_t i = 0; i < cells * 3; ++i) features[i] = image[i];
  return 0;
}
static void test_own_features(void) {
  const fu_image image = dense_image();
  fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
  fu_tensor *coarse = NULL, *fine = NULL, *expected = upsampled(&image);
  int64_t shape[3];
  CHECK(fu_features_of(&scene, NULL, &coarse) == FU_OK && fu_tensor_shape(coarse, shape) == FU_OK);
  const fu_features own = {fu_tensor_data(coarse), shape[0], shape[1], shape[2], 0, 0, 0};
  const fu_input_size all = {0, 0, 0, 0};
  scene.backbone = NULL, scene.input = all, scene.features = &own;
  const fu_upsample_options options = {64, 96, NULL, {NULL, NULL}};
  CHECK(fu_upsample(upsampler, &scene, &options, &fine) == FU_OK && same(fine, expected));
  fu_tensor_free(fine);
  fu_tensor_free(coarse);
  fu_tensor_free(expected);

  int calls = 0;
  fu_backbone* network = NULL;
  CHECK(fu_backbone_from_function(by_the_backbone, &calls, 16, 3, &network) == FU_OK);
  const fu_scene through = {&image, network, {64, 0, 0, 0}, NULL};
  CHECK(fu_upsample(upsampler, &through, NULL, &fine) == FU_OK && calls == 1);
  CHECK(fu_tensor_shape(fine, shape) == FU_OK && shape[0] == 64 && shape[2] == 3);
  fu_tensor_free(fine);
  fu_backbone_free(network);
}

static void test_errors(void) {
  const fu_image image = dense_image();
  fu_image empty = image, unknown = image;
  empty.width = 0, unknown.format = 77;
  const fu_image* bad[] = {&empty, &unknown, NULL};
  const fu_status expected[] = {FU_ERROR_SHAPE, FU_ERROR_USAGE, FU_ERROR_USAGE};
  fu_tensor* features = NULL;
  for (int i = 0; i < 3; ++i) {
    const fu_scene scene = {bad[i], backbone, {64, 0, 0, 0}, NULL};
    CHECK(fu_upsample(upsampler, &scene, NULL, &features) == expected[i] && features == NULL);
    CHECK(strlen(fu_last_error()) > 20);
  }
  fu_backbone* none = NULL;
  CHECK(fu_backbone_open("no such file", NULL, &none) == FU_ERROR_FILE && none == NULL);
  CHECK(strstr(fu_last_error(), "no such file") != NULL);
  CHECK(fu_backbone_open("builtin", "no-such-field=1", &none) == FU_ERROR_USAGE);
  CHECK(fu_backbone_open(NULL, NULL, &none) == FU_ERROR_USAGE &&
        fu_backbone_open("builtin", NULL, NULL) == FU_ERROR_USAGE);
  CHECK(fu_backbone_open_memory("nonsense", 8, "noise", NULL, &none) == FU_ERROR_FILE);
  CHECK(strstr(fu_last_error(), "noise") != NULL);
  fu_backbone_free(NULL);
  fu_tensor_free(NULL);

  fu_memory memory;
  CHECK(fu_memory_stats(&memory) == FU_OK);
  const fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
  CHECK(fu_set_memory_limit(memory.live + 100000) == FU_OK);
  CHECK(fu_upsample(upsampler, &scene, NULL, &features) == FU_ERROR_MEMORY && features == NULL);
  CHECK(fu_set_memory_limit(0) == FU_OK);
}

/* The cache stays below its bound, and trimming empties it. */
static void test_cache(void) {
  const fu_image image = dense_image();
  fu_memory memory;
  CHECK(fu_set_cache_limit(1 << 20) == FU_OK);
  for (int side = 64; side <= 96; side += 16) {
    const fu_scene scene = {&image, backbone, {side, 0, 0, 0}, NULL};
    fu_tensor* features = NULL;
    CHECK(fu_upsample(upsampler, &scene, NULL, &features) == FU_OK);
    fu_tensor_free(features);
    CHECK(fu_memory_stats(&memory) == FU_OK && memory.cached <= 1 << 20);
  }
  CHECK(fu_set_cache_limit(UINT64_MAX) == FU_OK);
  fu_tensor_free(upsampled(&image));
  CHECK(fu_memory_stats(&memory) == FU_OK && memory.cached > 1 << 20);
  CHECK(fu_trim_cache() == FU_OK && fu_memory_stats(&memory) == FU_OK && memory.cached == 0);
}

/* Limits of a context hold in the thread that uses it, and what was made in one counts there. */
static void test_contexts(void) {
  const fu_image image = dense_image();
  const fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
  fu_tensor *expected = upsampled(&image), *inside = NULL, *refused = NULL;
  fu_context* context = NULL;
  fu_memory memory, outside;
  CHECK(fu_context_new(NULL) == FU_ERROR_USAGE && fu_context_new(&context) == FU_OK);
  CHECK(fu_context_use(context) == FU_OK && fu_threads() == 2);
  CHECK(fu_set_threads(1) == FU_OK && fu_threads() == 1);
  CHECK(fu_memory_stats(&memory) == FU_OK && memory.live == 0 && memory.cached == 0);
  CHECK(fu_set_memory_limit(1000000) == FU_OK);
  CHECK(fu_upsample(upsampler, &scene, NULL, &refused) == FU_ERROR_MEMORY && refused == NULL);
  CHECK(fu_set_memory_limit(0) == FU_OK && fu_set_cache_limit(0) == FU_OK);
  CHECK(fu_upsample(upsampler, &scene, NULL, &inside) == FU_OK && same(inside, expected));
  CHECK(fu_memory_stats(&memory) == FU_OK && memory.live > 0 && memory.cached == 0);
  CHECK(fu_context_use(NULL) == FU_OK && fu_threads() == 2);
  CHECK(fu_memory_stats(&outside) == FU_OK && outside.live > memory.live);
  fu_context_free(context);
  CHECK(same(inside, expected)); /* results live on */
  fu_tensor_free(inside);
  fu_tensor_free(expected);
  CHECK(fu_memory_stats(&memory) == FU_OK && memory.live < outside.live);
}

struct Watched {
  int calls, logged;
  double last;
  fu_decision then;
};
static int watch(double fraction, const char* stage, void* user) {
  struct Watched* w = user;
  CHECK(stage != NULL && fraction >= w->last && fraction <= 1);
  w->last = fraction;
  return ++w->calls < 3 ? FU_CONTINUE : w->then;
}
static int cancel(double fraction, const char* stage, void* user) {
  (void)fraction, (void)stage;
  ++*(int*)user;
  return FU_CANCEL;
}
static void count_lines(fu_log_level level, const char* line, void* user) {
  CHECK((level == FU_LOG_INFO || level == FU_LOG_WARNING) && strlen(line) > 0);
  ++((struct Watched*)user)->logged;
}

static void test_callbacks(void) {
  const fu_image image = dense_image();
  const fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
  struct Watched seen = {0, 0, 0, FU_CONTINUE};
  fu_upsample_options options = {0, 0, NULL, {watch, &seen}};
  fu_tensor* features = NULL;
  CHECK(fu_upsample(upsampler, &scene, &options, &features) == FU_OK && seen.calls > 0);
  fu_tensor_free(features);
  int calls = 0;
  options.progress.call = cancel, options.progress.user = &calls;
  CHECK(fu_upsample(upsampler, &scene, &options, &features) == FU_CANCELLED && calls == 1 && features == NULL);

  CHECK(fu_set_log(count_lines, &seen) == FU_OK);
  fu_backbone* again = NULL;
  CHECK(fu_backbone_open("builtin", NULL, &again) == FU_OK && seen.logged == 1);
  CHECK(fu_set_log(NULL, NULL) == FU_OK);
  fu_backbone_free(again);
}

static void test_fit(const char* folder) {
  const fu_image image = dense_image();
  const fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
  fu_fit *fit = NULL, *read = NULL;
  struct Watched seen = {0, 0, 0, FU_CONTINUE};
  const fu_progress progress = {watch, &seen};
  CHECK(fu_fit_make(&scene, "views=6 held-out=2", &progress, &fit) == FU_OK && seen.calls >= 6);
  int64_t shape[3];
  CHECK(fu_fit_shape(fit, shape) == FU_OK && shape[0] == 64 && shape[1] == 96);
  CHECK(fu_fit_explained(fit) <= 1 && isfinite(fu_fit_explained(fit)));
  char path[1024];
  snprintf(path, sizeof path, "%s/embed.fit.safetensors", folder);
  CHECK(fu_fit_save(fit, path) == FU_OK && fu_fit_load(path, &read) == FU_OK);
  fu_tensor *whole = NULL, *part = NULL, *again = NULL;
  fu_query query = {100, 150, 20, 30, 40, 50, NULL, NULL};
  CHECK(fu_fit_query(fit, &query, &part) == FU_OK && fu_fit_query(read, &query, &again) == FU_OK && same(part, again));
  query.top = query.left = query.rows = query.columns = 0;
  CHECK(fu_fit_query(fit, &query, &whole) == FU_OK);
  const int64_t c = shape[2];
  for (int64_t y = 0; y < 40; ++y)
    CHECK(memcmp(fu_tensor_data(part) + y * 50 * c, fu_tensor_data(whole) + ((20 + y) * 150 + 30) * c,
                 sizeof(float) * (size_t)(50 * c)) == 0);
  const double points[] = {20, 30, 99, 149};
  float* at = malloc(sizeof(float) * (size_t)(2 * c));
  CHECK(fu_fit_points(fit, &query, points, 2, at) == FU_OK);
  for (int64_t k = 0; k < c; ++k) CHECK(fabsf(at[k] - fu_tensor_data(part)[k]) < 1e-4f);
  free(at);
  fu_tensor_free(again);
  query.left = 140, query.columns = 20;
  CHECK(fu_fit_query(fit, &query, &again) == FU_ERROR_USAGE);

  FILE* file = fopen(path, "rb");
  CHECK(file && fseek(file, 0, SEEK_END) == 0);
  const long size = ftell(file);
  unsigned char* bytes = malloc((size_t)size);
  rewind(file);
  CHECK(bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size && fclose(file) == 0);
  fu_fit* held = NULL;
  CHECK(fu_fit_load_memory(bytes, (size_t)size, "held", &held) == FU_OK);
  memset(bytes, 0, (size_t)size);
  free(bytes); /* it is not needed afterwards */
  fu_query same_query = {100, 150, 20, 30, 40, 50, NULL, NULL};
  CHECK(fu_fit_query(held, &same_query, &again) == FU_OK && same(part, again));
  int calls = 0;
  const fu_progress stop = {cancel, &calls};
  fu_fit* none = NULL;
  CHECK(fu_fit_make(&scene, NULL, &stop, &none) == FU_CANCELLED && none == NULL && calls == 1);
  fu_tensor_free(again);
  fu_tensor_free(whole);
  fu_tensor_free(part);
  fu_fit_free(held);
  fu_fit_free(read);
  fu_fit_free(fit);
}

int main(int argc, char** argv) {
  for (int i = 0; i < kPixels * 3; ++i) rgb[i] = (unsigned char)(((unsigned)i * 2654435761u) >> 24);
  CHECK(strcmp(fu_last_error(), "") == 0 && strlen(fu_version()) >= 5);
  CHECK(fu_set_threads(2) == FU_OK && fu_threads() == 2);
  CHECK(fu_backbone_open("builtin", NULL, &backbone) == FU_OK &&
        fu_upsampler_open("builtin", NULL, &upsampler) == FU_OK);
  CHECK(fu_backbone_patch(backbone) == 16 && strlen(fu_backbone_describe(backbone)) > 0);
  test_formats();
  test_grey();
  test_outputs();
  test_own_features();
  test_errors();
  test_cache();
  test_contexts();
  test_callbacks();
  test_fit(argc > 1 ? argv[1] : ".");
  fu_upsampler_free(upsampler);
  fu_backbone_free(backbone);
  printf("featup %s from C: all checks passed\n", fu_version());
  return 0;
}
