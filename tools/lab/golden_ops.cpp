// Reference cases of elementary ops.
#include "tools/lab/golden_case.h"

namespace fu {

namespace {

GoldenRun elementwise(Unary op) {
  return [op](Case& c) { c.check("y", unary(op, c.in("x"))); };
}

}  // namespace

GoldenRuns golden_ops() {
  return {
      {"add", [](Case& c) { c.check("y", c.in("a") + c.in("b")); }},
      {"sub", [](Case& c) { c.check("y", c.in("a") - c.in("b")); }},
      {"mul", [](Case& c) { c.check("y", c.in("a") * c.in("b")); }},
      {"div", [](Case& c) { c.check("y", c.in("a") / c.in("b")); }},
      {"exp", elementwise(Unary::exp)},
      {"log", elementwise(Unary::log)},
      {"sin", elementwise(Unary::sin)},
      {"cos", elementwise(Unary::cos)},
      {"sqrt", elementwise(Unary::sqrt)},
      {"square", elementwise(Unary::square)},
      {"reciprocal", elementwise(Unary::reciprocal)},
      {"relu", elementwise(Unary::relu)},
      {"gelu", elementwise(Unary::gelu)},
      {"quick_gelu", elementwise(Unary::quick_gelu)},
      {"sigmoid", elementwise(Unary::sigmoid)},
      {"tanh", elementwise(Unary::tanh)},
      {"clamp_min", [](Case& c) { c.check("y", clamp_min(c.in("x"), static_cast<real>(c.fraction("min")))); }},
      {"sum", [](Case& c) { c.check("y", sum(c.in("x"), static_cast<int>(c.number("dim")))); }},
      {"mean", [](Case& c) { c.check("y", mean(c.in("x"))); }},
      {"softmax",
       [](Case& c) {
         c.check("y",
                 softmax(c.in("x"), static_cast<int>(c.number("dim")), static_cast<real>(c.fraction("temperature"))));
       }},
      {"layer_norm",
       [](Case& c) {
         c.check("y", layer_norm(c.in("x"), c.param("weight"), c.param("bias"), static_cast<real>(c.fraction("eps"))));
       }},
      {"matmul", [](Case& c) { c.check("y", matmul(c.in("a"), c.in("b"))); }},
      {"linear", [](Case& c) { c.check("y", linear(c.in("x"), c.param("weight"), c.param("bias"))); }},
      {"conv2d",
       [](Case& c) {
         c.check_image("y", conv2d(c.image("x"), to_nhwc(c.param("weight")), c.param("bias"), c.number("stride"),
                                   c.number("padding")));
       }},
      {"permute",
       [](Case& c) {
         Shape order;
         for (const auto& axis : c.attrs.at("dims")) order.push_back(axis.get<Index>());
         c.check("y", permute(c.in("x"), order));
       }},
      {"concat",
       [](Case& c) {
         c.check("y", concat(std::vector<Var>{c.in("a"), c.in("b")}, static_cast<int>(c.number("dim"))));
       }},
      {"dropout_mask",
       [](Case& c) { c.check("y", affine(c.in("x") * c.in("keep"), static_cast<real>(1 / (1 - c.fraction("p"))))); }},
      {"reflect_pad", [](Case& c) { c.check_image("y", reflect_pad(c.image("x"), c.number("radius"))); }},
      {"resize_bicubic",
       [](Case& c) { c.check_image("y", resize_bicubic(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1])); }},
      {"resize_bilinear",
       [](Case& c) {
         c.check_image("y", resize_bilinear(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1]));
       }},
      {"adaptive_avg_pool",
       [](Case& c) {
         c.check_image("y", adaptive_avg_pool(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1]));
       }},
      {"zoom_bilinear", [](Case& c) { c.check_image("y", zoom_bilinear(c.image("x"), c.fraction("zoom"))); }},
      {"gaussian_blur",
       [](Case& c) { c.check_image("y", gaussian_blur(c.image("x"), c.number("size"), c.fraction("sigma"))); }},
      {"adaptive_conv",
       [](Case& c) {
         const Var k = c.in("kernels");
         c.check_image("y",
                       adaptive_conv(c.image("x"), reshape(k, {k.dim(0), k.dim(1), k.dim(2), k.dim(3) * k.dim(4)})));
       }},
  };
}

}  // namespace fu
