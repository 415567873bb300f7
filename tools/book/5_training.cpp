// Chapter 5: optimizers, dropout and schedules, each alone and then in a training.
#include "tools/book/5_training.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "layers/data_loader.h"
#include "layers/optimizer.h"
#include "tools/book/book.h"
#include "tools/media/image_io.h"
#include "tools/media/line_chart.h"
#include "tools/media/pictures.h"

using namespace fu;
using namespace fu::book;

namespace {

/// A long valley: steep across, flat along.
double valley(double x, double y) { return 0.5 * (x * x + 100 * y * y); }

void descent() {
  constexpr int kSteps = 201;
  LineChart chart{"(x^2 + 100 y^2) / 2, from (1, 1)", "step", "loss", "", {}};
  chart.lines = {{"gradient descent", {}, {}}, {"momentum", {}, {}}, {"Adam", {}, {}}};
  chart.log_y = true;
  chart.caption = "The rate of gradient descent is nearly the largest that does not diverge, 2/100.";
  const auto follow = [&](Line& line, auto step) {
    double x = 1, y = 1;
    for (int t = 1; t <= kSteps; ++t) {
      line.x.push_back(t), line.y.push_back(std::max(1e-12, valley(x, y)));
      step(x, y, x, 100 * y);  // the gradient is (x, 100 y)
    }
    std::printf("%-17s loss after 10 steps %9.6f, after 200 %9.6f\n", line.name.c_str(), line.y[10], line.y.back());
  };
  //! [descent]
  follow(chart.lines[0], [](double& x, double& y, double dx, double dy) { x -= 0.018 * dx, y -= 0.018 * dy; });
  double vx = 0, vy = 0;
  follow(chart.lines[1], [&](double& x, double& y, double dx, double dy) {
    vx = 0.9 * vx + dx, vy = 0.9 * vy + dy;
    x -= 0.018 * vx, y -= 0.018 * vy;
  });
  //! [descent]
  Parameter p(Tensor::full({2}, 1));
  Adam adam(Adam::Kind::adam, {&p}, 0.05);
  follow(chart.lines[2], [&](double& x, double& y, double dx, double dy) {
    p.grad = Tensor::from({2}, {static_cast<real>(dx), static_cast<real>(dy)});
    adam.step();
    x = static_cast<double>(p.value.data()[0]), y = static_cast<double>(p.value.data()[1]);
  });
  write_line_chart(figure("5-descent.svg"), chart);
}

//! [adam]
/// Adam for one parameter.
struct PlainAdam {
  double m = 0, v = 0;
  int t = 0;
  double step(double p, double g, double lr) {
    ++t;
    m = 0.9 * m + 0.1 * g;                           // running mean of the gradient
    v = 0.999 * v + 0.001 * g * g;                   // and of its square
    const double mean = m / (1 - std::pow(0.9, t));  // corrected for having begun at 0
    const double square = v / (1 - std::pow(0.999, t));
    return p - lr * mean / (std::sqrt(square) + 1e-8);
  }
};
//! [adam]

void adam() {
  Random random(1);
  Parameter p(Tensor::full({1}, 1));
  Adam library(Adam::Kind::adam, {&p}, 0.01);
  PlainAdam plain;
  double x = 1, first = 0;
  for (int t = 0; t < 200; ++t) {
    const real g = random.normal() + real(0.5);
    p.grad = Tensor::full({1}, g);
    library.step();
    x = plain.step(x, static_cast<double>(g), 0.01);
    if (t == 0) first = 1 - x;
  }
  const bool equal = std::abs(x - static_cast<double>(p.value.item())) < 1e-5;
  std::printf("after 200 random gradients: %.3f, as the library's: %s; the first step was %.3f\n", x,
              equal ? "yes" : "no", first);
}

void correction() {
  LineChart chart{"Length of Adam's steps for a constant gradient",
                  "step",
                  "in units of the learning rate",
                  "beta1 = 0.9, beta2 = 0.999",
                  {}};
  chart.lines = {{"corrected", {}, {}}, {"without correction", {}, {}}};
  chart.log_x = true;
  double m = 0, v = 0;
  for (int t = 1; t <= 10000; ++t) {
    m = 0.9 * m + 0.1, v = 0.999 * v + 0.001;
    const double with = m / (1 - std::pow(0.9, t)) / std::sqrt(v / (1 - std::pow(0.999, t))),
                 without = m / std::sqrt(v);
    for (std::size_t i = 0; i < 2; ++i) chart.lines[i].x.push_back(t), chart.lines[i].y.push_back(i ? without : with);
    if (t == 1 || t == 10 || t == 100 || t == 1000 || t == 10000)
      std::printf("step %5d: corrected %.2f, without correction %.2f\n", t, with, without);
  }
  write_line_chart(figure("5-correction.svg"), chart);
}

void dropout_means() {
  //! [dropout]
  const Tensor x = Tensor::full({100000}, 2);
  Random random(4);
  const Tensor y = dropout(x, real(0.3), random).value;
  //! [dropout]
  Index zeros = 0;
  real least = 1e9f, largest = 0;  // of those that are not 0
  for (Index i = 0; i < y.size(); ++i) {
    if (y.data()[i] == 0) {
      ++zeros;
    } else {
      least = std::min(least, y.data()[i]), largest = std::max(largest, y.data()[i]);
    }
  }
  std::printf("zeros: %.1f %%; the others are %.3f to %.3f; mean %.2f\n", 100.0 * static_cast<double>(zeros) / 1e5,
              static_cast<double>(least), static_cast<double>(largest), static_cast<double>(mean(y).item()));
  //! [place]
  Random again(4);
  again.seek(50000);
  const Tensor half = dropout(x.slice(50000, 100000), real(0.3), again).value;
  //! [place]
  bool same = true;
  for (Index i = 0; i < half.size(); ++i) same = same && half.data()[i] == y.data()[50000 + i];
  std::printf("the second half, drawn without the first: %s\n", same ? "the same" : "different");
}

void schedule() {
  LineChart chart{
      "A schedule", "step", "learning rate / its peak", "Warm-up over 50 of 1000 steps, then a cosine to 0.", {}};
  chart.lines = {{"warm-up and cosine", {}, {}}};
  for (Index step = 0; step <= 1000; ++step) {
    chart.lines[0].x.push_back(static_cast<double>(step));
    chart.lines[0].y.push_back(warmup_cosine(step, 50, 1000));
  }
  write_line_chart(figure("5-schedule.svg"), chart);
  std::printf("step 0: %.2f, 49: %.2f, 525: %.2f, 999: %.4f of the peak\n", warmup_cosine(0, 50, 1000),
              warmup_cosine(49, 50, 1000), warmup_cosine(525, 50, 1000), warmup_cosine(999, 50, 1000));
}

constexpr Index kSteps = 2000, kHidden = 96, kBatch = 32;

/// How one training goes.
struct Course {
  const char* name;
  double rate;
  bool schedule;
  real dropout;
};

struct Curves {
  Line train, held_out;
  Score last_train, last_held_out;
};

/// Trains a network on batches of the points.
Curves train(const Course& course, const Points& data, const Points& held_out, Network& net) {
  Random draws(11);
  Curves curves{{course.name, {}, {}}, {course.name, {}, {}}, {}, {}};
  //! [loop]
  DataLoader<Points> loader(data.size(), [&](const BatchRequest& r) { return data.at(r.items); }, {kBatch});
  const Index epochs = kSteps / loader.batches(), total = epochs * loader.batches();
  Adam adam(Adam::Kind::adamw, net.parameters(), course.rate, {0.9, 0.999, 1e-8, 1e-4});
  for (Index epoch = 0; epoch < epochs; ++epoch) {
    loader.start(epoch);
    while (const std::optional<Points> batch = loader.next()) {
      if (course.schedule) adam.lr = course.rate * warmup_cosine(adam.steps(), 50, total);
      adam.zero_grad();
      Tape tape;
      const Var logits = net(Var(batch->places), course.dropout, course.dropout > 0 ? &draws : nullptr);
      backward(cross_entropy(logits, batch->arms));
      adam.clip_gradients(1);
      adam.step();
      //! [loop]
      if (adam.steps() % 20 != 0) continue;
      const NoRecording values_alone;
      curves.last_train = score(net, data), curves.last_held_out = score(net, held_out);
      for (Line* line : {&curves.train, &curves.held_out}) line->x.push_back(static_cast<double>(adam.steps()));
      curves.train.y.push_back(curves.last_train.loss), curves.held_out.y.push_back(curves.last_held_out.loss);
    }
  }
  return curves;
}

void print(const Course& course, const Curves& c) {
  const auto last = c.held_out.y.end();  // a value for 20 steps
  std::printf(
      "%-20s learned: loss %.4f, %5.1f %% right; held out: loss %.3f, in the last 500 steps up to %.3f, %5.1f %% "
      "right\n",
      course.name, c.last_train.loss, 100 * c.last_train.right, c.last_held_out.loss,
      *std::max_element(last - 25, last), 100 * c.last_held_out.right);
}

/// Trains for each course a network from the same beginning, and gives it and its curves to `done`.
void compare(const std::vector<Course>& courses, const Points& data, const Points& held_out,
             const std::function<void(const Network& net, Curves& curves)>& done) {
  for (const Course& course : courses) {
    Random initial(8);
    Network net(kHidden, &initial);
    Curves curves = train(course, data, held_out, net);
    print(course, curves);
    done(net, curves);
  }
}

void rates() {
  Random random(7);
  const Points data = spirals(3000, real(0.08), random), held_out = spirals(3000, real(0.08), random);
  LineChart chart{"Loss on held-out points, 3000 points to learn from", "step", "loss", "", {}};
  chart.caption = "Batches of 32: each gradient is of few points, so a constant rate leaves the loss restless.";
  chart.log_y = true;
  compare(
      {{"constant 0.01", 0.01, false, 0}, {"constant 0.001", 0.001, false, 0}, {"0.01 with schedule", 0.01, true, 0}},
      data, held_out, [&](const Network&, Curves& curves) { chart.lines.push_back(curves.held_out); });
  write_line_chart(figure("5-rates.svg"), chart);
}

void overfitting() {
  Random random(9);
  const Points data = spirals(90, real(0.12), random), held_out = spirals(3000, real(0.12), random);
  LineChart chart{"90 noisy points to learn from", "step", "loss", "", {}};
  chart.caption = "Without dropout, the loss on the learned points goes to 0 and that on others rises.";
  chart.log_y = true;
  std::vector<Image> pictures;
  compare({{"no dropout", 0.01, true, 0}, {"dropout 0.4", 0.01, true, real(0.4)}}, data, held_out,
          [&](const Network& net, Curves& curves) {
            curves.train.name += ", learned", curves.held_out.name += ", held out";
            chart.lines.push_back(curves.train), chart.lines.push_back(curves.held_out);
            pictures.push_back(regions(net, data));
          });
  write_line_chart(figure("5-overfitting.svg"), chart);
  write_png(figure("5-regions.png"), side_by_side(pictures));
}

}  // namespace

int main(int argc, char** argv) {
  return run_sections(argc, argv,
                      {{"descent", descent},
                       {"adam", adam},
                       {"correction", correction},
                       {"dropout", dropout_means},
                       {"schedule", schedule},
                       {"rates", rates},
                       {"overfitting", overfitting}});
}
