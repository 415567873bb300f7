#include "tools/serve/start_page.h"

#include "featup/version.h"

namespace fu {

std::string start_page(const std::string& rows) {
  return R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>featup serve</title></head><body>
<h1>featup )" FEATUP_VERSION R"(</h1>
<p>This server makes features of photos. It keeps nothing, and reads no file.</p>
<table>
)" + rows +
         R"(</table>
<h2>How to ask</h2>
<p>The body of a POST is a photo: PNG, JPEG, BMP, TGA, PBM, PGM or PPM. The answer is an array of NumPy's
(<code>.npy</code>) with rows, columns and channels.</p>
<pre>curl -H 'Content-Type: image/jpeg' --data-binary @photo.jpg 'http://ADDRESS/v1/upsample?pca=3' \
     -o photo.npy</pre>
<table>
<tr><td><code>size=N</code>, <code>size=HxW</code>, <code>size=own</code></td>
<td>of the photo at the backbone, as the program's --size</td></tr>
<tr><td><code>out-size=HxW</code></td><td>of the result (upsample only)</td></tr>
<tr><td><code>pca=K</code></td><td>keep K principal components</td></tr>
<tr><td><code>dtype=f32</code>, <code>dtype=f16</code></td><td>type of the numbers</td></tr>
<tr><td><code>layout=hwc</code>, <code>layout=chw</code></td><td>channels last or first</td></tr>
<tr><td><code>format=npy</code>, <code>format=json</code></td>
<td>the array, or its shape, range and mean (also by <code>Accept: application/json</code>)</td></tr>
</table>
<p>Errors are JSON, <code>{"error": "..."}</code>. Status 503 means that the server is busy: come again after a
second.</p>
</body></html>
)";
}

}  // namespace fu
