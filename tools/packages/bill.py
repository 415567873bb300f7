#!/usr/bin/env python3
"""The bill of materials of a package, as SPDX 2.3 in JSON: its files with their sums, and the Debian packages that each of its
programs and libraries links, or has code of inside.

    tools/packages/bill.py BUILD STAGE VERSION OUT

BUILD: the build folder, made with Ninja, whose record of read headers says what was compiled. STAGE: the files of the package, as
`cmake --install --strip` puts them. OUT: gets featup.spdx.json, and licences/, the texts of the Debian packages whose code is inside.
These texts are put beside the files of STAGE too, since the package will hold them.

All of it is read from this build and from dpkg. The time is SOURCE_DATE_EPOCH, so the same build gives the same bytes.
"""
import datetime
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

DOC = "share/doc/featup"
# Licences by the name of Debian's source package, in SPDX's words; Debian's own texts go into licences/.
LICENCES = {
    "eigen3": "MPL-2.0", "nlohmann-json3": "MIT", "cli11": "BSD-3-Clause", "libstb": "MIT OR Unlicense", "zlib": "Zlib",
    "libmicrohttpd": "LGPL-2.1-or-later",
    "libjpeg-turbo": "IJG AND BSD-3-Clause AND Zlib", "glibc": "LGPL-2.1-or-later",
    "gcc": "GPL-3.0-or-later WITH GCC-exception-3.1", "linux": "GPL-2.0-only WITH Linux-syscall-note",
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout


def aliases(path):
    """A file's names: Debian's /lib is a link to /usr/lib, and dpkg knows a file by one of them."""
    for name in (path, os.path.realpath(path)):
        yield name
        yield name[4:] if name.startswith("/usr/") else "/usr" + name


def owners(paths):
    """The Debian packages of files, as {path: package}. Files of no package are left out."""
    asked = {alias: path for path in paths for alias in aliases(path)}
    found = {}
    names = sorted(asked)
    for at in range(0, len(names), 500):
        text = subprocess.run(["dpkg-query", "-S", *names[at:at + 500]], capture_output=True, text=True).stdout
        for line in text.splitlines():
            packages, _, name = line.partition(": ")
            if name in asked and "diversion" not in line:
                found[asked[name]] = packages.split(",")[0]
    return found


def facts(package):
    fields = "${Package}\t${Version}\t${source:Package}\t${Architecture}"
    return dict(zip(("name", "version", "source", "architecture"), run("dpkg-query", "-W", "-f", fields, package).split("\t")))


def headers(build, target):
    """Files of others that the objects of a target were compiled from."""
    inputs = set(run("ninja", "-C", build, "-t", "inputs", target).splitlines())
    read, reading = set(), False
    for line in run("ninja", "-C", build, "-t", "deps").splitlines():
        if not line.startswith("    "):
            reading = line.partition(": #deps")[0] in inputs
        elif reading and line[4:].startswith("/usr/"):
            read.add(os.path.normpath(line[4:]))
    if not read:
        raise SystemExit(f"{build} has no record of what {target} was compiled from: build it with Ninja")
    return read


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def linked(path):
    """The shared libraries that a program or library asks for, as paths."""
    names = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", path))
    places = dict(re.findall(r"^\s*(\S+) => (/\S+)", run("ldd", path), re.M))
    return [places[name] for name in names if name in places]


def compiler(build):
    with open(os.path.join(build, "CMakeCache.txt")) as file:
        return os.path.realpath(re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", file.read(), re.M).group(1))


def identifier(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def materials(build, stage):
    """Of each program and library in STAGE: {path: {package: relationship}}; all packages as {package: facts}."""
    uses, known = {}, {}
    for folder, _, names in os.walk(stage):
        for path in sorted(os.path.join(folder, name) for name in names):
            if os.path.islink(path) or not is_elf(path):
                continue
            target = next(t for t in ("bin/", "lib/") if os.path.exists(os.path.join(build, t, os.path.basename(path))))
            dynamic = set(owners(linked(path)).values())
            compiled = set(owners(headers(build, target + os.path.basename(path))).values()) - dynamic
            for package in dynamic | compiled:
                known.setdefault(package, facts(package))
            sources = {known[package]["source"] for package in dynamic} | {"linux"}  # the kernel's headers hold no code
            use = {package: "DYNAMIC_LINK" for package in dynamic}
            for package in compiled:
                use[package] = "BUILD_DEPENDENCY_OF" if known[package]["source"] in sources else "STATIC_LINK"
            uses[os.path.relpath(path, stage)] = use
    return uses, known


def package_entry(fact):
    system = "debian"
    if os.path.exists("/etc/os-release"):
        with open("/etc/os-release") as file:
            system = re.search(r"^ID=\"?(\w+)", file.read(), re.M).group(1)
    locator = f"pkg:deb/{system}/{fact['name']}@{urllib.parse.quote(fact['version'], safe='')}?arch={fact['architecture']}"
    licence = LICENCES.get(re.sub(r"^gcc-\d+$", "gcc", fact["source"]), "NOASSERTION")
    return {
        "SPDXID": identifier("Package", fact["name"]), "name": fact["name"], "versionInfo": fact["version"],
        "sourceInfo": f"Debian source package {fact['source']}", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": licence, "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}],
    }


def file_entry(stage, path):
    with open(os.path.join(stage, path), "rb") as file:
        data = file.read()
    return {
        "SPDXID": identifier("File", path), "fileName": "./" + path,
        "checksums": [{"algorithm": name.upper(), "checksumValue": hashlib.new(name, data).hexdigest()} for name in ("sha1", "sha256")],
        "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION",
    }


def copy_licences(uses, stage, out):
    """The texts of packages whose code is inside."""
    doc = next(iter(glob.glob(os.path.join(stage, "**", DOC), recursive=True)))
    for package in sorted({p for use in uses.values() for p, how in use.items() if how == "STATIC_LINK"}):
        name = package.split(":")[0]
        for place in (out, doc):
            os.makedirs(os.path.join(place, "licences"), exist_ok=True)
            shutil.copyfile(f"/usr/share/doc/{name}/copyright", os.path.join(place, "licences", name))
    return os.path.relpath(doc, stage)


def document(build, stage, version, out):
    uses, known = materials(build, stage)
    doc = copy_licences(uses, stage, out)
    paths = sorted(os.path.relpath(os.path.join(folder, name), stage) for folder, _, names in os.walk(stage) for name in names
                   if not os.path.islink(os.path.join(folder, name)))
    files = [file_entry(stage, path) for path in paths]
    sums = sorted(entry["checksums"][0]["checksumValue"] for entry in files)
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Package-featup")]
    relations += [("SPDXRef-Package-featup", "CONTAINS", entry["SPDXID"]) for entry in files]
    for path, use in sorted(uses.items()):
        for package, how in sorted(use.items()):
            pair = (identifier("File", path), identifier("Package", known[package]["name"]))
            relations.append((pair[1], how, pair[0]) if how == "BUILD_DEPENDENCY_OF" else (pair[0], how, pair[1]))
    tool = owners([compiler(build)])
    for package in tool.values():
        known.setdefault(package, facts(package))
        relations.append((identifier("Package", known[package]["name"]), "BUILD_TOOL_OF", "SPDXRef-Package-featup"))
    when = int(os.environ.get("SOURCE_DATE_EPOCH", datetime.datetime.now().timestamp()))
    featup = {
        "SPDXID": "SPDXRef-Package-featup", "name": "featup", "versionInfo": version, "supplier": "Organization: The authors of featup",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": True,
        "packageVerificationCode": {"packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest(),
                                    "packageVerificationCodeExcludedFiles": [f"./{doc}/featup.spdx.json"]},
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "Apache-2.0", "copyrightText": "2026 the authors of featup",
        "primaryPackagePurpose": "APPLICATION",
    }
    bill = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"featup-{version}",
        "creationInfo": {"created": datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Organization: The authors of featup", f"Tool: featup-bill-{version}"]},
        "packages": [featup] + [package_entry(fact) for fact in sorted(known.values(), key=lambda fact: fact["name"])],
        "files": files,
        "relationships": [{"spdxElementId": a, "relationshipType": how, "relatedSpdxElement": b} for a, how, b in relations],
    }
    digest = hashlib.sha256(json.dumps(bill).encode()).hexdigest()
    bill["documentNamespace"] = f"https://spdx.org/spdxdocs/featup-{version}-{digest}"
    return bill


def main():
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    build, stage, version, out = sys.argv[1:]
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    bill = document(build, stage, version, out)
    with open(os.path.join(out, "featup.spdx.json"), "w") as file:
        json.dump(bill, file, indent=1)
        file.write("\n")
    names = {package["SPDXID"]: package["name"] for package in bill["packages"]}
    inside, shared = (sorted({names[r["relatedSpdxElement"]] for r in bill["relationships"] if r["relationshipType"] == how})
                      for how in ("STATIC_LINK", "DYNAMIC_LINK"))
    print(f"{len(bill['files'])} files; inside: {', '.join(inside)}; linked: {', '.join(shared)}")


if __name__ == "__main__":
    main()
