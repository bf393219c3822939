"""Draw site/assets/social-card.png, which stands in the README and wherever a page is shared. Run it from anywhere.

The picture is committed, since README and social networks need it before the book is built.
"""

from pathlib import Path

import matplotlib.pyplot as plt

from gmm_from_scratch import GaussianMixture, KMeans
from gmm_from_scratch.data import make_stretched
from gmm_from_scratch.plots import draw_borders, draw_centers, draw_ellipses, draw_points

CARD = Path(__file__).parent / "assets" / "social-card.png"
SIZE = (12, 6.3)  # inches at 100 dots each: the 1200 x 630 pixels that social networks show uncropped
INK, PAPER = "#1f2933", "#ffffff"


def draw_card(X):
    """Return the figure: the title above the same points, seen by k-means and by a mixture."""
    kmeans = KMeans(2, random_state=0).fit(X)
    # Starts from k-means end in k-means' mistake on these groups; random points as first means do not.
    mixture = GaussianMixture(2, n_init=10, init_params="random_from_data", random_state=0).fit(X)

    figure = plt.figure(figsize=SIZE, facecolor=PAPER)
    figure.text(0.05, 0.87, "Gaussian mixture models from scratch", size=35, weight="bold", color=INK)
    figure.text(0.05, 0.79, "From k-means to EM, by hand, in NumPy and on real data", size=20, color=INK)
    left = figure.add_axes((0.05, 0.12, 0.44, 0.61))
    right = figure.add_axes((0.51, 0.12, 0.44, 0.61))

    draw_points(left, X, kmeans.labels_, size=26)
    draw_centers(left, kmeans.cluster_centers_)
    draw_points(right, X, mixture.predict(X), size=26)
    draw_ellipses(right, mixture.mixture_)
    for axes, caption in ((left, "k-means cuts both groups in two"), (right, "a mixture learns their shapes")):
        axes.set(xticks=[], yticks=[], xlim=(-7, 7), ylim=(-5.2, 5.2))
        axes.set_xlabel(caption, size=20, color=INK, labelpad=10)
        axes.spines[:].set_visible(False)
        axes.set_facecolor("#f4f6f8")
    draw_borders(left, kmeans.predict)
    return figure


if __name__ == "__main__":
    draw_card(make_stretched(400).X).savefig(CARD, dpi=100)
    print(f"Drew {CARD}")
