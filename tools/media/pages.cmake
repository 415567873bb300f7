# fu_page(NAME CONSTANT): media/NAME.html as a C++ constant, in a source file whose path is appended to fu_page_sources. The sums of
# its style and script, for the policy of a page that shows it, are left in fu_NAME_style and fu_NAME_script.
#   /*COMMON_STYLE*/, /*COMMON_SCRIPT*/   what all pages share: page_common.css, page_common.js
#   /*POLICY*/                            what the page may do: run its own style and script, told by their SHA-256, and show pictures that stand in
#                                         it. Nothing is loaded, and markup in a name, if it ever got into the document, would not run. The data are no
#                                         script, so that the sums are the same for every page.

# SHA-256 in base64, as browsers want it: three hexadecimal digits are two of base64.
function(fu_sha256_base64 text result)
  set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(SHA256 hex "${text}")
  set(sum "")
  foreach(at RANGE 0 63 3)
    string(SUBSTRING "${hex}00" ${at} 3 part)
    math(EXPR high "0x${part} >> 6")
    math(EXPR low "0x${part} & 63")
    string(SUBSTRING ${digits} ${high} 1 high)
    string(SUBSTRING ${digits} ${low} 1 low)
    string(APPEND sum "${high}${low}")
  endforeach()
  string(REGEX REPLACE ".$" "=" sum "${sum}")  # the two zeros were filling
  set(${result} "'sha256-${sum}'" PARENT_SCOPE)
endfunction()

# What stands between two marks of a page.
function(fu_between text begin end result)
  string(FIND "${text}" "${begin}" from)
  string(LENGTH "${begin}" length)
  math(EXPR from "${from} + ${length}")
  string(SUBSTRING "${text}" ${from} -1 text)
  string(FIND "${text}" "${end}" length)
  string(SUBSTRING "${text}" 0 ${length} text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

function(fu_page name constant)
  set(folder ${PROJECT_SOURCE_DIR}/tools/media)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${name}.html ${folder}/page_common.css ${folder}/page_common.js)
  file(READ ${folder}/${name}.html page)
  file(READ ${folder}/page_common.css style)
  file(READ ${folder}/page_common.js script)
  string(REPLACE "/*COMMON_STYLE*/" "${style}" page "${page}")
  string(REPLACE "/*COMMON_SCRIPT*/" "${script}" page "${page}")
  fu_between("${page}" "<style>" "</style>" style)
  fu_between("${page}" "<script>" "</script>" script)
  fu_sha256_base64("${style}" style)
  fu_sha256_base64("${script}" script)
  set(fu_${name}_style ${style} PARENT_SCOPE)
  set(fu_${name}_script ${script} PARENT_SCOPE)
  string(REPLACE "/*POLICY*/" "default-src 'none'; img-src data:; style-src ${style}; script-src ${script}; base-uri 'none'; form-action 'none'" page "${page}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_text.cpp CONTENT "namespace fu {
extern const char @constant@[];
const char @constant@[] = R\"FU_PAGE(@page@)FU_PAGE\";
}  // namespace fu
" @ONLY)
  set(fu_page_sources ${fu_page_sources} ${CMAKE_CURRENT_BINARY_DIR}/${name}_text.cpp PARENT_SCOPE)
endfunction()
