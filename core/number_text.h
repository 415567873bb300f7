// Numbers as text in files, options and messages: with a decimal point, whatever the locale that an application has
// chosen for its users. printf, strtod and std::to_string follow that locale: under de_DE a file of ours could neither
// be read nor written.
#pragma once

#include <string>

namespace fu {

/// As printf's "%.*g" writes it in the C locale. 17 digits read back as the same number.
std::string number_text(double value, int digits = 17);

/// Reads a number that is the whole text: 12, -0.5, 1e-3, inf, nan. False for any other text, and for numbers beyond
/// what a double holds.
bool read_number(const std::string& text, double& value);

}  // namespace fu
