// A traced tape: scopes, the graph as Graphviz text, the table of ops.
#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "autograd/ops.h"
#include "autograd/trace.h"
#include "layers/activation.h"
#include "layers/linear.h"
#include "layers/sequential.h"
#include "layers/transformer.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// The statements of a graph, read line by line as dot() writes them.
struct Graph {
  std::set<std::string> nodes;
  std::vector<std::pair<std::string, std::string>> edges;
  std::map<std::string, std::string> labels,
      frames;  // frames: of a node, the names of those around it, outermost first
  bool balanced = true;

  explicit Graph(const std::string& text) {
    std::istringstream lines(text);
    std::vector<std::string> open;
    for (std::string line; std::getline(lines, line);) {
      line.erase(0, line.find_first_not_of(' '));
      const std::size_t arrow = line.find(" -> "), bracket = line.find(" [");
      if (line.back() == '{') {
        open.emplace_back();
      } else if (line == "}") {
        balanced = balanced && !open.empty();
        if (!open.empty()) open.pop_back();
      } else if (line.rfind("label=", 0) == 0) {
        open.back() = line.substr(7, line.size() - 9);
      } else if (bracket != std::string::npos && line.rfind("graph", 0) != 0 && line.rfind("node", 0) != 0) {
        const std::string name = line.substr(0, bracket);
        CHECK(nodes.insert(name).second);
        labels[name] = line.substr(bracket, line.rfind(']') - bracket);
        for (std::size_t i = 1; i < open.size(); ++i) frames[name] += "/" + open[i];
      } else if (arrow != std::string::npos) {
        edges.emplace_back(line.substr(0, arrow), line.substr(arrow + 4, line.size() - arrow - 5));
      }
    }
    balanced = balanced && open.empty();
  }

  bool edges_have_ends() const {
    for (const auto& [from, to] : edges)
      if (!nodes.count(from) || !nodes.count(to)) return false;
    return true;
  }
  /// The node whose label contains a text; the test fails unless there is exactly one.
  std::string node_with(const std::string& text) const {
    std::string found;
    for (const auto& [name, label] : labels)
      if (contains(label, text)) {
        CHECK_MESSAGE(found.empty(), text);
        found = name;
      }
    CHECK_MESSAGE(!found.empty(), text);
    return found;
  }
};

/// A perceptron (3 -> 4 -> 2) on 5 rows.
struct TracedPerceptron {
  Random random{1};
  Sequential net;
  Tensor x = random.normal({5, 3});
  TracedPerceptron() {
    net.push<Linear>(3, 4, &random);
    net.push<Elementwise>(Unary::gelu);
    net.push<Linear>(4, 2, &random);
    net.parameters();  // gives them their full names
  }
};

/// The words of the line of a table that begins with these.
std::vector<std::string> line_of(const std::string& table, const std::string& scope, const std::string& op) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> found;
    for (std::string word; words >> word;) found.push_back(word);
    if (found.size() > 2 && found[0] == scope && found[1] == op) return found;
  }
  return {};
}

}  // namespace

TEST_CASE("trace: the graph of a perceptron, with a frame for every layer") {
  TracedPerceptron p;
  Tape tape;
  tape.trace();
  const NameScope outer("net");
  const Var loss = mean(square(p.net(Var(p.x))));
  const std::string text = tape.dot();
  const Graph graph(text);
  CHECK(graph.balanced);
  CHECK(graph.edges_have_ends());
  CHECK(graph.nodes.size() == static_cast<std::size_t>(tape.nodes()));
  const std::string weight = graph.node_with("0.weight"), hidden = graph.node_with("gelu"),
                    out = graph.node_with("2.weight");
  CHECK(contains(graph.labels.at(weight), "0.weight\\n(4,3) "));
  CHECK(contains(graph.labels.at(weight), size_text(12 * sizeof(real)).c_str()));
  CHECK(graph.frames.at(weight) == "/net/0");
  CHECK(graph.frames.at(hidden) == "/net/1");
  CHECK(graph.frames.at(out) == "/net/2");
  CHECK(!contains(text, "gradient"));

  const Graph without(tape.dot({false}));
  CHECK(without.balanced);
  CHECK(without.edges_have_ends());
  CHECK(without.nodes.size() + 4 == graph.nodes.size());

  // Layers as one box each, then the network as one.
  const Graph layers(tape.dot({true, 1})), whole(tape.dot({true, 0}));
  for (const Graph* g : {&layers, &whole}) {
    CHECK(g->balanced);
    CHECK(g->edges_have_ends());
  }
  CHECK(contains(layers.labels.at(layers.node_with("\"0\\n")), "1 op, "));
  CHECK(contains(layers.labels.at(layers.node_with("\"0\\n")), "16 parameters"));
  CHECK(whole.nodes.size() == 1);
  CHECK(whole.edges.empty());
  backward(loss);
}

TEST_CASE("trace: a block of a transformer falls into its layers") {
  Random random(2);
  TransformerBlockOptions o;
  o.dim = 8, o.heads = 2, o.mlp_hidden = 16;
  Sequential stack;
  stack.push<TransformerBlock>(o, &random);
  Tape tape;
  tape.trace();
  stack(Var(random.normal({1, 5, 8})));
  const Graph graph(tape.dot());
  CHECK(graph.balanced);
  CHECK(graph.edges_have_ends());
  std::set<std::string> frames;
  for (const auto& [node, names] : graph.frames) frames.insert(names);
  const std::set<std::string> expected{"/0/norm1", "/0/attn", "/0/attn/qkv", "/0/attn/proj",
                                       "/0/norm2", "/0/mlp",  "/0/mlp/fc1",  "/0/mlp/fc2"};
  CHECK(frames == expected);
}

TEST_CASE("trace: Graphviz draws what dot() writes") {
  if (std::system("dot -V > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: Graphviz is not installed (Debian package graphviz)");
    return;
  }
  const TempFolder folder;
  TracedPerceptron p;
  p.net.parameters().front()->name = "a \"name\" with \\ and \n in it";
  Tape tape;
  tape.trace({true});
  backward(mean(square(p.net(Var(p.x)))));
  for (const DotOptions& options : {DotOptions{}, DotOptions{true, 0}}) {
    std::ofstream(folder / "tape.dot") << tape.dot(options);
    const std::string command = "dot -Tsvg '" + (folder / "tape.dot") + "' > '" + (folder / "tape.svg") + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    std::ifstream file(folder / "tape.svg");
    const std::string picture((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    CHECK(contains(picture, "</svg>"));
    CHECK(contains(picture, options.depth == 0 ? "1 op, " : "gelu"));
  }
}

TEST_CASE("trace: norms of gradients, and of parameters what backward added up") {
  Parameter w(Tensor::from({2}, {3, 4}));
  w.name = "w";
  for (const bool traced : {false, true}) {
    w.zero_grad();
    Tape tape;
    if (traced) tape.trace({true});
    const Var y = affine(square(Var(w)), 2);  // gradients: (1,1), then (2,2), then (12,16)
    backward(sum(y));
    CHECK(w.grad.data()[1] == 16);
    const Graph graph(tape.dot());
    CHECK(contains(graph.labels.at(graph.node_with("w\\n")), "|gradient| 20") == traced);
    CHECK(contains(graph.labels.at(graph.node_with("square")), "|gradient| 2.83") == traced);
    CHECK(contains(graph.labels.at(graph.node_with("sum")), "|gradient| 1\"") == traced);
  }
  Tape tape;
  tape.trace({true});
  backward(sum(affine(Var(w), std::numeric_limits<real>::quiet_NaN())));
  CHECK(contains(tape.dot(), "|gradient| nan"));
  CHECK(contains(tape.summary(), "nan"));
}

TEST_CASE("trace: the table counts ops and bytes by scope") {
  TracedPerceptron p;
  Tape tape;
  tape.trace();
  const auto run = [&] {
    const NameScope scope("net");
    p.net(Var(p.x));
    return p.net(Var(p.x));
  };
  const Var loss = sum(reshape(run(), {10}));
  const std::string before = tape.summary();
  using Words = std::vector<std::string>;
  const auto bytes = [](Index elements) {
    std::vector<std::string> words;
    std::istringstream text(size_text(static_cast<double>(elements) * sizeof(real)));
    for (std::string word; text >> word;) words.push_back(word);
    return words;
  };
  const auto row = [&](const std::string& scope, const std::string& op, const std::string& count, Index elements) {
    Words words{scope, op, count};
    for (const std::string& word : bytes(elements)) words.push_back(word);
    return words;
  };
  const auto with_dash = [](Words words) {
    words.emplace_back("-");
    return words;
  };
  CHECK(line_of(before, "net/0", "parameter") == with_dash(row("net/0", "parameter", "2", 16)));
  CHECK(line_of(before, "net/0", "linear") == with_dash(row("net/0", "linear", "2", 40)));
  CHECK(line_of(before, "net/1", "gelu") == with_dash(row("net/1", "gelu", "2", 40)));
  CHECK(line_of(before, "reshape", "1") == Words{"reshape", "1", "0", "B", "-"});
  CHECK(line_of(before, "all", std::to_string(tape.nodes())).size() == 5);
  backward(loss);
  // What a parameter or the caller holds is not freed, so it does not count: the first layer keeps the input alone.
  const std::string after = tape.summary();
  CHECK(!contains(after, " -"));
  MESSAGE("a perceptron, run twice:\n" << after);
  const std::vector<std::string> gelu = line_of(after, "net/1", "gelu");
  REQUIRE(gelu.size() == 7);
  CHECK(std::atof(gelu[5].c_str()) >= 2 * 20 * sizeof(real));  // two results of a linear layer
}

TEST_CASE("trace: scopes belong to the tape that records") {
  const auto frame_of = [](const Tape& tape, const std::string& op) {
    const Graph graph(tape.dot());
    CHECK(graph.balanced);
    const std::string node = graph.node_with(op);
    return graph.frames.count(node) ? graph.frames.at(node) : "";
  };
  const Tensor one = Tensor::full({2}, 1);
  CHECK(scope_functions == nullptr);
  Tape tape;
  CHECK(scope_functions == nullptr);
  const NameScope before("before");
  const Var x = tape.watch(one);
  tape.trace();
  CHECK(scope_functions != nullptr);
  {
    const NameScope a("a"), nothing("");
    {
      Tape inner;  // not traced: its ops and scopes are its own
      const NameScope b("b");
      CHECK(scope_functions == nullptr);
      square(inner.watch(one));
    }
    CHECK(scope_functions != nullptr);
    exp(x);
    {
      const NoRecording pause;
      const NameScope c("c");
      tanh(x);  // tracked all the same, and in no scope of its own
    }
  }
  sin(x);
  CHECK(frame_of(tape, "input") == "");
  CHECK(frame_of(tape, "exp") == "/a");
  CHECK(frame_of(tape, "tanh") == "/a");
  CHECK(frame_of(tape, "sin") == "");
  // A scope that lives longer than its tape.
  auto ended = std::make_unique<Tape>();
  ended->trace();
  const NameScope d("d");
  ended = nullptr;
}
