// The featup program: high-resolution features from photos, on the command line.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>

#include "core/files/bytes.h"
#include "core/isa.h"
#include "core/parallel.h"
#include "core/pool.h"
#include "featup/backbones/registry.h"
#include "featup/version.h"
#include "tools/cli/commands.h"
#include "tools/cli/help.h"
#include "tools/cli/methods.h"

namespace {

using fu::Options;

/// Half-written files do not survive an interruption.
void on_signal(int number) {
  fu::remove_unfinished_outputs();
  signal(number, SIG_DFL);
  raise(number);
}

void add_common(CLI::App* app, Options& o) {
  app->add_option("--threads", o.threads, "threads; default: all cores")->check(CLI::Range(0, 1024));
  app->add_option("--seed", o.seed, "seed of everything random; default 0");
  app->add_option("--max-memory", o.max_memory, "bytes of tensors at most, like 2G; more is refused, not swapped");
  app->add_flag("--quiet", o.quiet, "no progress and no summary");
  app->add_flag("--json", o.json, "a machine-readable summary on standard output");
}

void add_backbone(CLI::App* app, Options& o) {
  app->add_option("--backbone", o.backbone, fu::backbone_choices() + " (.safetensors, .pth, .ckpt)")
      ->capture_default_str();
  app->add_option("--feature", o.feature, "what a transformer gives: token or key")
      ->check(CLI::IsMember({"token", "key"}))
      ->capture_default_str();
  app->add_option("--features", o.features,
                  "take low-resolution features from this .npy or .safetensors in place of a backbone");
  app->add_option("--features-layout", o.features_layout, "layout of that file: auto, hwc or chw")
      ->check(CLI::IsMember({"auto", "hwc", "chw"}))
      ->capture_default_str();
  app->add_option("--size", o.size,
                  "image size at the backbone: N (short side, aspect kept) or HxW (cover, then centre crop)")
      ->capture_default_str();
  app->add_option("--project", o.project, "linear map (C,K) over channels, .npy or .safetensors");
  app->add_option("--pca", o.pca, "keep K principal components")->check(CLI::Range(1, 1 << 20));
}

void add_format(CLI::App* app, Options& o) {
  app->add_option("--format", o.format, "npy or safetensors")
      ->check(CLI::IsMember({"npy", "safetensors"}))
      ->capture_default_str();
  app->add_option("--dtype", o.dtype, "f32 or f16")->check(CLI::IsMember({"f32", "f16"}))->capture_default_str();
  app->add_option("--layout", o.layout, "hwc or chw")->check(CLI::IsMember({"hwc", "chw"}))->capture_default_str();
}

void add_shard(CLI::App* app, Options& o) {
  app->add_option("--shard", o.shard,
                  "I/N: only the I-th of N parts of the inputs, for many machines; finished ones are skipped");
  app->add_flag("--skip-finished", o.skip_finished, "leave out inputs whose results are there");
}

void add_output(CLI::App* app, Options& o) {
  app->add_option("-o,--output", o.output, "folder for the results; default featup-out");
  add_format(app, o);
}

void add_fit(CLI::App* app, Options& o) {
  Options::Fit& f = o.fit;
  app->add_option("image", o.inputs, "the photo")->required()->expected(1);
  app->add_option("-o,--output", o.output,
                  "the fit; default featup-out/NAME.fit.safetensors, with a picture beside it");
  app->add_option("--backbone", o.backbone, fu::backbone_choices())->capture_default_str();
  app->add_option("--feature", o.feature, "what a transformer gives: token or key")
      ->check(CLI::IsMember({"token", "key"}))
      ->capture_default_str();
  app->add_option("--features", o.features, "refused: a fit needs a backbone");
  app->add_option("--size", o.size,
                  "image size at the backbone: N (short side, aspect kept) or HxW (cover, then centre crop)")
      ->capture_default_str();
  app->add_option("--time-budget", f.time_budget, "seconds after which the best so far is kept")
      ->check(CLI::PositiveNumber);
  app->add_option(
      "--resume", f.resume,
      "go on from this fit of the same photo: views are made again, the network's steps continue to the bit");
  app->add_option("--compat", o.compat,
                  "published: the published network alone, 3000 views, 1200 steps, its windows and all")
      ->check(CLI::IsMember({"published"}));
  app->add_option("--views", f.views, "jittered views; default 200, without a grid 300, published 3000")
      ->check(CLI::Range(1, 100000));
  app->add_option("--steps", f.steps,
                  "steps of the network, on top of the grid; default 0, without a grid 300, published 1200")
      ->check(CLI::Range(0, 1000000));
  app->add_flag("--no-grid", f.no_grid, "the network alone, without the learned grid");
  app->add_option("--pca", f.pca, "principal components to fit; 0: all channels; default 0, for a network 128")
      ->check(CLI::Range(0, 1 << 20));
  app->add_option("--held-out", f.held_out, "views that only judge")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app->add_flag("--no-early-stop", f.no_early_stop, "run all views and steps, and keep the last state");
  app->add_option("--max-pad", f.max_pad, "pixels by which a jitter shifts at most")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app->add_option("--max-zoom", f.max_zoom, "by how much it magnifies at most")
      ->check(CLI::Range(1.0, 8.0))
      ->capture_default_str();
  app->add_option("--grid-spacing", f.spacing, "pixels between cells of the grid")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app->add_option("--smoothness", f.smoothness, "how firmly cells of like colour are held together")
      ->check(CLI::Range(0.0, 1e3))
      ->capture_default_str();
  app->add_option("--views-per-step", f.drawn, "network: views of a step")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_option("--frequencies", f.frequencies, "network: of its Fourier features")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app->add_option(
         "--max-frequency", f.max_frequency,
         "network: the highest of them, radians for half a side; default the pixels' Nyquist frequency, published e^10")
      ->check(CLI::Range(0.2, 1e8));
  app->add_option("--dropout-in", f.dropout_in, "network: share of its features dropped in training")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  app->add_option("--dropout-hidden", f.dropout_hidden,
                  "network: share of its first hidden channels dropped in training")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  app->add_option("--dropout-saliency", f.dropout_saliency,
                  "downsampler: share of features, and of windows, that its attention drops in training")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  app->add_option("--lr-schedule", f.schedule, "network: constant, or cosine, down to 0 at the last step")
      ->check(CLI::IsMember({"constant", "cosine"}))
      ->capture_default_str();
  app->add_option("--coarse-steps", f.coarse_steps, "network: first steps, on a map of half the size")
      ->check(CLI::Range(0, 1000000));
  app->add_flag("--no-color-features", f.no_color, "network: only places, no colours");
  app->add_option("--downsampler", f.downsampler, "network: attention or simple")
      ->check(CLI::IsMember({"attention", "simple"}))
      ->capture_default_str();
  app->add_option("--kernel", f.kernel, "network: side of the downsampler's windows, pixels")
      ->check(CLI::Range(1, 255))
      ->capture_default_str();
  app->add_flag("--no-uncertainty", f.no_uncertainty, "all positions count alike");
  app->add_option("--lr", f.lr, "network: learning rate")->check(CLI::Range(1e-9, 1.0))->capture_default_str();
  app->add_option("--magnitude", f.magnitude, "network: weight of the loss of lengths")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app->add_option("--tv", f.tv, "network: weight of the lengths' total variation")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app->add_option("--blur-pin", f.blur_pin, "network: weight of the distance from its own blur")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  add_common(app, o);
  app->footer(
      "Example: featup fit photo.jpg --backbone deit_tiny_patch16_224.safetensors\n"
      "The picture: photo, low-resolution features, bilinear, fitted; below, uncertainty, the downsampler's kernels "
      "and saliency if a network was\n"
      "fitted, the loss and the explained variance of unseen views.");
}

void add_train(CLI::App* app, Options& o) {
  Options::Train& t = o.train;
  app->add_option("folder", o.inputs, "folders of photos, searched to their depths, or single photos")->required();
  app->add_option("-o,--output", o.output,
                  "the stack, which is also the checkpoint; default featup-out/jbu.safetensors, with curves beside it");
  app->add_option("--backbone", o.backbone, fu::backbone_choices())->capture_default_str();
  app->add_option("--feature", o.feature, "what a transformer gives: token or key")
      ->check(CLI::IsMember({"token", "key"}))
      ->capture_default_str();
  app->add_option("--size", o.size, "size of the training pictures: N (square) or HxW")->capture_default_str();
  app->add_flag("--resume", t.resume, "go on from the checkpoint, to the same weights as if it had never stopped");
  app->add_option("--time-budget", t.time_budget, "seconds after which the checkpoint is written and the program ends")
      ->check(CLI::PositiveNumber);
  app->add_option("--checkpoint", t.checkpoint, "seconds between checkpoints")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--export", t.export_to,
                  "also write the stack alone: as .safetensors, or as a PyTorch .ckpt for the published code, which "
                  "knows neither the filter of "
                  "tokens nor the smoothing");
  app->add_option("--dtype", o.dtype, "of an exported .safetensors: f32 or f16")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->capture_default_str();
  app->add_option("--compat", o.compat,
                  "published: normed features, middles of pictures, constant rate, windows and CRF loss as the "
                  "published code has them")
      ->check(CLI::IsMember({"published"}));
  app->add_option("--steps", t.steps, "steps in all; default 500, published 2000")->check(CLI::Range(1, 10000000));
  app->add_option("--batch", t.batch, "pictures a step")->check(CLI::Range(1, 4096))->capture_default_str();
  app->add_option("--jitters", t.jitters, "looks at each picture")->check(CLI::Range(1, 1000))->capture_default_str();
  app->add_option("--max-pad", t.max_pad, "pixels by which a jitter shifts at most")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app->add_option("--max-zoom", t.max_zoom, "by how much it magnifies at most")
      ->check(CLI::Range(1.0, 8.0))
      ->capture_default_str();
  app->add_option("--levels", t.levels, "levels of x2")->check(CLI::Range(1, 6))->capture_default_str();
  app->add_option("--radius", t.radius, "of a level's neighbourhood, pixels")
      ->check(CLI::Range(1, 5))
      ->capture_default_str();
  app->add_option("--key-dim", t.key_dim, "of the keys")->check(CLI::Range(1, 64))->capture_default_str();
  app->add_option("--sigma", t.sigma,
                  "width of the levels' Gaussians in place at the start, in radii; default 0.4, published 1")
      ->check(CLI::Range(0.01, 100.0));
  app->add_option("--temperature", t.temperature,
                  "how much levels prefer like keys at the start; default 5, published 1")
      ->check(CLI::Range(1e-4, 1e4));
  app->add_option("--color-range", t.color_range,
                  "start from a joint bilateral filter of this width over colours, whose channels' range is 1; 0: from "
                  "random keys")
      ->check(CLI::Range(0.0, 10.0));
  app->add_option("--back-projection", t.back_projection,
                  "at most this share of what the first level smooths away is put in beforehand, most where it is far "
                  "above the mean; default 2.2, "
                  "published 0: none")
      ->check(CLI::Range(0.0, 4.0));
  app->add_option("--shrinkage", t.shrinkage,
                  "tokens are drawn to their mean over the photo by this share of their distance from it; default 0.2, "
                  "published 0: not at all")
      ->check(CLI::Range(0.0, 0.9));
  app->add_option("--smooth", t.smooth,
                  "the map of the second level is smoothed along the photo, over about the root of this many of its "
                  "pixels; default 30, published 0: none")
      ->check(CLI::Range(0.0, 1e4));
  app->add_option("--smooth-colors", t.smooth_colors, "up to where colours change by this, a channel's range being 1")
      ->check(CLI::Range(0.001, 1e4))
      ->capture_default_str();
  app->add_flag("--shared", t.shared, "one level, used at every scale");
  app->add_flag("--unit-sum", t.unit_sum, "kernels keep a sum of 1: flat features stay flat");
  app->add_flag("--no-mixing", t.no_mixing, "without the last map over channels: the stack then serves any backbone");
  app->add_flag("--norm", t.norm, "layer norm of every position's features first");
  app->add_option("--downsampler", t.downsampler,
                  "attention, simple (one learned blur kernel), or mean (of the window, nothing learned)")
      ->check(CLI::IsMember({"attention", "simple", "mean"}))
      ->capture_default_str();
  app->add_option("--kernel", t.kernel, "side of the downsampler's windows, pixels")
      ->check(CLI::Range(1, 255))
      ->capture_default_str();
  app->add_flag("--no-uncertainty", t.no_uncertainty, "all positions count alike");
  app->add_option("--projection", t.projection, "channels of the random projection that the loss looks through")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app->add_option("--crf", t.crf, "weight of the CRF loss")->check(CLI::Range(0.0, 1e6))->capture_default_str();
  app->add_option("--crf-samples", t.crf_samples, "pixels it looks at")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  app->add_option("--tv", t.tv, "weight of the map's total variation")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app->add_option("--lr", t.lr, "learning rate at the start; it falls along a cosine; default 5e-3, published 1e-3")
      ->check(CLI::Range(1e-9, 1.0));
  app->add_flag("--constant-lr", t.constant_lr, "it stays as it is");
  app->add_flag("--no-augment", t.no_augment, "middles of the pictures, not random parts and mirror images");
  app->add_option("--held-out", t.held_out, "pictures that only judge, of five or more at most a fifth")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  add_common(app, o);
  app->footer(
      "Example: featup train ~/Pictures --backbone dino_deitsmall16_pretrain.pth -o dino_jbu.safetensors\n"
      "then:    featup upsample photo.jpg --backbone dino_deitsmall16_pretrain.pth --upsampler dino_jbu.safetensors");
}

void add_eval(CLI::App* app, Options& o) {
  if (!app->get_option_no_throw("--backbone")) {
    app->add_option("--backbone", o.backbone, fu::backbone_choices())->capture_default_str();
    app->add_option("--feature", o.feature, "what a transformer gives: token or key")
        ->check(CLI::IsMember({"token", "key"}))
        ->capture_default_str();
  }
  app->add_option("--upsampler", o.methods,
                  "a method beside " + fu::usual_methods() +
                      ": any that upsample takes, or folder:DIR for feature files made elsewhere, DIR/NAME.npy; may be "
                      "given often");
  app->add_flag("--only", o.eval.only, "bilinear and what --upsampler names, no other methods");
  app->add_option("-o,--output", o.output, "folder for the pictures; default featup-out");
  add_common(app, o);
}

int run(int argc, char** argv) {
  Options o;
  CLI::App app{"High-resolution features from vision models, on an ordinary CPU."};
  app.require_subcommand(1);
  app.set_version_flag("--version", "featup " FEATUP_VERSION);

  CLI::App* upsample = app.add_subcommand("upsample", "high-resolution features of photos, and a picture of them");
  upsample->add_option("image", o.inputs, "photos: PNG, JPEG, BMP, TGA, PGM, PPM; or folders of them")->required();
  add_shard(upsample, o);
  add_backbone(upsample, o);
  upsample->add_option("--upsampler", o.upsampler, fu::upsampler_choices())->capture_default_str();
  upsample->add_option("--quality", o.quality, "in place of --upsampler: " + fu::quality_choices())
      ->check(CLI::IsMember({"fast", "best"}))
      ->excludes("--upsampler");
  upsample->add_option("--out-size", o.out_size, "HxW of the result; default: 16x the feature map, cut to the image");
  upsample->add_option("--compat", o.compat, "published: all four levels, guided by the photo at the backbone's size")
      ->check(CLI::IsMember({"published"}));
  add_output(upsample, o);
  add_common(upsample, o);
  upsample->footer(
      "Example: featup upsample photo.jpg --backbone deit_tiny_patch16_224.safetensors --upsampler "
      "maskclip_jbu_stack_cocostuff.ckpt");

  CLI::App* features = app.add_subcommand("features", "the backbone's low-resolution features");
  features->add_option("image", o.inputs, "photos, or folders of them")->required();
  add_shard(features, o);
  add_backbone(features, o);
  add_output(features, o);
  add_common(features, o);
  features->footer("Example: featup features *.jpg --backbone dino_deitsmall16_pretrain.pth -o features");

  CLI::App* fit =
      app.add_subcommand("fit", "fit an implicit upsampler to one photo: its sharpest features, at any resolution");
  add_fit(fit, o);

  CLI::App* query = app.add_subcommand("query", "features of a fitted photo at any size, part or place");
  query->add_option("file", o.inputs, "what featup fit wrote")->required()->expected(1);
  query->add_option("-o,--output", o.output, "the features; default featup-out/NAME.npy, with a picture beside it");
  query->add_option("--size", o.query.size, "HxW of the whole photo, any aspect; default: as it was fitted");
  query->add_option("--crop", o.query.crop, "TOP,LEFT,HEIGHT,WIDTH: only this part of it, in pixels of --size");
  query->add_option(
      "--points", o.query.points,
      "(N,2) .npy of rows and columns, in pixels of the fitted photo, (0,0) the centre of the first: (N,C)");
  query->add_option("--image", o.query.image,
                    "take colours from this photo, the one that was fitted; default: the copy inside the file, which "
                    "has only the size of the fit");
  query->add_option("--project", o.project, "linear map (C,K) over channels, .npy or .safetensors");
  query->add_option("--pca", o.pca, "keep K principal components")->check(CLI::Range(1, 1 << 20));
  add_format(query, o);
  add_common(query, o);
  query->footer("Example: featup query featup-out/photo.fit.safetensors --image photo.jpg --size 896x1344");

  CLI::App* train = app.add_subcommand("train", "learn a JBU stack for a backbone from a folder of photos");
  add_train(train, o);

  CLI::App* show = app.add_subcommand("show", "a picture of feature files, side by side, in shared colours");
  show->add_option("file", o.inputs, "feature maps: .npy or .safetensors; with --html one of them, or a fit")
      ->required();
  show->add_option("-o,--output", o.output, "the picture; default featup-out/show.png");
  show->add_option("--features-layout", o.features_layout, "layout of the files: auto, hwc or chw")
      ->check(CLI::IsMember({"auto", "hwc", "chw"}))
      ->capture_default_str();
  show->add_flag("--html", o.page.html,
                 "instead of a picture, a page for the browser in which features can be touched; of a fit "
                 "(NAME.fit.safetensors), or of one map");
  show->add_option("--image", o.page.image, "with --html: the photo behind a feature map; a fit holds its own");
  show->add_option("--low", o.page.low,
                   "with --html: the low-resolution map beside a feature map; default: the map, pooled 16 by 16");
  add_common(show, o);
  show->footer(
      "Example: featup show featup-out/photo.npy featup-out/other.npy -o both.png\n"
      "or:      featup show --html featup-out/photo.fit.safetensors -o photo.html");

  CLI::App* eval = app.add_subcommand("eval", "quality of upsamplers, in one table");
  eval->require_subcommand(1);
  CLI::App* eval_views = eval->add_subcommand(
      "views", "how well each method's result foretells the backbone's features of unseen jitters");
  eval_views->add_option("image", o.inputs, "photos")->required();
  add_backbone(eval_views, o);
  eval_views->add_option("--jitters", o.jitters, "unseen views of each photo")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  add_eval(eval_views, o);
  eval_views->footer(
      "Example: featup eval views *.jpg --size 224x224 --backbone deit_tiny_patch16_224.safetensors --upsampler "
      "stack.ckpt");

  CLI::App* eval_probe = eval->add_subcommand(
      "probe", "a linear layer on frozen features names pixels; its class maps, upsampled by each method");
  eval_probe->add_option("--images", o.eval.images, "folder of photos to learn from")->required();
  eval_probe
      ->add_option("--labels", o.eval.labels,
                   "folder of their labels: grey pictures of the same names, a class a pixel")
      ->required();
  eval_probe->add_option("--val-images", o.eval.val_images, "folder of photos to name")->required();
  eval_probe->add_option("--val-labels", o.eval.val_labels, "folder of their labels")->required();
  eval_probe->add_option("--classes", o.eval.classes, "labels from this number up are ignored")
      ->check(CLI::Range(2, 255))
      ->capture_default_str();
  eval_probe->add_option("--seeds", o.eval.seeds, "probes, each trained from another seed")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  eval_probe->add_option("--every", o.eval.every, "only each N-th of the photos to name")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  eval_probe
      ->add_option("--slow-every", o.eval.slow_every, "of those, each N-th for methods that look at a photo often")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  add_eval(eval_probe, o);
  eval_probe->footer(
      "Photos are cut to whole patches around the middle, not scaled.\n"
      "Example: featup eval probe --images train --labels train_labels --val-images val --val-labels val_labels "
      "--backbone "
      "deit_tiny_patch16_224.safetensors");

  CLI::App* eval_scene = eval->add_subcommand("scene", "outlines in rendered scenes, whose labels are exact");
  eval_scene->add_option("--scenes", o.eval.scenes, "how many")->check(CLI::Range(1, 100000))->capture_default_str();
  eval_scene->add_option("--slow-every", o.eval.slow_every, "each N-th of them for methods that look at a scene often")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  eval_scene->add_option("--size", o.size, "of the scenes: N (square) or HxW")->capture_default_str();
  add_eval(eval_scene, o);
  eval_scene->footer("Example: featup eval scene --backbone deit_tiny_patch16_224.safetensors --upsampler stack.ckpt");

  CLI::App* info = app.add_subcommand("info", "what a weights or feature file holds, and what it is good for");
  info->add_option("file", o.inputs, "a .safetensors, .npy, .pth or .ckpt file")->required()->expected(1);
  info->add_flag("--all", o.all, "list every tensor");
  add_common(info, o);
  info->footer("Example: featup info maskclip_jbu_stack_cocostuff.ckpt");

  CLI::App* help = app.add_subcommand("help", "what there is, or how a command is used: featup help upsample");
  std::vector<std::string> topic;
  help->add_option("command", topic, "a command");
  help->footer("Example: featup help eval probe");
  CLI::App* completion = app.add_subcommand("completion", "a script that completes commands and options in a shell");
  std::string shell;
  completion->add_option("shell", shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  completion->footer("Example: featup completion bash > ~/.local/share/bash-completion/completions/featup");
  CLI::App* man = app.add_subcommand("man", "the manual page, for man -l");
  man->footer("Example: featup man > featup.1");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "featup: error: %s%s (see featup --help)\n", error.what(), fu::meant(app, argc, argv).c_str());
    return 2;
  }
  if (*help) {
    const CLI::App* asked = &app;
    std::string before;
    try {
      for (const std::string& name : topic) {
        before += (before.empty() ? "" : " ") + (asked == &app ? std::string(argv[0]) : asked->get_name());
        asked = asked->get_subcommand(name);
      }
    } catch (const CLI::OptionNotFound&) {
      std::fprintf(stderr, "featup: error: there is no command '%s' (see featup help)\n", topic.back().c_str());
      return 2;
    }
    std::printf("%s", asked->help(before).c_str());
    return 0;
  }
  if (*man || *completion) {
    std::printf("%s", (*man ? fu::man_page(app, FEATUP_VERSION) : fu::shell_completion(app, shell)).c_str());
    return std::fflush(stdout) == 0 ? 0 : 1;
  }
  fu::set_threads(o.threads);
  fu::set_memory_limit(fu::parse_bytes(o.max_memory));
  fu::kernels();  // an unknown FU_ISA is better said before the work
  for (int i = 1; i < argc; ++i) o.fit.line += (i > 1 ? " " : "") + std::string(argv[i]);
  if (!o.quality.empty()) o.upsampler = fu::upsampler_of_quality(o.quality);
  if (*upsample || *features) fu::choose_inputs(o);
  const int code = *upsample     ? fu::run_upsample(o)
                   : *features   ? fu::run_features(o)
                   : *fit        ? fu::run_fit(o)
                   : *query      ? fu::run_query(o)
                   : *train      ? fu::run_train(o)
                   : *show       ? fu::run_show(o)
                   : *eval_probe ? fu::run_eval_probe(o)
                   : *eval_scene ? fu::run_eval_scene(o)
                   : *eval       ? fu::run_eval_views(o)
                                 : fu::run_info(o);
  std::cout.flush();
  if (std::fflush(stdout) != 0 || !std::cout) {
    fu::print_error("standard output cannot be written.");
    return 1;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  for (int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, on_signal);
  signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    fu::print_error("out of memory. Ask for a smaller result.");
  } catch (const std::exception& error) {
    fu::print_error(error.what());
  }
  return 1;
}
