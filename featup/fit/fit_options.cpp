#include "featup/fit/fit_options.h"

#include <algorithm>
#include <cmath>

namespace fu {

namespace {

constexpr double kPi = 3.14159265358979323846;
const double kPublishedFrequency = std::exp(10.0);

}  // namespace

FitOptions FitOptions::published() {
  FitOptions o;
  o.grid = false, o.early_stop = false;
  o.views = 3000, o.steps = 1200, o.pca = 128;
  o.max_frequency = kPublishedFrequency;
  o.network.published_grid = true;
  return o;
}

FitOptions FitOptions::completed() const {
  FitOptions o = *this;
  if (o.views == 0) o.views = grid ? 200 : 300;
  if (o.steps < 0) o.steps = grid ? 0 : 300;
  if (o.pca < 0) o.pca = o.steps > 0 ? 128 : 0;
  return o;
}

FitOptions FitOptions::for_photo(Extent photo, Index channels) const {
  FitOptions o = completed();
  require<UsageError>(o.grid || o.steps > 0, "[fit] neither a grid nor steps of the network: there is nothing to fit.");
  const Index shorter = std::min(photo.height, photo.width), longer = std::max(photo.height, photo.width);
  o.max_pad = std::min(o.max_pad, shorter - 1);
  if (o.pca >= channels) o.pca = 0;
  if (o.steps > 0) o.network.kernel = std::min(o.network.kernel, shorter);
  // Places lie on [-1,1]: neighbours are 2 / (n - 1) apart, and turn by half a circle at pi (n - 1) / 2.
  if (o.max_frequency <= 0)
    o.max_frequency = std::min(kPublishedFrequency, kPi * static_cast<double>(std::max<Index>(2, longer) - 1) / 2);
  o.network.upsampler.highest = std::log(o.max_frequency);
  check_fields(o);
  return o;
}

}  // namespace fu
