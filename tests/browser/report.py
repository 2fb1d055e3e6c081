"""Open a report in a real browser and use it.  Prints what is wrong.

    python3 tests/browser/report.py FILE [DIRECTORY]     screenshots go to the directory
"""
import base64
import json
import pathlib
import sys
import time

from webdriver import CONTROL, ENTER, RIGHT, Browser

# The luminance of every text against what is behind it, as WCAG 2 has it: those below 4.5.
CONTRAST = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const known = new Map();
function rgba(color) {
	if (!known.has(color)) {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		known.set(color, Array.from(canvas.getImageData(0, 0, 1, 1).data));
	}
	return known.get(color);
}
function luminance(c) {
	const l = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
}
const bad = new Set();
for (const e of document.body.querySelectorAll('*')) {
	const own = Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim());
	if (!own || !e.getClientRects().length || e.closest('script, svg') || e.disabled)
		continue;
	let behind = e, back;
	while (behind && (back = rgba(getComputedStyle(behind).backgroundColor))[3] < 255)
		behind = behind.parentElement;
	const a = luminance(rgba(getComputedStyle(e).color)), b = luminance(behind ? back : [255, 255, 255]);
	const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	if (ratio < 4.5)
		bad.add(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
}
return Array.from(bad);
"""

# What makes the page wider than the window.
TOO_WIDE = """
if (document.documentElement.scrollWidth <= innerWidth)
	return '';
return Array.from(document.body.querySelectorAll('*'))
	.filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest('.scroll *, nav ul'))
	.slice(0, 5).map(e => e.tagName + '.' + e.className + '#' + e.id).join(' ');
"""

# The rows that stand in the file are those that the script makes.
SAME_ROWS = """
const file = new DOMParser().parseFromString(arguments[0], 'text/html');
const there = Array.from(file.getElementById('table').tBodies[0].rows);
const here = Array.from(document.getElementById('table').tBodies[0].rows);
if (there.length !== here.length)
	return there.length + ' rows in the file, ' + here.length + ' on the page';
const i = there.findIndex((row, n) => !row.isEqualNode(here[n]));
return i < 0 ? '' : there[i].outerHTML + ' is not ' + here[i].outerHTML;
"""


class Test:
    def __init__(self, browser, path, shots):
        self.b, self.path, self.shots = browser, path, shots
        self.text = path.read_text(encoding="utf-8")
        begin = self.text.index('id="rows">') + 10
        self.data = json.loads(self.text[begin:self.text.index("</script>", begin)])
        self.rows = self.data["rows"]
        self.large = len(self.rows) > self.data["page"]
        self.failed = 0

    def check(self, right, what):
        if not right:
            print(f"FAILED: {self.path.name}: {what}")
            self.failed += 1

    def until(self, script, what):
        """The page does it in its own time."""
        for _ in range(200):
            if self.b.run(script):
                return
            time.sleep(0.1)
        self.check(False, what)

    def shot(self, name):
        if self.shots:
            image = self.b.devtools("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (self.shots / f"{self.path.stem}-{name}.png").write_bytes(base64.b64decode(image))

    def size(self, width, height=900):
        self.b.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                        deviceScaleFactor=1, mobile=False)

    def shown(self, column):
        return self.b.run("""return Array.from(document.getElementById('table').tBodies[0].rows,
            row => row.cells[arguments[0]].textContent);""", column)

    def ids(self):
        return [int(text) for text in self.shown(0)]

    def opens(self):
        self.b.open(self.path.as_uri())
        self.check(self.b.run("return document.querySelectorAll('h1').length") == 1, "no headline")
        self.check(self.b.run("return document.compatMode") == "CSS1Compat", "quirks mode")
        different = self.b.run(SAME_ROWS, self.text)
        self.check(different == "", different)

    def sorts(self):
        page = self.data["page"]
        for header, key in ((1, 0), (6, 6), (7, 7), (9, 8)):
            def order(row, key=key):
                return (row[key] is not None, row[key] or 0)
            button = f"#table th:nth-child({header}) button"
            for keyboard, reverse, aria in ((False, False, "ascending"), (True, True, "descending")):
                if keyboard:
                    self.b.type(button, ENTER)
                else:
                    self.b.click(button)
                wanted = [row[0] for row in sorted(self.rows, key=order, reverse=reverse)]
                if reverse:  # those that are alike stay in their order
                    wanted = [row[0] for row in sorted(
                        self.rows, key=lambda r: (-order(r)[0], -order(r)[1]))]
                self.check(self.ids() == wanted[:page], f"column {header}: not {aria}")
                got = self.b.run(f"return document.querySelector('#table th:nth-child({header})')"
                                 ".getAttribute('aria-sort')")
                self.check(got == aria, f"column {header}: aria-sort is {got}")
        self.b.click("#table th:nth-child(4) button")
        owners = self.shown(3)
        nobody = min(sum(not row[4] for row in self.rows), len(owners))
        self.check(not any(owners[:nobody]) and all(owners[nobody:]), "owners are not sorted")
        self.b.click("#table th:nth-child(1) button")

    def filters(self):
        def wanted(word):
            return [row[0] for row in self.rows
                    if word in " ".join([str(row[0]), row[1] or "", row[2], row[4], row[9], *row[10]]).lower()]
        for word in ("layer", "orphan", "no such device"):
            self.b.type("#filter", word)
            self.check(self.ids() == wanted(word)[:self.data["page"]], f"filter {word}")
            said = self.b.run("return document.querySelector('#tools [role=status]').textContent")
            self.check(said.startswith(f"{len(wanted(word))} of {len(self.rows)}"), f"it says: {said}")
            self.b.clear("#filter")
        self.check(len(self.ids()) == min(len(self.rows), self.data["page"]), "the filter stays")

    def turns(self):
        if len(self.rows) <= self.data["page"]:
            self.check(self.b.run("return document.querySelector('.pages').getClientRects().length") == 0,
                       "there is one page, and buttons to turn it")
            return
        self.b.click(".pages button:last-child")
        self.check(self.ids()[0] == self.rows[self.data["page"]][0], "the second page")
        last = self.rows[-1][0]
        self.b.run(f"location.hash = 'd{last}'")
        self.until(f"return document.getElementById('d{last}') !== null",
                   "a link does not lead to the last device")
        self.b.run("location.hash = ''")

    def findings(self):
        closed = self.b.run("return (document.querySelector('.finding:not([open])') || {}).id")
        if closed:
            self.b.click(f"#{closed} summary")
            self.check(self.b.run(f"return document.getElementById('{closed}').open"),
                       f"{closed} does not open")
        last = self.b.run("return Array.from(document.querySelectorAll('.finding')).pop().id")
        self.b.run(f"document.getElementById('{last}').open = false; location.hash = '{last}'")
        self.until(f"return document.getElementById('{last}').open",
                   f"a link to {last} does not open it")
        self.b.run("location.hash = ''")

    def copies(self):
        wanted = self.b.run("return document.querySelector('#findings .left .command code').textContent")
        for way in ("clipboard", "by hand"):
            if way == "by hand":
                self.b.run("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
            self.b.run("""window.said = '';
                const button = document.querySelector('#findings .left .command button');
                new MutationObserver(() => { window.said += button.textContent; })
                    .observe(button, {childList: true});""")
            self.b.click("#findings .left .command button")
            self.until("return window.said.includes('copied')", "the button does not say that it copied")
            self.b.type("#filter", CONTROL + "v")
            got = self.b.run("return document.getElementById('filter').value")
            self.check(got == wanted, f"{way}: copied {got!r}, not {wanted!r}")
            self.b.clear("#filter")

    def map(self):
        if not self.b.run("return document.getElementById('map') !== null"):
            return
        before = self.b.run("return document.getElementById('readout').textContent")
        self.b.type("#map", RIGHT)
        after = self.b.run("return document.getElementById('readout').textContent")
        self.check(after != before and after.startswith("blocks 0–"), f"the map says {after}")
        self.b.click("#legend tr[tabindex]")
        self.check(self.b.run("return document.querySelectorAll('#map.only rect.lit').length") > 0,
                   "the legend shows nothing on the map")
        self.b.click("#legend tr[tabindex]")

    def looks(self):
        for scheme in ("light", "dark"):
            self.b.devtools("Emulation.setEmulatedMedia",
                            features=[{"name": "prefers-color-scheme", "value": scheme}])
            for width in (360, 1600) if self.large else (360, 768, 1100, 1600):
                self.size(width)
                over = self.b.run(TOO_WIDE)
                self.check(not over, f"too wide at {width}: {over}")
                bad = self.b.run(CONTRAST) if width in (360, 1600) and not self.large else []
                self.check(not bad, f"{scheme}, {width}: too little contrast: {bad}")
                self.shot(f"{scheme}-{width}")
        self.b.devtools("Emulation.setEmulatedMedia", features=[])
        self.size(1280)
        if self.large:
            return
        pdf = self.b.devtools("Page.printToPDF", printBackground=True)["data"]
        self.check(base64.b64decode(pdf).startswith(b"%PDF"), "it cannot be printed")
        if self.shots:
            (self.shots / f"{self.path.stem}.pdf").write_bytes(base64.b64decode(pdf))

    def all(self):
        self.size(1280)
        for step in (self.opens, self.sorts, self.filters, self.turns, self.findings, self.copies,
                     self.map, self.looks):
            step()
            said = self.b.console()
            self.check(not said, f"{step.__name__}: the console says: {said}")
        return self.failed


def main():
    browser = Browser()
    try:
        shots = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
        return 1 if Test(browser, pathlib.Path(sys.argv[1]).resolve(), shots).all() else 0
    finally:
        browser.close()


sys.exit(main())
