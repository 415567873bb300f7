// featup eval report: which upsampler to take. All methods on the user's photos, by the views of `eval views` and, with
// labels, by the probe of `eval probe`; one page with a recommendation, a table, quality against time, and pictures.
#include <cmath>

#include "core/isa.h"
#include "core/parallel.h"
#include "core/system.h"
#include "tools/cli/errors.h"
#include "tools/cli/inputs.h"
#include "tools/cli/outputs.h"
#include "tools/cli/program.h"
#include "tools/cli/report_run.h"
#include "tools/cli/say.h"
#include "tools/cli/view_scores.h"
#include "tools/media/whole_file.h"

namespace fu {

void EvalReportCommand::add(Command& app) {
  app.add_option("image", images, "photos, and folders of photos").required();
  app.add_option("--labels", labels,
                 "folder of label pictures of the photos' names, a class a pixel: grey, or numbers of a palette; a "
                 "probe is learned on every second labelled photo and judged on the others");
  app.add_option("--classes", classes, "labels from this number up are ignored; 0: as many as the labels have")
      .between(0, 255)
      .show_default();
  app.add_option("-o,--output", output, "the page, and beside it the chart as .svg; default featup-out/report.html");
  source.add(app);
  app.add_option("--jitters", jitters, "unseen views of each photo, for each seed").between(1, 10000).show_default();
  app.add_option("--seeds", seeds, "from --seed on: each draws views of its own, and trains a probe")
      .between(1, 100)
      .show_default();
  app.add_option("--slow-every", slow_every, "only each N-th photo for methods that need many passes of the backbone")
      .between(1, 1000000)
      .show_default();
  eval.add_methods(app);
  common.add(app);
  app.footer(
      "Milliseconds are the method's own, without the backbone's pass.\n"
      "Example: featup eval report photos --backbone deit_tiny_patch16_224.safetensors --upsampler stack.ckpt "
      "--slow-every 4");
}

namespace {

std::string counted(std::size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string headline(const EvalReportCommand& o, const ReportRun& run, std::size_t photos) {
  return cat("explained variance of unseen views (", counted(photos, "photo"), ", ", o.jitters, " jitters, ",
             counted(usize(o.seeds), "seed"), "); ", run.featurizer().describe(), ", whose pass takes ",
             time_text(run.backbone_milliseconds()), " a photo");
}

/// A method's name without the folders of its file: "views:80+models/stack.ckpt" -> "views:80+stack.ckpt".
std::string name_in_chart(const std::string& name) {
  const std::size_t file = name.find('+') + 1, slash = name.rfind('/');  // npos + 1 is 0
  return slash == std::string::npos || slash < file ? name : name.substr(0, file) + name.substr(slash + 1);
}

ScatterChart scatter_of(const EvalReportCommand& o, const ReportRun& run, const std::vector<MethodQuality>& qualities,
                        const Recommendation& choice, std::size_t photos) {
  ScatterChart chart;
  chart.title =
      choice.by_labels ? "Mean IoU of a linear probe against time" : "Explained variance of unseen views against time";
  chart.x_label = "milliseconds a photo, without the backbone's pass (logarithmic)";
  chart.y_label = choice.by_labels ? "mean IoU, %" : "explained variance";
  chart.caption = cat(run.featurizer().describe(), ", ", time_text(run.backbone_milliseconds()), " a pass; ",
                      counted(photos, "photo"));
  chart.groups = {qualities.front().name + ", the reference", "one pass of the backbone", "many passes"};
  const std::size_t seen = (photos - 1) / usize(o.slow_every) + 1;
  if (seen < photos) chart.groups.back() += cat(", on ", seen, " of ", photos, " photos");
  for (std::size_t m = 0; m < qualities.size(); ++m) {
    const MethodQuality& q = qualities[m];
    if (q.cost == Cost::made_elsewhere) continue;  // nobody knows its time
    chart.points.push_back({name_in_chart(q.name), q.milliseconds, choice.by_labels ? q.iou.value : q.explained.value,
                            m == 0                        ? std::size_t{0}
                            : q.cost == Cost::many_passes ? std::size_t{2}
                                                          : std::size_t{1}});
  }
  return chart;
}

std::vector<std::string> legend_of(const EvalReportCommand& o, const ReportRun& run) {
  std::vector<std::string> legend = {
      "explained: how much of the variance of the backbone's features of unseen views (shifted, zoomed, mirrored "
      "copies of the photo) the method's map predicts; 1 is perfect, 0 is as good as the mean. +-: standard deviation "
      "over photos, and of the mean over seeds.",
      cat("ms a photo: the method's own time, the least of ", counted(usize(o.seeds), "run"), ", on ",
          counted(usize(threads()), "thread"), ". The backbone's pass takes ", time_text(run.backbone_milliseconds()),
          " more.")};
  const std::string& reference = run.methods().front().name;
  if (o.slow_every > 1)
    legend.push_back(cat("Methods of many passes saw only some photos; \"", reference, ", there\" is ", reference,
                         " on the same ones."));
  if (run.labels())
    legend.push_back(cat("mean IoU, accuracy: of linear probes (one a seed) of ", run.labels()->classes(),
                         " classes, learned on low-resolution features of every second of ", run.labels()->labelled(),
                         " labelled photos; their class maps of the others are upsampled by the method. +-: standard "
                         "deviation over probes."));
  return legend;
}

std::vector<std::pair<std::string, std::string>> settings_of(const EvalReportCommand& o, const ReportRun& run,
                                                             const Program& program, std::size_t photos) {
  const Featurizer& featurizer = run.featurizer();
  std::vector<std::pair<std::string, std::string>> settings = {{"command", "featup " + program.arguments},
                                                               {"version", "featup " + program.version},
                                                               {"date", os::today()},
                                                               {"backbone", featurizer.describe()}};
  if (o.source.backbone.name != "builtin") settings.emplace_back("weights", o.source.backbone.name);
  if (const auto known = featurizer.backbone()->settings(); !known.empty() && o.source.backbone.name != "builtin")
    settings.emplace_back("its settings", settings_text(known));
  settings.emplace_back("size at the backbone", o.source.wanted_size());
  settings.emplace_back("photos", std::to_string(photos));
  if (o.slow_every > 1)
    settings.emplace_back("many passes", cat("on each photo of number 1, ", 1 + o.slow_every, ", ..."));
  if (run.labels()) settings.emplace_back("labels", cat(run.labels()->labelled(), " in ", o.labels));
  settings.emplace_back("views",
                        cat(o.jitters, " jitters of each photo and seed, pad ", kViewPad, ", zoom to 2, mirrored"));
  settings.emplace_back("seeds", cat(o.common.seed, " to ", o.common.seed + static_cast<std::uint64_t>(o.seeds) - 1));
  settings.emplace_back("threads", cat(threads(), ", ", kernels().isa));
  for (const Method& m : run.methods())
    if (m.upsampler->describe() != m.name) settings.emplace_back(m.name, m.upsampler->describe());
  return settings;
}

ReportPageData page_of(const EvalReportCommand& o, const ReportRun& run, const Program& program,
                       const std::vector<ReportRow>& rows, const Recommendation& choice, const ScatterChart& chart,
                       std::size_t photos) {
  ReportPageData page;
  page.headline = choice.sentence;
  page.note =
      cat("From ", counted(photos, "photo"), " and ", counted(usize(o.seeds), "seed"),
          photos < 8 ? ": more photos would make it surer. " : ". ",
          "A method counts as better if it is so on the same photos by more than the spread of the mean, which is "
          "the standard deviation of the differences divided by the root of their number.");
  page.columns = report_columns(run.labels() != nullptr);
  for (const ReportRow& row : rows) page.rows.push_back({row.name, row.cells(), row.name == choice.pick});
  page.legend = legend_of(o, run);
  page.chart = chart;
  page.photos = run.panels();
  page.panels_note =
      "Features as colours: the first three principal components of a photo's low-resolution features, the same for "
      "all "
      "pictures of that photo. The number is the explained variance of this photo's unseen views.";
  page.settings = settings_of(o, run, program, photos);
  return page;
}

void put_into(Report& report, const EvalReportCommand& o, const ReportRun& run, const std::vector<ReportRow>& rows,
              const Recommendation& choice) {
  report["jitters"] = o.jitters, report["seeds"] = o.seeds;
  report["backbone_milliseconds"] = run.backbone_milliseconds();
  if (run.labels()) report["labelled"] = run.labels()->labelled(), report["classes"] = run.labels()->classes();
  for (const ReportRow& row : rows) report["methods"].push_back(row.json());
  report["recommendation"] = {
      {"method", choice.pick},
      {"above_reference", choice.above_reference},
      {"slow", choice.slow.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(choice.slow)},
      {"follows", choice.by_labels ? "mean_iou" : "explained_variance"},
      {"agree", choice.agree},
      {"sentence", choice.sentence}};
}

int run_eval_report(const EvalReportCommand& o, const Program& program) {
  const ChosenInputs photos = ShardArgs().choose(o.images);
  Report report("eval report", photos.paths, o.common.json);
  ReportRun run(o, photos);
  require<OptionError>(o.output != "-", "-o -: a page and its picture are two files. Give the page's name.");
  const std::string page = output_file(o.output, "report.html"), picture = with_extension(page, ".svg");
  protect_inputs(photos.paths, {page, picture});
  check_outputs({page, picture});
  report_left_out(report, run.left_out(), o.common);
  report_backbone(report, run.featurizer().backbone(), run.featurizer().describe(), o.source.backbone, o.common);
  report.stage("load");
  run.measure(report);

  const std::size_t n = photos.paths.size();
  const std::vector<ReportRow> rows = run.rows();
  const std::vector<MethodQuality> qualities = run.qualities();
  const Recommendation choice = recommend(qualities);
  const ScatterChart chart = scatter_of(o, run, qualities, choice, n);
  const std::string text = report_page(page_of(o, run, program, rows, choice, chart, n));
  write_whole_file(page, text);
  write_scatter_chart(picture, chart);
  report.stage("write");
  put_into(report, o, run, rows, choice);
  report["outputs"] = {page, picture};
  if (!o.common.json) {
    print_report_table(rows, headline(o, run, n));
    say("%s\n", choice.sentence.c_str());
  }
  if (o.common.prints_text()) say("page %s, chart %s\n", page.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_eval_report(Command& command, Program& program) { add_command(command, program, run_eval_report); }

}  // namespace fu
