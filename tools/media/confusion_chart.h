// A confusion matrix as SVG.
#pragma once

#include <string>
#include <vector>

namespace fu {

/// Writes a square of cells: rows are labels, columns predictions, each cell as dark as the share of its label's pixels
/// that it holds, with that share in percent where there is room.
///   counts: row after row, names.size() squared.  caption: a line below, and the description for screen readers.
/// throws FileError.
void write_confusion_chart(const std::string& path, const std::string& title, const std::vector<std::string>& names,
                           const std::vector<double>& counts, const std::string& caption);

}  // namespace fu
