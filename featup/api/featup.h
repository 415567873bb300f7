// All of the library: one header. Each of the others can also be included alone, as <featup/core/tensor.h>.
#pragma once

// From pixels to fine features.
#include "featup/backbones/backbone.h"
#include "featup/backbones/convert.h"
#include "featup/photo/preprocess.h"
#include "featup/upsamplers/photo_views.h"
#include "featup/upsamplers/registry.h"

// From words, classifiers and probes to a class for every pixel.
#include "featup/classes/classifier.h"
#include "featup/classes/label_map.h"
#include "featup/classes/masks.h"
#include "featup/classes/probe_classes.h"
#include "featup/classes/words.h"
#include "featup/probes/probe.h"
#include "featup/text/prompts.h"

// A fit of one photo, and the file that it leaves.
#include "featup/fit/fit_run.h"
#include "featup/fit/fitted_map.h"

// Training an upsampler.
#include "featup/training/upsampler_trainer.h"

// The engine below: tensors, files, gradients, layers.
#include "autograd/check_gradients.h"
#include "autograd/checkpoint.h"
#include "autograd/hessian_vector.h"
#include "autograd/ops.h"
#include "core/context.h"
#include "core/error.h"
#include "core/files/weights.h"
#include "core/parallel.h"
#include "core/pool.h"
#include "core/tensor.h"
#include "featup/version.h"
#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/data_loader.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/optimizer.h"
#include "layers/parameter_average.h"
#include "layers/sequential.h"
#include "layers/state_dict.h"
#include "layers/transformer.h"
