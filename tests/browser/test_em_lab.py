"""The EM Lab in a real browser: its numbers against the package, and all that a reader can do by mouse, keyboard and touch."""

import json
import re
from importlib.resources import files
from itertools import islice

import numpy as np
import pytest
from conftest import BOOK, Visit
from test_pages import AXE_RULES, CUT_OFF, violations

from gmm_from_scratch import Mixture, SingularCovarianceError, data, e_step, em_lab, em_steps, m_step
from gmm_from_scratch.covariances import FAMILIES
from gmm_from_scratch.em import log_joint
from gmm_from_scratch.kmeans import KMeansStep, assign_step, kmeans_steps
from gmm_from_scratch.starts import start_from_labels, start_from_points

PAGE = "chapters/em-lab.html"
EM_JS = (files("gmm_from_scratch") / "lab" / "em.js").read_text("utf-8")
FAITHFUL = data.load_faithful().X
ABOUT = {"viewport": {"width": 1280, "height": 1000}, "reduced_motion": "reduce"}


class Lab:
    """The lab on an open page, as a reader finds its parts: by their names."""

    def __init__(self, visit):
        self.visit, self.page = visit, visit.page
        self.root = self.page.locator(".em-lab")

    def load(self, fragment=""):
        """Follow a link to a state, and wait until the lab says that it has it."""
        self.page.evaluate("""fragment => {
            document.querySelector('.em-lab [role=status]').textContent = '';
            document.querySelectorAll('.em-lab details').forEach(details => (details.open = false));
            history.replaceState(null, '', location.pathname);
            location.hash = fragment || '#lab=1';
        }""", fragment)
        self.page.wait_for_function("document.querySelector('.em-lab [role=status]').textContent !== ''")
        return self

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def press(self, *names):
        for name in names:
            self.button(name).click()
        return self

    @property
    def title(self):
        return self.root.locator(".message .title").inner_text()

    @property
    def message(self):
        return self.root.locator(".message").inner_text()

    @property
    def said(self):
        return self.root.locator("[role=status]").inner_text()

    @property
    def log_likelihood(self):
        return float(self.root.locator(".charts .key").last.inner_text().split(": ")[1].split()[0].replace("−", "-"))

    def opened(self, summary):
        details = self.root.locator("details", has=self.page.locator("summary", has_text=summary))
        details.evaluate("""details => details.open || new Promise(done => {
            details.addEventListener('toggle', done, {once: true});
            details.querySelector('summary').click();
        }).then(() => true)""")
        return details

    @property
    def link(self):
        return self.opened("Share this state").get_by_label("Link to this state").input_value()

    @property
    def state(self):
        """The parts of the link: {"d": "faithful", "k": "2", ...}."""
        return dict(part.split("=") for part in self.link.partition("#")[2].split(";"))

    def play_to(self, condition):
        """Play, and let the page's clock run until the lab pauses by itself."""
        for _ in range(4):
            self.press("Play")
            self.page.clock.run_for(120_000)
            if condition(self):
                return self
        raise AssertionError(self.message)

    def place(self, selector):
        """The middle of a part of the picture, in the window."""
        box = self.root.locator(selector).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, start, *stops):
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        for stop in stops:
            mouse.move(*stop)
        mouse.up()

    def points_per_pixel(self):
        """Where a point of the data is in the window: two axis numbers of each axis tell."""
        return self.page.evaluate("""() => {
            const number = text => Number(text.textContent.replace('−', '-'));
            const texts = [...document.querySelectorAll('.em-lab .axes text:not(.name)')];
            const box = document.querySelector('.em-lab .plot').getBoundingClientRect();
            const fit = (texts, axis) => {
                const [a, b] = [texts[0], texts[texts.length - 1]].map(text => [number(text), Number(text.getAttribute(axis)) - (axis === 'y' ? 4 : 0)]);
                const slope = (b[1] - a[1]) / (b[0] - a[0]);
                return [slope, a[1] - slope * a[0] + (axis === 'x' ? box.x : box.y)];
            };
            return [fit(texts.filter(t => t.getAttribute('text-anchor') === 'middle'), 'x'),
                    fit(texts.filter(t => t.getAttribute('text-anchor') === 'end'), 'y')];
        }""")

    def at(self, point):
        return tuple(slope * value + offset for (slope, offset), value in zip(self.points_per_pixel(), point))


@pytest.fixture(scope="module")
def lab(chromium, addresses):
    """One window for all tests. At the end it must have asked no other host and logged no fault."""
    visit = Visit(chromium, **ABOUT)
    visit.page.clock.install()
    visit.open(f"{addresses['http']}/{PAGE}")
    yield Lab(visit)
    foreign = [url for url in visit.requests if not url.startswith((addresses["http"], "data:", "blob:"))]
    visit.context.close()
    assert (foreign, visit.complaints) == ([], [])


def calculate(lab, expression, *arguments):
    """Evaluate an expression in the lab's arithmetic, em.js; its arguments are called a, b, c."""
    run = """([source, expression, given]) => JSON.stringify(
        new Function('a', 'b', 'c', source + '; return ' + expression)(...JSON.parse(given)))"""
    return json.loads(lab.page.evaluate(run, [EM_JS, expression, json.dumps(arguments)]))


def as_js(mixture):
    matrices = [[S[0, 0], S[0, 1], S[1, 1]] for S in mixture.matrices]
    return {"family": mixture.covariance_type, "weights": mixture.weights.tolist(), "means": mixture.means.tolist(), "covariances": np.array(matrices).tolist()}


def assert_same(found, mixture):
    """Parameters agree to nine digits, in units of each covariance's own size."""
    expected = as_js(mixture)
    np.testing.assert_allclose(found["weights"], expected["weights"], rtol=1e-9)
    for name in ("means", "covariances"):
        ours, theirs = np.array(found[name]), np.array(expected[name])
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max())


TEN_STEPS = """(() => {
    let mixture = b;
    const steps = [];
    for (let round = 0; ; round++) {
        const { resp, logLikelihood } = eStep(a, mixture);
        steps.push({ mixture, logLikelihood, resp: round === 10 ? Array.from(resp) : null });
        if (round === 10) return steps;
        mixture = mStep(a, resp, mixture.weights.length, mixture.family, c);
        Object.assign(steps[steps.length - 1], boundAndKL(a, resp, mixture));
    }
})()"""


@pytest.mark.parametrize("family", FAMILIES)
def test_ten_steps_are_those_of_the_package(lab, family):
    for X, K, ridge in [(FAITHFUL, 2, 0.0), (FAITHFUL, 3, 1e-3), (data.make_wide_and_compact().X, 3, 0.0), (data.make_cigars().X, 2, 0.0),
                        (data.make_ring().X, 6, 1e-6), (1000 + FAITHFUL, 2, 0.0)]:
        start = start_from_points(X, K, rng=0, covariance_type=family, reg_covar=ridge)
        found = calculate(lab, TEN_STEPS, X.tolist(), as_js(start), ridge)
        steps = list(islice(em_steps(X, start, reg_covar=ridge), 11))
        for ours, theirs in zip(found, steps):
            assert_same(ours["mixture"], theirs.mixture)
            assert ours["logLikelihood"] == pytest.approx(theirs.log_likelihood, rel=1e-9, abs=1e-9 * len(X))
        np.testing.assert_allclose(np.reshape(found[-1]["resp"], (-1, K)), steps[-1].resp, atol=1e-9)
        for ours, before, after in zip(found, steps, steps[1:]):
            r, joint = before.resp, log_joint(X, after.mixture)
            with np.errstate(divide="ignore", invalid="ignore"):
                bound = np.where(r > 0, r * (joint - np.log(r)), 0).sum()
            assert ours["bound"] == pytest.approx(bound, rel=1e-9, abs=1e-9 * len(X))
            assert ours["bound"] + ours["kl"] == pytest.approx(after.log_likelihood, rel=1e-9, abs=1e-9 * len(X))
            assert ours["kl"] >= 0


def test_k_means_and_starts_are_those_of_the_package(lab):
    X = data.make_ring().X
    centers = X[[3, 50, 51, 52, 200, 201]]
    for step in islice(kmeans_steps(X, centers), 200):
        if np.array_equal(step.labels, assign_step(X, centers)) and not np.array_equal(step.centers, centers):
            break
        centers = step.centers
    assert isinstance(step, KMeansStep)
    found = calculate(lab, "runKMeans(a, b)", X.tolist(), X[[3, 50, 51, 52, 200, 201]].tolist())
    np.testing.assert_allclose(found, step.centers, rtol=1e-12)
    for family in FAMILIES:
        start = calculate(lab, "startFromLabels(a, assign(a, b), 6, c, 0)", X.tolist(), found, family)
        assert_same(start, start_from_labels(X, step.labels, 6, covariance_type=family))
    # A center without points takes the farthest point, as update_step does.
    lonely = calculate(lab, "update(a, assign(a, b), b)", [[0, 0], [4, 0], [6, 0]], [[1, 0], [6, 0], [99, 0]])
    assert lonely == [[0, 0], [5, 0], [4, 0]]


@pytest.mark.parametrize("resp, K", [([[1, 0], [1, 0], [0, 1]], 2), ([[1, 0], [1, 0], [1, 0]], 2), ([[0, 1], [0, 1], [1, 0]], 2)])
def test_a_collapse_is_seen_in_the_same_component(lab, resp, K):
    X = [[0.0, 0.0], [1.0, 3.0], [5.0, 1.0]]
    with pytest.raises(SingularCovarianceError) as caught:
        m_step(X, np.array(resp, float))
    js = "(() => { try { return mStep(a, b, c, 'full', 0) } catch (error) { return [error.component, error.empty] } })()"
    assert calculate(lab, js, X, np.ravel(resp).tolist(), K) == [caught.value.component, "no point" in str(caught.value)]


def test_borders_lie_where_two_components_are_level(lab):
    X = data.make_wide_and_compact().X
    mixture = list(islice(em_steps(X, start_from_points(X, 3, rng=0)), 20))[-1].mixture
    lines = calculate(lab, "borderLines(mixtureScores(b), 3, c)", X.tolist(), as_js(mixture), [-6, -6, 7, 6])
    first, second = np.sort(log_joint(np.vstack(lines), mixture), axis=1)[:, :0:-1].T
    assert len(first) > 50 and np.median(first - second) < 0.01 and (first - second).max() < 0.3
    # Between two centers: a straight line halfway, in one piece.
    (line,) = calculate(lab, "borderLines(kmeansScores(a), 2, b)", [[0, 0], [4, 0]], [-6, -6, 7, 6])
    np.testing.assert_allclose(np.array(line)[:, 0], 2, atol=1e-9)


def test_the_two_steps_by_mouse(lab):
    lab.load("#lab=1;d=faithful;k=2;f=full;s=kmeans;r=1")
    assert lab.title == "Start" and "grey" in lab.message
    lab.button("M-step").press("Enter")
    assert lab.title == "Start" and lab.said.startswith("First the E-step")
    lab.press("E-step")
    assert lab.title == "Round 1, E-step" and "touches the log-likelihood" in lab.said
    before = lab.log_likelihood
    lab.press("M-step")
    assert lab.title == "Round 1, M-step" and lab.log_likelihood > before and "rose by" in lab.said
    labels = next(step.labels for step in islice(kmeans_steps(FAITHFUL, [[2, 54], [4, 80]]), 30, 31))
    run = list(islice(em_steps(FAITHFUL, start_from_labels(FAITHFUL, labels, 2)), 4))
    assert lab.log_likelihood == pytest.approx(run[1].log_likelihood, abs=0.006)
    lab.press("E-step", "M-step")
    assert lab.log_likelihood == pytest.approx(run[2].log_likelihood, abs=0.006)
    lab.press("One step back")
    assert lab.title == "Round 2, E-step" and lab.state["n"] == "3"
    lab.press("Rewind to the start")
    assert lab.title == "Start" and "n" not in lab.state and lab.log_likelihood == pytest.approx(run[0].log_likelihood, abs=0.006)


def test_controls_change_the_model(lab):
    lab.load("#lab=1;d=faithful;k=2;f=full;s=points;r=3;n=4")
    for label, value, part in [("Components K", "4", "k"), ("Covariances", "diag", "f"), ("Start", "plusplus", "s"), ("Points", "ring", "d"), ("Ridge", "0.01", "g")]:
        lab.root.get_by_label(label, exact=True).select_option(value)
        assert lab.state[part] == value and lab.title == "Start"
    assert lab.root.locator("tbody tr", has_text=".").count() == 4
    lab.press("Draw another start")
    assert lab.state["r"] == "4"
    lab.root.get_by_label("Start", exact=True).select_option("hand")
    assert lab.state["s"] == "hand" and len(lab.state["w"].split(",")) == 4


def test_points_means_and_handles_by_mouse(lab):
    lab.load("#lab=1;d=faithful;k=2;f=full;s=points;r=2;n=2")
    lab.root.scroll_into_view_if_needed()
    lab.drag(lab.place(".mean >> nth=0"), lab.at([3, 60]), lab.at([2.5, 70]))
    assert np.allclose(np.array(lab.state["m"].split(",")[:2], float), [2.5, 70], atol=[0.05, 1]) and lab.state["s"] == "hand"
    before = np.array(lab.state["c"].split(","), float)
    x, y = lab.place(".selected .handle >> nth=0")
    lab.drag((x, y), (x + 20, y - 40))
    after = np.array(lab.state["c"].split(","), float)
    assert not np.allclose(before[:3], after[:3], rtol=0.05) and np.array_equal(before[3:], after[3:])
    new = lab.place(".selected .handle >> nth=0")
    assert np.allclose(new, (x + 20, y - 40), atol=2)                     # the handle is where the hand has let it go
    middle = np.array(lab.place(".selected .mean"))
    opposite = 2 * middle - new + [0, 30]
    lab.drag(new, opposite)                                               # in one stride to the other side of the mean
    assert np.allclose(lab.place(".selected .handle >> nth=0"), opposite, atol=2)
    lab.press("Add points")
    lab.drag(lab.at([2.0, 90]), lab.at([2.3, 90]), lab.at([2.6, 90]))
    added = np.array(lab.state["a"].split(","), float).reshape(-1, 2)
    assert len(added) == 3 and np.allclose(added, [[2.0, 90], [2.3, 90], [2.6, 90]], atol=[0.03, 0.7])
    lab.press("Move")
    lab.drag(lab.at(added[0]), lab.at([1.6, 85]))
    moved = np.array(lab.state["a"].split(","), float).reshape(-1, 2)
    assert len(moved) == 3 and np.allclose(moved[-1], [1.6, 85], atol=[0.03, 0.7])
    lab.press("Erase")
    lab.drag(lab.at(moved[-1]), lab.at(moved[-1]))
    assert len(lab.state["a"].split(",")) == 4 and "x" not in lab.state
    lab.drag(lab.at(FAITHFUL[148]), lab.at(FAITHFUL[148]))
    removed = int(lab.state["x"])
    assert np.abs((FAITHFUL[removed] - FAITHFUL[148]) / [1, 15]).max() < 0.2
    lab.press("Move")
    assert "273 points" in lab.said


def test_everything_in_the_picture_by_keyboard(lab):
    lab.load("#lab=1;d=blank;k=2;f=full;s=points;r=2")
    assert lab.title == "No start yet" and "0 points for 2 components" in lab.message
    keyboard = lab.page.keyboard
    lab.button("E-step").press("Enter")
    assert lab.said.startswith("No start yet. There are 0 points")        # a step that cannot be taken says why
    lab.root.get_by_label("border of the mixture").focus()
    keyboard.press("Tab")
    assert lab.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Pen at")
    assert lab.page.evaluate("getComputedStyle(document.activeElement).opacity") == "1"
    for key in ["Enter", *["ArrowRight"] * 8, "Enter", *["ArrowUp"] * 6, "Enter", *["ArrowLeft"] * 5, "Enter", "ArrowDown", "Enter"]:
        keyboard.press(key)
    points = np.array(lab.state["a"].split(","), float).reshape(-1, 2)
    assert len(points) == 5 and points[1, 0] > points[0, 0] and points[2, 1] > points[1, 1] and points[3, 0] < points[2, 0]
    assert lab.title == "Start"
    keyboard.press("PageDown")
    assert lab.said.startswith("Point 1 at")
    keyboard.press("Shift+ArrowLeft")
    assert np.array(lab.state["a"].split(",")[-2:], float)[0] < points[0, 0]
    keyboard.press("Delete")
    assert len(lab.state["a"].split(",")) == 8

    keyboard.press("Tab")                                                 # from the pen to the first mean
    assert lab.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Mean of component A")
    assert lab.page.evaluate("getComputedStyle(document.activeElement.querySelector('circle:not(.reach)')).strokeWidth") == "4px"
    keyboard.press("ArrowRight")
    first = np.array(lab.state["m"].split(","), float)
    keyboard.press("ArrowRight")
    assert np.array(lab.state["m"].split(","), float)[0] > first[0] and "Mean moved" in lab.said
    keyboard.press("Tab")
    assert lab.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Handle 1")
    before = np.array(lab.state["c"].split(","), float)
    keyboard.press("ArrowUp")
    longer = np.array(lab.state["c"].split(","), float)
    assert longer[0] + longer[2] > before[0] + before[2]
    keyboard.press("ArrowRight")
    turned = np.array(lab.state["c"].split(","), float)
    assert turned[1] != longer[1] and np.isclose(turned[0] + turned[2], longer[0] + longer[2], rtol=1e-4)
    lab.button("E-step").focus()
    keyboard.press("Enter")
    lab.button("M-step").focus()
    keyboard.press(" ")
    assert lab.title == "Round 1, M-step"


def test_tables_have_headers_and_say_what_the_package_says(lab):
    lab.load("#lab=1;d=faithful;k=3;f=full;s=plusplus;r=3;n=9")
    rows = lab.opened("Responsibilities as a table").locator("tbody tr")
    assert rows.count() == 12
    lab.root.get_by_label("all points").check()
    assert rows.count() == 272 and lab.root.locator("thead th[scope=col]").count() == 6 + 6
    n, *_, a, b, c = rows.nth(5).inner_text().split("\t")
    run = exported(lab)
    assert n == "6"
    shown = [float(re.sub("[^0-9.]", "", text)) / 100 for text in (a, b, c)]
    np.testing.assert_allclose(shown, e_step(run["X"], run["step"].mixture)[0][5], atol=0.0011)
    lab.root.get_by_label("all points").uncheck()


def exported(lab):
    """Run the exported cell as a notebook would, and return its names."""
    code = lab.opened("Export as Python").locator("code").inner_text()
    names = {}
    exec(code, names)
    return names


EXPORTS = ["#lab=1;d=faithful;k=2;f=full;s=points;r=2;n=6", "#lab=1;d=stretched;k=3;f=tied;s=kmeans;r=5;n=9", "#lab=1;d=cigars;k=2;f=diag;s=plusplus;r=5;n=20",
           "#lab=1;d=ring;k=6;f=spherical;s=points;r=1;n=11;g=0.0001", "#lab=1;d=wide;k=2;f=full;s=points;r=1;x=3,8;a=1.5,2.5,-3,0.25;n=4",
           "#lab=1;d=blank;k=1;f=full;s=points;r=1;a=1,2,3,4,2,7;n=2", "#lab=1;d=outlier;k=3;f=full;s=plusplus;r=3;n=99"]


@pytest.mark.parametrize("fragment", EXPORTS)
def test_the_export_runs_and_asserts(lab, fragment, capsys):
    lab.load(fragment)
    run = exported(lab)
    assert float(run["step"].log_likelihood) == pytest.approx(lab.log_likelihood, abs=0.006)
    if "outlier" in fragment:
        assert "collapsed" in capsys.readouterr().out and "component C has collapsed" in lab.title
    code = lab.root.locator("details code").inner_text()
    wrong = re.sub(r"(log_likelihood, -?\d+\.\d{3})", lambda match: f"{match[1]}7", code)
    with pytest.raises(AssertionError):
        exec(wrong, {})


def test_a_link_restores_the_whole_state(lab, visit, addresses):
    lab.load("#lab=1;d=faithful;k=3;f=full;s=points;r=2;x=5,17;a=3.25,60.5;g=0.0001")
    lab.drag(lab.place(".mean >> nth=1"), lab.at([3, 60]))
    lab.root.get_by_label("border of the mixture").check()
    lab.press("E-step", "M-step", "E-step")
    link, words, number = lab.link, lab.message, lab.log_likelihood
    lab.opened("Share this state").get_by_role("button").click()
    assert lab.page.url == link and len(link.partition("#")[2]) < 250
    other = Lab(visit(link, **ABOUT))
    assert (other.link, other.message, other.log_likelihood) == (link, words, number)
    assert other.root.locator("g.borders polyline.m").count() > 0
    lab.load("#lab=1;d=outlier;k=3;f=full;s=plusplus;r=3;n=99")         # the step that failed is part of the state
    words, link = lab.message, lab.link
    assert "has collapsed" in words and lab.load(link[link.index("#"):]).message == words


BAD = ["#lab=7;d=faithful", "#lab=1;d=moon", "#lab=1;k=9", "#lab=1;k=two", "#lab=1;s=hand", "#lab=1;k=2;s=hand;w=0.5,0.5;m=1,2,3,4;c=1,2,1,1,0,1", "#lab=1;zz=3",
       "#lab=1;x=999", "#lab=1;a=1,2,3", "#lab=1;a=1,NaN", "#lab=1;n=1e99", "#lab=1;g=-1", "#lab=1;f=", "#lab=1;constructor"]


def test_a_bad_link_gets_a_message_and_the_first_example(lab):
    for fragment in BAD:
        lab.load(fragment)
        assert lab.title == "This link cannot be read", fragment
        assert "shows its first example instead" in lab.message and "cannot be read" in lab.said
        assert {key: lab.state[key] for key in "dkfs"} == {"d": "faithful", "k": "2", "f": "full", "s": "points"}
    lab.press("E-step")
    assert lab.title == "Round 1, E-step"


def test_play_pauses_where_the_package_would_stop_and_goes_on(lab):
    lab.load("#lab=1;d=faithful;k=2;f=full;s=points;r=5")
    lab.press("Play")
    lab.page.clock.run_for(1000)
    lab.press("Pause")
    title = lab.title
    lab.page.clock.run_for(5000)
    assert lab.title == title != "Start"
    lab.play_to(lambda lab: "tol=1e-3" in lab.said)
    trace = [step.log_likelihood for step in islice(em_steps(FAITHFUL, exported(lab)["start"]), 4)]
    assert lab.title == "Round 3, M-step" and trace[3] - trace[2] < 1e-3 * 272 < trace[2] - trace[1]
    lab.play_to(lambda lab: "come to rest" in lab.said)
    assert lab.root.locator(".chart .plateau").count() == 1 and "Plateau from round" in lab.root.locator(".chart").last.get_attribute("aria-label")


def test_experiments_end_as_the_page_says(lab):
    """Each number with a minus sign in an answer is the start, the first pause or the end of one of its runs."""
    answers = lab.page.locator("details.solution")
    links = lab.page.locator("a[href^='#lab=']")
    assert answers.count() == 6 and links.count() == 7
    heard = []
    for link in links.all():
        link.click()
        heard.append({"start": lab.log_likelihood})
        lab.play_to(lambda lab: re.search("tol=1e-3|come to rest|collapsed", lab.said))
        heard[-1]["pause"] = lab.log_likelihood
        if "tol=1e-3" in lab.said:
            lab.play_to(lambda lab: re.search("come to rest|collapsed", lab.said))
        heard[-1] |= {"end": lab.log_likelihood, "words": lab.said}
    runs = [heard[0:1], heard[1:2], heard[2:4], heard[4:5], heard[5:6], heard[6:7]]
    lab.load("#lab=1;d=outlier;k=3;f=full;s=plusplus;r=3;g=0.0001")
    runs[4].append({"end": lab.play_to(lambda lab: "come to rest" in lab.said).log_likelihood})
    for answer, mine in zip(answers.all(), runs):
        said = [float(number.replace("−", "-")) for number in re.findall(r"−\d{4}\.\d", answer.text_content())]
        known = [run[key] for run in [*mine, *runs[0]] for key in ("start", "pause", "end") if key in run]
        assert said and all(min(abs(number - value) for value in known) <= 0.051 for number in said), (said, known)
    assert "component C has collapsed" in runs[3][0]["words"] and "a single point, at 8, 30" in runs[3][0]["words"]
    assert "Only the ridge holds C open" in runs[4][0]["words"]
    assert np.isclose(runs[4][0]["end"] - runs[4][1]["end"], np.log(100), atol=0.02)


@pytest.mark.parametrize("theme", ["light", "dark", "phone"])
def test_the_drawn_lab_is_accessible_and_fits(lab, theme):
    page = lab.page
    lab.load("#lab=1;d=outlier;k=4;f=full;s=plusplus;r=4;n=7;b=km;g=0.000001")
    colours = page.evaluate("document.querySelector('.em-lab canvas').toDataURL()")
    page.evaluate("theme => document.documentElement.dataset.theme = theme", "dark" if theme == "dark" else "light")
    try:
        if theme == "phone":
            page.set_viewport_size({"width": 390, "height": 844})
        # The theme gives a tab stop to every <pre> that scrolls, and takes it from the others, some moments after a resize.
        page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = false))")
        page.evaluate("dispatchEvent(new Event('resize'))")
        page.clock.run_for(1000)
        page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
        page.wait_for_function("document.querySelector('.em-lab .table td')")
        if theme == "dark":
            page.wait_for_function("before => document.querySelector('.em-lab canvas').toDataURL() !== before", arg=colours)
        assert not violations(page, AXE_RULES["light"], within=".em-lab")
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        assert not page.evaluate(CUT_OFF)
    finally:
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        page.set_viewport_size(ABOUT["viewport"])


def test_motion_is_left_out_where_the_reader_wants_none(lab):
    lab.load()
    for wish, duration in [("no-preference", "0.25s"), ("reduce", "0s")]:
        lab.page.emulate_media(reduced_motion=wish)
        lab.page.wait_for_function("""duration => !document.querySelector('.em-lab .dragging')
            && getComputedStyle(document.querySelector('.em-lab .mean')).transitionDuration === duration""", arg=duration)


def test_the_lab_works_from_disk_and_by_touch(visit, addresses):
    seen = visit(f"{addresses['file']}/{PAGE}#lab=1;d=wide;k=2;f=full;s=kmeans;r=1;n=2", viewport={"width": 390, "height": 844}, has_touch=True)
    lab = Lab(seen)
    assert lab.title == "Round 1, M-step"
    lab.button("E-step").tap()
    assert lab.title == "Round 2, E-step"
    lab.button("Add points").tap()
    seen.page.touchscreen.tap(*lab.at([0, 4]))
    assert np.allclose(np.array(lab.state["a"].split(","), float), [0, 4], atol=0.1)
    assert not [url for url in seen.requests if not url.startswith((addresses["file"], "data:", "blob:"))]
    assert not seen.complaints


NOTEBOOK = """async ([source, traits]) => {
    const module = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
    const listeners = {};
    window.traits = traits;
    const model = {
        get: name => traits[name], set: (name, value) => (traits[name] = value), save_changes: () => (window.saved = true),
        on: (event, act) => (listeners[event] = act), off: event => delete listeners[event],
    };
    const el = document.body.appendChild(document.createElement('div'));
    window.cleanUp = await module.default.render({model, el});
    window.follow = state => { traits.state = state; listeners['change:state'](); };
    window.theirs = el;
}"""


def test_the_same_program_is_a_widget(lab):
    X = np.array([[0.0, 1.0], [2.0, 3.0], [5.0, 1.5], [6.0, 2.5], [1.0, 1.0]])
    page = lab.page
    page.evaluate(NOTEBOOK, [em_lab.module(), {"points": X.tolist(), "state": "lab=1;d=given;k=1;s=points;n=2", "parameters": {}}])
    try:
        traits = page.evaluate("traits")
        shown = Mixture(**traits["parameters"])
        np.testing.assert_allclose(shown.means[0], X.mean(axis=0))
        np.testing.assert_allclose(shown.covariances[0], np.cov(X.T, bias=True))
        page.evaluate("theirs.querySelector('.transport .step').click()")
        assert page.evaluate("traits.state") == "lab=1;d=given;k=1;f=full;s=points;r=2;n=3" and page.evaluate("saved")
        page.evaluate("follow('lab=1;d=given;k=2;f=tied;s=kmeans;r=1;n=2')")
        assert Mixture(**page.evaluate("traits.parameters")).covariances.shape == (2, 2)
        page.evaluate("theirs.querySelectorAll('details').forEach(details => (details.open = true))")
        page.wait_for_function("theirs.querySelector('.copy input').value")
        assert page.evaluate("theirs.querySelector('.copy input').value") == f'EMLab(X, state="{page.evaluate("traits.state")}")'
        page.evaluate("cleanUp()")
        assert page.evaluate("theirs.children.length") == 0
    finally:
        page.evaluate("theirs.remove()")


def test_the_page_loads_the_lab_once_and_no_other_page_does():
    assert json.dumps(em_lab.presets()["faithful"]["points"], separators=(",", ":")) in (BOOK / "_static" / "em-lab.js").read_text("utf-8")
    source = (BOOK / PAGE).read_text("utf-8")
    assert source.count("em-lab.js") == 1 and "em-lab.js" not in (BOOK / "intro.html").read_text("utf-8")
