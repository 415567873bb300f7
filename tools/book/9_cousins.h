// Chapter 9: other ways to the same map.
#pragma once

namespace fu::book {

/// Fits a grid, a network, a deep image prior and a local implicit function to the same views, and compares them.
void cousins_section();

}  // namespace fu::book
