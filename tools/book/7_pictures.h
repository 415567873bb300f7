// The pictures of chapter 7.
#pragma once

#include "featup/jbu/jbu.h"
#include "tools/book/subject.h"

namespace fu::book {

void draw_views(const Subject& subject);
void draw_levels(const Subject& subject, const JbuStack& stack);
void draw_kernels(const Subject& subject, const JbuStack& stack);
void draw_components(const Subject& subject);
void draw_uncertainty(const Subject& subject);
/// Fits the implicit network, for a while, and shows what it learned.
void fit_section();

}  // namespace fu::book
