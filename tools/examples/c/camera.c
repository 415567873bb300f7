/* A camera's loop: every frame is turned into features of a few channels, in the caller's own memory, within a fixed
 * time and without asking the system for memory after the first frames.
 *
 *   cc camera.c $(pkg-config --cflags --libs featup) -o camera && ./camera 30
 *
 * The camera here is a drawing: a bright square that moves over a striped floor, as 4 bytes a pixel with rows that are
 * filled up to 4096 bytes, which is how cameras often deliver. */
#include <featup/featup_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kWidth = 640, kHeight = 480, kRowBytes = 4096, kOutputs = 8, kWarmUp = 3 };

static void draw_frame(unsigned char* pixels, int number) {
  const int left = 20 * number % (kWidth - 100);
  for (int i = 0; i < kWidth * kHeight; ++i) {
    const int x = i % kWidth, y = i / kWidth, inside = x >= left && x < left + 100 && y >= 150 && y < 250;
    unsigned char* p = pixels + y * kRowBytes + x * 4;
    p[0] = (unsigned char)(inside ? 40 : x / 3); /* blue */
    p[1] = (unsigned char)(inside ? 200 : (y / 32 % 2) * 90 + 60);
    p[2] = (unsigned char)(inside ? 240 : y / 2);
    p[3] = 255;
  }
}

static double now_seconds(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Ends the program with the library's words. */
static void must(fu_status status) {
  if (status == FU_OK) return;
  fprintf(stderr, "camera: %s: %s\n", fu_status_name(status), fu_last_error());
  exit(1);
}

int main(int argc, char** argv) {
  const int frames = argc > 1 ? atoi(argv[1]) : 30;
  fu_backbone* backbone = NULL;
  fu_upsampler* upsampler = NULL;
  must(fu_backbone_open("builtin", NULL, &backbone));
  must(fu_upsampler_open("builtin", NULL, &upsampler));
  /* 8 channels in place of all: each is the mean of some of the backbone's. A probe's weights would stand here. */
  const int64_t channels = fu_backbone_channels(backbone);
  float* matrix = calloc((size_t)(channels * kOutputs), sizeof *matrix);
  unsigned char* pixels = malloc((size_t)kHeight * kRowBytes);
  for (int64_t c = 0; matrix && c < channels; ++c)
    matrix[c * kOutputs + c * kOutputs / channels] = (float)kOutputs / (float)channels;
  const fu_projection projection = {matrix, channels, kOutputs, NULL};
  const fu_image frame = {pixels, kWidth, kHeight, FU_BGRA8, kRowBytes, 0, 0};
  const fu_scene scene = {&frame, backbone, {128, 0, 0, 0}, NULL};
  const fu_upsample_options options = {0, 0, &projection, {NULL, NULL}};
  fu_output result = {NULL, 0, 0, 0, 0, 0, 0}; /* the size first */
  must(fu_upsample_into(upsampler, &scene, &options, &result));
  result.data = malloc((size_t)(result.height * result.width * result.channels) * sizeof(float));
  if (!matrix || !pixels || !result.data) return 1;
  double worst = 0, sum = 0;
  uint64_t blocks = 0;
  fu_memory memory;
  for (int number = 0; number < frames + kWarmUp; ++number) {
    draw_frame(pixels, number);
    const double begin = now_seconds();
    must(fu_upsample_into(upsampler, &scene, &options, &result));
    const double seconds = now_seconds() - begin;
    must(fu_memory_stats(&memory));
    if (number < kWarmUp) blocks = memory.system_calls; /* threads start, memory is asked for */
    if (number >= kWarmUp) sum += seconds, worst = seconds > worst ? seconds : worst;
  }
  printf("%d frames of %dx%d -> %dx%dx%d features, %.1f ms each, %.1f ms at worst, %d blocks of memory asked for\n",
         frames, kWidth, kHeight, (int)result.width, (int)result.height, (int)result.channels, 1e3 * sum / frames,
         1e3 * worst, (int)(memory.system_calls - blocks));
  free(result.data), free(pixels), free(matrix);
  fu_upsampler_free(upsampler);
  fu_backbone_free(backbone);
  return memory.system_calls == blocks ? 0 : 1;
}
