/* The C interface while memory is short: a call that fails says so, changes nothing, and asked again it gives what it
 * would have given. Writes a fit into the folder that is the argument, and prints sums of what was computed. Ends with
 * 1 and one line if memory is short twice at the same call. */
#include <featup/featup_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { kSide = 64 };

static void end_with(const char* what) {
  fprintf(stderr, "c_calls: %s: %s\n", what, fu_last_error());
  exit(1);
}

/* Whether the call is to be tried again. */
static int again(fu_status status, int* tries, const char* what) {
  if (status == FU_OK) return 0;
  if (status != FU_ERROR_MEMORY) {
    fprintf(stderr, "c_calls: %s: status %d: %s\n", what, status, fu_last_error());
    exit(3);
  }
  if (++*tries > 1) end_with(what);
  return 1;
}
#define TRY(call)                                  \
  do {                                             \
    int tries = 0;                                 \
    while (again((call), &tries, #call)) continue; \
  } while (0)

static void print_sum(const char* name, const fu_tensor* tensor) {
  int64_t shape[3];
  TRY(fu_tensor_shape(tensor, shape));
  const unsigned char* bytes = (const unsigned char*)fu_tensor_data(tensor);
  const size_t size = sizeof(float) * (size_t)(shape[0] * shape[1] * shape[2]);
  unsigned long sum = 5381;
  for (size_t i = 0; i < size; ++i) sum = sum * 33 + bytes[i];
  printf("%s %lx\n", name, sum);
}

int main(int argc, char** argv) {
  static unsigned char rgb[kSide * kSide * 3];
  for (int i = 0; i < kSide * kSide * 3; ++i) rgb[i] = (unsigned char)(((unsigned)i * 2654435761u) >> 24);
  if (argc != 2) return 2;
  mkdir(argv[1], 0777);
  char path[1024];
  snprintf(path, sizeof path, "%s/c.fit.safetensors", argv[1]);

  fu_backbone* backbone = NULL;
  fu_upsampler* upsampler = NULL;
  fu_tensor *features = NULL, *coarse = NULL, *queried = NULL;
  fu_fit *fit = NULL, *read = NULL;
  const fu_image image = {rgb, kSide, kSide, FU_RGB8, 0, 0, 0};
  TRY(fu_set_threads(1));
  TRY(fu_backbone_open("builtin", NULL, &backbone));
  TRY(fu_upsampler_open("builtin", NULL, &upsampler));
  const fu_scene scene = {&image, backbone, {kSide, 0, 0, 0}, NULL};
  TRY(fu_features_of(&scene, NULL, &coarse));
  TRY(fu_upsample(upsampler, &scene, NULL, &features));
  TRY(fu_fit_make(&scene, "views=3 held-out=2", NULL, &fit));
  TRY(fu_fit_save(fit, path));
  TRY(fu_fit_load(path, &read));
  const fu_query query = {40, 48, 0, 0, 0, 0, NULL, NULL};
  TRY(fu_fit_query(read, &query, &queried));
  print_sum("coarse", coarse);
  print_sum("features", features);
  print_sum("queried", queried);
  fu_tensor_free(queried);
  fu_tensor_free(features);
  fu_tensor_free(coarse);
  fu_fit_free(read);
  fu_fit_free(fit);
  fu_upsampler_free(upsampler);
  fu_backbone_free(backbone);
  return fflush(stdout) == 0 ? 0 : 1;
}
