// A page for the browser that compares methods on photos: which to take, a table, quality against time, and pictures of
// what each makes. It is one file and needs no network: tools/media/report_page.html with the data written into it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "featup/photo/preprocess.h"
#include "tools/media/chart.h"

namespace fu {

struct ReportPanel {
  std::string title, note;
  Image picture;
};
struct ReportPhoto {
  std::string name;
  std::vector<ReportPanel> panels;
};

struct ReportTableRow {
  std::string name;
  std::vector<std::string> cells;  // one for each column
  bool marked = false;             // the recommended one
};

struct ReportPageData {
  std::string headline, note;        // what is recommended; from how much
  std::vector<std::string> columns;  // besides the names
  std::vector<ReportTableRow> rows;
  std::vector<std::string> legend;  // what the columns are, a sentence each
  ScatterChart chart;
  std::vector<ReportPhoto> photos;
  std::string panels_note;
  std::vector<std::pair<std::string, std::string>> settings;  // how it was made
};

/// The page as text. Any text may stand in the data: it is shown as it is. throws ShapeError for a row that has not as
/// many cells as there are columns.
std::string report_page(const ReportPageData& data);

}  // namespace fu
