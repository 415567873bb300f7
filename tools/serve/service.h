// What the server answers: a plain function from a request to its answer, which any number of threads may call at once.
#pragma once

#include <memory>
#include <optional>

#include "featup/upsamplers/upsampler.h"
#include "tools/cli/photo_features.h"
#include "tools/serve/exchange.h"
#include "tools/serve/metrics.h"
#include "tools/serve/page_files.h"
#include "tools/serve/server_names.h"

namespace fu {

/// One model, which all requests share.
struct ServedModel {
  FeatureArgs source;  // its size is taken where a request names none
  std::shared_ptr<const Backbone> backbone;
  std::shared_ptr<const Upsampler> upsampler;
  ProjectionArgs projection;  // the same of its number of components
  Tensor matrix;              // of the projection, or of size 0
};

struct ServiceLimits {
  double result = 1e9;     // bytes of numbers in an answer
  double seconds = 60;     // for computing one
  Index pixels = 2000000;  // of a photo at the backbone: the work of one grows with their square
};

class Service {
 public:
  /// load and metrics are told to whoever asks, and must outlive the service. page: files that are given as they are.
  Service(ServedModel model, ServiceLimits limits, ServerNames names, const Load& load, const Metrics& metrics,
          PageFiles page = {});

  /// The answer to a request whose body is not needed for it: a refused one, or one that computes nothing. Takes
  /// microseconds, a file of the page up to some milliseconds. None for a request that is to be computed.
  std::optional<HttpAnswer> answer_at_once(const HttpRequest& head) const;
  /// The answer to a request that answer_at_once() left. What goes wrong is an answer too: nothing is thrown.
  HttpAnswer compute(const HttpRequest& request) const noexcept;
  /// One of both.
  HttpAnswer answer(const HttpRequest& request) const;

  /// Computes a small answer, so that the first request finds everything in memory. throws what is wrong with the
  /// model: a projection for other channels, an upsampler for another backbone.
  void warm_up() const;

  /// The path as it is counted: one that the server has, or "other".
  static const char* counted_path(const std::string& path);

 private:
  struct Route {
    const char* path;
    bool computes;  // a POST with a photo; else a GET
    const char* summary;
    HttpAnswer (Service::*answer)(const HttpRequest& request) const;
  };
  static const Route kRoutes[];
  static const Route* find_route(const std::string& path);

  HttpAnswer page(const HttpRequest& request) const;
  HttpAnswer health(const HttpRequest& request) const;
  HttpAnswer metrics(const HttpRequest& request) const;
  HttpAnswer upsample(const HttpRequest& request) const;
  HttpAnswer features(const HttpRequest& request) const;

  struct Wish;
  Wish wish_of(const HttpRequest& request) const;
  /// What is wrong with the query, or nothing.
  std::string wrong_query(const HttpRequest& request) const;
  PhotoFeatures features_of(const HttpRequest& request, const Wish& wish, const Progress& progress) const;
  HttpAnswer give(const Tensor& result, const Wish& wish, const PhotoFeatures& photo) const;
  void check_result(Extent size, Index channels, const Wish& wish) const;
  Progress deadline() const;

  ServedModel model_;
  ServiceLimits limits_;
  ServerNames names_;
  PageFiles page_;
  const Load& load_;
  const Metrics& counted_;
};

}  // namespace fu
