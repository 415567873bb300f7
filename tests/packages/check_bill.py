#!/usr/bin/env python3
"""Checks the bill of materials of a package against SPDX 2.3, the package's files, and dpkg.

    tests/packages/check_bill.py BILL STAGE [alone]

STAGE: the files of the package, the bill among them or not. alone: the program must have the libraries of others inside.
"""
import hashlib
import json
import os
import re
import subprocess
import sys

RELATIONSHIPS = {"DESCRIBES", "CONTAINS", "DYNAMIC_LINK", "STATIC_LINK", "BUILD_DEPENDENCY_OF", "BUILD_TOOL_OF"}


class Faults(list):
    def expect(self, holds, text):
        if not holds:
            self.append(text)


def check_document(bill, faults):
    faults.expect(bill.get("spdxVersion") == "SPDX-2.3", "spdxVersion is not SPDX-2.3")
    faults.expect(bill.get("dataLicense") == "CC0-1.0", "dataLicense is not CC0-1.0")
    faults.expect(bill.get("SPDXID") == "SPDXRef-DOCUMENT", "the document has no SPDXID")
    faults.expect(re.fullmatch(r"featup-\d+\.\d+\.\d+", bill.get("name", "")), "name is not featup-VERSION")
    faults.expect(re.fullmatch(r"https://[^#\s]+[0-9a-f]{64}", bill.get("documentNamespace", "")), "documentNamespace")
    created = bill.get("creationInfo", {})
    faults.expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created.get("created", "")), "creationInfo.created")
    faults.expect(created.get("creators") and all(re.match(r"(Person|Organization|Tool): \S", c) for c in created["creators"]),
                  "creationInfo.creators")
    ids = [e.get("SPDXID", "") for e in [bill, *bill["packages"], *bill["files"]]]
    for i in ids:
        faults.expect(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i), f"the SPDXID '{i}'")
        faults.expect(ids.count(i) == 1, f"{i} stands {ids.count(i)} times")
    for relation in bill["relationships"]:
        faults.expect(relation["relationshipType"] in RELATIONSHIPS, f"relationshipType {relation['relationshipType']}")
        for end in ("spdxElementId", "relatedSpdxElement"):
            faults.expect(relation[end] in ids, f"{relation[end]} is related and not there")


def check_files(bill, stage, faults):
    present = {"./" + os.path.relpath(os.path.join(folder, name), stage) for folder, _, names in os.walk(stage) for name in names
               if not os.path.islink(os.path.join(folder, name))}
    featup = next(p for p in bill["packages"] if p["name"] == "featup")
    code = featup["packageVerificationCode"]
    listed = {f["fileName"] for f in bill["files"]}
    for name in sorted(listed ^ present - set(code["packageVerificationCodeExcludedFiles"])):
        faults.append(f"{name} is {'listed, and not in the package' if name in listed else 'in the package, and not listed'}")
    sums = []
    for entry in bill["files"]:
        if entry["fileName"] not in present:
            continue
        with open(os.path.join(stage, entry["fileName"]), "rb") as file:
            data = file.read()
        told = {c["algorithm"]: c["checksumValue"] for c in entry["checksums"]}
        true = {"SHA1": hashlib.sha1(data).hexdigest(), "SHA256": hashlib.sha256(data).hexdigest()}
        faults.expect(told == true, f"sums of {entry['fileName']}")
        sums.append(true["SHA1"])
    faults.expect(code["packageVerificationCodeValue"] == hashlib.sha1("".join(sorted(sums)).encode()).hexdigest(),
                  "packageVerificationCode")


def check_packages(bill, faults):
    for package in bill["packages"]:
        name = package["name"]
        for field in ("SPDXID", "versionInfo", "downloadLocation", "licenseDeclared"):
            faults.expect(package.get(field), f"{name} has no {field}")
        faults.expect(package["licenseDeclared"] != "NOASSERTION", f"the licence of {name} is not known to tools/packages/bill.py")
        if name == "featup":
            continue
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True).stdout
        faults.expect(package["versionInfo"] == version, f"{name} is {version}, and listed as {package['versionInfo']}")
        locator = package["externalRefs"][0]["referenceLocator"]
        faults.expect(re.fullmatch(rf"pkg:deb/\w+/{re.escape(name)}@[\w.~%-]+\?arch=\w+", locator), f"the locator {locator}")


def check_links(bill, stage, alone, faults):
    names = {e["SPDXID"]: e.get("name", e.get("fileName")) for e in [*bill["packages"], *bill["files"]]}
    links = {(names.get(r["spdxElementId"]), r["relationshipType"], names.get(r["relatedSpdxElement"])) for r in bill["relationships"]}
    program = next(f for f in names.values() if f.endswith("/bin/featup"))
    library = next(f for f in names.values() if re.search(r"/libfeatup\.so\.[\d.]+$", f))
    inside = {"libeigen3-dev", "nlohmann-json3-dev"}
    for of, expected in ((library, inside), (program, inside | {"libcli11-dev", "libstb-dev"} | ({"zlib1g-dev", "libturbojpeg0-dev"} if alone else set()))):
        found = {p for f, how, p in links if f == of and how == "STATIC_LINK"}
        # The compiler's own library is inside of a program that shall run elsewhere.
        found -= {p for p in found if alone and re.match(r"lib(stdc\+\+|gcc)-\d+-dev", p)}
        faults.expect(found == expected, f"inside of {of} are {sorted(found)}, expected {sorted(expected)}")
        for package in found:
            places = [os.path.join(folder, package) for folder, _, _ in os.walk(stage) if folder.endswith("doc/featup/licences")]
            faults.expect(any(os.path.getsize(p) > 100 for p in places if os.path.exists(p)), f"the licence of {package} is not there")
    linked = {p for f, how, p in links if f == program and how == "DYNAMIC_LINK"}
    linked.discard("libmicrohttpd12")  # only where the command serve is built
    faults.expect(linked == ({"libc6"} if alone else {"libc6", "libgcc-s1", "libstdc++6", "libturbojpeg0", "zlib1g"}),
                  f"{program} links {sorted(linked)}")
    faults.expect(any(how == "BUILD_TOOL_OF" and p == "featup" for _, how, p in links), "no compiler is named")
    faults.expect(("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Package-featup") in
                  {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in bill["relationships"]}, "nothing is described")


def main():
    path, stage, alone = sys.argv[1], sys.argv[2], sys.argv[3:] == ["alone"]
    with open(path) as file:
        bill = json.load(file)
    faults = Faults()
    check_document(bill, faults)
    check_files(bill, stage, faults)
    check_packages(bill, faults)
    check_links(bill, stage, alone, faults)
    for fault in faults:
        print(f"{path}: {fault}")
    if not faults:
        print(f"{path}: {len(bill['packages'])} packages, {len(bill['files'])} files")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
