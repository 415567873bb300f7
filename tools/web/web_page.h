// What the WebAssembly build has beside the C interface: the page in which features can be touched
// (tools/media/page.html), of an upsampled or fitted image. The rules are those of featup/api/featup_c.h.
#pragma once

#include "featup/api/featup_c.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The page of scene.image, upsampled.
///   name: of the image, for people
///   settings: lines "name<TAB>value" for the page's table; null for none
///   page: receives the page's text; free it with free()
/// The features are projected to their first principal components before they are upsampled, at most 32.
fu_status fu_page_of_upsampler(const fu_upsampler* upsampler, const fu_scene* scene, const char* name,
                               const char* settings, const fu_progress* progress, char** page);
/// The same of a fit, with its uncertainty and the curves of its history.
fu_status fu_page_of_fit(const fu_fit* fit, const char* name, const char* settings, char** page);

#ifdef __cplusplus
}
#endif
