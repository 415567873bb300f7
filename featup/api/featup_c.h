/* The C interface of libfeatup: C99, no C++ type and no exception crosses it. C++ programs may use it too, or featup.h.
 * Handles (fu_backbone and the like) are made by functions that store them, and freed by fu_..._free, which take NULL.
 * fu_..._memory does from the bytes of a file, which are not needed afterwards, what the function before it does from
 * the file; name: for messages. fu_..._into stores in memory of the caller's.
 * A handle keeps what it needs alive: a backbone may be freed before an upsampler that looks through it. Handles do not
 * change: any number of threads may use one at the same time, while none frees it.
 * Structs are filled by the caller; all zero is the default everywhere. Sizes are in pixels, strides in bytes; "dense"
 * means rows first, channels last, nothing in between. Texts are UTF-8. Numbers in texts have a decimal point, whatever
 * the locale. Pointers to structs are not kept. */
#ifndef FEATUP_C_H
#define FEATUP_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---- */

/* What most functions return. */
typedef enum fu_status {
  FU_OK = 0,
  FU_ERROR_USAGE = 1,   /* an argument outside its range, a null pointer, a request that cannot be served */
  FU_ERROR_SHAPE = 2,   /* sizes that do not fit together */
  FU_ERROR_FILE = 3,    /* a file or bytes that cannot be read or written, or hold something else */
  FU_ERROR_MEMORY = 4,  /* the memory limit, or what the machine has, does not suffice */
  FU_CANCELLED = 5,     /* a progress callback asked for it */
  FU_ERROR_INTERNAL = 6 /* anything else: a fault of the library, or an exception out of a callback */
} fu_status;

/* What went wrong in this thread's last call that did not return FU_OK, in one line; "" before the first. It stays
 * valid until this thread's next such call.
 * @code
 * fu_backbone* backbone = NULL;
 * const fu_status status = fu_backbone_open("no-such-file.pth", NULL, &backbone);
 * assert(status == FU_ERROR_FILE && backbone == NULL);
 * printf("%s: %s\n", fu_status_name(status), fu_last_error());
 * @endcode
 */
const char* fu_last_error(void);
const char* fu_status_name(int status); /* "file error"; for any number */

/* ---- The library, for all of the process ---- */

const char* fu_version(void); /* "0.2.0", of the library that runs */

/* Threads that a call computes with, the caller's included; 0 or less: the default, as many as there are cores. Results
 * have the same bits for any number. */
fu_status fu_set_threads(int threads);
int fu_threads(void); /* that number */

/* Numbers and models in memory at most, in bytes; 0: no limit. Calls that need more fail with FU_ERROR_MEMORY. */
fu_status fu_set_memory_limit(uint64_t bytes);
/* Freed memory that is kept for the next call at most: UINT64_MAX, as at the start, means as much as the calls so far
 * needed at a time and a quarter more, or 512 MB, whichever is more. With 0 each call asks the system anew, which costs
 * time: 19,000 page faults for a result of 77 MB. */
fu_status fu_set_cache_limit(uint64_t bytes);
fu_status fu_trim_cache(void); /* gives all kept memory back to the system */

/* What the library holds. */
typedef struct fu_memory {
  uint64_t live, cached, peak_live; /* bytes in use, kept for reuse, and the most that was in use at a time */
  uint64_t system_calls;            /* blocks asked of the system so far: constant while calls repeat */
} fu_memory;
fu_status fu_memory_stats(fu_memory* memory); /* what it holds now */

/* Limits for some threads, beside those of the process: two models in one program, or a library inside of a program
 * that uses this one too. In a thread that uses a context, the functions above are about it, from fu_set_threads to
 * fu_memory_stats: its threads (0: those of the process), its memory, what it keeps. Its memory counts against the
 * limit of the process too. Any number of threads may use one. Handles and results are valid everywhere; what was made
 * in a context counts there until it is freed. */
typedef struct fu_context fu_context;
fu_status fu_context_new(fu_context** context); /* without limits */
/* Calls of this thread use it from now on; NULL: none, as at the start, and as it must be when the thread ends.
 * @code
 * fu_context* context = NULL;
 * const int failed = fu_context_new(&context) || fu_context_use(context) || fu_set_memory_limit(1 << 28);
 * assert(!failed);
 * fu_context_use(NULL), fu_context_free(context);
 * @endcode
 */
fu_status fu_context_use(fu_context* context);
void fu_context_free(fu_context* context); /* threads that still use it keep its limits */

/* The library never prints. What it has to say goes to this callback, one line at a time, from the thread of the call
 * that it is about; NULL, as at the start: to nobody. It must not call the library. */
typedef enum fu_log_level { FU_LOG_INFO = 0, FU_LOG_WARNING = 1 } fu_log_level;
typedef void (*fu_log_function)(fu_log_level level, const char* line, void* user);
fu_status fu_set_log(fu_log_function log, void* user); /* user: what the function is given */

/* Called some times during a long call, on its thread, with the share of the work that is done (0 to 1). stage: what is
 * being done, or "". */
typedef enum fu_decision {
  FU_CONTINUE = 0,
  FU_CANCEL = 1, /* the call ends at once with FU_CANCELLED, and stores nothing */
  FU_FINISH = 2  /* fu_fit_make: keep the best so far, if there is one yet; elsewhere as FU_CANCEL */
} fu_decision;
/* Returns one of fu_decision. */
typedef int (*fu_progress_function)(double fraction, const char* stage, void* user);
/* Whom a long call tells how far it is. */
typedef struct fu_progress {
  fu_progress_function call; /* NULL: none */
  void* user;
} fu_progress;

/* ---- Images, features, results ---- */

/* Bytes of 0 to 255, or floats of 0 to 1, which are rounded to bytes. A fourth channel is left out, not blended. */
typedef enum fu_pixel_format {
  FU_RGB8 = 0,
  FU_BGR8 = 1,
  FU_RGBA8 = 2,
  FU_BGRA8 = 3,
  FU_GREY8 = 4,
  FU_RGB_FLOAT = 5,
  FU_BGR_FLOAT = 6,
  FU_RGBA_FLOAT = 7,
  FU_BGRA_FLOAT = 8,
  FU_GREY_FLOAT = 9
} fu_pixel_format;

/* A picture in memory of the caller's. */
typedef struct fu_image {
  const void* data; /* the first channel of the upper left pixel */
  int64_t width, height;
  int format;             /* one of fu_pixel_format */
  int64_t row_stride;     /* from a row to the one below it, negative where rows lie upside down; 0: dense */
  int64_t column_stride;  /* from a pixel to the one right of it; 0: dense */
  int64_t channel_stride; /* from a channel to the next, such as a whole plane; 0: side by side */
} fu_image;

/* Features of the caller's own network, (height,width,channels), of the whole image. */
typedef struct fu_features {
  const float* data;
  int64_t height, width, channels;
  int64_t row_stride, column_stride, channel_stride; /* 0: dense */
} fu_features;

/* Where a result is stored. The sizes must be those of the result. */
typedef struct fu_output {
  float* data; /* NULL: nothing is computed; the sizes are set to those of the result, and the strides to 0 */
  int64_t height, width, channels;
  int64_t row_stride, column_stride, channel_stride; /* 0: dense */
} fu_output;

/* A result in memory of the library, dense, (height,width,channels); fastest, because nothing is copied. */
typedef struct fu_tensor fu_tensor;
const float* fu_tensor_data(const fu_tensor* tensor);                 /* stays where it is until it is freed */
fu_status fu_tensor_shape(const fu_tensor* tensor, int64_t shape[3]); /* height, width, channels */
void fu_tensor_free(fu_tensor* tensor);

/* A linear map over channels, applied while features are enlarged: K outputs cost K channels, not C. */
typedef struct fu_projection {
  const float* matrix; /* (channels,outputs), dense */
  int64_t channels, outputs;
  const float* offset; /* (outputs), or NULL */
} fu_projection;

/* ---- Backbones: from an image to a coarse grid of features ---- */

typedef struct fu_backbone fu_backbone; /* a network with its weights */

/* name_or_path: "builtin", or a file or folder of weights. options: NULL, or names and values as the program has them,
 * "feature=key layer=9". */
fu_status fu_backbone_open(const char* name_or_path, const char* options, fu_backbone** backbone);
fu_status fu_backbone_open_memory(const void* bytes, size_t size, const char* name, const char* options,
                                  fu_backbone** backbone);
/* A network of the caller's. It receives images (height,width,3), dense, minus ImageNet's mean and over its standard
 * deviation, whose sides are multiples of `patch`, and writes (height/patch,width/patch,channels), dense. Anything but
 * 0 ends the call that asked for it with FU_ERROR_USAGE. It is called from any thread that uses the backbone. */
typedef int (*fu_network_function)(const float* image, int64_t height, int64_t width, float* features, void* user);
fu_status fu_backbone_from_function(fu_network_function network, void* user, int64_t patch, int64_t channels,
                                    fu_backbone** backbone);
void fu_backbone_free(fu_backbone* backbone);
/* For people: the network and its sizes. It lives as long as the backbone. */
const char* fu_backbone_describe(const fu_backbone* backbone);
/* What was taken where the weights leave it open: "heads 12 (config.json), ..."; "" for nothing. */
const char* fu_backbone_settings(const fu_backbone* backbone);
int64_t fu_backbone_patch(const fu_backbone* backbone);    /* side of a cell in pixels */
int64_t fu_backbone_channels(const fu_backbone* backbone); /* numbers in a feature */

/* Size of the image at the backbone. All 0: its short side becomes 224 pixels. */
typedef struct fu_input_size {
  int64_t short_side;    /* the aspect is kept, both sides are rounded to whole patches */
  int64_t height, width; /* exactly that size: the image is scaled to cover it, and cut at its edges */
  int own;               /* not 0: not scaled; what is less than a patch is cut off at the edges */
} fu_input_size;

/* What calls look at: an image with its features, which a backbone makes of it, or which the caller has. */
typedef struct fu_scene {
  const fu_image* image;
  const fu_backbone* backbone; /* NULL with `features` */
  fu_input_size input; /* of the backbone; with `features`, only height and width: the size that features are of */
  const fu_features* features; /* NULL: the backbone makes them */
} fu_scene;

/* The image's coarse features, (rows,columns,channels). progress: NULL for none. */
fu_status fu_features_of(const fu_scene* scene, const fu_progress* progress, fu_tensor** features);
fu_status fu_features_into(const fu_scene* scene, const fu_progress* progress, fu_output* features);

/* ---- Upsamplers: from coarse to fine features ---- */

typedef struct fu_upsampler fu_upsampler; /* a method, ready for any number of images */

/* What methods need beside their name. */
typedef struct fu_upsampler_options {
  const fu_backbone* backbone; /* only for methods that look at an image many times: views, fit */
  uint64_t seed;               /* of their views */
  int published;               /* not 0: as the published code runs a stack */
} fu_upsampler_options;

/* "builtin", "bilinear", "views:80", "fit:0.1", ..., or a file. options may be NULL. */
fu_status fu_upsampler_open(const char* name_or_path, const fu_upsampler_options* options, fu_upsampler** upsampler);
fu_status fu_upsampler_open_memory(const void* bytes, size_t size, const char* name,
                                   const fu_upsampler_options* options, fu_upsampler** upsampler);
void fu_upsampler_free(fu_upsampler* upsampler);
const char* fu_upsampler_describe(const fu_upsampler* upsampler); /* for people; lives as long as the upsampler */

/* What is wanted of a result. */
typedef struct fu_upsample_options {
  int64_t height, width;           /* of the result; 0: 16 times the features, cut to the image at the backbone */
  const fu_projection* projection; /* NULL: all channels */
  fu_progress progress;
} fu_upsample_options;

/* The fine features of an image, (height,width, channels or outputs). options may be NULL. */
fu_status fu_upsample(const fu_upsampler* upsampler, const fu_scene* scene, const fu_upsample_options* options,
                      fu_tensor** features);
/* The same into memory of the caller's. First with data NULL, which tells the sizes.
 * @code
 * static unsigned char pixels[64 * 64 * 3];
 * const fu_image image = {pixels, 64, 64, FU_RGB8, 0, 0, 0};
 * fu_backbone* backbone = NULL; fu_upsampler* upsampler = NULL;
 * int failed = fu_backbone_open("builtin", NULL, &backbone) || fu_upsampler_open("bilinear", NULL, &upsampler);
 * const fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
 * fu_output out = {NULL, 0, 0, 0, 0, 0, 0};
 * failed = failed || fu_upsample_into(upsampler, &scene, NULL, &out);
 * out.data = malloc(sizeof(float) * (size_t)(out.height * out.width * out.channels));
 * failed = failed || fu_upsample_into(upsampler, &scene, NULL, &out);
 * assert(!failed && out.height == 64 && out.channels == fu_backbone_channels(backbone));
 * free(out.data), fu_upsampler_free(upsampler), fu_backbone_free(backbone);
 * @endcode
 */
fu_status fu_upsample_into(const fu_upsampler* upsampler, const fu_scene* scene, const fu_upsample_options* options,
                           fu_output* features);
/* The same at some places alone: points (count,2), rows and columns in pixels of the result, (0,0) the centre of the
 * first; in between, the mean of the four pixels around. result (count, channels or outputs), dense. The map is made
 * some channels at a time: 128 MB of it, or one channel, whatever the number of channels; a method that looks many
 * times makes all. */
fu_status fu_upsample_points(const fu_upsampler* upsampler, const fu_scene* scene, const fu_upsample_options* options,
                             const double* points, int64_t count, float* result);

/* ---- Fits: the features of one image at any place and size; not in libfeatup_inference ---- */

typedef struct fu_fit fu_fit; /* a fit of one image */

/* Fits the image, through the backbone; scene.features and own are refused. options: NULL, or names and values as the
 * program has them, "views=80 smoothness=0.1". Takes seconds.
 * @code
 * static unsigned char pixels[64 * 64 * 3];
 * const fu_image image = {pixels, 64, 64, FU_RGB8, 0, 0, 0};
 * fu_backbone* backbone = NULL; fu_fit* fit = NULL; fu_tensor* part = NULL;
 * int failed = fu_backbone_open("builtin", NULL, &backbone);
 * const fu_scene scene = {&image, backbone, {64, 0, 0, 0}, NULL};
 * failed = failed || fu_fit_make(&scene, "views=10 held-out=2", NULL, &fit);
 * const fu_query query = {128, 128, 32, 32, 16, 16, NULL, NULL};  // 16 x 16 pixels of a map of 128 x 128
 * failed = failed || fu_fit_query(fit, &query, &part);
 * assert(!failed && fu_tensor_data(part) != NULL);
 * fu_tensor_free(part), fu_fit_free(fit), fu_backbone_free(backbone);
 * @endcode
 */
fu_status fu_fit_make(const fu_scene* scene, const char* options, const fu_progress* progress, fu_fit** fit);
/* What fu_fit_save or the program wrote. */
fu_status fu_fit_load(const char* path, fu_fit** fit);
fu_status fu_fit_load_memory(const void* bytes, size_t size, const char* name, fu_fit** fit);
fu_status fu_fit_save(const fu_fit* fit, const char* path); /* all of it */
void fu_fit_free(fu_fit* fit);
fu_status fu_fit_shape(const fu_fit* fit, int64_t shape[3]); /* height, width and channels of the fit */
/* Share of unseen views' variance that it explains, as its file says; NaN if it does not. */
double fu_fit_explained(const fu_fit* fit);

/* Which part of a fit's map is wanted, and at which size. */
typedef struct fu_query {
  int64_t height, width;            /* of the whole result; 0: as it was fitted */
  int64_t top, left, rows, columns; /* the part of it that is wanted; rows or columns 0: to the edge */
  const fu_image* image; /* colours from the image in full; NULL: from the fit's copy, of the size of the fit */
  const fu_projection* projection; /* NULL: all channels */
} fu_query;

/* That part of the map, (rows,columns, channels or outputs). query may be NULL: all of it, as it was fitted. */
fu_status fu_fit_query(const fu_fit* fit, const fu_query* query, fu_tensor** features);
fu_status fu_fit_query_into(const fu_fit* fit, const fu_query* query, fu_output* features);
/* At places, as in fu_upsample_points; top, left, rows and columns are not used. */
fu_status fu_fit_points(const fu_fit* fit, const fu_query* query, const double* points, int64_t count, float* result);

/* ---- Classes: words, probes, classifiers ---- */

typedef struct fu_classes fu_classes; /* what pixels can be, and how features are scored for it */

/* Words as CLIP's or SigLIP's text encoder understands them. weights: of that model. tokenizer: NULL: beside the
 * weights. templates: "one", "seven", "all"; NULL: seven. options: as of the backbone. Opening the encoder takes
 * seconds. */
fu_status fu_words_encode(const char* weights, const char* tokenizer, const char* templates, const char* options,
                          const char* const* words, int64_t count, fu_classes** classes);
/* What `featup text` writes, or any file of one matrix of text embeddings for features of so many channels. */
fu_status fu_words_load(const char* path, int64_t channels, fu_classes** classes);
fu_status fu_words_load_memory(const void* bytes, size_t size, const char* name, int64_t channels,
                               fu_classes** classes);
/* What `featup probe train` writes. */
fu_status fu_probe_load(const char* path, fu_classes** classes);
fu_status fu_probe_load_memory(const void* bytes, size_t size, const char* name, fu_classes** classes);
/* The classifier in a backbone's file; backbone: receives the one whose features it reads. */
fu_status fu_head_open(const char* path, const char* options, fu_classes** classes, fu_backbone** backbone);
void fu_classes_free(fu_classes* classes);
int64_t fu_classes_count(const fu_classes* classes);
int64_t fu_classes_channels(const fu_classes* classes);                 /* of the features that they read */
const char* fu_classes_name(const fu_classes* classes, int64_t number); /* NULL for a number that is none */
int fu_classes_are_numbers(const fu_classes* classes);                  /* of a probe of numbers, such as depth: 1 */

/* What is wanted of labels. */
typedef struct fu_label_options {
  int64_t height, width; /* of the result; 0: as fu_upsample_options */
  double threshold;      /* pixels whose best class is less sure than that get FU_NO_CLASS */
  fu_progress progress;
} fu_label_options;
enum { FU_NO_CLASS = 255 }; /* the label of a pixel that no class is sure enough of */

/* Where labels are stored. */
typedef struct fu_labels {
  uint8_t* labels;   /* (height,width): the number of each pixel's class; NULL: only the sizes are set */
  float* confidence; /* (height,width), 0 to 1; NULL: not wanted */
  int64_t height, width;
  int64_t label_row_stride, confidence_row_stride; /* 0: dense */
} fu_labels;

/* The best of at most 255 classes for each pixel. `result` has the result's sizes. options may be NULL. */
fu_status fu_label(const fu_upsampler* upsampler, const fu_scene* scene, const fu_classes* classes,
                   const fu_label_options* options, fu_labels* result);
/* What each pixel scores for each class, (height,width,classes), as they are before they become probabilities: cosines
 * of words, logits of a probe, or its numbers. threshold is not used. */
fu_status fu_scores(const fu_upsampler* upsampler, const fu_scene* scene, const fu_classes* classes,
                    const fu_label_options* options, fu_tensor** scores);

#ifdef __cplusplus
}
#endif

#endif
