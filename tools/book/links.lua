-- Pandoc filter for the one page that holds all chapters: gives headings anchors that no two chapters share, and makes links
-- between chapters, which are links between files in Markdown, links inside of the page. Links to other files of the tree get
-- the metadata `root` in front, the way from the page to the tree.

local function text_slug(text)
  return (text:gsub(" ", "-"):gsub("[^%w%-_]", ""):lower())
end

-- Pages that are no chapters, by their titles.
local pages = {["PyTorch to here"] = "pytorch", ["Index of ops"] = "ops"}

-- "3-kernel.md" -> "3"; "ops.md" -> "ops"; "README.md" -> "book"
local function chapter_of(file)
  for _, page in pairs(pages) do
    if file == page .. ".md" then return page end
  end
  if file == "README.md" then return "book" end
  return file:match("^(%d+)%-[%w%-]+%.md$")
end

local function link_to(target, chapter, root)
  if target:find("://", 1, true) then return target end
  local file, anchor = target:match("^([^#]*)#?(.*)$")
  local place = file == "" and chapter or chapter_of(file)
  if place then return "#" .. place .. (anchor ~= "" and "-" .. anchor or "") end
  return root .. "/" .. (file:gsub("^%.%./%.%./", "")) .. (anchor ~= "" and "#" .. anchor or "")
end

function Pandoc(doc)
  local root = doc.meta.root and pandoc.utils.stringify(doc.meta.root) or "../.."
  local chapter, seen, out, for_authors = "book", {}, pandoc.List(), false
  for _, block in ipairs(doc.blocks) do
    if block.t == "Header" then
      local text = pandoc.utils.stringify(block)
      local slug = text_slug(text)
      if block.level == 1 then
        chapter = text:match("^(%d+)") or pages[text] or "book"
        seen, for_authors = {}, false
        block.identifier = chapter
      else
        local before = seen[slug] or 0
        seen[slug] = before + 1
        block.identifier = chapter .. "-" .. slug .. (before > 0 and "-" .. before or "")
        -- What README.md says to authors is not for readers of the page.
        if chapter == "book" then for_authors = true end
      end
    end
    if not for_authors then
      out:insert(pandoc.walk_block(block, {Link = function(link)
        link.target = link_to(link.target, chapter, root)
        return link
      end}))
    end
  end
  doc.blocks = out
  return doc
end
