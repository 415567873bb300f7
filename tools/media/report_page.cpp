#include "tools/media/report_page.h"

#include "tools/media/page_data.h"

namespace fu {

// tools/media/report_page.html, in a file that the build makes.
extern const char kReportPage[];

std::string report_page(const ReportPageData& d) {
  nlohmann::json json = {{"headline", d.headline}, {"note", d.note},           {"columns", d.columns},
                         {"legend", d.legend},     {"chart", d.chart.caption}, {"panelsNote", d.panels_note}};
  for (const char* list : {"rows", "photos", "settings"}) json[list] = nlohmann::json::array();
  for (const ReportTableRow& row : d.rows) {
    require<ShapeError>(row.cells.size() == d.columns.size(), "[report_page] row '", row.name, "' has ",
                        row.cells.size(), " cells, and there are ", d.columns.size(), " columns.");
    json["rows"].push_back({{"name", row.name}, {"cells", row.cells}, {"marked", row.marked}});
  }
  for (const ReportPhoto& photo : d.photos) {
    nlohmann::json panels = nlohmann::json::array();
    for (const ReportPanel& panel : photo.panels)
      panels.push_back({{"title", panel.title}, {"note", panel.note}, {"picture", picture_address(panel.picture)}});
    json["photos"].push_back({{"name", photo.name}, {"panels", panels}});
  }
  for (const auto& [key, value] : d.settings) json["settings"].push_back({key, value});
  std::string page = filled_page(kReportPage, std::move(json));
  // The mark stands before the data, in which there is no "<". Texts in the chart are escaped.
  const std::string mark = "<!--CHART-->";
  return page.replace(page.find(mark), mark.size(), scatter_chart_svg(d.chart));
}

}  // namespace fu
