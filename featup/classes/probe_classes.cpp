#include "featup/classes/probe_classes.h"

namespace fu {

Classes classes_of(const Probe& probe, const std::string& source) {
  Classes classes;
  classes.names = probe.names;
  classes.map = probe_outputs(probe, probe.kind == Probe::Kind::numbers);
  classes.hidden_weight = probe.hidden_weight, classes.hidden_bias = probe.hidden_bias;
  classes.hidden_after = probe.has_hidden() && !probe.upsampler.empty();
  classes.source = source;
  return classes;
}

}  // namespace fu
