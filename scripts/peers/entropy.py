"""What bit-packed splits of a forest with hard votes take, and what no coder of their fields goes below.

    python3 scripts/peers/entropy.py NAME ...

NAME is a forest of peers.py on readings that are integers from 0 to 255. Splits both of whose sides
are the same class are left out, as on the device. Entropies are those of the fields themselves, with
nothing for a coder's own tables; docs/budget.md says what follows from them.
"""

import sys
from collections import Counter, defaultdict
from math import ceil, floor, log2

from peers import MODELS, datasets, members
from scaling import Scaling, unscale
from sklearn.model_selection import train_test_split


def forest(name):
    """The trees of a model: a class, or (feature, threshold, left, right)."""
    dataset, model = MODELS[name]
    rows, labels = datasets.load(dataset)
    train, test, labels, _ = train_test_split(rows, labels.astype(int), test_size=0.25, stratify=labels, random_state=0)
    scaling = Scaling.of(train)
    model.fit(scaling.scaled(train), labels)
    unscale(model, scaling, train, test)

    def node(tree, at):
        if tree.children_left[at] < 0:
            return int(tree.value[at].argmax())
        left, right = node(tree, tree.children_left[at]), node(tree, tree.children_right[at])
        same = left == right and isinstance(left, int)
        return left if same else (int(tree.feature[at]), floor(tree.threshold[at]), left, right)

    return [node(member.tree_, 0) for member in members(model)], test


def size(tree):
    return 0 if isinstance(tree, int) else 1 + size(tree[2]) + size(tree[3])


def splits(tree, depth=0):
    """Splits of a tree, each with its depth."""
    if not isinstance(tree, int):
        yield depth, tree
        yield from splits(tree[2], depth + 1)
        yield from splits(tree[3], depth + 1)


def entropy(symbols):
    """Bits of all symbols."""
    counts = Counter(symbols)
    n = sum(counts.values())
    return -sum(count * log2(count / n) for count in counts.values())


def given(pairs):
    """Bits of all second symbols where the first are known."""
    by_first = defaultdict(list)
    for first, second in pairs:
        by_first[first].append(second)
    return sum(entropy(second) for second in by_first.values())


def decoded(trees, rows, least):
    """Splits that are decoded for each that decides, if left sides below `least` splits have to be decoded to be passed."""
    n_decoded = n_deciding = 0
    for row in rows:
        for tree in trees:
            while not isinstance(tree, int):
                feature, threshold, left, right = tree
                is_left = row[feature] <= threshold
                skipped = 0 if is_left or size(left) >= least else size(left)
                n_decoded, n_deciding = n_decoded + 1 + skipped, n_deciding + 1
                tree = left if is_left else right
    return n_decoded / n_deciding


def main():
    for name in sys.argv[1:]:
        trees, test = forest(name)
        every = [split for tree in trees for split in splits(tree)]
        n = len(every)
        leaves = lambda split: tuple(child for child in split[2:] if isinstance(child, int))
        shapes = [(depth, tuple(isinstance(child, int) for child in split[2:])) for depth, split in every]
        pairs = [leaves(split) for _, split in every if len(leaves(split)) == 2]
        singles = [leaves(split)[0] for _, split in every if len(leaves(split)) == 1]
        lefts = [size(split[2]) for _, split in every if not leaves(split)]
        features, thresholds = zip(*(split[:2] for _, split in every))
        n_arguments = len(set(pairs)) + 2 * len(set(singles)) + max(lefts)
        # Codes are the readings themselves, so all features are among them.
        numbers = [test.shape[1], max(thresholds) + 1, n_arguments]
        fixed = [ceil(log2(number)) for number in numbers]
        entropies = {
            "feature": entropy(features),
            "threshold, given the feature": given(zip(features, thresholds)),
            "which sides are leaves, given the depth": given(shapes),
            "leaves": entropy(pairs) + entropy(singles),
        }
        total = sum(entropies.values()) / n
        print(f"{name}: {n} splits; feature, threshold and argument {fixed}, {sum(fixed)} bits")
        print(f"  {sum(map(log2, numbers)):.2f} bits as digits of one number")
        for what, bits in entropies.items():
            print(f"  {bits / n:.2f} bits: {what}")
        print(f"  {total:.2f} bits in all, without where right sides stand")
        for least in (1, 4, 8, n):
            places = sum(log2(total * left) for left in lefts if left >= least) / n
            factor = decoded(trees, test, least)
            print(f"  {places:.2f} bits: places behind left sides of at least {least}; {factor:.1f} splits decoded for one")


if __name__ == "__main__":
    main()
